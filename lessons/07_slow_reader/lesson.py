"""Lesson 7: the slow reader."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=7,
    title="The slow reader",
    idea="Never wait for one peer: keep what it does not take, and let writing be an event.",
    term="non-blocking",
    minutes=(10, 30),
    hints=(
        Hint(
            "Where it stands",
            "ana does not read. In which line does the program of lesson 6 stand, and who can make it go on?",
            "In sendall(), for ana: it returns only when the kernel has taken every byte, and only ana can make room. "
            "setblocking(False) on her socket makes send() take what fits and return at once.",
        ),
        Hint(
            "What did not fit",
            "send() was given ten bytes and returns 4. Where are the other six, and whose are they?",
            "Still with you, and nobody else has them: in ana's outgoing buffer. Delete the four from its front. "
            "BlockingIOError says the same with the number 0: nothing fitted, nothing is wrong.",
        ),
        Hint(
            "When to try again",
            "Six bytes wait for ana, and another line for her comes. What do you send, in which order, and when?",
            "New text goes behind the six, never past them: append to the buffer, then flush the buffer. And when the "
            "selector reports EVENT_WRITE for ana there is room again: flush once more.",
        ),
    ),
    explanation="""
        A blocking call makes one slow peer everybody's problem. On a non-blocking socket every call returns at once:
        send() with the number of bytes that the kernel took, often fewer than you gave (a short send), or with
        BlockingIOError, which means: not now. What was not taken waits in the outgoing buffer of that connection, and
        only there, so that the order is kept. To flush is to try once; the selector says when to try again. Now
        select() is the only place that waits.
    """,
    may_spin=True,
    green=(5, 8),
)
