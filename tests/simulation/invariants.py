"""what is promised -> what is checked, by name. See docs/how-it-works/simulator.md.

The last invariant, "same seed, same trace", compares two runs: tests/test_simulation.py does.
"""

from enum import StrEnum


class Invariant(StrEnum):
    """What must always hold. A seeded bug is caught by one of these."""

    DURABLE = "acknowledged means durable"
    RUN = "each view of a room is a gapless run of the log"
    ONCE = "once for each id"
    TOLD = "what was said is answered before the end"
    PRESENCE = "entered comes before the first message, left after the last"
    STREAM = "whole frames arrive, and who reads gets them all"
    HEALTHY = "no healthy connection is dropped"
    MEMBERS = "members are live connections, and each name has one"
    BOUNDED = "buffers are bounded"
    COUNTED = "what is counted is what is there"
    INTEREST = "interest matches buffers and state"
    DEADLINES = "a deadline has a timer, and is kept"
    SPIN = "nobody turns without a reason"
    ESCAPES = "nothing escapes a turn"
    LIVENESS = "once faults stop, everything arrives"
    SHUTDOWN = "a stop is orderly and in time"
    SCREEN = "the client shows everything once and loses nothing"


class Violation(AssertionError):
    """An invariant does not hold: `invariant` says which."""

    def __init__(self, invariant: Invariant, *what: object) -> None:
        super().__init__(f"{invariant.value}: {' '.join(map(str, what))}")
        self.invariant = invariant


def hold(is_true: object, invariant: Invariant, *what: object) -> None:
    """Raise Violation unless it is so."""
    if not is_true:
        raise Violation(invariant, *what)
