"""What the figure of lesson 17 shows: a line is kept, then told; after kill -9 it is still there."""

from lessons.kit import Connect, Kill, Restart, Send

STEPS = (
    Connect("ana"),
    Connect("bia"),
    Send("ana", b"oi\n"),
    Kill(),
    Restart(),
    Connect("bia"),
    Send("bia", b"/after 0\n"),
    Send("bia", b"tudo bem?\n"),
)
