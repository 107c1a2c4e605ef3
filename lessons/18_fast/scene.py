"""What the figure of lesson 18 shows: two lines in one turn, and two speakers in one turn."""

from lessons.kit import Connect, Send, Together

STEPS = (
    Connect("ana"),
    Connect("bia"),
    Connect("caio"),
    Send("ana", b"oi\ntudo bem?\n"),
    Together(Send("bia", b"oi\n"), Send("caio", b"sim\n")),
)
