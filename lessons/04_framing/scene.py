"""What the figure of lesson 4 shows: half a line of ana, a line of bia, the rest of ana's; then two lines at once."""

from lessons.kit import Connect, Send

STEPS = (
    Connect("ana"),
    Connect("bia"),
    Connect("caio"),
    Send("ana", b"oi"),
    Send("bia", b"tudo bem?\n"),
    Send("ana", b" gente\n"),
    Send("bia", b"sim\ne tu?\n"),
)
