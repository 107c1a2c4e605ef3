"""Lesson 5: bytes are not text."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=5,
    title="Bytes are not text",
    idea="What comes in is hostile until it is bounded, decoded and printable.",
    term="untrusted input",
    minutes=(9, 30),
    hints=(
        Hint(
            "When the length is known",
            "ana sends a line of 4 MB. After how many bytes can you know that it is too long, and in which method?",
            "After 16,385, in next_frame(): the newline has not come, and the buffer already holds more than a frame "
            "may. With a length in front you know it after four bytes, before anything else has come.",
        ),
        Hint(
            "When to decode",
            "é is two bytes, and recv() may return the first one alone. When is it certain that both are there?",
            "When the frame is complete: UTF-8 never uses the byte of a newline inside another character. Some frames "
            'are still no UTF-8, and no sender may crash you: decode("utf-8", "replace") never raises.',
        ),
        Hint(
            "What a terminal obeys",
            "Most of Unicode is letters, and you want them all. How do you find the characters that are not shown?",
            "char.isprintable() is true of letters, signs and the space, and false of ESC, newline and all others that "
            'steer. Keep the tab; put "\\ufffd" in the place of every other one.',
        ),
    ),
    explanation="""
        The order matters. First the bound, on bytes, while the frame is still on its way: whoever counts afterwards has
        already kept everything. Then decoding, by the frame and never by the piece, with "replace" in place of an
        exception. Then the characters: a terminal obeys control characters, so none of them is passed on. Behind
        to_text() there are only strings, and no other line of the server has to think about it. A stream that breaks
        the rules ends one connection: StreamError is caught where that peer is served.
    """,
    green=(3,),
)
