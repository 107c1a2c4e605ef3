"""Lesson 15: too many."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=15,
    title="Too many",
    idea="Exhaustion is a state, and it passes: look away for a while, then try again.",
    term="budget",
    minutes=(8, 30),
    hints=(
        Hint(
            "What select() goes on saying",
            "accept() has failed because no descriptor is free. The caller still waits in the kernel. What does the "
            "next select() report, and how long does it wait?",
            "It reports the listener, at once, and so does the one after it. To catch the error is not enough: the "
            "loop must not ask about the listener for a while. unregister() it.",
        ),
        Hint(
            "Who brings it back",
            "Nobody will tell you that a descriptor is free again. How does the listener get back into the selector, "
            "without anybody waiting for it?",
            "By a timer: call_later(self.pause, self.accept_again). If accept() fails again, double the pause, up to "
            "one second; when it succeeds, the pause is the shortest again.",
        ),
        Hint(
            "When two states meet",
            "The listener rests, and Ctrl-C comes. Which two lines now touch a listener that is not there?",
            "stop() unregisters it, although it is not registered: ask is_resting first. And the timer still rings "
            "and would register a closed socket: ask is_stopping first.",
        ),
    ),
    explanation="""
        A limit is reached sooner or later, and then it passes. So it is a state of the server, not the end of it: the
        listener rests, and a timer brings it back, each time later, up to a second. Whoever waits at the door keeps
        his place in the kernel's queue, and whoever is inside notices nothing. The same for a crowd below the limit:
        a budget bounds what one turn may do for newcomers, and the rest comes in the next turn.
    """,
)
