"""What the figure of lesson 2 shows: ana is connected and silent, bia comes and speaks; then ana speaks again."""

from lessons.kit import Connect, Send

STEPS = (Connect("ana"), Send("ana", b"oi\n"), Connect("bia"), Send("bia", b"ola\n"), Send("ana", b"e agora?\n"))
