"""steps -> what happened. The clients of one simulated run, and everything a model may look at."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from selectors import EVENT_WRITE

from chatcore.sim import RawClient
from chatcore.sim.links import Address
from chatcore.sim.network import SOMEWHERE
from chatcore.sim.pipe import Pipe
from lessons.kit.computer import Call, Computer, Connection, Killed
from lessons.kit.fake_modules import deliver
from lessons.kit.lesson import Dialect
from lessons.kit.program import Crash, Paper
from lessons.kit.steps import (
    Close,
    Connect,
    FalseAlarm,
    HalfClose,
    Kernel,
    Kill,
    Pass,
    Press,
    Reset,
    Restart,
    Resume,
    Send,
    SetClock,
    Simple,
    Stall,
    Step,
    Together,
    Vanish,
)


@dataclass(eq=False, slots=True)
class Guest:
    """A client as the schedule has left it. `leaving`: it closed, was reset, or is gone."""

    peer: RawClient
    mute: bool = False
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """What the computer knows at one moment. It is gone as soon as the next run begins: so complaints keep it.

    `watched`: whom select() watches; `to_write`: whom it watches for EVENT_WRITE, alone or besides.
    """

    waits_in: str = ""
    watched: frozenset[str] = frozenset()
    to_write: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    selectors: int = 0
    refused: Call | None = None


@dataclass(eq=False)
class Run:
    """One program and everybody who talks to it."""

    computer: Computer
    dialect: Dialect
    guests: dict[str, Guest] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    crash: Crash | None = None
    exit_status: int | None = None
    alive: bool = False
    restarting: bool = False
    interrupted: bool = False
    asked_for_input: bool = False
    paper: Paper = field(default_factory=Paper)
    buffer: int | None = None

    # ------------------------------------------------------------ what a model may ask

    @property
    def now(self) -> float:
        """Simulated seconds."""
        return self.computer.world.clock.time()

    @property
    def turns(self) -> int:
        """How often select() has returned."""
        return self.computer.turns

    @property
    def spin(self) -> int:
        """The longest run of select() calls that reported somebody whom the program then left alone."""
        return max((selector.longest_spin for selector in self.computer.selectors), default=0)

    @property
    def waiting(self) -> tuple[str, str] | None:
        """The call in which the program waits now, and at whose socket."""
        return self.computer.waiting

    @property
    def situation(self) -> Situation:
        """Where the program waits, whom select() watches, of whom something is there, and the last call that failed."""
        return Situation(
            self.waiting[0] if self.waiting else "",
            frozenset(self.computer.asks),
            frozenset(who for who, events in self.computer.asks.items() if events & EVENT_WRITE),
            tuple(name for name in self.guests if name in self.computer.who_has.values() and self.unread(name)),
            len(self.computer.selectors),
            self.computer.refused,
        )

    def unread(self, name: str) -> bool:
        """True when something of `name` is there that the program has not taken: bytes, or the end of them."""
        pipe = self.pipe_from(name)
        if pipe is None or self.guests[name].peer.eof:
            return False
        return bool(pipe.received) or (pipe.fin_arrived and not self.connections[name].eof_reads)

    @property
    def connections(self) -> dict[str, Connection]:
        """What the program's calls on each client's connection amount to."""
        return self.computer.connections

    @property
    def printed(self) -> str:
        """What the program printed."""
        return self.paper.getvalue()

    def raw(self, name: str) -> bytes:
        """All that `name` has read."""
        return bytes(self.guests[name].peer.received)

    def heard(self, name: str) -> bytes:
        """The same without the dialect's noise."""
        return self.dialect.without_noise(self.raw(name))

    def open(self, name: str) -> bool:
        """True while `name` is connected, as far as `name` knows."""
        guest = self.guests.get(name)
        return guest is not None and not (guest.leaving or guest.peer.eof or guest.peer.closed)

    def eof(self, name: str) -> bool:
        """True when `name` has read to the end: the server closed in good order."""
        return self.guests[name].peer.eof

    def dropped(self, name: str) -> bool:
        """True when the server ended a connection that `name` had not ended."""
        guest = self.guests[name]
        return not guest.leaving and not guest.mute and (guest.peer.eof or guest.peer.error is not None)

    def stalled(self, name: str) -> bool:
        """True while `name` does not read."""
        return self.guests[name].peer.stalled

    def queued(self, name: str) -> int:
        """Bytes for `name` that the kernels hold and `name` has not read."""
        pipe = self.pipe_to(name)
        return 0 if pipe is None else pipe.held + len(pipe.received)

    def pipe_to(self, name: str) -> Pipe | None:
        """The direction from the server to `name`."""
        link = self.guests[name].peer.socket.link
        return None if link is None else link.callee.out

    def pipe_from(self, name: str) -> Pipe | None:
        """The direction from `name` to the server."""
        link = self.guests[name].peer.socket.link
        return None if link is None else link.caller.out

    # ------------------------------------------------------------ what the schedule does

    @property
    def address(self) -> Address | None:
        """Where the program listens; None until it does."""
        return next(iter(self.computer.world.network.wire.listeners), None)

    def possible(self, step: Step) -> bool:
        """True when the step makes sense now."""
        match step:
            case Connect(name):
                return self.address is not None and not self.open(name)
            case Send(name) | HalfClose(name):
                return self.open(name) and not self.guests[name].mute
            case Stall(name):
                return self.open(name) and not self.stalled(name)
            case Resume(name):
                return self.open(name) and self.stalled(name)
            case Close(name) | Reset(name) | Vanish(name):
                return self.open(name)
            case FalseAlarm(name):
                return self.alive and (self.open(name) or (name == "listener" and self.address is not None))
            case Press() | Kill():
                return self.alive
            case Restart():
                return not self.alive
            case _:
                return True

    def do(self, step: Step, told: Callable[[Step], None]) -> None:
        """Do one possible step; `told` hears of each simple one first."""
        if isinstance(step, Together):
            self.computer.at_once = True
            for inner in step.steps:
                if self.possible(inner):
                    self.do(inner, told)
            return
        told(step)
        match step:
            case Connect(name, greet):
                self._connect(name, greet)
            case Kernel() | SetClock() | FalseAlarm():
                self._set_computer(step)
            case Restart():
                self.restarting = True
            case Press(name):
                self.press(name)
            case Kill(calls):
                self.kill(calls)
            case Pass():
                pass  # the director lets the time pass
            case _:
                self._guest_does(self.guests[step.name], step)

    def press(self, name: str) -> None:
        """Send the program a signal. Raises what its handler raises, in the program."""
        self.interrupted = True
        deliver(self.computer, signal.Signals[name])

    def kill(self, calls: int = 0) -> None:
        """End the program where it stands, or as soon as it has made so many more system calls."""
        if calls:
            self.computer.dies_after = calls
            return
        self.computer.over = True
        raise Killed

    def _connect(self, name: str, greet: bool) -> None:
        assert self.address is not None
        network = self.computer.world.network
        peer = RawClient(network, name, self.address, SOMEWHERE)
        self.computer.names[peer.socket.getsockname()] = name
        self.computer.connections[name] = Connection()
        self.computer.world.add_actor(f"{name} at {peer.socket.getsockname()[1]}", peer)
        self.guests[name] = Guest(peer)
        if self.buffer is not None:
            for pipe in (self.pipe_to(name), self.pipe_from(name)):
                assert pipe is not None
                pipe.send_size = pipe.recv_size = self.buffer
                pipe.tiny = True  # whatever the program asks for
        if greet:
            peer.send(self.dialect.greet(name))

    def _guest_does(self, guest: Guest, step: Send | Simple) -> None:
        guest.leaving |= isinstance(step, Close | Reset | Vanish)
        guest.mute |= isinstance(step, HalfClose)
        match step:
            case Send(_, data):
                guest.peer.send(data)
            case Stall():
                guest.peer.stall()
            case Resume():
                guest.peer.resume()
            case HalfClose():
                guest.peer.half_close()
            case Close():
                guest.peer.close()
            case Reset():
                guest.peer.reset()
            case Vanish():
                guest.peer.vanish()

    def _set_computer(self, step: Kernel | SetClock | FalseAlarm) -> None:
        if isinstance(step, SetClock):
            self.computer.world.clock.jump_wall(step.seconds)
            return
        if isinstance(step, FalseAlarm):
            self.computer.false_alarms.add(step.name)
            return
        self.buffer = self.buffer if step.buffer is None else step.buffer
        self.computer.send_most = step.send_most or self.computer.send_most
        self.computer.recv_most = step.recv_most or self.computer.recv_most
        self.computer.fd_limit = step.fds or self.computer.fd_limit
        self.computer.process.fd_limit = self.computer.fd_limit
