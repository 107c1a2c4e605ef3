"""What lesson 13 promises: who is silent for ten minutes goes, who speaks stays, and a goodbye ends after 5 seconds."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    HalfClose,
    Kernel,
    Lines,
    Pass,
    Resume,
    Run,
    Send,
    SetClock,
    Stall,
    Step,
    Together,
    Vanish,
    of,
    raised,
)
from lessons.kit.computer import Call
from lessons.kit.schedules import schedules

IDLE, LINGER = 600.0, 5.0  # seconds
SOONEST, LATEST = 0.8, 1.2  # a deadline between these parts of it is neither too soon nor too late
DAY = 86_400.0
A_MOMENT = 0.002
ANA_AND_BIA = (Connect("ana"), Connect("bia"))
FULL_QUEUE = (Kernel(buffer=16), *ANA_AND_BIA, Stall("ana"), *[Send("bia", b"tudo bem?\n")] * 4)
SAIR = Send("ana", b"sair\n")


class Deadlines(Lines):
    """Knows since when each has been silent, and since when each has been going."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.heard_at: dict[str, float] = {}
        self.goes_at: dict[str, float] = {}
        self.may_be_cut: set[str] = set()
        self.descriptors = self.turns = self.replaced = self.twice = 0
        self.woke: list[float] = []
        self.began: dict[str, float] = {}

    def step(self, step: Step, run: Run) -> None:
        """Who vanishes does not go: nobody has been told."""
        self.turns, self.woke, self.twice = run.turns, [], 0
        run.computer.on_call = lambda call: self.notice(call, run.now)
        if not run.guests:
            self.descriptors = len(run.computer.process.fds)
        if isinstance(step, Vanish):
            self.may_drop.add(step.name)
        else:
            super().step(step, run)

    def notice(self, call: Call, now: float) -> None:
        """A goodbye that begins; and select() that returns for nothing, and then again as soon as it can."""
        if call.name == "shutdown":
            self.began[call.who] = now
        if call.name == "select" and not call.result:
            self.twice += bool(self.woke) and now - self.woke[-1] < A_MOMENT
            self.woke.append(now)

    def enters(self, name: str, run: Run) -> None:
        """The first sign of life. Who was here under this name may still be lingered for."""
        self.replaced += name in self.heard_at
        self.goes_at.pop(name, None)
        self.began.pop(name, None)
        self.may_be_cut.discard(name)
        self.heard_at[name] = run.now
        super().enters(name, run)

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """One more sign of life."""
        self.heard_at[name] = run.now
        super().sends(name, data, run)

    def line(self, name: str, line: bytes, run: Run) -> None:
        """A goodbye is no line."""
        if line == b"sair":
            self.leaves(name, run)
        else:
            super().line(name, line, run)

    def leaves(self, name: str, run: Run) -> None:
        """From now on it takes five seconds at most."""
        self.goes_at[name] = run.now
        self.may_drop.add(name)

    def others(self, name: str, run: Run) -> list[str]:
        """Everybody else who stays."""
        return [other for other in super().others(name, run) if other not in self.goes_at]

    def silence(self, name: str, run: Run) -> float:
        """How long nothing has come from `name`, as a part of what is allowed."""
        return (run.now - self.heard_at[name]) / IDLE

    def goodbye(self, name: str, run: Run) -> float:
        """How long a goodbye has taken, as a part of what is allowed."""
        return (run.now - self.goes_at[name]) / LINGER

    def judge(self, run: Run) -> Complaint | None:
        """Too late, too often, too early; then what was heard."""
        trouble = self.program_trouble(run)
        if trouble is not None and trouble.kind == "polling" and self.is_due(run):
            return replace(trouble, kind="not called")
        self.may_drop |= {name for name in self.heard_at if self.silence(name, run) > SOONEST}
        self.may_be_cut |= {n for n in self.goes_at if run.stalled(n) and self.goodbye(n, run) > SOONEST}
        worst = trouble or self.overdue(run) or self.late(run) or self.held_on_to(run) or self.restless(run)
        return worst or self.cut(run) or self.taken(run) or super().judge(run)

    def is_due(self, run: Run) -> bool:
        """True when somebody's time is up, and the program has done nothing about it."""
        held = set(run.computer.who_has.values())
        now = self.woke[-1] if self.woke else 0.0  # when the program was ended; the world has gone on
        silent = (now - when >= IDLE and name in held and not run.eof(name) for name, when in self.heard_at.items())
        return any(silent) or any(now - when >= LINGER and name in held for name, when in self.goes_at.items())

    def overdue(self, run: Run) -> Complaint | None:
        """Somebody who has been silent for too long and is still there, or was not told why he had to go."""
        for name in self.heard_at:
            if name in self.goes_at or run.guests[name].leaving or self.silence(name, run) < LATEST:
                continue
            if not run.eof(name):
                if self.waits_for_a_date(run):
                    asked, seconds = run.computer.asked_at, self.timeout(run)
                    text = f"select() was called after {asked:.0f} s, and was to wait for {seconds:.0f} s"
                    return Complaint("too long", run, name, text=text)
                text = f"{name} has been silent for {run.now - self.heard_at[name]:.0f} s, and is still connected"
                has_spoken = has_sent(name, run)
                kind = "rang once" if has_spoken else "overdue" if run.computer.timeout is None else "not yet"
                return Complaint(kind, run, name, text=text)
            last = run.raw(name).decode("utf-8", "replace").rstrip("\n").rpartition("\n")[2]
            if not last.startswith("! "):
                text = f"the last line that {name} has read is `{last}`: `! ` and the reason should follow"
                return Complaint("mute", run, name, text=text)
            if not run.raw(name).endswith(b"\n"):
                return Complaint("no line", run, name, text=f"the last line that {name} has read does not end")
        return None

    def late(self, run: Run) -> Complaint | None:
        """Somebody who was sent away after a silence that was much too long."""
        for name, when in self.began.items():
            silence = when - self.heard_at.get(name, when)
            if name not in self.goes_at and silence > IDLE * LATEST:
                text = f"{name} was sent away after {silence:.0f} s of silence; {IDLE:.0f} s are allowed"
                return Complaint("late", run, name, text=text)
        return None

    def timeout(self, run: Run) -> float:
        """How long the select() in which the program waits is to last."""
        return run.computer.timeout or 0.0

    def waits_for_a_date(self, run: Run) -> bool:
        """True when select() was given a deadline as it stands, not the time that is left until then."""
        late = run.computer.asked_at > 1
        return late and any(abs(when + IDLE - self.timeout(run)) < 1 for when in self.heard_at.values())

    def held_on_to(self, run: Run) -> Complaint | None:
        """A socket that is open although its time is up."""
        late = {name for name in self.goes_at if self.goodbye(name, run) > LATEST}
        late |= {name for name in self.heard_at if self.silence(name, run) > LATEST}
        held = len(run.computer.process.fds) - self.descriptors
        most = self.replaced + len(self.heard_at) - len(late)
        text = f"connections that are left: {most}; sockets that the program holds: {held}"
        return Complaint("held", run, text=text) if run.guests and held > most else None

    def restless(self, run: Run) -> Complaint | None:
        """Many turns while nothing happens."""
        turns = run.turns - self.turns
        text = f"select() has returned {turns} times in {run.steps[-1]}" if run.steps else ""
        is_quiet = bool(run.steps) and isinstance(run.steps[-1], Pass)
        if is_quiet and turns > 5 + 3 * len(run.guests) and self.twice > turns / 3:
            return Complaint("twice", run, text=text)
        return Complaint("restless", run, text=text) if is_quiet and turns > 5 + 3 * len(run.guests) else None

    def cut(self, run: Run) -> Complaint | None:
        """Somebody who goes, reads on in time, and has not read everything."""
        for name in self.goes_at:
            expected, actual = bytes(self.hears[name]), run.heard(name)
            is_reading = not run.guests[name].leaving and not run.stalled(name)
            if is_reading and name not in self.may_be_cut and actual != expected:
                return Complaint("cut", run, name, expected, actual)
        return None

    def taken(self, run: Run) -> Complaint | None:
        """Somebody comes, and finds his own name taken."""
        name = getattr(run.steps[-1], "name", "") if run.steps and isinstance(run.steps[-1], Connect) else ""
        told = run.raw(name) if name else b""
        welcome = f"* you are {name}".encode()
        if not told.startswith(b"! "):
            return None
        return Complaint("taken" if b" is taken" in told else "dropped", run, name, welcome, told[: len(welcome)])


def is_not_a_crash(complaint: Complaint) -> bool:
    """A deadline came too early or too late."""
    return complaint.kind != "crash"


def error(name: str, part: str) -> Callable[[Complaint], bool]:
    """Crashes with this exception, when its text has this part."""
    return lambda complaint: raised(name)(complaint) and part in complaint.text


def called_at_once(complaint: Complaint) -> bool:
    """What a call returned is called; or it called itself until there was no room."""
    return error("TypeError", "'NoneType' object is not callable")(complaint) or raised("RecursionError")(complaint)


def has_sent(name: str, run: Run) -> bool:
    """True when `name` has sent something besides the greeting."""
    return any(isinstance(step, Send) and step.name == name for step in run.steps)


def said_nothing(complaint: Complaint) -> bool:
    """Somebody was dropped who has not sent anything."""
    return complaint.kind == "dropped" and not has_sent(complaint.name, complaint.run)


CAUSES = (
    Cause(
        "two deadlines are equal, and the heap compares what stands behind them: a counter",
        error("TypeError", "'<' not supported"),
    ),
    Cause(
        "it was called at once, not at its deadline: call_later() takes a function, so write lambda:", called_at_once
    ),
    Cause(
        "the clock was read once, and handed over as a number: hand over the function, time.monotonic without ()",
        error("TypeError", "'float' object is not callable"),
    ),
    Cause(
        "a deadline is due, and nobody calls what is: take_due() comes after the loop over select(), in every turn",
        of("not called"),
    ),
    Cause(
        "select() returns at once, again and again: its timeout is the time to the first deadline, by one clock; "
        "None without one",
        of("polling"),
    ),
    Cause(
        "select() waits too long: its timeout is how long it is until the deadline, and not the deadline",
        of("too long"),
    ),
    Cause(
        "select() wakes up for a deadline, and calls nothing: what is due now is due, too (<=); round no timeout",
        of("twice"),
    ),
    Cause("the last words are a line, and its newline is missing: whoever waits for the line waits on", of("no line")),
    Cause(
        "nobody has set a deadline for the silence of {name}: one timer for each peer, from the start", of("overdue")
    ),
    Cause("a timer was set for {name}, and it was put off: only what {name} sends is a sign of life", of("not yet")),
    Cause("{name} spoke once, and the timer never rings again: compare, and set it anew", of("rang once")),
    Cause("the timer of {name} was set for ten minutes anew: set it for what is left of them", of("late")),
    Cause("{name} had to go and was not told why: a deadline ends in a goodbye, too", of("mute")),
    Cause("a goodbye does not end: set a deadline when it begins, and let select() wait no longer", of("held")),
    Cause(
        "nothing happens, and select() returns again and again: wait for the first deadline, one for each peer",
        of("restless"),
    ),
    Cause("the deadline of {name}'s goodbye came too early: it has five seconds", of("cut")),
    Cause("who has vanished keeps the name: after too long a silence the peer leaves the chat", of("taken")),
    Cause("{name} was sent away too soon: ten minutes of silence are allowed, from when somebody comes", said_nothing),
    Cause("{name} has spoken, and was dropped: when the timer rings, compare, and set it anew", of("dropped")),
)
CLOCK = Cause("somebody set the clock, and your deadlines moved: count with time.monotonic()", is_not_a_crash)

CHECKS = (
    Check(
        "a goodbye ends after 5 seconds, not before",
        st.sampled_from(
            (
                [*ANA_AND_BIA, SAIR, Pass(8)],
                [*FULL_QUEUE, SAIR, Pass(8)],
                [*FULL_QUEUE, HalfClose("ana"), Pass(8)],
                [*FULL_QUEUE, SAIR, Pass(3), Resume("ana")],
            )
        ),
        Deadlines,
        CAUSES,
        examples=10,  # all four
    ),
    Check(
        "who is silent for ten minutes goes",
        [*ANA_AND_BIA, Pass(400), Send("bia", b"oi\n"), Pass(400), Pass(400)],
        Deadlines,
        CAUSES,
    ),
    Check("two who came in the same moment", [Together(*ANA_AND_BIA), Pass(1000)], Deadlines, CAUSES),
    Check(
        "who speaks stays",
        schedules(steps=("connect", "send", "pass"), seconds=(50.0, 400.0, 900.0), start=ANA_AND_BIA),
        Deadlines,
        CAUSES,
        examples=40,
    ),
    Check(
        "many lines, one deadline", [*ANA_AND_BIA, *[Pass(10), Send("ana", b"oi\n")] * 20, Pass(590)], Deadlines, CAUSES
    ),
    Check(
        "who has vanished is forgotten",
        [*ANA_AND_BIA, Vanish("ana"), Pass(400), Send("bia", b"oi\n"), Pass(400), Connect("ana")],
        Deadlines,
        CAUSES,
    ),
    Check(
        "somebody sets the clock",
        st.sampled_from(
            (
                [*ANA_AND_BIA, SetClock(3600), Pass(100), Send("bia", b"oi\n")],
                [*ANA_AND_BIA, Pass(300), SetClock(-3600), Pass(100), Send("bia", b"oi\n"), Pass(400)],
            )
        ),
        Deadlines,
        (CLOCK,),
        examples=10,  # both
    ),
    Check(
        "two days",
        [*ANA_AND_BIA, Send("ana", b"oi\n"), Pass(DAY), *ANA_AND_BIA, Send("bia", b"oi\n"), Pass(DAY)],
        Deadlines,
        CAUSES,
    ),
)
