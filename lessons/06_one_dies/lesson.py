"""Lesson 6: one dies, the rest go on."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=6,
    title="One dies, the rest go on",
    idea="An error belongs to one connection, and closing twice is closing once.",
    term="idempotent close",
    minutes=(9, 30),
    hints=(
        Hint(
            "Who raises",
            "ana's connection is reset. Which two calls of the server can raise because of that, and in whose turn?",
            "recv() in ana's own turn, and send() in the turn of whoever speaks. Catch OSError at these two calls, "
            "and close ana's connection: she is the one that is gone, not the speaker.",
        ),
        Hint(
            "Who finds out",
            "Which places of the server can call close() for ana? What happens when two of them do, in one turn?",
            "The end, `sair`, a broken stream, a failing send: and the second call finds her gone from the list. So "
            "the connection itself remembers whether it is open, and close() does nothing when it is not.",
        ),
        Hint(
            "What comes after the end",
            "ana's bytes hold `sair` and one more line. What must the loop over her frames ask before the next one? "
            "And what happens to a loop over a list out of which somebody is removed?",
            "Whether she is still open. And such a loop skips the one behind: go through a copy, list(...).",
        ),
    ),
    explanation="""
        A call on a connection raises for that connection alone: catch OSError right there, where you know whose it is,
        and let everything else crash, for it is your own mistake. Several places find out that somebody is gone, often
        in the same turn. So there is one close(), and it is idempotent: the first call does it all, later ones do
        nothing. After a close look again before you go on: at the frames that are left, at the list you walk through.
    """,
    refactoring="step1.py",
)
