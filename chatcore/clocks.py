"""deadlines of a connection -> one timer. A deadline is computed from state; a timer only looks at it.

There is at most one timer for each connection, and it is never moved when something arrives: it
fires, looks which deadline is up by now, if any, and is armed for the earliest of the others.
"""

from collections.abc import Callable
from typing import Protocol

from chatcore.connection import Connection, Due, Handle


class Scheduler(Protocol):
    """The part of a loop that the chat needs; asyncio's loop has it too."""

    def time(self) -> float:
        """Seconds on a clock that never goes back."""

    def call_later(self, delay: float, call: Callable[[], None], /) -> Handle:
        """Call once, `delay` seconds from now."""


class Alarm:
    """What a timer of a connection calls. A `partial` would take 130 bytes more, for each of 10,000."""

    __slots__ = ("_clocks", "_peer")

    def __init__(self, clocks: "Clocks", peer: Connection) -> None:
        self._clocks = clocks
        self._peer = peer

    def __call__(self) -> None:
        """The timer fires."""
        self._clocks.look(self._peer)


class Clocks:
    """Calls `reached(peer, due)` when a deadline of a connection is up."""

    def __init__(self, loop: Scheduler, reached: Callable[[Connection, Due], None]) -> None:
        self._loop = loop
        self._reached = reached

    def now(self) -> float:
        """Seconds, monotonic."""
        return self._loop.time()

    def arm(self, peer: Connection) -> None:
        """See that a timer fires at the earliest deadline. One that fires too early is simply armed again."""
        when = min((when for when, _ in peer.deadlines()), default=None)
        if when is None or (peer.timer is not None and peer.timer_at <= when):
            return
        if peer.timer is not None:
            peer.timer.cancel()
        peer.timer_at = when
        peer.timer = self._loop.call_later(max(0.0, when - self.now()), Alarm(self, peer))

    def look(self, peer: Connection) -> None:
        """One deadline at a time: after the first, the others may mean nothing any more."""
        peer.timer = None
        now = self.now()
        due = next((due for when, due in peer.deadlines() if when <= now), None)
        if due is not None:
            self._reached(peer, due)
        self.arm(peer)

    def listen_again(self, peer: Connection) -> None:
        """While we did not read, silence proved nothing: its clocks stood still and start anew."""
        peer.restart_clocks(self.now())
        self.arm(peer)
