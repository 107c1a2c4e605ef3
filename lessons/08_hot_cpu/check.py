"""What lesson 8 promises: who has nothing to do sleeps, and who has something to write is woken for it."""

from collections.abc import Callable
from selectors import EVENT_WRITE

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Lines,
    Pass,
    Reset,
    Run,
    Send,
    Stall,
    Step,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import schedules

MOST_TURNS = 3  # while nothing happens: a later program may wake up for one of its deadlines
ANA_AND_BIA = (Connect("ana"), Connect("bia"))
EVERYBODY = (*ANA_AND_BIA, Connect("caio"))


class Asleep(Lines):
    """All hear each whole line, nobody waits but select(), and select() is asked for what is needed."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.passing = 0.0
        self.turns = 0

    def step(self, step: Step, run: Run) -> None:
        """Count the turns from here."""
        super().step(step, run)
        self.passing = step.seconds if isinstance(step, Pass) else 0.0
        self.turns = run.turns

    def judge(self, run: Run) -> Complaint | None:
        """And select() is asked for what is needed, and for no more."""
        return super().judge(run) or self.restless(run) or self.asked_in_vain(run)

    def misheard(self, run: Run) -> Complaint | None:
        """What was not read because nobody asked when it can be written: that comes first."""
        return self.not_asked(run) or super().misheard(run)

    def restless(self, run: Run) -> Complaint | None:
        """Many turns while time passed and nothing happened."""
        turns = run.turns - self.turns
        if not self.passing or turns <= MOST_TURNS:
            return None
        return Complaint(
            "restless", run, text=f"in {self.passing:g} s without a reason select() returned {turns} times"
        )

    def not_asked(self, run: Run) -> Complaint | None:
        """Something waits in the program, and the selector will not say when it can be written."""
        found = ((name, count) for name, count in self.owed(run) if count > 0 and not wants_write(run, name))
        return next((Complaint("not asked", run, name, text=waits(name, count)) for name, count in found), None)

    def asked_in_vain(self, run: Run) -> Complaint | None:
        """Nothing waits in the program, and the selector will say that it can be written."""
        found = (name for name, count in self.owed(run) if count == 0 and wants_write(run, name))
        text = "nothing waits for {}, and the selector is asked for WRITE"
        return next((Complaint("in vain", run, name, text=text.format(name)) for name in found), None)

    def owed(self, run: Run) -> list[tuple[str, int]]:
        """For whom how many bytes wait in the program; nobody, where that cannot be known from outside."""
        if self.dialect.greet("ana") or any(unread(run, name) for name in self.hears if run.open(name)):
            return []
        there = (name for name in self.hears if run.open(name) and interest(run, name))
        return [(name, len(self.hears[name]) - run.connections[name].sent) for name in there]


def unread(run: Run, name: str) -> bool:
    """The program has not read all that `name` has sent."""
    pipe = run.pipe_from(name)
    return pipe is not None and bool(pipe.held or pipe.received)


def interest(run: Run, name: str) -> int:
    """What the selector is asked for now, 0 if there is no selector that knows."""
    computer = run.computer
    keys = (key for selector in computer.selectors for key in selector.get_map().values())
    return next((key.events for key in keys if computer.who_has.get(key.fd) == name), 0)


def wants_write(run: Run, name: str) -> bool:
    """Is the selector asked when `name` can be written to?"""
    return bool(interest(run, name) & EVENT_WRITE)


def waits(name: str, count: int) -> str:
    """One line."""
    return f"{count} bytes wait for {name} in the program, and the selector is not asked for WRITE"


def sleeping(complaint: Complaint) -> bool:
    """The program waits in time.sleep()."""
    return complaint.kind == "blocked" and complaint.call == "sleep"


def for_nobody(complaint: Complaint) -> bool:
    """It spins because of somebody to whom nothing was ever sent."""
    run = complaint.run
    return complaint.kind == "spin" and any(
        wants_write(run, name) and not run.connections[name].sent for name in run.guests
    )


def deaf(complaint: Complaint) -> bool:
    """Nothing was heard of somebody whose socket is watched for WRITE alone."""
    run = complaint.run
    return complaint.expected.startswith(complaint.actual) and any(interest(run, n) == EVENT_WRITE for n in run.guests)


def error(name: str, part: str) -> Callable[[Complaint], bool]:
    """Crashes with this exception, when its text has this part."""
    return lambda complaint: raised(name)(complaint) and part in complaint.text


CRASHES = (
    Cause(
        "the interest is a method, and select() needs a number: @property is missing", error("TypeError", "'method'")
    ),
    Cause(
        "modify() replaces the data, too: give it the connection once more, or the selector forgets whose socket it is",
        error("AttributeError", "'NoneType' object has no attribute"),
    ),
)
SLEEP = Cause("the program waits in time.sleep(): whatever comes meanwhile must wait, too", sleeping)
STUCK = Cause("bytes wait in the queue, and WRITE is not in the interest set: they will never be sent", of("not asked"))
VAIN = Cause("the queue is empty, and WRITE is still in the interest set: compute it after each send()", of("in vain"))
CLOSED = Cause(
    "the selector is asked about a connection that has been closed: after close(), no modify()",
    raised("KeyError", "ValueError", "OSError"),
)

CHECKS = (
    Check(
        "two are silent",
        (*ANA_AND_BIA, Pass(10)),
        Asleep,
        (
            *CRASHES,
            SLEEP,
            Cause("WRITE is in the interest set all the time: a socket can nearly always be written to", of("spin")),
            Cause("the program wakes up by a timeout: let select() wait until somebody is ready", of("restless")),
        ),
    ),
    Check(
        "a line, and silence",
        schedules(names=("ana", "bia"), texts=(b"oi\n", b"tudo bem?\n"), steps=("connect", "send", "pass"), most=8),
        Asleep,
        (
            *CRASHES,
            SLEEP,
            Cause("WRITE stays in the interest set after everything has been written: take it out again", of("spin")),
            Cause(
                "what can be sent now was kept for later: flush when a line is queued", heard(lambda c: not c.actual)
            ),
        ),
        examples=30,
    ),
    Check(
        "one does not read",
        (Kernel(buffer=2), *EVERYBODY, Stall("ana"), Send("bia", b"tudo bem?\n"), Pass(1), Send("ana", b"oi\n")),
        Asleep,
        (
            *CRASHES,
            SLEEP,
            STUCK,
            Cause("WRITE is asked for those who have nothing to read, too: compute it for each connection", for_nobody),
            Cause("the rest has been written, and WRITE stays: tell the selector after each flush()", of("spin")),
            Cause("who does not read is no longer heard: ask for WRITE besides READ, not instead of it", heard(deaf)),
        ),
    ),
    Check(
        "slow readers get all of it",
        schedules(
            texts=(b"oi\n", b"abc\n", b"tudo bem?\n"),
            steps=("send", "stall", "send", "resume", "pass"),
            start=(Kernel(buffer=2), *EVERYBODY),
        ),
        Asleep,
        (*CRASHES, SLEEP, STUCK, VAIN),
    ),
    Check(
        "one goes while text waits for her",
        (Kernel(buffer=2), *EVERYBODY, Stall("ana"), Send("bia", b"tudo bem?\n"), Reset("ana"), Send("bia", b"oi\n")),
        Asleep,
        (*CRASHES, CLOSED),
    ),
)
