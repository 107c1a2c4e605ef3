"""What lesson 3 promises: all but the speaker hear what was said, once; and who has left is forgotten."""

from lessons.kit import (
    LEFT_OPEN,
    NOT_WATCHED,
    RECV_ON_THE_LISTENER,
    STILL_REGISTERED,
    THE_LISTENER_TWICE,
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    HalfClose,
    Pass,
    Run,
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
NOT_SAIR = b"sair? nao\n"
A_WHILE = Pass(1)  # in which nothing happens, and the program waits in select()


class Members(Visitors):
    """And nothing is sent to whom the program has closed: an `except` may hide that."""

    def misheard(self, run: Run) -> Complaint | None:
        """The last call that failed was to somebody who is no longer there."""
        return super().misheard(run) or self.kept(run)

    def kept(self, run: Run) -> Complaint | None:
        """Somebody who is closed, and still in the set."""
        call = run.computer.refused
        if call is None or not call.name.startswith("send") or call.result != "EBADF":
            return None
        return Complaint("kept", run, call.who, text=f"{call.name}() was called on a socket that is closed")


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


STILL_THERE = "somebody who has left is still in the set: what closes a connection takes it out"
IS_BYTES = 'with Enter it is five bytes, so compare data.strip() with b"sair"'
CAUSES = (
    RECV_ON_THE_LISTENER,
    THE_LISTENER_TWICE,
    STILL_REGISTERED,
    *NOT_WATCHED,
    LEFT_OPEN,
    Cause(f"{{name}} has said sair, and is still connected: {IS_BYTES}, and then close", of("there")),
    Cause(f"sair was taken for something said: {IS_BYTES}", heard(sair_was_heard)),
    Cause(
        "a line that only has sair in it ended the visit: compare the whole of it, with == or !=",
        lambda c: c.kind == "dropped" and c.step == Send(c.name, NOT_SAIR),
    ),
    Cause("{name} hears what {name} said: a broadcast leaves the speaker out", heard(the_speaker_hears)),
    Cause("{name} hears everything twice: each connection is in the set once", heard(twice)),
    Cause("the listener got the data, too: only accepted connections belong in the set", raised("BrokenPipeError")),
    Cause(STILL_THERE, of("kept")),
    Cause(STILL_THERE, raised("OSError")),
    Cause("somebody was taken out of the set twice: let one method do it, once", raised("ValueError", "KeyError")),
    Cause("the set changed its size while a for loop went through it: send to a copy", raised("RuntimeError")),
)
LEFT_OUT = Cause(
    "{name} was left out: a broadcast goes to every other connection in the set",
    heard(lambda c: len(c.actual) < len(c.expected)),
)
SKIPPED = Cause("somebody was skipped: the set was changed while a for loop went through it", heard(somebody_has_left))

CHECKS = (
    Check(
        "all but the speaker, once",
        schedules(texts=TEXTS, steps=("send",), start=ALL, most=6),
        Members,
        (*CAUSES, LEFT_OUT),
        examples=40,
    ),
    Check(
        "people come and go",
        schedules(texts=(*TEXTS, SAIR, NOT_SAIR), steps=("connect", "send", "close", "half-close")).map(
            lambda steps: [*steps, A_WHILE]
        ),
        Members,
        (*CAUSES, SKIPPED, LEFT_OUT),
    ),
)
