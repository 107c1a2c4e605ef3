"""What the figures of lesson 10 show: ana speaks in bia's name, and then leaves without a word."""

from lessons.kit import Close, Connect, Send

STEPS = (Connect("ana"), Connect("bia"), Connect("caio"), Send("ana", b"bia: I am bia\n"), Close("ana"))
