"""deadlines -> calls. A heap of things to do later, and a clock somebody else reads.

A deadline is data: a number in a heap. Nothing here waits and nothing here knows what time
it is; the caller passes `now`. Cancelling leaves a tombstone that is dropped when it comes up.
So do not cancel and re-arm a timer for every message: 200,000 cancels leave 200,000 tombstones.
Let the timer fire, compare, and arm it again.
"""

import heapq
from collections.abc import Callable


class Timer:
    """One call that is due at `when` (seconds on the clock of whoever made it)."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Make it a tombstone. Cancelling twice, or after it fired, does nothing."""
        self.call = None


class Timers:
    """A heap of timers, earliest first; equal deadlines fire in the order they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._added = 0

    def add(self, when: float, call: Callable[[], None]) -> Timer:
        """Arm `call` for `when` and return the timer, so that it can be cancelled."""
        timer = Timer(when, call)
        self._added += 1
        heapq.heappush(self._heap, (when, self._added, timer))
        return timer

    def next_deadline(self) -> float | None:
        """When the earliest live timer is due, or None."""
        while self._heap and self._heap[0][2].call is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[Timer]:
        """Remove and return what is due at `now`.

        The whole batch is taken before anything is called, so a timer that arms itself again
        for "now" waits for the next turn and cannot keep the loop from its sockets.
        """
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        return due
