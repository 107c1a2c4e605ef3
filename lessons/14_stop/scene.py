"""What the figure of lesson 14 shows: ana stops reading, bia says a long line, Ctrl-C; and ana reads again."""

from lessons.kit import Connect, Kernel, Pass, Press, Resume, Send, Stall

STEPS = (
    Connect("bia"),
    Kernel(buffer=40),  # the kernel takes little for ana, who comes now
    Connect("ana"),
    Stall("ana"),
    Send("bia", b"ha" * 50 + b"\n"),
    Press("SIGINT"),
    Resume("ana"),
    Pass(5),
)
