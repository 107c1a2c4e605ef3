"""sockets -> small integers. A process is whoever owns a table of file descriptors.

A real kernel gives the lowest free number, so the number of a socket that was just closed comes
back with the very next accept(). Programs that remember numbers instead of sockets find out here.
"""

import errno
import heapq
from typing import Protocol

from chatcore.sim.tcp import failure


class Descriptor(Protocol):
    """What stands behind a number, as a selector sees it."""

    progress: int

    def readiness(self) -> int:
        """EVENT_READ, EVENT_WRITE, both or 0."""

    def close(self) -> None:
        """Give the number back."""


class Process:
    """Who owns file descriptors: small integers, the lowest free one first, below `fd_limit`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fds: dict[int, Descriptor] = {}
        self.fd_limit = 1024
        self._free: list[int] = []
        self._next = 3  # 0, 1 and 2 are standard input, output and error

    def lowest_free(self) -> int:
        """The descriptor that the next socket gets. OSError EMFILE at the limit."""
        lowest = self._free[0] if self._free else self._next
        if lowest >= self.fd_limit:
            raise failure(errno.EMFILE)
        return lowest

    def open(self, sock: Descriptor) -> int:
        """Give `sock` the lowest free descriptor."""
        fd = self.lowest_free()
        if self._free:
            heapq.heappop(self._free)
        else:
            self._next += 1
        self.fds[fd] = sock
        return fd

    def release(self, fd: int) -> None:
        """A socket closed: its number is free at once, and the next socket gets it."""
        del self.fds[fd]
        heapq.heappush(self._free, fd)

    def kill(self) -> None:
        """kill -9: the kernel closes every descriptor. Remove its programs from the world as well."""
        for sock in list(self.fds.values()):
            sock.close()
