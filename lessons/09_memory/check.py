"""What lesson 9 promises: what is kept for a slow consumer has a limit, and nobody reads a text with holes.

Two policies are right: to say goodbye to the slow one, or to let the speakers wait for him.
"""

import re
from collections.abc import Callable

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Lines,
    Resume,
    Run,
    Send,
    Stall,
    Step,
    Together,
    heard,
    of,
    raised,
)

CEILING = 256 * 1024  # bytes
MARGIN = 16 * 1024 + 1000  # the line that exceeded it, and what the program says besides
LOW_WATER = 16 * 1024  # while so little waits, nobody has to wait for it
BUFFER = 4096  # of each kernel, so that little is needed to fill it
LAST_WORDS = re.compile(rb"! [^\n]*\n?\Z")


def lines(count: int, size: int) -> bytes:
    """Numbered, so that a hole can be seen."""
    return b"".join((b"%d " % number).ljust(size - 1, b".") + b"\n" for number in range(1, count + 1))


ONE, SHORT, LONG = b"oi\n", 100, 16_000
TOO_LONG = b"x" * (16 * 1024 + 1)  # as soon as it is too long, it has been read: so the reason is not lost


class Bounded(Lines):
    """All hear each line that the program has read, and what it keeps for one of them has a limit."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.sent: dict[str, bytearray] = {}
        self.taken: dict[str, int] = {}
        self.slow: set[str] = set()
        self.resumed: dict[str, tuple[int, int]] = {}

    def enters(self, name: str, run: Run) -> None:
        """His greeting is not a line that others hear."""
        super().enters(name, run)
        self.sent[name] = bytearray()
        self.taken[name] = len(self.dialect.greet(name))

    def step(self, step: Step, run: Run) -> None:
        """Who begins to read again is owed something now, and has been sent something."""
        super().step(step, run)
        if isinstance(step, Resume):
            self.resumed[step.name] = self.owed(step.name, run), run.connections[step.name].sent

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """It is said when the program has read it: see judge."""
        self.sent[name] += data

    def judge(self, run: Run) -> Complaint | None:
        """What the program has read by now is what is to be heard."""
        for name, sent in self.sent.items():
            count = run.connections[name].received - self.taken[name]
            self.taken[name] += max(0, count)
            super().sends(name, bytes(sent[: max(0, count)]), run)
            del sent[: max(0, count)]
        self.slow |= {name for name in self.hears if self.owed(name, run) > CEILING}
        self.may_drop |= self.slow
        return self.too_much(run) or super().judge(run) or self.made_to_wait(run)

    def owed(self, name: str, run: Run) -> int:
        """Bytes that were said to him and that the kernel has not got; as if he was still there."""
        return len(self.hears[name]) - run.connections[name].sent

    def too_much(self, run: Run) -> Complaint | None:
        """What came at once when somebody began to read again had been kept."""
        for name, (owed, before) in self.resumed.items():
            kept = min(owed, run.connections[name].sent - before)
            if kept > CEILING + MARGIN:
                text = f"{kept:,} bytes had been kept for {name}; the ceiling is {CEILING:,}"
                return Complaint("too much", run, name, text=text)
        return None

    def misheard(self, run: Run) -> Complaint | None:
        """Who was too slow reads everything, or an unbroken beginning of it and then the end."""
        as_others = {**self.hears}
        for name in self.slow:
            expected, actual = bytes(self.hears[name]), LAST_WORDS.sub(b"", run.heard(name))
            if not expected.startswith(actual):
                return Complaint("hole", run, name, expected, actual)
            if actual != expected and not (run.stalled(name) or isinstance(run.steps[-1], Resume)) and run.open(name):
                return Complaint("unfinished", run, name, expected, actual)
            self.hears.pop(name)
        try:
            return super().misheard(run)
        finally:
            self.hears = as_others

    def made_to_wait(self, run: Run) -> Complaint | None:
        """Somebody is not read from, although nobody is slow."""
        most = max((self.owed(name, run) for name in self.hears if run.stalled(name)), default=0)
        waiting = (name for name, sent in self.sent.items() if sent and run.open(name))
        if most > LOW_WATER or (name := next(waiting, None)) is None:
            return None
        text = f"{len(self.sent[name]):,} bytes of {name} have not been read, and nobody is slow"
        return Complaint("waits", run, name, text=text)


class Gone(Bounded):
    """Whoever is too slow is let go when the line comes that is too much, not when he reads again."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.stayed: dict[str, int] = {}

    def too_much(self, run: Run) -> Complaint | None:
        """More was said to somebody than may wait for him, and he was not let go; or only when it was much more."""
        for name in self.slow:
            owed = self.owed(name, run)
            if owed <= CEILING + MARGIN:
                continue
            if let_go(name, run):
                before = self.stayed.get(name, 0)
                text = f"{before:,} bytes waited for {name}, who was not let go; the ceiling is {CEILING:,}"
                return Complaint("too high", run, name, text=text) if before else None
            if name in self.stayed:
                text = f"{owed:,} bytes were said that {name} has not taken, and {name} is still here"
                return Complaint("too late", run, name, text=text)
            self.stayed[name] = owed
        return None


class TooLong(Bounded):
    """Whoever says a line that is too long is told why."""

    def judge(self, run: Run) -> Complaint | None:
        """The last that ana has read, before the end."""
        self.may_drop.add("ana")
        trouble = self.program_trouble(run) or self.blocked(run)
        if trouble or not any(isinstance(step, Send) for step in run.steps):
            return trouble
        last = run.raw("ana").removesuffix(b"\n").rpartition(b"\n")[2]
        return None if last.startswith(b"! ") else Complaint("untold", run, "ana", b"! a line may be ...\n", last)


def let_go(name: str, run: Run) -> bool:
    """The program has closed this connection, or told the others that he left: what is queued may still go out."""
    pipe = run.pipe_to(name)
    left = any(f"* {name} left".encode() in run.raw(other) for other in run.guests)
    return pipe is None or pipe.fin_wanted or pipe.dead or left


def early(was_slow: bool) -> Callable[[Complaint], bool]:
    """Somebody was sent away who may stay: who has always read while another did not; or else."""

    def when(complaint: Complaint) -> bool:
        stalled = {step.name for step in complaint.run.steps if isinstance(step, Stall)}
        return complaint.kind == "dropped" and (complaint.name in stalled or not stalled) == was_slow

    return when


KERNEL = Kernel(buffer=BUFFER)
ANA_IS_SLOW = (KERNEL, Connect("ana"), Connect("caio"), Connect("bia"), Stall("ana"))
READS_AGAIN = (Resume("ana"), Send("bia", ONE))

CAUSES = (
    Cause(
        "to say the reason is to find the queue too long, and to say the reason: queue it yourself, and judge no more",
        raised("RecursionError"),
    ),
    Cause(
        "the kernel takes nothing from a slow consumer's queue, and send() says so: queue the reason, then flush",
        raised("BlockingIOError"),
    ),
    Cause("the queue of the slow consumer grows, and there is no limit", of("too much")),
    Cause("the ceiling is too high: 256 KiB may wait for one, in bytes", of("too high")),
    Cause(
        "the slow consumer may go only when he reads again, and he does not: close when a line is too much",
        of("too late"),
    ),
    Cause("a line is refused, and nobody is told why: queue the reason, flush, then close", of("untold")),
    Cause("lines were left out in the middle: who reads cannot see that something is missing", of("hole")),
    Cause("the rest was thrown away, and the slow consumer waits for it: close, so that he knows", of("unfinished")),
    Cause("the speakers wait, although nobody is slow any more: read from them again", of("waits")),
    Cause("somebody was sent away who reads all the time: it is the long queue that has to go", early(was_slow=False)),
    Cause(
        "sent away below the ceiling: count bytes, and only those that the kernel did not take", early(was_slow=True)
    ),
    Cause(
        "{name} reads all the time and misses a line: refuse() takes one out of the list that broadcast() goes through",
        heard(lambda c: len(c.actual) < len(c.expected)),
    ),
)

CHECKS = tuple(
    Check(title, steps, model, CAUSES)
    for title, steps, model in (
        ("everybody reads", (*ANA_IS_SLOW[:-1], Send("bia", lines(4000, SHORT))), Bounded),
        ("slow, below the ceiling", (*ANA_IS_SLOW, Send("bia", lines(2500, SHORT)), *READS_AGAIN), Bounded),
        ("slow, above the ceiling", (*ANA_IS_SLOW, Send("bia", lines(6000, SHORT)), *READS_AGAIN), Bounded),
        ("slow, with long lines", (*ANA_IS_SLOW, Send("bia", lines(37, LONG)), *READS_AGAIN), Bounded),
        ("slow, and never reads again", (*ANA_IS_SLOW, *[Send("bia", lines(count, LONG)) for count in (19, 37)]), Gone),
        ("a line too long: why, then the end", (Connect("ana"), Connect("bia"), Send("ana", TOO_LONG)), TooLong),
        (
            "slow, and reads just in time",
            (
                *(KERNEL, Connect("bia"), Connect("ana"), Stall("ana")),
                Send("bia", lines((CEILING + 2 * BUFFER) // SHORT, SHORT)),
                Together(Resume("ana"), Send("bia", lines(1, SHORT))),
            ),
            Bounded,
        ),
    )
)
