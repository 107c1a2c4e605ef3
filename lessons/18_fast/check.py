"""What lesson 18 promises: what it costs to tell many, in calls that are counted, and that nothing else changes."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from selectors import EVENT_WRITE
from types import FrameType

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Lines,
    Pass,
    Run,
    Send,
    Stall,
    Step,
    Together,
    heard,
    of,
    raised,
)
from lessons.kit.computer import Call
from lessons.kit.schedules import schedules

FEW, MORE = ("ana", "bia", "caio"), ("davi", "eva", "fabio")
TEN_LINES = b"".join(b"line %d\n" % number for number in range(1, 11))
LONG_LINE = b"x" * 15_990 + b"\n"
MUCH = 400_000  # bytes: a queue's limit, and what a kernel takes
ALMOST_TOO_MUCH = 18 * LONG_LINE  # more than may wait for one listener; less, once a send has taken its part
FROM_THE_START = b"/after 0\n"
NO_NUMBER = b"/after x\n"
LAST = Send("caio", b"oi\n")


class Counted(Lines):
    """Everybody reads every line, and no connection costs more than one send() in a turn."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.in_this_turn: Counter[str] = Counter()
        self.in_this_step: Counter[str] = Counter()
        self.worst = ("", 0)
        self.nothings = 0

    def step(self, step: Step, run: Run) -> None:
        """Count from now on."""
        run.computer.on_call = self.called
        self.in_this_step.clear()
        super().step(step, run)

    def called(self, call: Call) -> None:
        """The program has made a system call."""
        if call.name == "select":
            self.in_this_turn.clear()
        elif call.name in ("send", "sendall"):
            self.in_this_turn[call.who] += 1
            self.in_this_step[call.who] += 1
            self.nothings += call.data == b""
            self.worst = max(self.worst, (call.who, self.in_this_turn[call.who]), key=lambda one: one[1])

    def judge(self, run: Run) -> Complaint | None:
        """What is heard first, then what it has cost."""
        return super().judge(run) or self.wasteful(run)

    def program_trouble(self, run: Run) -> Complaint | None:
        """The queue says that it is not empty, and nothing is in it."""
        trouble = super().program_trouble(run)
        if trouble is None or trouble.kind != "spin" or not self.nothings:
            return trouble
        return replace(trouble, kind="hollow", text="send() was given no bytes, again and again")

    def wasteful(self, run: Run) -> Complaint | None:
        """More than one send() for one connection, in one turn."""
        name, sends = self.worst
        text = f"{sends} calls of send() for {name} in one turn"
        return Complaint("wasteful", run, name, text=text) if sends > 1 else None


class OnePiece(Counted):
    """What comes in one piece, and fits into the kernel, goes out in one piece."""

    def wasteful(self, run: Run) -> Complaint | None:
        """More than one send() for one connection, whatever the turn."""
        found = super().wasteful(run)
        if found or not run.steps or run.steps[-1] != Send("ana", TEN_LINES):
            return found
        name, sends = max(self.in_this_step.items(), key=lambda one: one[1], default=("", 0))
        text = f"{sends} calls of send() for {name}, and one would have taken all of it"
        return Complaint("piecemeal", run, name, text=text) if sends > 1 else None


class OneTurn(Counted):
    """Several speak, and somebody is answered: all in one turn."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.commits = self.turns = 0

    def line(self, name: str, line: bytes, run: Run) -> None:
        """Said, unless it is the question."""
        if line + b"\n" != NO_NUMBER:
            super().line(name, line, run)

    def judge(self, run: Run) -> Complaint | None:
        """And no more than one commit in a turn."""
        commits, turns = run.computer.commits - self.commits, run.turns - self.turns
        self.commits, self.turns = run.computer.commits, run.turns
        found = super().judge(run)
        if found or commits <= turns or not run.steps:
            return found
        return Complaint("costly", run, text=f"{commits} commits in {turns} turn{'s' * (turns != 1)}")


class Encoded(Counted):
    """A line that more people hear is encoded no more often."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.encodes = 0
        self.costs: list[tuple[int, int]] = []

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """From now on each encode() that the program calls is counted."""
        super().sends(name, data, run)
        folder, self.encodes = str(Path(run.computer.path).parent), 0

        def count(frame: FrameType, event: str, called: object) -> None:
            if event == "c_call" and getattr(called, "__name__", "") == "encode":
                self.encodes += frame.f_code.co_filename.startswith(folder)

        sys.setprofile(count)

    def judge(self, run: Run) -> Complaint | None:
        """The last line has cost no more than the first."""
        sys.setprofile(None)
        if run.steps and isinstance(run.steps[-1], Send):
            self.costs.append((self.encodes, len(self.hears) - 1))
        return super().judge(run) or self.multiplied(run)

    def multiplied(self, run: Run) -> Complaint | None:
        """More encode() for more listeners."""
        if len(self.costs) < 2 or self.costs[-1][0] <= self.costs[0][0]:
            return None
        (first, few), (last, many) = self.costs[0], self.costs[-1]
        text = f"one line costs {first} encode() for {few} listeners, and {last} for {many}"
        return Complaint("encoded", run, text=text)


class Replayed(Counted):
    """The whole log at once."""

    def line(self, name: str, line: bytes, run: Run) -> None:
        """Said, or asked for."""
        if line + b"\n" != FROM_THE_START:
            super().line(name, line, run)
            return
        self.hears[name] += b"".join(b"#%d %s" % one for one in enumerate(self.history, start=1))


class Patient(Counted):
    """Who stops reading may be dropped; nobody else."""

    def step(self, step: Step, run: Run) -> None:
        """Whoever stalls."""
        super().step(step, run)
        if isinstance(step, Stall):
            self.may_drop.add(step.name)


class Dropped(Patient):
    """Whoever does not read is dropped in the end, and the others are told."""

    def misheard(self, run: Run) -> Complaint | None:
        """The queue has a limit."""
        found = super().misheard(run)
        waits = run.steps and run.steps[-1] == LAST and run.stalled("ana") and len(self.hears["ana"]) > MUCH
        if found or not waits or b"* ana left\n" in run.raw("caio"):
            return found
        text = "ana does not read; more than 256 KiB wait for her, and she is still in the room"
        return Complaint("unlimited", run, "ana", text=text)


def cut_off(complaint: Complaint) -> bool:
    """True when the last thing that somebody has read is a part of a line, and nothing of the queue is left."""
    raw = complaint.run.raw(complaint.name)
    writes = complaint.name in complaint.run.computer.asks and complaint.run.computer.asks[complaint.name] & EVENT_WRITE
    return not raw.endswith(b"\n") and not writes


COALESCE = Cause("{text}: queue first, and flush each connection once", of("wasteful"))

OVER_AND_OVER = Cause(
    "the queue says that bytes wait, and holds none: what was sent is taken off its size", of("hollow")
)
NEVER_CLOSED = Cause(
    "whoever has ended is never closed: finish() makes a connection dirty, and the flush closes it", of("eof")
)

CHECKS = (
    Check(
        "ten lines in one piece: one send() for each listener",
        (*map(Connect, FEW), Send("ana", TEN_LINES), Pass(2)),
        OnePiece,
        (
            COALESCE,
            Cause("{text}: join all chunks of the queue for the call", of("piecemeal")),
            OVER_AND_OVER,
            Cause("select() returns at once, again and again: who has been flushed is dirty no more", of("polling")),
            Cause(
                "the size of the queue fell below zero: it counts bytes, so push() adds len(data)",
                lambda c: raised("ValueError")(c) and "__len__" in c.text,
            ),
            Cause(
                "the flush changes the very collection that it walks through: take all dirty ones out of it first",
                raised("RuntimeError"),
            ),
            Cause(
                "{name}'s lines wait in the queue until something else happens: the flush is the last step of a turn",
                heard(lambda c: not c.actual),
            ),
        ),
    ),
    Check(
        "two speak and one is answered, in one turn",
        (*map(Connect, FEW), Together(Send("ana", b"oi\n"), Send("caio", NO_NUMBER), Send("bia", b"oi\n"))),
        OneTurn,
        (COALESCE, Cause("{text}: what was said in a turn is kept by one commit", of("costly"))),
    ),
    Check(
        "two listeners or five: as many encode()",
        (*map(Connect, FEW), Send("ana", b"oi\n"), *map(Connect, MORE), Send("ana", b"oi\n")),
        Encoded,
        (Cause("{text}: encode once, and let all queues share the bytes", of("encoded")),),
    ),
    Check(
        "kernels that take seven bytes: everybody reads the same",
        schedules(
            names=FEW,
            texts=(b"oi\n", b"tudo bem?\n", b"a\nb\n"),
            steps=("send", "send", "stall", "resume", "connect", "close"),
            start=(Kernel(buffer=7), *map(Connect, FEW)),
            most=10,
        ),
        Patient,
        (
            COALESCE,
            Cause(
                "the queue counts bytes that it no longer holds: what is left of a chunk goes back in front",
                of("hollow"),
            ),
            NEVER_CLOSED,
            Cause("a kernel takes bytes again, and nobody sends any: who is ready for WRITE is dirty, too", of("spin")),
            Cause("what the kernel did not take is lost: send() says how many bytes it took", heard(cut_off)),
            Cause(
                "lines are cut or mixed: what is left of a chunk goes back in front; shared bytes never change", heard()
            ),
        ),
        examples=60,
    ),
    Check(
        "a slow consumer is dropped, and nobody else",
        (*map(Connect, FEW), Stall("ana"), Send("bia", 26 * LONG_LINE), LAST),
        Dropped,
        (COALESCE, Cause("{text}: the flush judges what the kernel did not take", of("unlimited"))),
    ),
    Check(
        "a long history, asked for at once",
        (*map(Connect, FEW[:2]), Send("bia", ALMOST_TOO_MUCH), Send("ana", FROM_THE_START)),
        Replayed,
        (
            Cause(
                "{name} reads as fast as the net allows, and is dropped: judge what the flush has left", of("dropped")
            ),
        ),
    ),
)
