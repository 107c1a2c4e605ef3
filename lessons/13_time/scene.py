"""What the figure of lesson 13 shows: ana vanishes, time passes, and she comes back."""

from lessons.kit import Connect, Pass, Send, Vanish

STEPS = (Connect("ana"), Connect("bia"), Vanish("ana"), Pass(400), Send("bia", b"oi\n"), Pass(400), Connect("ana"))
