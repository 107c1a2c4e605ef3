"""Lesson 17: kept."""

from lessons.kit import Hint, Lesson
from lessons.kit.dialects import REMEMBERED

LESSON = Lesson(
    number=17,
    title="Kept",
    idea="The log is the truth: commit once per turn, then tell.",
    term="commit",
    minutes=(10, 30),
    hints=(
        Hint(
            "When a line counts",
            "bia has read `ana: oi`. The server dies in the next microsecond. What must have been done before?",
            "The line must be on the disk already. So write it, wait for the disk, and only then send it to anybody.",
        ),
        Hint(
            "What one wait costs",
            "Ten people speak in one turn. How often do you have to wait for the disk before you may tell all of it?",
            "Once. What is said waits in a list until the end of the turn; one transaction takes all of it.",
        ),
        Hint(
            "Where a number comes from",
            "The server starts again. The last line before was number 7. Who knows that, and what number comes next?",
            "The log knows: ask it for its head before you append. A counter in memory would begin again at 1.",
        ),
    ),
    explanation="""
        What is said is not told when it comes. It waits in a line until the end of the turn; then all of it is
        committed in one transaction, and only then told. So whoever reads a line can rely on it: reading it is the
        acknowledgement. The log gives each line a number, and with the last number that he has seen a client asks
        for what he has missed.
    """,
    dialect=REMEMBERED,
    refactoring="step1.py",
)
