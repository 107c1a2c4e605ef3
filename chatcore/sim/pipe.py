"""one sender's bytes -> one receiver's bytes. A direction of a TCP connection.

    send() ─▶ unsent ─▶ flying ─▶ received ─▶ recv()
              └─ sender's kernel ┘  └ receiver's kernel

As in Linux, bytes in flight still occupy the sender's buffer, because they are not acknowledged
yet, and nothing takes off that would not fit where it lands. So both buffers are bounded, and a
receiver that stops reading stops its sender: this is all that backpressure is.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from chatcore.sim.options import BUFFER


class Kind(Enum):
    """What a segment says."""

    SYN = auto()
    DATA = auto()
    FIN = auto()
    RST = auto()


@dataclass(frozen=True, slots=True)
class Segment:
    """Something under way; it gets there at `arrives` (monotonic seconds) or later."""

    kind: Kind
    data: bytes
    arrives: float


@dataclass(eq=False, slots=True)
class Pipe:
    """One direction. `since` is when it last carried something, or began to wait."""

    send_size: int = BUFFER
    recv_size: int = BUFFER
    unsent: bytearray = field(default_factory=bytearray)
    flying: deque[Segment] = field(default_factory=deque)
    in_flight: int = 0
    received: bytearray = field(default_factory=bytearray)
    fin_wanted: bool = False
    fin_flies: bool = False
    fin_arrived: bool = False
    dead: bool = False
    tiny: bool = False
    since: float = 0.0

    @property
    def held(self) -> int:
        """Bytes in the sender's buffer: accepted from send(), not yet in the receiver's kernel."""
        return len(self.unsent) + self.in_flight

    @property
    def room(self) -> int:
        """How many bytes send() would take."""
        return max(0, self.send_size - self.held)

    @property
    def window(self) -> int:
        """How many bytes may be put in flight so that they fit when they arrive."""
        return max(0, self.recv_size - len(self.received) - self.in_flight)

    @property
    def can_transmit(self) -> bool:
        """True when data, or the FIN behind them, can leave the sender's buffer."""
        if self.dead or self.fin_flies:
            return False
        return self.window > 0 if self.unsent else self.fin_wanted

    def put(self, data: bytes, now: float) -> int:
        """Take what fits into the sender's buffer and say how many bytes that was."""
        taken = data[: self.room]
        if not self.held:
            self.since = now
        self.unsent += taken
        return len(taken)

    def transmit(self, most: int, arrives: float) -> Kind:
        """Put at most `most` bytes in flight, or the FIN that follows them."""
        data = bytes(self.unsent[: min(most, self.window)])
        del self.unsent[: len(data)]
        self.fin_flies = not data
        kind = Kind.DATA if data else Kind.FIN
        self.fly(kind, data, arrives)
        return kind

    def fly(self, kind: Kind, data: bytes, arrives: float) -> None:
        """Send a segment on its way. It lands after the one before it, however long that one takes."""
        self.in_flight += len(data)
        self.flying.append(Segment(kind, data, arrives))

    def land(self) -> Segment:
        """Take the segment that arrives next out of the air."""
        segment = self.flying.popleft()
        self.in_flight -= len(segment.data)
        return segment

    def forget(self) -> None:
        """Drop what was accepted and has not arrived; nothing will move here again."""
        self.dead = True
        self.unsent.clear()
        self.flying.clear()
        self.in_flight = 0
