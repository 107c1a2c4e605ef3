"""What the figure of lesson 12 shows: ana has lines in her queue when she goes, and more behind her goodbye."""

from lessons.kit import Connect, Kernel, Resume, Send, Stall

STEPS = (
    Kernel(buffer=20),
    Connect("ana"),
    Connect("bia"),
    Stall("ana"),
    Send("bia", b"um\ndois\ntres\nquatro\ncinco\n"),
    Send("ana", b"sair\n"),
    Send("ana", b"oi\n"),
    Resume("ana"),
)
