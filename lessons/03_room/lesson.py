"""Lesson 3: a room."""

from lessons.kit import Hint, Lesson, TooBig

LESSON = Lesson(
    number=3,
    title="A room",
    idea="The server owns the set of connections; what one says goes to all the others.",
    term="broadcast",
    minutes=(9, 30),
    hints=(
        Hint(
            "Who knows everybody",
            "The program has to send ana's line to bia. Where in the program of lesson 2 does bia's socket stand?",
            "Only in the selector, which also has the listener in it. The server needs a list of its own.",
        ),
        Hint(
            "In and out",
            "Who comes must get into the list. Which calls end a connection, and what belongs beside each of them?",
            "close() alone, if there is one method for it: take him out of the list, unregister, close.",
        ),
        Hint(
            "All but one",
            "broadcast(data, sender) goes through the list. Which two sockets must never get the data?",
            "The speaker's: skip it with `is not`. And one that was closed: so it must not be in the list any more.",
        ),
    ),
    explanation="""
        Somebody must know everybody who is here: the server owns the set of connections. A connection enters the set
        when it is accepted and leaves it in the one method that closes it, so that the set, the selector and the
        sockets always agree. Sending the same bytes to all the others is a broadcast. How many copies of one message
        leave the server is its fan-out: with a hundred people here, each line costs ninety-nine sends.
    """,
    refactoring="step1.py",
    too_big=(TooBig("hunk", 12, "the body of the old loop goes at once: each of its lines stands in a method now"),),
)
