"""who is where: the members of a room in order, and the line of what happens in it.

What happens in a room stands in line: things said, people coming, people going. Something said
waits in the line until the log reports its outcome, and whatever stands behind it waits too. So
nobody's coming or going overtakes a message, and everybody hears the same order.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from chatcore.connection import Connection
from chatcore.limits import Limits
from chatcore.log import Draft, Outcome
from chatcore.names import Name
from chatcore.protocol import MOST_IN_A_LIST, Event, Joined, Left

LIST_OVERHEAD = 512  # bytes of an event around the names that it lists


class Roll:
    """Names in the order of their folds: cheap to page through and to keep sorted."""

    def __init__(self) -> None:
        self._names: list[Name] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, name: Name) -> None:
        """Put a name in its place."""
        insort(self._names, name, key=_by_fold)

    def remove(self, name: Name) -> None:
        """Take a name out that is there."""
        del self._names[bisect_left(self._names, name.fold, key=_by_fold)]

    def page(self, after: str = "", most: int = MOST_IN_A_LIST) -> list[str]:
        """Up to `most` names whose folds come behind the fold `after`."""
        start = bisect_right(self._names, after, key=_by_fold)
        return [name.shown for name in self._names[start : start + most]]


def _by_fold(name: Name) -> str:
    return name.fold


T = TypeVar("T")


def as_many_as_fit(rows: Iterable[T], size: Callable[[T], int], frame: int) -> list[T]:
    """The first of `rows` that fit one event of at most `frame` bytes, when each takes `size(row)` bytes."""
    fitting = []
    left = frame - LIST_OVERHEAD
    for row in rows:
        left -= size(row)
        if left < 0:
            break
        fitting.append(row)
    return fitting


def size_of_name(name: str) -> int:
    """Bytes of a name in a list: quotes and comma included."""
    return len(name.encode()) + 3


@dataclass(slots=True)
class Said:
    """In the line: a message. It waits for its outcome."""

    peer: Connection | None  # None for the operator
    draft: Draft
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Comes:
    """In the line: somebody joins, or resumes."""

    peer: Connection
    after: int | None
    first_kept: int
    leaves: str = ""  # the room that is left as soon as this one is entered


@dataclass(frozen=True, slots=True)
class Goes:
    """In the line: somebody leaves, with a live connection (`peer`) or because it is gone (None)."""

    name: Name
    reason: str
    peer: Connection | None


class Room:
    """One room: its members, its line, and the events of this turn that its members have not got yet."""

    __slots__ = ("batch", "behind", "head", "line", "live", "name", "roll")

    def __init__(self, name: Name, head: int) -> None:
        self.name = name  # as it was first written
        self.head = head  # number of the last message that was delivered
        self.live: dict[Connection, None] = {}
        self.behind: dict[Connection, dict[str, Left]] = {}  # who catches up -> the goings to be told at the head
        self.roll = Roll()
        self.line: deque[Said | Comes | Goes] = deque()
        self.batch: list[tuple[Event, Connection | None]] = []  # with the text peer that shall not hear it

    def drop(self, peer: Connection) -> None:
        """`peer` hears nothing of this room from now on."""
        self.live.pop(peer, None)
        self.behind.pop(peer, None)

    def announces(self, limits: Limits) -> bool:
        """True while comings and goings are told: in a large room they would be told too often, to too many."""
        return len(self.roll) <= limits.presence

    def joined(self, first: int, limits: Limits) -> Joined:
        """What somebody is told who comes in, or comes again, when number `first` follows."""
        members = tuple(as_many_as_fit(self.roll.page(), size_of_name, limits.frame))
        return Joined(self.name.shown, first, self.head, len(self.roll), members, self.announces(limits))
