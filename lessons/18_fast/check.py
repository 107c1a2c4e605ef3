"""What lesson 18 promises: what it costs to tell many, in calls that are counted, and that nothing else changes."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import FrameType

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Lines,
    Run,
    Send,
    Stall,
    Step,
    heard,
    of,
    raised,
)
from lessons.kit.computer import Call
from lessons.kit.schedules import schedules

FEW, MORE = ("ana", "bia", "caio"), ("davi", "eva", "fabio")
TEN_LINES = b"".join(b"line %d\n" % number for number in range(1, 11))
LONG_LINE = b"x" * 15_990 + b"\n"
ALMOST_TOO_MUCH = 18 * LONG_LINE  # more than may wait for one listener; less, once a send has taken its part
FROM_THE_START = b"/after 0\n"


class Counted(Lines):
    """Everybody reads every line, and no connection costs more than one send() in a turn."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.in_this_turn: Counter[str] = Counter()
        self.worst = ("", 0)
        self.nothings = 0

    def step(self, step: Step, run: Run) -> None:
        """Count from now on."""
        run.computer.on_call = self.called
        super().step(step, run)

    def called(self, call: Call) -> None:
        """The program has made a system call."""
        if call.name == "select":
            self.in_this_turn.clear()
        elif call.name in ("send", "sendall"):
            self.in_this_turn[call.who] += 1
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


COALESCE = Cause("{text}: queue first, and flush each connection once", of("wasteful"))

CHECKS = (
    Check(
        "ten lines in one piece: one send() for each listener",
        (*map(Connect, FEW), Send("ana", TEN_LINES)),
        Counted,
        (
            COALESCE,
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
            Cause("a kernel takes bytes again, and nobody sends any: who is ready for WRITE is dirty, too", of("spin")),
            Cause("what was sent to one is cut from the text of another: shared bytes must not change", heard()),
        ),
        examples=60,
    ),
    Check(
        "a slow consumer is dropped, and nobody else",
        (*map(Connect, FEW), Stall("ana"), Send("bia", 26 * LONG_LINE), Send("caio", b"oi\n")),
        Patient,
        (COALESCE,),
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
