"""two Ends -> one connection. Who is connected to whom, and who waits to be accepted."""

from collections import deque
from dataclasses import dataclass, field

from chatcore.sim.options import Options
from chatcore.sim.tcp import End

Address = tuple[str, int]


@dataclass(eq=False, slots=True)
class Link:
    """A connection: the side that connected and the side that accepted, and whether packets get through."""

    caller: End
    callee: End
    source: Address
    target: Address
    lost: bool = False

    @property
    def ends(self) -> tuple[End, End]:
        """Both sides."""
        return self.caller, self.callee

    @property
    def forgotten(self) -> bool:
        """True when no socket is left at either end, and nothing that could still move."""
        if not (self.caller.orphan and self.callee.orphan):
            return False
        pipes = (self.caller.out, self.callee.out)
        return self.lost or all(p.dead or not (p.flying or p.can_transmit) for p in pipes)

    def way(self, end: End) -> str:
        """The connection's name, with an arrow that points away from `end`."""
        return str(self) if end is self.caller else str(self).replace(">", "<")

    def __str__(self) -> str:
        return f"{self.source[0]}:{self.source[1]}>{self.target[0]}:{self.target[1]}"

    def peer_of(self, end: End) -> Address:
        """The address of the other side."""
        return self.target if end is self.caller else self.source


@dataclass(eq=False, slots=True)
class Listener:
    """A listening socket's queue of connections that nobody has accepted yet."""

    backlog: int
    options: Options
    queue: deque[Link] = field(default_factory=deque)


def numeric(address: Address) -> Address:
    """The address with its host as a number; only localhost is known here."""
    host, port = address[:2]
    return ("127.0.0.1" if host == "localhost" else host), port
