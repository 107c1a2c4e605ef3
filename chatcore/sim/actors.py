"""whoever can act -> one step at a time. Programs and scripted peers, as the world sees them.

An actor says whether it can act now, does one small thing when it is told to, and knows its next
deadline. A `chatcore.loop.Loop` becomes an actor by being asked for one turn at a time.
"""

import selectors
import socket
from selectors import EVENT_READ, EVENT_WRITE
from typing import Protocol

from chatcore.sim.clock import SimClock
from chatcore.sim.links import Address
from chatcore.sim.network import SOMEWHERE, Network
from chatcore.sim.process import Process
from chatcore.sim.selector import SimSelector


class Actor(Protocol):
    """Anything that a world can run."""

    def ready(self) -> bool:
        """True when step() would do something now."""

    def step(self) -> object:
        """Do one thing. What it returns is ignored."""

    def deadline(self) -> float | None:
        """When (monotonic seconds) it becomes ready by itself; None if only others can bring that about."""


class Program(Protocol):
    """An event loop that can be turned once: `chatcore.loop.Loop`, or a learner's of the same shape."""

    @property
    def selector(self) -> selectors.BaseSelector:
        """What its turns wait on."""

    def timeout(self) -> float | None:
        """Seconds until it has work by itself: 0 now, None never."""

    def turn(self, at_most: float | None = None) -> None:
        """select once, for `at_most` seconds, and do what there is to do."""


class Turns:
    """A program as an actor: it may turn when it has work or its selector has something to report."""

    def __init__(self, program: Program, clock: SimClock) -> None:
        if not isinstance(program.selector, SimSelector):
            raise TypeError("a simulated program needs a SimSelector: world.selector()")
        self._program = program
        self._selector = program.selector
        self._clock = clock

    def ready(self) -> bool:
        """True when a turn would find something to do."""
        timeout = self._program.timeout()
        return (timeout is not None and timeout <= 0) or self._selector.any_ready()

    def step(self) -> None:
        """One turn that does not wait."""
        self._program.turn(at_most=0)

    def deadline(self) -> float | None:
        """When its next timer is due."""
        timeout = self._program.timeout()
        return None if timeout is None else self._clock.time() + timeout


class RawClient:
    """A peer that speaks bytes and does what a test tells it, a random piece at a time.

    `received` is all it has read so far, `eof` whether it read to the end, `error` what its socket
    raised (it then acts no more). It has a process of its own, so its descriptors are not the server's.
    """

    def __init__(self, network: Network, name: str, address: Address, source: Address = SOMEWHERE) -> None:
        self.name = name
        self.received = bytearray()
        self.eof = False
        self.error: OSError | None = None
        self.stalled = False
        self.outbox = bytearray()
        self._dice = network.wire.dice
        self._wire = network.wire
        self._half_close_wanted = self._close_wanted = self._half_closed = False
        self.socket = network.connect(address, source, Process(name))

    @property
    def closed(self) -> bool:
        """True after close() took effect, or reset(), or vanish()."""
        return self.socket.fileno() < 0

    def send(self, data: bytes) -> None:
        """Send `data` after what was given before."""
        self.outbox += data

    def stall(self) -> None:
        """Stop reading (it goes on sending)."""
        self.stalled = True

    def resume(self) -> None:
        """Read again."""
        self.stalled = False

    def half_close(self) -> None:
        """Send no more, once the kernel has taken everything that was given to send()."""
        self._half_close_wanted = True

    def close(self) -> None:
        """Close the socket, once the kernel has taken everything that was given to send()."""
        self._close_wanted = True

    def reset(self) -> None:
        """Close at once with RST, whatever is still to be sent or read."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def vanish(self) -> None:
        """Be gone, as when the cable is pulled: nobody hears of it."""
        if self.socket.link is not None:
            self._wire.lose(self.socket.link)
        self.socket.close()

    def ready(self) -> bool:
        """True when it wants to do something that its socket is ready for."""
        return bool(self._possible())

    def step(self) -> None:
        """One recv, or one send, or what comes after the last send."""
        try:
            if self._dice.rng.choice(self._possible()) == EVENT_READ:
                self._read()
            else:
                self._write()
        except BlockingIOError:
            pass  # a spurious one
        except OSError as error:
            self.error = error
            self.socket.close()

    def deadline(self) -> None:
        """It never acts because of the time."""

    def _possible(self) -> list[int]:
        mask = self.socket.readiness()
        to_say = self.outbox or self._close_wanted or (self._half_close_wanted and not self._half_closed)
        wanted = (0 if self.stalled or self.eof else EVENT_READ) | (EVENT_WRITE if to_say else 0)
        return [event for event in (EVENT_READ, EVENT_WRITE) if event & mask & wanted]

    def _read(self) -> None:
        data = self.socket.recv(self._dice.piece(65536))
        self.received += data
        self.eof = not data

    def _write(self) -> None:
        if self.outbox:
            del self.outbox[: self.socket.send(self.outbox[: self._dice.piece(len(self.outbox))])]
        elif self._close_wanted:
            self.socket.close()
        else:
            self._half_closed = True
            self.socket.shutdown(socket.SHUT_WR)
