"""Lesson 4: where does a message end?"""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=4,
    title="Where does a message end?",
    idea="A stream has no messages: the program cuts them out of it.",
    term="framing",
    minutes=(10, 30),
    hints=(
        Hint(
            "What recv() gives you",
            "ana sends `oi` and Enter. How many calls of recv() may it take until you have all three bytes?",
            "Up to three: recv() returns what has arrived, not what was sent. And two lines may come in one call.",
        ),
        Hint(
            "Where the first half waits",
            "You have received `o`. Nobody may hear it yet. Where is it until the newline comes, and whose is it?",
            "In a buffer, and each connection has its own: while ana types, bia may finish a line.",
        ),
        Hint(
            "How often to cut",
            "The buffer holds `oi\\ntudo bem?\\nate`. What must have happened before you call recv() again?",
            "Both whole lines were taken out and passed on, in a while loop; `ate` stays for later.",
        ),
    ),
    explanation="""
        TCP carries bytes in order, and nothing else. Where a message ends is for the program to say: by a delimiter
        (our newline), or by a length in front. A decoder keeps the bytes of an unfinished frame, one buffer for each
        connection, and is asked for the next frame until it has none. It knows no socket: so every cut can be tested.
    """,
    green=(1,),
)
