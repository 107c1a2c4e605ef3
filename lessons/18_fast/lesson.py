"""Lesson 18: how fast, how many."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=18,
    title="How fast, how many",
    idea="Count, then change: queue during the turn, send once at its end.",
    term="coalesce",
    minutes=(10, 30),
    hints=(
        Hint(
            "What is paid",
            "20 members hear 10 lines. The kernel is called 200 times. What decides that number: bytes, or calls?",
            "Calls. Ten lines in one send() are one call, so queue all of a turn, and send when nothing more comes.",
        ),
        Hint(
            "Who is dirty",
            "At the end of a turn, whose queue do you have to look at? What if you look at all 10,000?",
            "Only those who were told something, or whose kernel takes bytes again. Remember them, each once.",
        ),
        Hint(
            "One text in twenty queues",
            "All queues hold the same bytes object. The kernel takes 3 bytes of it for ana. What may you change?",
            "Not the bytes: the others need them whole. Put what is left in front of ana's queue, as a new object.",
        ),
    ),
    explanation="""
        The kernel is paid for each call, not for each byte. So the turn only queues: each line is encoded once, and
        all queues share the same immutable bytes. Whoever was told something is dirty; the flush, the last step of
        the turn, makes one send() for each dirty connection, and only then judges who reads too slowly. The order of
        the turn is complete: select, what is ready, timers, commit, flush.
    """,
    refactoring="step1.py",
)
