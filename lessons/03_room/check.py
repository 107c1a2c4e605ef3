"""What lesson 3 promises: all but the speaker hear what was said, once; and who has left is forgotten."""

from lessons.kit import Cause, Check, Close, Complaint, Connect, HalfClose, Lines, Send, heard, raised
from lessons.kit.schedules import schedules

ALL = (Connect("ana"), Connect("bia"), Connect("caio"))
TEXTS = (b"oi\n", b"tudo bem?\n")


def the_speaker_hears(complaint: Complaint) -> bool:
    """Who has just spoken has read more than he should."""
    speaker = complaint.step.name if isinstance(complaint.step, Send) else ""
    return complaint.name == speaker and len(complaint.actual) > len(complaint.expected)


def twice(complaint: Complaint) -> bool:
    """Each of what should be there once is there more than once."""
    more = len(complaint.actual) > len(complaint.expected)
    return more and set(complaint.actual.split(b"\n")) == set(complaint.expected.split(b"\n"))


def somebody_has_left(complaint: Complaint) -> bool:
    """The set became smaller before this was said."""
    return any(isinstance(step, Close | HalfClose) for step in complaint.run.steps)


CAUSES = (
    Cause("{name} hears what {name} said: a broadcast leaves the speaker out", heard(the_speaker_hears)),
    Cause("{name} hears everything twice: each connection is in the set once", heard(twice)),
    Cause("the listener got the data, too: only accepted connections belong in the set", raised("BrokenPipeError")),
    Cause("somebody who has left is still in the set: what closes a connection takes it out", raised("OSError")),
    Cause("somebody was taken out of the set twice: let one method do it, once", raised("ValueError", "KeyError")),
    Cause("the set changed its size while a for loop went through it: send to a copy", raised("RuntimeError")),
)
LEFT_OUT = Cause("{name} was left out: a broadcast goes to every other connection in the set", heard())
SKIPPED = Cause("{name} was skipped: the set was changed while a for loop went through it", heard(somebody_has_left))

CHECKS = (
    Check(
        "all but the speaker, once",
        schedules(texts=TEXTS, steps=("send",), start=ALL, most=6),
        Lines,
        (*CAUSES, LEFT_OUT),
        examples=40,
    ),
    Check(
        "people come and go",
        schedules(texts=TEXTS, steps=("connect", "send", "close", "half-close")),
        Lines,
        (*CAUSES, SKIPPED, LEFT_OUT),
    ),
)
