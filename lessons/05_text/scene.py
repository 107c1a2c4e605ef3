"""What the figure of lesson 5 shows: a line that steers, an é in two pieces, half of one, and too great a length."""

from lessons.kit import Connect, Send

STEPS = (
    Connect("ana"),
    Connect("bia"),
    Send("ana", b"\x1b[2Joi\n"),
    Send("ana", b"caf\xc3"),
    Send("ana", b"\xa9\n"),
    Send("ana", b"p\xc3\n"),
    Send("ana", b"\0\0\x40\x01"),  # 16,385: one more than a frame may have
)
