"""Lesson 16: the other end."""

from lessons.kit import Hint, Lesson, TooBig

LESSON = Lesson(
    number=16,
    title="The other end",
    idea="The same loop at the keyboard, and one owner of the screen.",
    term="cbreak mode",
    minutes=(10, 30),
    program="client.py",
    applies_until=16,
    hints=(
        Hint(
            "Two ends, one loop",
            "The client of lesson 0 has one thread that waits for the keyboard and one that waits for the network. "
            "Which call waits for both, and what may you register with it?",
            "select(). Register the socket and the raw standard input; on Windows, where select() takes sockets "
            "alone, a socket into which a thread passes the keys.",
        ),
        Hint(
            "Who draws the typed line",
            "ana has typed `hel`, and your program has not read a byte. Who shows it on the screen, and how do you "
            "stop that?",
            "The terminal, which also keeps the line until Enter. In cbreak mode it does neither: each key comes to "
            "you at once, and you show it. Give the terminal back in a finally.",
        ),
        Hint(
            "Printing above the typed line",
            "The cursor stands behind `hel`, and `bia: oi` comes. Which four things do you write, in one piece?",
            "Back to the first column and erase the row: `\\r\\x1b[K`. Then the text, a newline, and `hel` again. So "
            "you must know what is typed: keep it in `line`.",
        ),
    ),
    explanation="""
        A client waits for two things, and one select() waits for both: the loop is the one you know. The screen is one
        resource with two writers, what is typed and what comes in; so it gets one owner, and everybody else asks it.
        The terminal was a third writer: in cbreak mode it hands over each key and shows none, and afterwards it is
        given back as it was. Where select() cannot wait for the keys, a thread makes a socket readable: it only waits.
    """,
    too_big=(TooBig("hunk", 14, "talk() and Screen.type() are one loop each, and are read at once"),),
    green=(6,),
    allows=("threading",),
)
