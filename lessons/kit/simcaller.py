"""a failure's script -> one simulated client. What `net.connect(name)` returns.

The same calls as `lessons.callers.Caller`, which has a real socket.
"""

from collections.abc import Callable
from typing import Protocol

from chatcore.sim import RawClient
from lessons.kit.steps import Close, HalfClose, Reset, Resume, Stall, Step, Vanish


class Wait(Protocol):
    """How the script lets the program and the others go on."""

    def __call__(self, seconds: float, condition: Callable[[], bool] = ..., /) -> None:
        """Until `condition`, or for `seconds`."""


class Caller:
    """Somebody who is connected and reads all the time, until told not to."""

    def __init__(self, peer: RawClient, wait: Wait, do: Callable[[Step], None]) -> None:
        self.name = peer.name
        self._wait = wait
        self._do = do
        self._searched = 0
        self._peer = peer

    @property
    def received(self) -> bytearray:
        """What has come and was not taken by read()."""
        return self._peer.received

    @property
    def ended(self) -> bool:
        """True when the server has closed the connection, in good order or not."""
        return self._peer.eof or self.was_reset

    @property
    def was_reset(self) -> bool:
        """True when it was not in good order."""
        return self._peer.error is not None

    def send(self, data: bytes, seconds: float = 1.0) -> int:
        """Send; give up when nothing moves for `seconds`. The bytes that the kernel took."""
        outbox = self._peer.outbox
        outbox += data
        before = -1
        while outbox and before != len(outbox) and not self.ended:
            before = len(outbox)
            self._wait(seconds, lambda: not outbox or self.ended)
        taken = len(data) - len(outbox)
        outbox.clear()
        self._wait(0)
        return taken

    def say(self, text: str) -> None:
        """A line."""
        self.send(text.encode() + b"\n")

    def read(self, expected: bytes | None, seconds: float = 1.0) -> bytes:
        """What came, up to and with `expected`; None: all until the end. All that came, when time is up."""
        came = self._peer.received
        if expected is None:
            self._wait(seconds, lambda: self.ended)
        else:
            self._wait(seconds, lambda: self.ended or self._has(expected))
        end = came.find(expected) + len(expected) if expected is not None and expected in came else len(came)
        data = bytes(came[:end])
        del came[:end]
        self._searched = 0
        return data

    def _has(self, expected: bytes) -> bool:
        """Is it there? What was searched before is not searched again: this is asked at every step."""
        found = self._peer.received.find(expected, max(0, self._searched - len(expected)))
        if found < 0:
            self._searched = len(self._peer.received)
        return found >= 0

    def stop_reading(self) -> None:
        """Read nothing from now on."""
        self._do(Stall(self.name))

    def resume_reading(self) -> None:
        """Read again."""
        self._do(Resume(self.name))

    def half_close(self) -> None:
        """Send no more."""
        self._do(HalfClose(self.name))

    def close(self) -> None:
        """Close."""
        self._do(Close(self.name))

    def reset(self) -> None:
        """End with an RST."""
        self._do(Reset(self.name))

    def vanish(self) -> None:
        """Be gone, and nobody is told."""
        self._do(Vanish(self.name))
