"""What the figure of lesson 1 shows: one stream comes in pieces and ends; then the next caller is served."""

from lessons.kit import Connect, HalfClose, Send

STEPS = (
    Connect("ana"),
    Send("ana", b"oi\n"),
    Send("ana", b"tudo "),
    Send("ana", b"bem?\n"),
    HalfClose("ana"),
    Connect("bia"),
    Send("bia", b"ola\n"),
)
