"""Lesson 8: the hot CPU."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=8,
    title="The hot CPU",
    idea="Ask for WRITE exactly while there is something to write.",
    term="busy loop",
    minutes=(9, 20),
    hints=(
        Hint(
            "What select() was asked",
            "ana is connected and silent, and nothing waits for her. Why does select() return at once?",
            "It was asked whether ana's socket can be written to. It can: there is room in the kernel. So it says so.",
        ),
        Hint(
            "When the answer is wanted",
            "When do you want to know that ana's socket can be written to? Which variable tells you so already?",
            "Only while her queue holds bytes. So the interest follows from the queue: READ | WRITE if it holds "
            "something, else READ.",
        ),
        Hint(
            "Where the queue changes",
            "The selector keeps what you told it last. After which lines of the program may it be out of date?",
            "After each attempt to send, in flush(): call selector.modify() there, also when the kernel took nothing. "
            "But not after close(): then the selector no longer knows the socket.",
        ),
    ),
    explanation="""
        Readiness is level-triggered: select() reports what is so, not what has changed. A socket is ready to write
        while the kernel has room, so nearly always: who asks for WRITE all the time is woken all the time. Ask for it
        exactly while the queue holds bytes, and compute that from the queue: an answer that is computed cannot be out
        of date.
    """,
)
