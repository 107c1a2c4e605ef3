"""What lesson 3 promises: all but the speaker hear what was said, once; and who has left is forgotten."""

from lessons.kit import (
    LEFT_OPEN,
    NOT_WATCHED,
    RECV_ON_THE_LISTENER,
    STILL_REGISTERED,
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    HalfClose,
    Send,
    Visitors,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import schedules

ALL = (Connect("ana"), Connect("bia"), Connect("caio"))
TEXTS = (b"oi\n", b"tudo bem?\n")
SAIR = b"sair\n"


def the_speaker_hears(complaint: Complaint) -> bool:
    """Who has just spoken has read more than he should."""
    speaker = complaint.step.name if isinstance(complaint.step, Send) else ""
    return complaint.name == speaker and len(complaint.actual) > len(complaint.expected)


def twice(complaint: Complaint) -> bool:
    """Each of what should be there once is there more than once."""
    more = len(complaint.actual) > len(complaint.expected)
    return more and set(complaint.actual.split(b"\n")) == set(complaint.expected.split(b"\n"))


def sair_was_heard(complaint: Complaint) -> bool:
    """The word that should end the visit was passed on."""
    return SAIR in complaint.actual and SAIR not in complaint.expected


def somebody_has_left(complaint: Complaint) -> bool:
    """The set became smaller before this was said."""
    steps = complaint.run.steps
    return any(isinstance(step, Close | HalfClose) or (isinstance(step, Send) and step.data == SAIR) for step in steps)


NOT_BYE = "sair was taken for something said: with Enter it is five bytes, so compare what strip() leaves"
CAUSES = (
    RECV_ON_THE_LISTENER,
    STILL_REGISTERED,
    *NOT_WATCHED,
    LEFT_OPEN,
    Cause(NOT_BYE, of("there")),
    Cause(NOT_BYE, heard(sair_was_heard)),
    Cause("{name} hears what {name} said: a broadcast leaves the speaker out", heard(the_speaker_hears)),
    Cause("{name} hears everything twice: each connection is in the set once", heard(twice)),
    Cause("the listener got the data, too: only accepted connections belong in the set", raised("BrokenPipeError")),
    Cause("somebody who has left is still in the set: what closes a connection takes it out", raised("OSError")),
    Cause("somebody was taken out of the set twice: let one method do it, once", raised("ValueError", "KeyError")),
    Cause("the set changed its size while a for loop went through it: send to a copy", raised("RuntimeError")),
)
LEFT_OUT = Cause("{name} was left out: a broadcast goes to every other connection in the set", heard())
SKIPPED = Cause("somebody was skipped: the set was changed while a for loop went through it", heard(somebody_has_left))

CHECKS = (
    Check(
        "all but the speaker, once",
        schedules(texts=TEXTS, steps=("send",), start=ALL, most=6),
        Visitors,
        (*CAUSES, LEFT_OUT),
        examples=40,
    ),
    Check(
        "people come and go",
        schedules(texts=(*TEXTS, SAIR), steps=("connect", "send", "close", "half-close")),
        Visitors,
        (*CAUSES, SKIPPED, LEFT_OUT),
    ),
)
