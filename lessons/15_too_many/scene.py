"""What the figure of lesson 15 shows: room for two; caio is the third, and waits until bia goes."""

from lessons.kit import Close, Connect, Kernel, Pass, Send

STEPS = (
    Kernel(fds=8),  # three standard ones, the listener, a socketpair, and two callers
    Connect("ana"),
    Connect("bia"),
    Connect("caio"),
    Send("ana", b"oi\n"),
    Pass(1),
    Close("bia"),
    Pass(1),
)
