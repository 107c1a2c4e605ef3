"""What the figure of lesson 7 shows: ana does not read until her buffers are full, and then she does."""

from lessons.kit import Connect, Kernel, Resume, Send, Stall, Together

STEPS = (
    Kernel(buffer=8),
    Together(Connect("ana"), Connect("bia"), Connect("caio"), Stall("ana")),
    Send("bia", b"oi ana\n"),
    Send("bia", b"tudo ok\n"),
    Send("bia", b"ana?\n"),
    Resume("ana"),
)
