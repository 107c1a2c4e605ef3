"""SIGWINCH, SIGCONT -> one call within a turn of the loop: the terminal is not what it was.

A signal interrupts anything, so its handler only writes a byte into a socketpair that the loop
watches. It leaves `signal.set_wakeup_fd` alone: that has one owner, the client's Wakeup.
"""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterable

from chatcore.loop import READ, Loop


class Nudges:
    """Calls `call()` soon after one of `signals` arrived."""

    def __init__(self, loop: Loop, signals: Iterable[int], call: Callable[[], None]) -> None:
        self._loop = loop
        self._call = call
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._previous = {number: signal.signal(number, self._nudge) for number in signals}
        loop.set_interest(self._reader, 0, READ, self)

    def _nudge(self, number: int, frame: object) -> None:
        with contextlib.suppress(BlockingIOError):  # full of nudges: one more changes nothing
            self._writer.send(b"!")

    def ready(self, events: int) -> None:
        """However many came, one call is enough."""
        self._reader.recv(4096)
        self._call()

    def close(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._loop.set_interest(self._reader, READ, 0, self)
        self._reader.close()
        self._writer.close()
