"""What the figure of lesson 11 shows: the line that the mutant forgets, when the kernel takes only a part of it."""

from lessons.kit import Connect, Kernel, Send

PROGRAM = "mutants/forgets.py"
STEPS = (
    Connect("ana"),
    Connect("bia"),
    Send("ana", b"tudo bem?\n"),
    Kernel(send_most=7),
    Send("ana", b"tudo bem?\n"),
    Send("ana", b"oi\n"),
)
