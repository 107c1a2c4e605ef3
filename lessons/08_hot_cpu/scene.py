"""What the figures of lesson 8 show: nobody speaks; then ana does not read, and something waits for her."""

from lessons.kit import Connect, Kernel, Resume, Send, Stall

STEPS = (Connect("bia"), Kernel(buffer=4), Connect("ana"), Stall("ana"), Send("bia", b"tudo bem?\n"), Resume("ana"))
