"""a program and some steps -> turn by turn, what the kernel and the program hold. For the figures of the pages.

    python3 -m lessons.trace LESSON [FILE]      JSON, described in lessons/FORMAT.md

Everything is seen from outside: system calls, kernel buffers, the selector's interest set. With one exception: what
a program keeps for each client is looked up in its object with `connections`, as all programs from lesson 4 on have it,
and so are the deadlines in the heap of its `timers`, from lesson 13 on.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from chatcore.sim.pipe import Pipe
from lessons.catalog import Catalog, Unknown
from lessons.kit import program
from lessons.kit.computer import Call, Computer
from lessons.kit.lesson import Dialect
from lessons.kit.run import Run
from lessons.kit.stage import Schedule, Stage
from lessons.kit.steps import Step

Facts = dict[str, object]
EVENTS = {0: "", 1: "r", 2: "w", 3: "rw"}


class Recorder:
    """Listens to a computer, and writes down each turn.

    A turn begins when select(), or another call that had to wait, returns. What the kernel holds is
    noted where it ends: as the program begins to wait again.
    """

    def __init__(self, run: Run) -> None:
        self.start: object = None  # the timers that are set before the first turn
        self.turns: list[Facts] = []
        self._run = run
        self._computer: Computer = run.computer
        self._kept = Kept(run.computer)
        self._calls: list[Facts] = []
        self._before = 0
        self._held: Facts = {}
        self._waits = False
        self.after: list[Facts] = []
        self._computer.on_enter = self.enter
        self._computer.on_call = self.call

    def enter(self) -> None:
        """A call begins: if it waits, this is how things stood before."""
        self._before = self._computer.world.steps
        self._held = self.held()

    def call(self, call: Call) -> None:
        """A call returns."""
        if not self.turns:
            self.start = self._held.get("timers")
        if call.name == "select":
            self._end_turn()
            self._begin_turn(self._computer.ready)
        elif call.name != "close" and self._computer.world.steps != self._before:
            self._end_turn()
            self._begin_turn([(call.who, 1)], waited_in=call.name)
        if call.name != "select":
            self._calls.append(self.described(call))

    def look(self) -> bool:
        """All is quiet after a step: in which call the program waits, and what is held. False: go on."""
        self._waits = self._computer.waiting is not None
        if self._run.steps:
            call, who = self._computer.waiting or ("", "")
            crash = str(self._run.crash or "")
            asked = interest(self._computer) if self._waits else {}
            read = {name: text(bytes(guest.peer.received)) for name, guest in self._run.guests.items()}
            facts: Facts = {"at": round(self._run.now, 6), "waits_in": call, "who": who, "crash": crash}
            if call == "select" and self._computer.timeout is not None:
                facts["until"] = round(self._computer.asked_at + self._computer.timeout, 6)
            self.after.append({**facts, "interest": asked, "read": read, **self.held()})
            if self._computer.fault:
                self.after[-1]["fault"] = self._computer.fault.text
        if self._waits:
            self._end_turn()  # now: the process may be killed, and a new one would change what is held
        return False

    def finish(self) -> None:
        """The run is over."""
        if not self._waits:
            self._held = self.held()
        self._end_turn()

    def _begin_turn(self, ready: Sequence[tuple[str, int]], **more: str) -> None:
        self._calls = []
        self.turns.append(
            {
                "turn": len(self.turns) + 1,
                "at": round(self._run.now, 6),
                "step": len(self._run.steps) - 1,
                "ready": [{"who": who, "events": EVENTS[mask]} for who, mask in ready],
                "interest": {who: EVENTS[mask] for who, mask in self._computer.interest.items()},
                "calls": self._calls,
                **more,
            }
        )

    def _end_turn(self) -> None:
        if self.turns and "kernel" not in self.turns[-1]:
            self.turns[-1].update(self._held)

    def held(self) -> Facts:
        """The kernels' buffers of each connection, what the program has received and sent so far, and its timers."""
        kernel: dict[str, Facts] = {}
        seen: dict[str, Facts] = {}
        kept = self._kept.by_client() if self._run.alive else {}
        for name, guest in self._run.guests.items():
            there, back = self._run.pipe_from(name), self._run.pipe_to(name)
            assert there is not None
            assert back is not None
            kernel[name] = {
                "on_the_way": text(bytes(guest.peer.outbox + there.unsent)),
                "to_program": text(bytes(there.received)),
                "from_program": text(bytes(back.received + back.unsent)),
                **{key: data for key, data in in_flight(there, back) if data},
            }
            count = self._run.connections[name]
            seen[name] = {"received": count.received, "sent": count.sent, **kept.get(name, {})}
        timers = self._kept.timers() if self._run.alive else None
        return {"kernel": kernel, "program": seen} | ({} if timers is None else {"timers": timers})

    def described(self, call: Call) -> Facts:
        """One call as JSON."""
        facts: Facts = {"line": self._computer.line(), "call": call.name, "who": call.who}
        if call.asked is not None:
            facts["asked"] = call.asked
        if isinstance(call.result, bytes):
            return {**facts, "data": text(call.result), "result": len(call.result)}
        if call.data is not None:
            facts["data"] = text(call.data)
        if call.name == "accept" and isinstance(call.result, tuple):
            return {**facts, "new": self._computer.names.get(call.result[1], "")}
        result = call.result if isinstance(call.result, int | str | None) else type(call.result).__name__
        return facts if result is None else {**facts, "result": result}


def in_flight(there: Pipe, back: Pipe) -> Iterator[tuple[str, str]]:
    """What has left one kernel and not reached the other one: only if the program goes on at once."""
    for key, pipe in (("in_flight_to", there), ("in_flight_from", back)):
        yield key, text(b"".join(segment.data for segment in pipe.flying))


class Kept:
    """What the program itself keeps. Found where its names are as in the lessons, else nothing."""

    def __init__(self, computer: Computer) -> None:
        self._computer = computer
        self._found: object = None  # the object with `connections`
        self._process: object = None  # in which it was found: after kill -9 it is another one

    def by_client(self) -> dict[str, Facts]:
        """For each client `buffer`, `queue` and `state`, as far as the program has them."""
        if self._process is not self._computer.process:
            self._process, self._found = self._computer.process, None
        if self._found is None:
            self._found = next(methods(sys._getframe(), self._computer.path), None)
        connections = getattr(self._found, "connections", ())
        pairs = connections.items() if isinstance(connections, Mapping) else [(one, one) for one in connections]
        found = {address(getattr(key, "sock", key)): kept_for(each) for key, each in pairs}
        latest = {name: where for where, name in self._computer.names.items()}  # who came twice has two addresses
        return {name: found[where] for name, where in latest.items() if where in found}

    def timers(self) -> list[float] | None:
        """When its timers are due, the earliest first; None when it has none. Looked up behind `by_client`."""
        heap = getattr(getattr(self._found, "timers", None), "heap", None)
        return sorted(round(entry[0], 6) for entry in heap) if isinstance(heap, list) else None


def methods(frame: FrameType | None, path: str) -> Iterator[object]:
    """Whose methods are running, the innermost first, of those who have connections.

    Other frames are left alone: to look at their variables would keep alive what the program has let go.
    """
    while frame is not None:
        if frame.f_code.co_filename == path and frame.f_code.co_varnames[:1] == ("self",):
            owner = frame.f_locals.get("self")
            if hasattr(owner, "connections"):
                yield owner
        frame = frame.f_back


def address(sock: object) -> object:
    """Who is at the other end; None if nobody is."""
    try:
        return getattr(sock, "getpeername")()  # noqa: B009
    except (AttributeError, OSError):
        return None


def kept_for(connection: object) -> Facts:
    """One connection, or the decoder of one."""
    framing = getattr(connection, "framing", connection)
    queue = getattr(connection, "queue", None)
    unsent = getattr(queue, "unsent", None)
    data = {"buffer": getattr(framing, "buffer", None), "queue": unsent() if callable(unsent) else queue}
    facts: Facts = {name: text(bytes(held)) for name, held in data.items() if isinstance(held, bytes | bytearray)}
    state = getattr(getattr(connection, "state", None), "value", None)
    return {**facts, "state": state} if isinstance(state, str) else facts


def interest(computer: Computer) -> dict[str, str]:
    """What the selector is asked for now."""
    keys = [key for selector in computer.selectors for key in (selector.get_map() or {}).values()]
    return {computer.who_has.get(key.fd, "?"): EVENTS[key.events] for key in keys}


def text(data: bytes) -> str:
    """Each byte as one character."""
    return data.decode("latin-1")


def without_lines(facts: Facts) -> Facts:
    """The trace without line numbers and file name: what a refactoring must not change."""
    turns = facts["turns"]
    assert isinstance(turns, list)
    calls = [[{**call, "line": 0} for call in turn["calls"]] for turn in turns]
    return {
        "steps": facts["steps"],
        "turns": [{**turn, "calls": made} for turn, made in zip(turns, calls, strict=True)],
    }


def record(path: Path, steps: Sequence[Step], dialect: Dialect, lesson: int = 0) -> Facts:
    """Play the steps on a program and write everything down. Unusable if it cannot run."""
    recorders: list[Recorder] = []

    def make(run: Run) -> Schedule:
        recorders.append(Recorder(run))
        return Schedule(run, steps, lambda step: None, recorders[0].look)

    run = Stage(program.read(path), may_spin=True).play(dialect, make)
    recorders[0].finish()
    return {
        "format": 1,
        "lesson": lesson,
        "program": path.name,
        "steps": [str(step) for step in run.steps],
        "start": recorders[0].start,
        "turns": recorders[0].turns,
        "after": recorders[0].after,
    }


def main(argv: Sequence[str]) -> int:
    """Print the trace of a lesson's scene."""
    catalog = Catalog()
    folder = catalog[int(argv[0])]
    scene = folder.module("scene.py")
    if scene is None:
        raise Unknown(f"lesson {folder.number} has no scene.py")
    path = Path(argv[1]) if len(argv) > 1 else folder.on_stage
    facts = record(path.absolute(), scene.STEPS, catalog.dialect(folder.number), folder.number)
    sys.stdout.write(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
