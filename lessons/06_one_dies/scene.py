"""What the figure of lesson 6 shows: caio is reset, ana says goodbye twice, bia goes on."""

from lessons.kit import Connect, Reset, Send

STEPS = (
    Connect("ana"),
    Connect("bia"),
    Connect("caio"),
    Send("ana", b"oi\n"),
    Reset("caio"),
    Send("bia", b"tudo bem?\n"),
    Send("ana", b"sair\nsair\n"),
    Send("bia", b"ana?\n"),
)
