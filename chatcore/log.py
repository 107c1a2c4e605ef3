"""drafts -> messages. The log is the truth: what it reports as committed is what people get.

The chat asks the log to append a draft and goes on; the outcome is reported later, by the call
that was handed over with the draft. A log in this process answers within the turn, in `commit`. A
log on another machine may answer in a later turn: nothing else changes.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatcore.names import Name
from chatcore.protocol import Message


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that has no number yet."""

    room: Name
    sender: Name
    text: str
    time: str
    cid: str
    refusal: str = ""  # a key of COMMAND_ERRORS: it is not to be kept; but a retry of what is kept gets its answer

    def is_retry_of(self, message: Message, fold_of_room: str) -> bool:
        """True when the stored `message` under the same id says the same in the same room."""
        return (self.room.fold, self.text) == (fold_of_room, message.text)

    def numbered(self, seq: int, room: str) -> Message:
        """The message that this draft becomes."""
        return Message(room, seq, self.sender.shown, self.text, self.time, self.cid)


@dataclass(frozen=True, slots=True)
class Committed:
    """The draft is durable, as `message`."""

    message: Message


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The draft was a retry; `message` is the original."""

    message: Message


@dataclass(frozen=True, slots=True)
class NotKept:
    """The draft was refused: a key of COMMAND_ERRORS, and a sentence where more is known."""

    code: str
    text: str = ""


Outcome = Committed | Duplicate | NotKept
Done = Callable[[Outcome], None]
USED_ID = NotKept("bad_field", "this cid was used for another message")


@dataclass(frozen=True, slots=True)
class Span:
    """Which messages of a room are there: `first` to `head`; `head` is 0 when there never was one."""

    room: Name
    first: int
    head: int


class Log(Protocol):
    """What keeps the messages. Rooms are given by their fold. Every answer comes by a call."""

    identity: str  # another one means another history: forget your positions

    @property
    def count(self) -> int:
        """How many messages were ever appended."""

    def append(self, draft: Draft, done: Done) -> None:
        """Take `draft` into the next commit. Outcomes are reported in the order of the appends."""

    def commit(self) -> None:
        """Make everything appended durable, together. LogError when nothing can be promised any more."""

    def span(self, room: Name, then: Callable[[Span], None]) -> None:
        """Tell what there is of `room`, and under which name it was first written."""

    def read(self, room: str, after: int, most: int, then: Callable[[list[Message]], None]) -> None:
        """Give up to `most` committed messages behind number `after`, in order."""

    def rooms(self, after: str, most: int, then: Callable[[list[Span]], None]) -> None:
        """Give up to `most` rooms with history whose folds come behind `after`, in order."""

    def close(self) -> None:
        """Let go of files and connections."""


class MemoryLog:
    """Keeps the last `most` messages, and their ids, while the process lives."""

    def __init__(self, identity: str, most: int = 10_000, most_rooms: int = 10_000) -> None:
        self.identity = identity
        self.count = 0
        self._most = most
        self._most_rooms = most_rooms
        self._drafts: list[tuple[Draft, Done]] = []
        self._kept: dict[str, deque[Message]] = {}  # fold of the room -> what is left of it
        self._names: dict[str, Name] = {}  # fold of the room -> as first written
        self._heads: dict[str, int] = {}  # never forgotten: a number is given once
        self._by_id: dict[tuple[str, str], tuple[str, Message]] = {}  # (sender, cid) -> (room, message)
        self._oldest: deque[tuple[str, str]] = deque()  # the ids, oldest first

    def append(self, draft: Draft, done: Done) -> None:
        """Remember the draft until `commit`."""
        self._drafts.append((draft, done))

    def commit(self) -> None:
        """Number every draft and report."""
        drafts, self._drafts = self._drafts, []
        for draft, done in drafts:
            done(self._store(draft))

    def _store(self, draft: Draft) -> Outcome:
        key = (draft.sender.fold, draft.cid)
        if key in self._by_id:
            room, original = self._by_id[key]
            return Duplicate(original) if draft.is_retry_of(original, room) else USED_ID
        if draft.refusal:
            return NotKept(draft.refusal)
        fold = draft.room.fold
        if fold not in self._names and len(self._names) >= self._most_rooms:
            return NotKept("storage_full")
        name = self._names.setdefault(fold, draft.room)
        self._heads[fold] = self._heads.get(fold, 0) + 1
        message = draft.numbered(self._heads[fold], name.shown)
        self._kept.setdefault(fold, deque()).append(message)
        self._by_id[key] = (fold, message)
        self._oldest.append(key)
        self.count += 1
        self._trim()
        return Committed(message)

    def _trim(self) -> None:
        """Forget the oldest message of all; it is also the oldest of its room."""
        if len(self._oldest) > self._most:
            room, _ = self._by_id.pop(self._oldest.popleft())
            self._kept[room].popleft()

    def span(self, room: Name, then: Callable[[Span], None]) -> None:
        """Answer at once."""
        then(self._span(room))

    def _span(self, room: Name) -> Span:
        head = self._heads.get(room.fold, 0)
        return Span(self._names.get(room.fold, room), head - len(self._kept.get(room.fold, ())) + 1, head)

    def read(self, room: str, after: int, most: int, then: Callable[[list[Message]], None]) -> None:
        """Answer at once. The kept messages of a room have numbers without gaps, so a position is an index."""
        kept = self._kept.get(room, deque())
        start = max(0, after - kept[0].seq + 1) if kept else 0
        then([kept[index] for index in range(start, min(start + most, len(kept)))])

    def rooms(self, after: str, most: int, then: Callable[[list[Span]], None]) -> None:
        """Answer at once."""
        then([self._span(self._names[fold]) for fold in sorted(self._names) if fold > after][:most])

    def close(self) -> None:
        """There is nothing to let go of."""
