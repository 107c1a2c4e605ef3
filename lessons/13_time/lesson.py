"""Lesson 13: time."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=13,
    title="Time",
    idea="Deadlines are data: the earliest one is how long select() may wait.",
    term="deadline",
    minutes=(10, 30),
    hints=(
        Hint(
            "How long to wait",
            "The heap holds three deadlines: in 5 seconds, in 300, in 600. Nobody says a word. What do you give "
            "select() as its timeout, and what is it when the heap is empty?",
            "5 seconds: the time until the first one, and never less than 0. An empty heap means None, which is for "
            "ever. Work it out before each select(), because deadlines come and go.",
        ),
        Hint(
            "Equal deadlines",
            "Two people come in the same moment, so two deadlines are the same number. What does the heap compare "
            "next, and what may it compare?",
            "It compares the next item of the tuple. Functions cannot be compared: a TypeError. A counter between the "
            "number and the call decides, and equal deadlines keep their order.",
        ),
        Hint(
            "One timer, many lines",
            "ana speaks every second. How many timers does she need, and what does a timer do that rings while she "
            "is still talking?",
            "One. Each line only notes the time. When the timer rings, it compares: silent for ten minutes? Then "
            "goodbye. If not, it sets itself again, for what is left of the ten minutes.",
        ),
    ),
    explanation="""
        A peer that vanishes sends nothing, not even an end: only time tells. A deadline is a number in a heap, and the
        smallest one says how long select() may wait. So the loop still waits in one place, and it wakes up for what
        comes first: a socket or a deadline. What is due is taken out as one batch, and then called. The clock is
        injected and monotonic: nobody can set it, and a test can let 24 hours pass in a moment.
    """,
)
