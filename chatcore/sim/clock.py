"""nobody can act -> time passes. The only clock in a simulated world.

It moves when the world moves it, never by itself: a program that takes an hour of real time to
debug finds the simulated clock where it left it. There are two times, as in a real computer: the
monotonic one, which timers use and which never goes back, and the wall clock, which an
administrator or NTP may set while the program runs.
"""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2024, 2, 29, 23, 59, 50, tzinfo=UTC)  # ten seconds before a day, a month and a leap day end


class SimClock:
    """Simulated time. Pass `clock.time` where a program wants `time.monotonic`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._wall_offset = 0.0

    def time(self) -> float:
        """Monotonic seconds since the world began."""
        return self._now

    def utc(self) -> datetime:
        """The wall clock, which jumps; never compute a duration from it."""
        return EPOCH + timedelta(seconds=self._now + self._wall_offset)

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back when `seconds` is negative."""
        self._wall_offset += seconds

    def advance_to(self, when: float) -> None:
        """Let time pass until `when` (monotonic seconds). ValueError if that is in the past."""
        if when < self._now:
            raise ValueError(f"the monotonic clock is at {self._now} and cannot go back to {when}")
        self._now = when
