"""Lesson 2: the second caller."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=2,
    title="The second caller",
    idea="Ask the selector who is ready, and wait nowhere else.",
    term="readiness",
    minutes=(8, 20),
    hints=(
        Hint(
            "Where it waits",
            "ana is connected and silent; bia connects. In which line does the program of lesson 1 stand?",
            "In recv(), for ana. bia's connection waits in the kernel until somebody calls accept().",
        ),
        Hint(
            "One place to wait",
            "Which sockets would you have to wait for, so that nobody is missed?",
            "The listener and every connection. A selector takes them all, and select() returns those that are ready.",
        ),
        Hint(
            "What ready means",
            "select() says that a connection is ready to read. What may recv() return, and what do you do then?",
            'Bytes: send them back. Or b"", which is the end: unregister it and close it, or it is reported for ever.',
        ),
    ),
    explanation="""
        A blocking call waits for one; a selector waits for all. select() returns the sockets that are ready: for the
        listener that means accept() will not wait, for a connection that recv() will not. The loop around it is the
        event loop, and one round is a turn.
    """,
    applies_until=2,
)
