"""Lesson 14: stop and restart."""

from lessons.kit import Hint, Lesson, TooBig

LESSON = Lesson(
    number=14,
    title="Stop and restart",
    idea="A signal is one more thing that becomes readable; then drain, with a deadline.",
    term="wakeup fd",
    minutes=(10, 30),
    hints=(
        Hint(
            "Where the signal arrives",
            "Somebody presses Ctrl-C. In which line does the server stand then, and who could end that line's wait?",
            "In select(), and it ends only when something is readable. So the signal must make something readable: one "
            "end of a socketpair, written to by the C handler that signal.set_wakeup_fd() sets up.",
        ),
        Hint(
            "When to act",
            "select() has reported the wakeup socket and the listener in one batch. What goes wrong if you close the "
            "listener at the wakeup socket's turn?",
            "The listener's turn in the same batch is still to come, and it would find a closed socket. Read the byte, "
            "then let stop() run when the batch is done: call_later(0, self.stop).",
        ),
        Hint(
            "When it is over",
            "finish() does all you need for one connection. What must be true before run() may return, and what makes "
            "sure that it becomes true?",
            "We are stopping, and there is no connection left. Each one is closed when its peer closes, or at the "
            "latest by the timer that finish() has set.",
        ),
    ),
    explanation="""
        A signal may come between any two lines, and what is done there can only do harm. So the handler in C does the
        least: it writes one byte into a socket, the wakeup fd, and the loop reads it in its own time. Stopping is then
        a turn like others: accept nobody else, say goodbye to all, drain what is queued, and let a deadline bound it.
        The exit status is 0, for the server did what it was asked.
    """,
    too_big=(TooBig("hunk", 12, "stop() is one new function, and is read at once"),),
    green=(7,),
)
