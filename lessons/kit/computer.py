"""a program's system calls -> counted, named, recorded. The simulated computer a program runs on.

It has a world (`chatcore.sim`), in which everything is orderly: whole pieces, and whoever can act
acts in turn. All chance comes from the schedule, which a reader sees. It ends programs that
would never end: not by waiting for them but by counting what they do.
"""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from selectors import EVENT_READ
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeVar

from chatcore.sim import Process, SimSelector, World
from chatcore.sim.faults import Dice
from chatcore.sim.options import BUFFER

if TYPE_CHECKING:
    from _typeshed import SupportsLenAndGetItem

    from lessons.kit.fake_sqlite import Database

Item = TypeVar("Item")

MOST_TURNS = 300_000  # of loops, between two system calls
MOST_CALLS = 20_000  # system calls between two steps of the schedule
MOST_FRUITLESS = 1_000  # calls in a row that achieve nothing and do not wait
MOST_EOF_READS = 100  # recv() that return b"" on one connection
SPINS_AT_NO_COST = 20  # while others still have something to do
SPIN_SECONDS = 0.00025  # simulated, for a select() that returns at once and for nothing
MOST_SPINS = 100  # select() in a row after which nothing is read or written
ALL_ARRIVES = 0.0002  # simulated seconds in which everything under way arrives


class TheEnd(BaseException):
    """Ends the program under test. Every later call raises it again: `except:` does not help."""


class Killed(TheEnd):
    """kill -9, or a signal that nobody handles."""


class Orderly(random.Random):
    """A source of no chance at all: everybody in turn, the most, in the order given."""

    turn = 0

    def choice(self, seq: "SupportsLenAndGetItem[Item]") -> Item:
        """The next one: so nobody starves."""
        self.turn += 1
        return seq[self.turn % len(seq)]

    def shuffle(self, x: object) -> None:
        """Leave it as it is."""

    def randint(self, a: int, b: int) -> int:
        """The most."""
        return b


class WholePieces(Dice):
    """Everything arrives as it was sent; what goes wrong is written in the schedule."""

    def strikes(self, rate: float) -> bool:
        """Only what is certain."""
        return rate >= 1

    def piece(self, most: int) -> int:
        """All of it, as far as a kernel buffer goes."""
        return min(most, BUFFER)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the computer ended a program. `kind` is a word of FORMAT.md, `line` a line of the program."""

    kind: str
    text: str
    line: int = 0


@dataclass(slots=True)
class Connection:
    """What the program's calls on one connection amount to."""

    recvs: int = 0
    eof_reads: int = 0
    sends: int = 0
    received: int = 0
    sent: int = 0
    failed_sends: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One system call of the program. `result` is bytes, a number, a name, or the error's."""

    name: str
    who: str
    asked: int | None = None
    data: bytes | None = None
    result: object = None


class Computer:
    """Counts what one program does, and knows who is at the other end of its sockets."""

    def __init__(self, path: str, may_spin: bool = False) -> None:
        self.path = path
        self.may_spin = may_spin
        self.on_call: Callable[[Call], None] = lambda call: None
        self.on_enter: Callable[[], None] = lambda: None
        self.boot()

    def boot(self) -> None:
        """A new world, and nothing has happened."""
        self.world = World(seed=0)
        self.world.max_steps = sys.maxsize
        wire = self.world.network.wire
        self.world.rng = wire.dice.rng = Orderly(0)
        wire.dice = WholePieces(self.world.rng)
        self.send_most = self.recv_most = sys.maxsize
        self.fd_limit = 1024
        self.most_calls = MOST_CALLS
        self.may_read_the_end = False  # again and again: it costs time, and does not end the program
        self.names: dict[tuple[str, int], str] = {}
        self.connections: dict[str, Connection] = {}
        self.fault: Fault | None = None
        self.turns = 0
        self.commits = 0
        self.databases: list[Database] = []
        self.new_process()

    def new_process(self) -> None:
        """Start the computer's one program once more."""
        self.process = Process("server")
        self.process.fd_limit = self.fd_limit
        self.over = self.at_once = False
        self.dies_after = 0
        self.waiting: tuple[str, str] | None = None
        self.who_has: dict[int, str] = {}
        self.false_alarms: set[str] = set()
        self.selectors: list[SimSelector] = []
        self.interest: dict[str, int] = {}
        self.asks: dict[str, int] = {}
        self.timeout: float | None = None
        self.asked_at = 0.0
        self.ready: list[tuple[str, int]] = []
        self.refused: Call | None = None
        self._fruitless = 0
        self.handlers: dict[int, object] = {}
        self.wakeup_fd = -1
        self.next_step()

    def next_step(self) -> None:
        """The schedule goes on: count from zero again."""
        self.false_alarms.clear()
        self._loops = self._calls = 0

    def tick(self) -> None:
        """A loop of the program turns once more."""
        self._loops += 1
        if self.over:
            raise TheEnd
        if self._loops > MOST_TURNS:
            self.end("loop", "a loop goes round for ever and never waits")

    def enter(self, call: str, who: str) -> None:
        """A system call begins."""
        if self.over:
            raise TheEnd
        self._loops = 0
        self._calls += 1
        if self._calls > self.most_calls:
            self.end("loop", f"{call}() is called again and again and nobody is served")
        self.waiting = (call, who)
        self.on_enter()

    def leave(self, call: Call, fruitful: bool = True) -> None:
        """A system call returns. Fruitless: nothing came of it, and it did not wait either."""
        self.waiting = None
        self.on_call(call)
        self._fruitless = 0 if fruitful else self._fruitless + 1
        if self._fruitless > MOST_FRUITLESS:
            self.end("polling", f"{call.name}() was called {MOST_FRUITLESS} times and there was nothing to do")
        if self.dies_after:
            self.dies_after -= 1
            if not self.dies_after:
                self.over = True
                raise Killed

    def end_process(self) -> None:
        """The process is gone: its descriptors are closed, and its open transactions are lost."""
        self.waiting = None
        self.process.kill()
        while self.databases:
            self.databases.pop().close()

    def all_at_once(self) -> bool:
        """A step was several together: what is under way arrives before select() returns. True if that was so."""
        if not self.at_once:
            return False
        self.at_once = False
        self.world.network.wire.wait(lambda: False, ALL_ARRIVES, "server select")
        return True

    def will_select(self, asks: dict[str, int], timeout: float | None) -> None:
        """select() begins: for whom the program asks, and for what; and how long it is to wait."""
        self.enter("select", "")
        self.asks = asks
        self.timeout, self.asked_at = timeout, self.world.clock.time()

    def false_alarm(self, who: str) -> int:
        """EVENT_READ if select() is to report `who` although nothing is there."""
        return EVENT_READ if who in self.false_alarms else 0

    def begin_turn(self, ready: list[tuple[str, int]]) -> None:
        """select() returns: who is ready for what."""
        self.turns += 1
        self.ready = ready
        self.false_alarms.clear()
        for selector in self.selectors:
            keys = selector.get_map().values()
            self.interest = {self.who_has.get(key.fd, "?"): key.events for key in keys}

    def read_end(self, who: str) -> None:
        """recv() returned b"" once more."""
        self.connections[who].eof_reads += 1
        if self.connections[who].eof_reads < MOST_EOF_READS:
            return
        if not self.may_read_the_end:
            self.end("eof", f"recv() returned b'' {MOST_EOF_READS} times: {who} has left, and nobody noticed")
        self._calls = 0
        self.world.network.wire.wait(lambda: False, SPIN_SECONDS, who)

    def spins(self, times: int) -> None:
        """select() reported sockets `times` times in a row, and none of them was used."""
        if times >= MOST_SPINS and not self.may_spin:
            self.end("spin", f"select() returned {MOST_SPINS} times and nothing was read or written")
        if times >= SPINS_AT_NO_COST and self.may_spin:
            self._calls = 0  # it costs time, as on a real computer: so others get their turn
            self.world.clock.advance_to(self.world.clock.time() + SPIN_SECONDS * 2 ** (times // 4000))

    def end(self, kind: str, text: str) -> NoReturn:
        """End the program for `kind`, unless it is being ended already."""
        if self.fault is None:
            self.fault = Fault(kind, text, self.line())
        self.over = True
        raise TheEnd

    def line(self) -> int:
        """The line that the program is in now, 0 if it is nowhere."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return 0 if frame is None else frame.f_lineno
