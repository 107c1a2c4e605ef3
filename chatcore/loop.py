"""readiness -> calls. One thread that waits in one place and does everything else without waiting.

One turn, always in this order:

    1. select            the only place that may block
    2. what is ready     accept, receive; then the service decodes and handles commands;
                         if there is something to tell everybody, a second look, without waiting
    3. timers due        the batch is taken first, so they cannot starve the sockets
    4. commit            the service makes this turn durable: one transaction
    5. flush             one send per connection that has something to say; sockets close here only

Anything with a `ready(events)` method can be registered as the data of a selector key. The loop
takes any `selectors.BaseSelector` and any clock, so tests run it on a simulated network.
"""

import selectors
import signal
import socket
from collections.abc import Callable, Iterable
from typing import Protocol

from chatcore.timers import Timer, Timers
from chatcore.trace import Trace

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
MOST_LOOKS = 8  # in one turn, so that timers and those who wait for an answer are not forgotten
LONGEST_WAIT = 86_400.0  # seconds; epoll refuses more than 24 days, and a limit may be set to more than that
Ready = list[tuple[selectors.SelectorKey, int]]  # what a select returns


class Handler(Protocol):
    """What stands behind a registered socket."""

    def ready(self, events: int) -> None:
        """Called with READ, WRITE or both when the selector reports them."""


class Service(Protocol):
    """What a loop runs: the steps of a turn that are not the loop's own."""

    @property
    def busy(self) -> bool:
        """True when the next turn has work even if no socket becomes ready."""

    def decode(self) -> bool | None:
        """End of step 2: cut frames out of what was received, handle the commands.

        True says that more input would share this turn's commit and flush.
        """

    def commit(self) -> None:
        """Step 4: make what the commands changed durable, then queue what follows from it."""

    def flush(self) -> None:
        """Step 5: send, and close what is finished."""


class Readable(Protocol):
    """What a selector can watch: a socket, real or simulated, or a terminal."""

    def fileno(self) -> int:
        """The descriptor that `select` is asked about."""


class Loop:
    """Waits with `selector`, reads the time from `clock` (seconds, monotonic), runs one service."""

    def __init__(
        self, selector: selectors.BaseSelector, clock: Callable[[], float], service: Service, trace: Trace | None = None
    ) -> None:
        self.selector = selector
        self.time = clock
        self.trace = trace
        self.turns = 0
        self.running = False
        self._service = service
        self._timers = Timers()

    def call_later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call `call` in step 3 of the first turn that begins `delay` seconds from now or later."""
        return self._timers.add(self.time() + delay, call)

    def set_interest(self, sock: Readable, known: int, wanted: int, handler: Handler) -> None:
        """Tell the selector that `wanted` replaces `known`. selectors refuse an empty set: unregister."""
        if not known:
            self.selector.register(sock, wanted, handler)
        elif not wanted:
            self.selector.unregister(sock)
        else:
            self.selector.modify(sock, wanted, handler)

    def run(self) -> None:
        """Turn until `stop()` is called."""
        self.running = True
        while self.running:
            self.turn()

    def stop(self) -> None:
        """Finish the turn in progress, then return from `run()`."""
        self.running = False

    def timeout(self) -> float | None:
        """How long select may wait: 0 when there is work, None when only a socket can bring some."""
        if self._service.busy:
            return 0.0
        deadline = self._timers.next_deadline()
        return None if deadline is None else min(max(0.0, deadline - self.time()), LONGEST_WAIT)

    def turn(self, at_most: float | None = None) -> None:
        """Do one turn; wait in select for `at_most` seconds, or as long as it takes (None)."""
        waits = [seconds for seconds in (self.timeout(), at_most) if seconds is not None]
        ready = self.selector.select(min(waits, default=None))
        self.turns += 1
        if self.trace is not None:
            self.trace("turn", number=self.turns, ready=len(ready))
        self._take_in(ready)
        self._run_timers(self._timers.take_due(self.time()))
        self._service.commit()
        self._service.flush()

    def _take_in(self, ready: Ready) -> None:
        """Step 2. While more input would share this turn's commit and flush, look whether more has come.

        One look costs a microsecond or two; what it finds saves a send to everybody in the room.
        """
        for look in range(1, MOST_LOOKS + 1):
            for key, events in ready:
                key.data.ready(events)
            if not self._service.decode() or look == MOST_LOOKS:
                return
            ready = self.selector.select(0)
            if not any(events & READ for _, events in ready):
                return

    def _run_timers(self, due: Iterable[Timer]) -> None:
        for timer in due:
            if timer.call is not None:  # another timer of this batch may have cancelled it
                timer.call()


class Wakeup:
    """Makes a signal one more readable socket: the handler of C writes a byte into a socketpair.

    A Python signal handler alone would not end a `select` that is waiting (PEP 475 restarts it).
    """

    def __init__(self, loop: Loop, signals: Iterable[int], on_signal: Callable[[int], None]) -> None:
        self._loop = loop
        self._on_signal = on_signal
        self._reader, writer = socket.socketpair()
        self._writer = writer
        for end in (self._reader, writer):
            end.setblocking(False)
        self._previous_fd = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, lambda *_: None) for number in signals}
        loop.set_interest(self._reader, 0, READ, self)

    def ready(self, events: int) -> None:
        """Each byte in the pair is the number of a signal that arrived."""
        for number in self._reader.recv(64):
            if number in self._previous:  # others come here too: a window that changes its size
                self._on_signal(number)

    def close(self) -> None:
        """Give the signals back to whoever had them."""
        self._loop.set_interest(self._reader, READ, 0, self)
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()
