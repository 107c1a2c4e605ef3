"""Lesson 0: autopsy."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=0,
    title="Autopsy",
    idea="Predict, then look: a list of bugs is a syllabus.",
    term="thread per client",
    minutes=(10, 25),
    hints=(
        Hint(
            "Where each thread stands",
            "ana and bia are connected, and nobody types. How many threads has the server, and where does each wait?",
            "Four: accept(), the console's readline, and two times recv(). A thread that waits can do nothing else.",
        ),
        Hint(
            "What a call may return",
            "recv(1024) returned. Which three kinds of result can it have, and which lines of serve() expect each?",
            "Bytes of any number of messages, or a piece of one; b'' when the other side has closed; or an error.",
        ),
        Hint(
            "What send() does not do",
            "The text has 16 MB, and connection.send(text) took the first 4. Who sends the rest, and who knows of it?",
            "Nobody. send() gives the kernel what fits, and returns how much that was. The program does not look.",
        ),
    ),
    explanation="""
        The program gives each client a thread, and each thread waits for its client alone. That is easy to write, and
        it works on the day of the demonstration. It believes that one recv() is one message, that send() sends all,
        that whoever leaves says so, and that everybody reads. None of that is promised. Eight beliefs, eight bugs:
        the scoreboard stands at 0/8.
    """,
    program="predictions.py",
    applies_until=0,
)
