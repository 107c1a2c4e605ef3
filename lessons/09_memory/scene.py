"""What the figure of lesson 9 shows: ana does not read, and what bia says has to be somewhere."""

from lessons.kit import Connect, Kernel, Send, Stall

STEPS = (
    Connect("bia"),
    Kernel(buffer=4),
    Connect("ana"),
    Stall("ana"),
    Send("bia", b"tudo bem?\n"),
    Send("bia", b"ana?\n"),
    Send("bia", b"ana, responde!\n"),
)
