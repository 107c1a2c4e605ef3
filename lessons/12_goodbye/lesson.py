"""Lesson 12: saying goodbye."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=12,
    title="Saying goodbye",
    idea="Closing is a conversation: drain, shut your side, linger, and only then close.",
    term="linger",
    minutes=(10, 30),
    hints=(
        Hint(
            "What close() throws away",
            "ana's queue holds 20 lines, and behind them the reason why she has to go. What does close() do with them? "
            "When may you shut your side?",
            "It throws them away: they are in your program, and the kernel has never seen them. So the queue drains "
            "first, and only when it is empty you shut your side with SHUT_WR.",
        ),
        Hint(
            "What she sends meanwhile",
            "Your side is shut, and ana goes on typing. What happens to her lines if you close now, and what must "
            "happen to them while you wait?",
            "If bytes are unread when you close, the kernel sends a reset, and your last words may be lost. So go on "
            'reading, obey nothing, and wait for b"": then both sides are shut, and you may close.',
        ),
        Hint(
            "An end is for ever",
            "ana has half-closed, and 20 lines for her are still in the queue. What does select() report about her "
            "until they are out?",
            "That she is readable, in every turn: an end stays readable. Remember that it has come, and ask only for "
            "WRITE from then on. The name is free at once: leave the chat when the goodbye begins.",
        ),
    ),
    explanation="""
        close() gives up everything that your program has not handed to the kernel, and with unread input it even
        sends a reset. A goodbye has four states. OPEN: we listen. DRAINING: what is queued goes out, the last words at
        the end. LINGERING: our side is shut (a half-close), and what still comes is read and discarded. CLOSED: the
        other side has shut, too. The name is free when the goodbye begins, not when it ends.
    """,
)
