"""What the figure of lesson 3 shows: three people, one speaks, one leaves, another speaks."""

from lessons.kit import Close, Connect, Send

STEPS = (
    Connect("ana"),
    Connect("bia"),
    Connect("caio"),
    Send("ana", b"oi\n"),
    Close("bia"),
    Send("caio", b"ola ana\n"),
)
