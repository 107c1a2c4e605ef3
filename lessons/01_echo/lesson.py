"""Lesson 1: echo."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=1,
    title="Echo",
    idea='A connection is two byte streams, and b"" is the end of one.',
    term="byte stream",
    minutes=(7, 20),
    hints=(
        Hint(
            "What b'' says",
            "recv() waits until something has come. ana has closed her connection. Why does recv() not wait then?",
            'There is nothing to wait for: the stream has ended. recv() says so with b"", at once and at every call.',
        ),
        Hint(
            "Bytes, not text",
            "ana sends `oi`, a space and Enter: four bytes. How many come back, and which call lost the others?",
            "Two: strip() took the space and the newline. Give sendall() the bytes that recv() returned.",
        ),
        Hint(
            "The order of the loop",
            "The loop should end at b'', and the socket should be closed then. What must stand before the loop?",
            "The first recv(). Then `while data:` sends and receives again; close() stands behind the loop.",
        ),
    ),
    explanation="""
        A connection is two byte streams, one in each direction. recv() returns bytes that have come, at most as many
        as you ask for: not text, not a line, not a message. When the other side will send no more, recv() returns
        b"": that is EOF, the end of the stream, and it stays the answer for ever. So b"" ends the loop, and close()
        ends the other stream, so that the caller sees an end, too.
    """,
    applies_until=2,
    green=(4,),
)
