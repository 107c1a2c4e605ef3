"""drafts -> messages, remembered. A MemoryLog that knows all that became durable; it can be late, full, or break.

When it is late it has the shape of a log on another machine: every answer, also that of a read,
comes in a later turn, in the order of the questions.
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from functools import partial

from chatcore.errors import LogError
from chatcore.log import Committed, Done, Draft, MemoryLog, NotKept, Outcome, Span
from chatcore.loop import Loop
from chatcore.names import Name
from chatcore.protocol import Message
from tests.simulation.invariants import Invariant, hold

MOST_ANSWERS = 4  # a turn, of a late log: pending appends are not bounded yet, and more would drown a reader
Place = tuple[str, int]  # fold of the room, number


class WatchedLog:
    """What it remembers is the truth that everything else is held against."""

    identity = "log"

    def __init__(self, rng: random.Random, is_late: bool) -> None:
        self.is_full = self.is_broken = False
        self.durable: dict[Place, Message] = {}
        self.heads: Counter[str] = Counter()
        self.said: dict[tuple[str, str], Place] = {}  # (sender, mark of the text) -> where it is
        self.asked: set[tuple[str, str]] = set()  # (fold of the sender, cid) that this server wants kept
        self.answers = 0
        self._ids: set[tuple[str, str]] = set()  # (fold of the sender, cid) of what is durable
        self._rng = rng
        self._is_late = is_late
        self._inner = MemoryLog("log")
        self._questions: deque[tuple[float, Callable[[], None]]] = deque()  # when the answer comes, and the answer
        self._loop: Loop | None = None

    @property
    def count(self) -> int:
        return self._inner.count

    def attach(self, loop: Loop) -> None:
        """A server starts. What the last one asked for is forgotten."""
        self._loop, self.is_broken = loop, False
        self._questions.clear()
        self.asked.clear()

    def find(self, sender: str, mark: str) -> Place:
        """Where it is; room "" if it is nowhere."""
        return self.said.get((sender, mark), ("", 0))

    # --- what the server asks

    def append(self, draft: Draft, done: Done) -> None:
        self.asked.add((draft.sender.fold, draft.cid))
        self._ask(lambda: done(NotKept("storage_full") if self.is_full else self._store(draft)))

    def span(self, room: Name, then: Callable[[Span], None]) -> None:
        self._read(partial(self._inner.span, room, then))

    def read(self, room: str, after: int, most: int, then: Callable[[list[Message]], None]) -> None:
        self._read(partial(self._inner.read, room, after, most, then))

    def rooms(self, after: str, most: int, then: Callable[[list[Span]], None]) -> None:
        self._read(partial(self._inner.rooms, after, most, then))

    def close(self) -> None:
        """It outlives its server."""

    def _read(self, question: Callable[[], None]) -> None:
        if self._is_late:
            self._ask(question)
        else:
            self.answers += 1
            question()

    def _ask(self, question: Callable[[], None]) -> None:
        when = 0.0
        if self._is_late and self._loop is not None:
            soon = self._loop.time() + self._rng.choice((0.001, 0.01, 0.3))
            when = max(soon, self._questions[-1][0] if self._questions else 0)
            self._loop.call_later(when - self._loop.time(), do_nothing)
        self._questions.append((when, question))

    # --- what it answers

    def commit(self) -> None:
        if self.is_broken and self._questions:
            self._questions.clear()
            raise LogError("the disk is gone")
        assert self._loop is not None
        for _ in range(MOST_ANSWERS if self._is_late else len(self._questions)):
            if not self._questions or self._questions[0][0] > self._loop.time() + 1e-9:
                return
            self.answers += 1
            self._questions.popleft()[1]()
        if self._questions:
            self._loop.call_later(0, do_nothing)

    def _store(self, draft: Draft) -> Outcome:
        outcomes: list[Outcome] = []
        self._inner.append(draft, outcomes.append)
        self._inner.commit()
        if isinstance(outcomes[0], Committed):
            self._note(outcomes[0].message, draft.room.fold, (draft.sender.fold, draft.cid))
        return outcomes[0]

    def _note(self, message: Message, room: str, key: tuple[str, str]) -> None:
        mark = mark_of(message.text)
        is_new = key not in self._ids and not (mark.startswith("m") and (message.sender, mark) in self.said)
        hold(is_new, Invariant.ONCE, "stored twice:", message)
        hold(message.seq == self.heads[room] + 1, Invariant.RUN, "the log numbers", message.seq, "in", room)
        self._ids.add(key)
        self.heads[room] = message.seq
        self.durable[room, message.seq] = message
        self.said[message.sender, mark] = room, message.seq


def do_nothing() -> None:
    """The turn is what counts."""


def mark_of(text: str) -> str:
    """Every text that is said begins with a mark that nothing else begins with."""
    return text.partition(" ")[0]
