"""What lesson 15 promises: at the limit of descriptors those inside chat on; who waits gets in when there is room."""

from collections.abc import Callable

from lessons.kit import (
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Lines,
    Pass,
    Press,
    Resume,
    Run,
    Send,
    Stall,
    Step,
    Together,
    of,
    raised,
)
from lessons.kit.computer import Call
from lessons.kit.schedules import schedules

BUDGET = 64  # accepts in one turn
LIMIT = 12  # descriptors: a server without callers has six of them, three of which it opened itself
STANDARD = 3  # input, output, errors
A_LONG_TIME = 30.0  # seconds at the limit, and how often the loop may turn in it
MOST_TURNS = 100
IDLE = 600.0  # seconds of silence, as in lesson 13
A_MOMENT = 0.05  # seconds: less than the shortest pause
SOON, LATER = 0.5, 2.0  # seconds until somebody gets in: after a short pause, after the longest one


class Full(Lines):
    """Whole lines to all others who are inside. Who is outside waits, and hears nothing."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.accepts = self.most_accepts = 0
        self.turns = 0
        self.passed = 0.0
        self.refused_at: list[float] = []

    def step(self, step: Step, run: Run) -> None:
        """Look at each accept() from the first step on; note how long nothing happens."""
        run.computer.on_call = lambda call: self.count(call, run.now)
        self.turns = run.turns
        self.passed = step.seconds if isinstance(step, Pass) else 0.0
        if isinstance(step, Press):
            self.may_end = True
        super().step(step, run)

    def count(self, call: Call, now: float) -> None:
        """How many got in since select() returned; and when the limit was met."""
        if call.name == "select":
            self.accepts = 0
        elif call.name == "accept" and not isinstance(call.result, str):
            self.accepts += 1
            self.most_accepts = max(self.accepts, self.most_accepts)
        elif call.name == "accept" and call.result == "EMFILE":
            self.refused_at.append(now)

    def others(self, name: str, run: Run) -> list[str]:
        """Those who are inside."""
        return [other for other in super().others(name, run) if inside(other, run)]

    def judge(self, run: Run) -> Complaint | None:
        """As ever; and who is outside costs the others nothing, and waits no longer than needed."""
        if self.may_end:
            return self.program_trouble(run) or self.not_over(run)
        return super().judge(run) or self.restless(run) or self.greedy(run) or self.outside(run)

    def dropped(self, run: Run) -> Complaint | None:
        """It makes a difference whether he had been inside."""
        found = super().dropped(run)
        if found is None or not run.connections[found.name].sends:
            return found
        return Complaint("thrown out", run, found.name, text=f"{found.name} was inside, and the server closed it")

    def restless(self, run: Run) -> Complaint | None:
        """It turns although nothing can be done."""
        turns = run.turns - self.turns
        if self.passed < A_LONG_TIME or turns <= MOST_TURNS:
            return None
        return Complaint("restless", run, text=f"in {self.passed:g} s select() returned {turns} times for nothing")

    def greedy(self, run: Run) -> Complaint | None:
        """Too many get in at once."""
        if self.most_accepts <= BUDGET:
            return None
        return Complaint("greedy", run, text=f"{self.most_accepts} callers were accepted in one turn")

    def outside(self, run: Run) -> Complaint | None:
        """Somebody waits although there is room, and has waited long enough."""
        waiting = [name for name in self.hears if run.open(name) and not inside(name, run)]
        is_full = len(run.computer.process.fds) + STANDARD >= run.computer.fd_limit
        if not waiting or is_full or self.passed not in (SOON, LATER):
            return None
        kind = "slow" if self.passed == SOON else "outside"
        if kind == "outside" and self.refused_at[-1] - self.refused_at[0] > A_MOMENT:
            kind = "too late"  # it has tried again, and so it will
        text = f"there has been room for {self.passed:g} s, and {waiting[0]} still waits at the door"
        return Complaint(kind, run, waiting[0], text=text)

    def not_over(self, run: Run) -> Complaint | None:
        """A signal came, and a while has passed."""
        if run.alive and self.passed:
            return Complaint("runs", run, text="the signal came, and the program still runs")
        return None


class Roomy(Full):
    """There is room all the time, so nobody waits at the door."""

    def outside(self, run: Run) -> Complaint | None:
        """Somebody who has come and is not inside."""
        waiting = [name for name in self.hears if run.open(name) and not inside(name, run)]
        text = f"there is room, and {waiting[0]} waits at the door" if waiting else ""
        return Complaint("rests", run, waiting[0], text=text) if waiting else None


class Admitted(Full):
    """Whoever is inside is treated as ever: not waited for, and let go after a long silence."""

    def step(self, step: Step, run: Run) -> None:
        """Everybody is silent."""
        super().step(step, run)
        if self.passed > IDLE:
            self.may_drop.update(self.hears)

    def judge(self, run: Run) -> Complaint | None:
        """As ever; and after the silence nobody is left."""
        found = super().judge(run)
        there = [name for name in self.hears if self.passed > IDLE and run.open(name) and not run.eof(name)]
        if found or not there:
            return found
        text = f"{there[0]} has been silent for {self.passed:g} s, and is still connected"
        return Complaint("overdue", run, there[0], text=text)


def inside(name: str, run: Run) -> bool:
    """True when the program has accepted `name`."""
    return name in run.computer.who_has.values()


def crashed(why: str, stopping: bool) -> Callable[[Complaint], bool]:
    """The program stopped with an error that says so, after a signal or without one."""

    def when(complaint: Complaint) -> bool:
        told = any(isinstance(step, Press) for step in complaint.run.steps)
        return complaint.kind == "crash" and why in str(complaint.run.crash) and told == stopping

    return when


CAUSES = (
    Cause(
        "nobody waits, and the listener rests: BlockingIOError is an OSError, too, so it must be caught first",
        of("rests"),
    ),
    Cause(
        "accept() failed, and the caller before was admitted once more: after rest() there is nothing to admit, return",
        lambda c: crashed("already registered", stopping=False)(c) and "listener" not in c.text,
    ),
    Cause(
        "a resting listener is in no selector: when the timer rings, register it, and let select() report who waits",
        crashed("listener> is not registered", stopping=False),
    ),
    Cause(
        "a selector cannot be asked for nothing: unregister the listener, and register it again",
        lambda c: raised("ValueError")(c) and "Invalid events" in c.text,
    ),
    Cause("accept() is tried again at once, and in this turn no descriptor comes free: rest, and return", of("loop")),
    Cause("{text}: admit() takes over all five lines", of("overdue")),
    Cause(
        "accept() failed at the limit, and that ended the server: catch it, and let the listener rest",
        crashed("Too many open files", stopping=False),
    ),
    Cause(
        "a resting listener is not registered: stop() must ask before it unregisters",
        crashed("KeyError", stopping=True),
    ),
    Cause(
        "the timer woke a listener that had been closed: after the signal it may not come back",
        crashed("ValueError", stopping=True),
    ),
    Cause("the caller at the door is reported again and again: unregister the listener for a while", of("spin")),
    Cause("sleep() makes everybody wait for the one outside: use a timer", lambda c: c.call == "sleep"),
    Cause("{name} was thrown out: who is inside stays, who is outside waits", of("thrown out")),
    Cause("{name} was sent away from the door: let the listener rest, and do not close it", of("dropped")),
    Cause("{text}: double the pause each time, up to a second", of("restless")),
    Cause("{text}: a budget leaves the rest to the next turn", of("greedy")),
    Cause("there is room, and {name} still waits: the pause doubles up to a second, and no further", of("too late")),
    Cause("there is room, and {name} waits for ever: a timer must bring the listener back", of("outside")),
    Cause("{name} waits out a pause that others have earned: after a success it is the shortest again", of("slow")),
)

TWO = (Connect("ana"), Connect("bia"))
FEW = Kernel(fds=LIMIT)  # ana, bia and four guests


def crowd(count: int) -> Together:
    """Guests who come all at once."""
    return Together(*(Connect(f"guest{number}") for number in range(1, count + 1)))


CHECKS = (
    Check("there is room", [*TWO, Send("ana", b"oi\n"), Connect("caio"), Send("bia", b"oi\n")], Roomy, CAUSES),
    Check(
        "who is inside",
        [Kernel(buffer=16), *TWO, Stall("ana"), *[Send("bia", b"tudo bem?\n")] * 4, Resume("ana"), Pass(2 * IDLE)],
        Admitted,
        CAUSES,
    ),
    Check(
        "more than there is room for",
        [FEW, *TWO, crowd(6), Send("ana", b"oi\n"), Pass(A_LONG_TIME), Send("bia", b"oi\n")],
        Full,
        CAUSES,
    ),
    Check(
        "room again",
        [FEW, *TWO, crowd(6), Pass(10), Close("guest1"), Close("guest2"), Pass(LATER), Send("guest6", b"oi\n")],
        Full,
        CAUSES,
    ),
    Check(
        "and full again",
        [FEW, *TWO, crowd(5), Pass(10), Close("guest1"), Pass(LATER), Connect("caio"), Close("guest2"), Pass(SOON)],
        Full,
        CAUSES,
    ),
    Check(
        "room, though nobody has left",
        [FEW, *TWO, crowd(6), Pass(10), Kernel(fds=2 * LIMIT), Pass(LATER), Send("guest6", b"oi\n")],
        Full,
        CAUSES,
    ),
    Check("a crowd at the door", [*TWO, crowd(BUDGET + 10), Send("ana", b"oi\n")], Full, CAUSES),
    Check("told to stop at the limit", [FEW, *TWO, crowd(6), Press("SIGINT"), Pass(6)], Full, CAUSES),
    Check(
        "they come and go",
        schedules(
            names=[f"guest{number}" for number in range(1, 8)],
            steps=("connect", "connect", "close", "reset", "pass"),
            seconds=(LATER, 0.2),
            start=(FEW, *TWO),
        ).map(lambda steps: [*steps, Pass(LATER), Send("ana", b"oi\n")]),
        Full,
        CAUSES,
        examples=40,
    ),
)
