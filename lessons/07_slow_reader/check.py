"""What lesson 7 promises: whoever does not read waits alone, and misses nothing."""

from collections.abc import Callable

from lessons.kit import Cause, Check, Complaint, Connect, FalseAlarm, Kernel, Lines, Run, Send, heard, of, raised
from lessons.kit.schedules import schedules

ANA_AND_BIA = (Connect("ana"), Connect("bia"))


class Punctual(Lines):
    """Lines, and nobody may wait but select()."""

    may_block = False

    def program_trouble(self, run: Run) -> Complaint | None:
        """Who sends for ever has sent too much: that says more."""
        trouble = super().program_trouble(run)
        endless = trouble is not None and trouble.kind == "loop"
        return (self.heard_more(run) if endless else None) or trouble

    def heard_more(self, run: Run) -> Complaint | None:
        """Somebody has read more than was said."""
        told = ((name, bytes(expected), run.heard(name)) for name, expected in self.hears.items())
        more = (Complaint("heard", run, *one) for one in told if len(one[2]) > len(one[1]))
        return next(more, None)

    def blocked(self, run: Run) -> Complaint | None:
        """A call that waits, and not one that is just being made to a socket with a timeout."""
        complaint = super().blocked(run)
        pipe = run.pipe_to(complaint.who) if complaint is not None and complaint.who in self.hears else None
        return complaint if pipe is None or pipe.room * 2 < pipe.held else None

    def dropped(self, run: Run) -> Complaint | None:
        """Also one who does not read, and so cannot know it yet."""
        names = (name for name in self.hears if name not in self.may_drop and run.open(name) and run.stalled(name))
        closed = (name for name in names if (pipe := run.pipe_to(name)) is not None and pipe.fin_wanted)
        return next((Complaint("dropped", run, name) for name in closed), None) or super().dropped(run)


def same_bytes(complaint: Complaint) -> bool:
    """Are they all there, in another order?"""
    return sorted(complaint.actual) == sorted(complaint.expected)


def too_many(complaint: Complaint) -> bool:
    """Has somebody read more bytes than were said?"""
    return len(complaint.actual) > len(complaint.expected)


def too_few(complaint: Complaint) -> bool:
    """Has somebody read the beginning, and not the rest?"""
    return complaint.expected.startswith(complaint.actual)


def behind_another(complaint: Complaint) -> bool:
    """The same, while another one does not read."""
    run = complaint.run
    return too_few(complaint) and any(run.open(name) and run.stalled(name) for name in run.guests)


def not_read(complaint: Complaint) -> bool:
    """Nobody has heard what was said, and the program has not read it, although select() reports it."""
    return not complaint.actual and bool(complaint.situation.unread)


def whole_lines(complaint: Complaint) -> bool:
    """The lines that were read are whole, and what comes after them is missing."""
    return too_few(complaint) and complaint.actual.endswith(b"\n")


def false_alarm(kind: str) -> Callable[[Complaint], bool]:
    """Complaints of one kind, right after select() has reported somebody of whom nothing is there."""
    return lambda complaint: complaint.kind == kind and isinstance(complaint.step, FalseAlarm)


ALARMED = (
    Cause(
        "the caller has gone, and accept() waits for the next one: make the listener non-blocking, too",
        lambda c: false_alarm("blocked")(c) and c.call == "accept",
    ),
    Cause(
        "recv() had nothing yet, and {name} was closed: catch BlockingIOError, which means not now, before OSError",
        false_alarm("dropped"),
    ),
)
CAUSES = (
    Cause(
        "{call}() to {who} waits, and everybody else with it: make each accepted socket non-blocking",
        lambda c: c.kind == "blocked" and "send" in c.call,
    ),
    Cause("the program waits in {call}(): only select() may wait", of("blocked")),
    Cause(
        "send() is tried again and again: the selector says when there is room again",
        lambda c: of("polling")(c) or raised("RecursionError")(c),
    ),
    Cause(
        "select() is asked for nothing: both kinds together are READ | WRITE",
        lambda c: raised("ValueError")(c) and "Invalid events: 0" in c.text,
    ),
    Cause("BlockingIOError ended the server: it means not now, and nothing is wrong", raised("BlockingIOError")),
    Cause("{name} only reads slowly, and was closed: BlockingIOError means not now", of("dropped")),
    Cause(
        "select() may report both kinds at once, and what is there is not read: ask for each bit by its own if",
        heard(not_read),
    ),
    Cause(
        "{name} has read what was for others: each connection needs an outgoing buffer of its own",
        heard(lambda c: not c.expected),
    ),
    Cause("a later line overtook an earlier one: everything goes through the outgoing buffer", heard(same_bytes)),
    Cause("{name} has read bytes twice: delete from the outgoing buffer what send() took", heard(too_many)),
    Cause(
        "{name} waits for somebody who does not read: each connection needs an outgoing buffer of its own",
        heard(behind_another),
    ),
    Cause(
        "a line never went to {name}: append each one to the outgoing buffer, also when something waits there",
        heard(lambda c: not c.actual or whole_lines(c)),
    ),
    Cause("the rest for {name} waits, and nobody sends it: that there is room again is an event", heard(too_few)),
    Cause("a short send: what send() did not take is lost, and {name} reads text with a hole", heard()),
)

CHECKS = (
    Check("a short send", [Kernel(send_most=3), *ANA_AND_BIA, Send("ana", b"tudo bem?\noi\n")], Punctual, CAUSES),
    Check("a full kernel", [Kernel(buffer=2), *ANA_AND_BIA, Send("ana", b"tudo bem?\noi\n")], Punctual, CAUSES),
    Check(
        "ready, and nothing is there",
        [*ANA_AND_BIA, FalseAlarm("ana"), FalseAlarm("listener"), Send("ana", b"oi\n")],
        Punctual,
        (*ALARMED, *CAUSES),
    ),
    Check(
        "one does not read, and nobody waits",
        schedules(
            texts=(b"oi\n", b"tudo bem?\n"),
            steps=("connect", "send", "send", "stall", "resume"),
            start=(Kernel(buffer=2), *ANA_AND_BIA),
        ),
        Punctual,
        CAUSES,
        examples=50,
    ),
    Check(
        "and they come and go",
        schedules(
            texts=(b"oi\n", b"ate\n"),
            steps=("connect", "send", "send", "stall", "resume", "close", "reset", "half-close"),
            start=(Kernel(buffer=2), *ANA_AND_BIA),
        ),
        Punctual,
        CAUSES,
        examples=50,
    ),
)
