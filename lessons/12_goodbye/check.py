"""What lesson 12 promises: who goes reads everything that was said to him, the last word, and then the end."""

import tracemalloc
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    Dialect,
    HalfClose,
    Kernel,
    Lines,
    Reset,
    Resume,
    Run,
    Send,
    Stall,
    Step,
    Together,
    raised,
)
from lessons.kit.schedules import schedules

SMALL = Kernel(buffer=16)  # at both ends: a greeting fills them
ALL = 40  # more than there are: Hypothesis tries each of them once
WELCOME = b"* you are ana"
NEW = "new one"
MUCH = 300_000  # bytes; more than all that a run needs besides
ANA_AND_BIA = (Connect("ana"), Connect("bia"))


class Goodbye(Lines):
    """Whoever goes hears nothing new from then on, and is not heard; what he was told before arrives."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.goes: set[str] = set()
        self.descriptors = 0
        self.may_linger = 0

    def enters(self, name: str, run: Run) -> None:
        """A new connection. One that said sair, and never shut its own side, may still be lingered for."""
        self.may_linger += name in run.guests and not is_over(run, name)
        self.goes.discard(name)
        super().enters(name, run)

    def line(self, name: str, line: bytes, run: Run) -> None:
        """Behind sair nothing counts."""
        if line == b"sair":
            self.leaves(name, run)
        elif name not in self.goes:
            super().line(name, line, run)

    def leaves(self, name: str, run: Run) -> None:
        """From now on he is going."""
        self.goes.add(name)
        self.may_drop.add(name)

    def others(self, name: str, run: Run) -> list[str]:
        """Everybody else who stays."""
        return [other for other in super().others(name, run) if other not in self.goes]

    def judge(self, run: Run) -> Complaint | None:
        """Those who go first."""
        if not run.guests:
            self.descriptors = len(run.computer.process.fds)
        return self.program_trouble(run) or self.unfinished(run) or super().judge(run) or self.leaked(run)

    def unfinished(self, run: Run) -> Complaint | None:
        """Somebody who goes, and reads, has not read all, or not the end."""
        for name in self.goes:
            if run.guests[name].leaving or run.stalled(name):
                continue
            expected, actual = bytes(self.hears[name]), run.heard(name)
            if actual != expected:
                return Complaint("cut", run, name, expected, actual)
            if not run.eof(name):
                return Complaint("hanging", run, name, text=how_it_ended(run, name))
        return None

    def leaked(self, run: Run) -> Complaint | None:
        """More sockets than connections."""
        held = len(run.computer.process.fds) - self.descriptors
        most = self.may_linger + sum(not is_over(run, name) for name in run.guests)
        text = f"connections that are left: {most}; sockets that the program holds: {held}"
        return Complaint("leaked", run, text=text) if held > most else None


class LastWord(Goodbye):
    """ana has to go, and the last line that she reads says why. Nobody hears her."""

    why = b""

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """What ana reads before is not counted."""
        if name == "ana":
            self.may_drop.add("ana")

    def judge(self, run: Run) -> Complaint | None:
        """The last line, and the end behind it."""
        return self.program_trouble(run) or self.blocked(run) or self.last_line(run) or self.dropped(run)

    def last_line(self, run: Run) -> Complaint | None:
        """When it is time for it."""
        if not self.is_time(run):
            return None
        heard = run.raw("ana")
        last = heard[heard.rfind(b"\n", 0, -1) + 1 :]
        if not last.startswith(b"! "):
            return Complaint("cut", run, "ana", self.why, last)
        if not last.endswith(b"\n"):
            return Complaint("no line", run, "ana", last + b"\n", last)
        if not run.eof("ana"):
            return Complaint("hanging", run, "ana", text=how_it_ended(run, "ana"))
        told = run.raw("bia").count(b"* ana left\n")
        return Complaint("left", run, "bia", text=f"bia was told {told} times that ana left") if told != 1 else None

    def is_time(self, run: Run) -> bool:
        """True when ana should have been told."""
        return False


class TooLong(LastWord):
    """A line that does not end, and more behind it."""

    why = b"! a line may be 16384 bytes long\n"

    def is_time(self, run: Run) -> bool:
        """When she has sent it."""
        return any(isinstance(step, Send) for step in run.steps)

    def last_line(self, run: Run) -> Complaint | None:
        """And what is behind it is not said."""
        heard = b"ana: " in run.raw("bia") if "bia" in run.guests else False
        return Complaint("obeyed", run, "bia", b"", run.heard("bia")) if heard else super().last_line(run)


class TooSlow(LastWord):
    """More lines than she takes."""

    why = b"! you read too slowly\n"

    def is_time(self, run: Run) -> bool:
        """When she reads again."""
        return any(isinstance(step, Resume) for step in run.steps)

    def dropped(self, run: Run) -> Complaint | None:
        """ana is the one who has to go."""
        self.may_drop.add("ana")
        return super().dropped(run)


class BothTooSlow(TooSlow):
    """The same, and caio does not read either: what is said while others are let go is not for him any more."""

    def last_line(self, run: Run) -> Complaint | None:
        """The last that caio reads, too."""
        if not self.is_time(run) or "caio" not in run.guests:
            return None
        last = run.raw("caio").removesuffix(b"\n").rpartition(b"\n")[2]
        if self.why not in run.raw("caio") or last == self.why[:-1]:
            return None
        return Complaint("behind", run, "caio", self.why[:-1], last)

    def dropped(self, run: Run) -> Complaint | None:
        """caio has to go as well."""
        self.may_drop.add("caio")
        return super().dropped(run)


class Broken(Goodbye):
    """ana's connection breaks while bia speaks. bia hears once that she has left."""

    def judge(self, run: Run) -> Complaint | None:
        """When it has happened."""
        trouble = super().judge(run)
        if trouble or not any(isinstance(step, Together) for step in run.steps) or "bia" not in run.guests:
            return trouble
        told = run.raw("bia").count(b"* ana left\n")
        text = f"bia was told {told} times that ana left"
        return Complaint("untold" if told == 0 else "left", run, "bia", text=text) if told != 1 else None


class Discarded(Goodbye):
    """bia says goodbye, does not read on, and sends very much. Nobody hears it, and nobody keeps it."""

    before = 0

    def step(self, step: Step, run: Run) -> None:
        """What the process holds is counted from here."""
        super().step(step, run)
        if isinstance(step, Send) and len(step.data) == MUCH:
            tracemalloc.start()
            self.before = tracemalloc.get_traced_memory()[0]

    def judge(self, run: Run) -> Complaint | None:
        """When the program has read it, it has no use for it."""
        kept = tracemalloc.get_traced_memory()[0] - self.before
        tracemalloc.stop()
        text = f"the program has read {MUCH} bytes that nobody will use, and keeps them"
        return Complaint("piled", run, text=text) if kept > MUCH / 2 else super().judge(run)


class FreeName(Goodbye):
    """While ana's last lines drain, somebody else takes her name."""

    def enters(self, name: str, run: Run) -> None:
        """The new one has no name yet."""
        super().enters(name, run)
        if name == NEW:
            self.hears[NEW].clear()

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """The name of the new one is no line."""
        if name == NEW:
            super().enters(name, run)
        else:
            super().sends(name, data, run)

    def judge(self, run: Run) -> Complaint | None:
        """The answer to the new one."""
        if run.steps[-1:] == [Send(NEW, b"ana\n")] and not run.raw(NEW).startswith(WELCOME):
            return Complaint("taken", run, NEW, WELCOME, run.raw(NEW))
        return super().judge(run)


def is_over(run: Run, name: str) -> bool:
    """True when nothing is left to wait for: the client has shut its side, and read to the end or closed."""
    guest = run.guests[name]
    return guest.leaving or guest.peer.error is not None or (guest.mute and guest.peer.eof)


def how_it_ended(run: Run, name: str) -> str:
    """For the story."""
    if run.guests[name].peer.error is not None:
        return f"{name}'s connection ended with a reset"
    return f"{name}'s connection should have ended, and is still open"


def goodbyes(*ways: Step, later: Sequence[Step] = ()) -> st.SearchStrategy[list[Step]]:
    """bia talks, ana does not read; then ana goes, one way or another; she does what is `later`, and reads on."""
    before, after = (
        st.sampled_from(counts).map(lambda count: [Send("bia", b"tudo bem?\n")] * count)
        for counts in ((0, 2, 3, 5), (0, 2))
    )
    return st.tuples(before, st.sampled_from(ways), after).map(
        lambda drawn: [SMALL, *ANA_AND_BIA, Stall("ana"), *drawn[0], drawn[1], *drawn[2], *later, Resume("ana")]
    )


def was_reset(complaint: Complaint) -> bool:
    """He could not read on."""
    return bool(complaint.name) and complaint.run.guests[complaint.name].peer.error is not None


def among(*kinds: str) -> Callable[[Complaint], bool]:
    """Complaints of one of these kinds."""
    return lambda complaint: complaint.kind in kinds


CAUSES = (
    Cause("an end is readable for ever: once it has come, ask the selector for READ no more", among("spin", "eof")),
    Cause(
        "both sides have shut, and nothing is left to wait for: a linger ends with close()",
        lambda c: c.kind == "leaked" or (c.error == "ValueError" and "Invalid events" in c.text),
    ),
    Cause(
        "a reset, and the last words are lost: shut only your own side, then linger: read and discard",
        lambda c: c.kind in ("cut", "hanging") and was_reset(c),
    ),
    Cause(
        "{name} reads why, and not at the end: the last words go behind all that is queued",
        lambda c: c.kind == "cut" and c.expected.startswith(b"! ") and c.expected in c.run.raw(c.name),
    ),
    Cause(
        "{name} goes and is not told why: queue the last words before you drain",
        lambda c: c.kind == "cut" and c.expected.startswith(b"! "),
    ),
    Cause(
        "the last words are a line, and its newline is missing: whoever waits for the line waits on", among("no line")
    ),
    Cause("what comes after a goodbye piles up in the buffer: while you linger, read and discard", among("piled")),
    Cause(
        "the last words go by send(), which finds the queue too long and says goodbye again: queue them yourself",
        raised("RecursionError"),
    ),
    Cause(
        "a goodbye that was over began again, and one connection was closed twice: the state only goes forward",
        lambda c: c.error == "ValueError" and "list.remove" in c.text,
    ),
    Cause("to drain is no loop: send what fits, and go on when the selector says that there is room", among("polling")),
    Cause(
        "is_open is no more: ask for the state, in every place that asked for it",
        lambda c: c.error == "AttributeError" and "'is_open'" in c.text,
    ),
    Cause("what is still queued for {name} is lost: drain the queue, then shut your side", among("cut")),
    Cause("{name} has read everything and waits for the end: shut your side when the queue is empty", among("hanging")),
    Cause("the name is still taken while the last lines drain: leave the chat when the goodbye begins", among("taken")),
    Cause(
        "something was said to {name} behind his last words: to whom you have said goodbye you say nothing more",
        among("behind"),
    ),
    Cause(
        "a connection that breaks comes to close() without a goodbye: it has to leave the chat there", among("untold")
    ),
    Cause("{text}: whoever goes leaves the chat once, when the goodbye begins", among("left")),
    Cause(
        "whoever is going is still obeyed: while you linger, read and discard",
        lambda c: c.kind == "obeyed" or (c.kind == "heard" and len(c.actual) > len(c.expected)),
    ),
)

CHECKS = (
    Check(
        "sair: all that was said, then the end",
        goodbyes(Send("ana", b"sair\n"), Send("ana", b"a\nsair\noi\ne tu\n")),
        Goodbye,
        CAUSES,
        examples=ALL,
    ),
    Check("no more from her: all that was said, then the end", goodbyes(HalfClose("ana")), Goodbye, CAUSES, ALL),
    Check(
        "sair, and she goes on talking: the same",
        goodbyes(Send("ana", b"sair\n"), later=[Send("ana", b"oi\ne tu\n")]),
        Goodbye,
        CAUSES,
        examples=ALL,
    ),
    Check(
        "the name is free when the goodbye begins",
        [
            SMALL,
            *ANA_AND_BIA,
            Stall("ana"),
            *[Send("bia", b"tudo bem?\n")] * 5,
            Send("ana", b"sair\n"),
            Connect(NEW, greet=False),
            Send(NEW, b"ana\n"),
            Resume("ana"),
        ],
        FreeName,
        CAUSES,
    ),
    Check(
        "a line too long: why, then the end",
        [*ANA_AND_BIA, Send("ana", b"x" * 60_000 + b"\noi\n"), Close("ana")],
        TooLong,
        CAUSES,
    ),
    Check(
        "too slow: why, then the end",
        [*ANA_AND_BIA, Stall("ana"), *[Send("bia", (b"x" * 999 + b"\n") * 60)] * 8, Resume("ana")],
        TooSlow,
        CAUSES,
    ),
    Check(
        "two are too slow: why, and nothing behind it",
        [
            *(Kernel(buffer=4096), Connect("bia"), Connect("ana"), Connect("caio"), Stall("ana"), Stall("caio")),
            *(Send("bia", (b"x" * 999 + b"\n") * 268), Send("bia", b"x\n" * 200)),  # 996 bytes below, then step by step
            *(Resume("ana"), Resume("caio")),
        ],
        BothTooSlow,
        CAUSES,
    ),
    Check(
        "one breaks while another speaks: she has left",
        [Connect("bia"), Connect("ana"), Together(Send("bia", b"oi\n"), Reset("ana"))],
        Broken,
        CAUSES,
    ),
    Check(
        "much after a goodbye: nobody keeps it",
        [*ANA_AND_BIA, Stall("bia"), Send("bia", b"sair\n"), Send("bia", b"x" * MUCH)],
        Discarded,
        CAUSES,
    ),
    Check(
        "they come and go in any way",
        schedules(
            texts=(b"oi\n", b"tudo bem?\n", b"sair\n"),
            steps=("connect", "send", "send", "stall", "resume", "half-close", "close", "reset", "pass"),
            start=(SMALL, *ANA_AND_BIA),
            seconds=(0.1,),
        ),
        Goodbye,
        CAUSES,
        examples=60,
    ),
)
