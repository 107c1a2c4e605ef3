"""what is left in the send queues -> who is too slow. Judged after the flush, never before it.

Before the flush a queue says what was said this turn; only what the kernel did *not* take says
something about the reader. Above the high-water mark we stop reading from a peer and a clock
starts; at the low-water mark all is normal again. Above the ceiling, or when the clock is up, the
peer is disconnected: it loses its connection, never single messages.
"""

from collections.abc import Callable, Iterable

from chatcore.clocks import Clocks
from chatcore.connection import Connection
from chatcore.limits import Limits
from chatcore.replay import Replay


class Marks:
    """The bytes that wait, of each peer and of all. `close` and `wake` are the chat's."""

    def __init__(
        self,
        limits: Limits,
        clocks: Clocks,
        replay: Replay,
        dirty: dict[Connection, None],
        close: Callable[[Connection, str], None],
        wake: Callable[[Connection], None],
    ) -> None:
        self.queued = 0  # bytes in all send queues, as of the last flush
        self._backlog: dict[Connection, None] = {}  # something was left unsent by the last flush
        self._limits = limits
        self._clocks = clocks
        self._replay = replay
        self._dirty = dirty
        self._close = close
        self._wake = wake

    def judge(self, flushed: Iterable[Connection]) -> None:
        """Apply the marks to those who were flushed."""
        for peer in flushed:
            size = peer.queue.size
            if not size and not peer.counted and peer not in self._replay.behind:
                continue  # the usual case: all was taken, now as before
            self._count(peer)
            if not peer.is_open:
                continue
            if size > self._limits.ceiling:
                self._close(peer, "slow_consumer")
                self._count(peer)
            elif size > self._limits.high_water and peer.slow_since is None:
                peer.slow_since = self._clocks.now()
                self._dirty[peer] = None
                self._clocks.arm(peer)
            elif size <= self._limits.low_water:
                self._recovered(peer)
        while self.queued > self._limits.total_queue and self._drop_slowest():
            pass

    def _count(self, peer: Connection) -> None:
        size = 0 if peer.is_closed else peer.queue.size
        self.queued += size - peer.counted
        peer.counted = size
        if size:
            self._backlog[peer] = None
        else:
            self._backlog.pop(peer, None)

    def _recovered(self, peer: Connection) -> None:
        """The queue is low: read again, go on catching up."""
        self._replay.feed(peer)
        if peer.slow_since is not None:
            peer.slow_since = None
            self._dirty[peer] = None
            self._wake(peer)
            self._clocks.listen_again(peer)

    def _drop_slowest(self) -> bool:
        """Disconnect the peer with the largest queue; False when nobody is left who could be."""
        slowest = max((peer for peer in self._backlog if peer.is_open), key=_queue_size, default=None)
        if slowest is None:
            return False
        self._close(slowest, "slow_consumer")
        self._count(slowest)
        return True


def _queue_size(peer: Connection) -> int:
    return peer.queue.size
