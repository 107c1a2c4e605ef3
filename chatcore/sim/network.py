"""addresses -> simulated sockets. The network as a test sets it up.

Programs meet it only through the sockets it hands out, which belong to processes: each process
has its own file descriptors. Who names none shares the network's first process, which is enough
for a server and its clients until a test wants to exhaust descriptors or kill one of them.
"""

import random

from chatcore.sim.clock import SimClock
from chatcore.sim.faults import Faults
from chatcore.sim.links import Address
from chatcore.sim.process import Process
from chatcore.sim.sockets import SimSocket
from chatcore.sim.wire import Wire

SOMEWHERE = ("10.0.0.5", 0)


class Network:
    """All computers of a simulated world and the wire between them."""

    def __init__(self, rng: random.Random, clock: SimClock, faults: Faults | None = None) -> None:
        self.wire = Wire(rng, clock, faults or Faults())
        self.process = Process("main")

    @property
    def fd_limit(self) -> int:
        """Descriptors of the first process are below this number: RLIMIT_NOFILE."""
        return self.process.fd_limit

    @fd_limit.setter
    def fd_limit(self, limit: int) -> None:
        self.process.fd_limit = limit

    def socket(self, process: Process | None = None) -> SimSocket:
        """What `socket.socket()` gives: neither bound nor connected, and blocking. OSError EMFILE."""
        return SimSocket(self.wire, process or self.process)

    def listen(self, address: Address, backlog: int = 128, process: Process | None = None) -> SimSocket:
        """A listening, non-blocking socket; port 0 picks one (see `getsockname`). OSError EADDRINUSE."""
        sock = self.socket(process)
        sock.setblocking(False)
        sock.bind(address)
        sock.listen(backlog)
        return sock

    def connect(self, address: Address, source: Address = SOMEWHERE, process: Process | None = None) -> SimSocket:
        """A non-blocking socket on its way to `address`: writable once that succeeded, or failed.

        Ask `getsockopt(SOL_SOCKET, SO_ERROR)` which. `source` is who the server sees; port 0 picks one.
        """
        sock = self.socket(process)
        sock.setblocking(False)
        sock.bind(source)
        sock.connect_ex(address)
        return sock
