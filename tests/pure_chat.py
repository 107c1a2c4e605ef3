"""The whole server minus the network, driven by hand: for the tests of what the chat promises.

    driver = Driver()
    ana, bia = driver.program("ana", "sala"), driver.person("bia")
    ana.says(type="send", room="sala", cid="1", text="oi")
    driver.settle()
    ana.events, bia.text

A `Driver` does what `server.py` does, in the same order, with a clock that only moves when it is
told to and a kernel that takes as many bytes of each peer as the test wants. A `Peer` is the far end
of one connection. A `SlowLog` answers in a later turn, as a log on another machine would.
"""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from chatcore.chat import Chat
from chatcore.commands import Outside
from chatcore.connection import Connection, State
from chatcore.errors import LogError
from chatcore.framing import HEADER_BYTES
from chatcore.limits import Limits
from chatcore.log import Done, Draft, Log, MemoryLog, NotKept, Outcome, Span
from chatcore.names import Name, fold
from chatcore.protocol import Message
from chatcore.timers import Timer, Timers
from chatcore.trace import Trace

Event = dict[str, Any]
TEXT, LINES, LENGTHS = "text", "lines", "lengths"  # how a peer speaks
RECEIVE_BYTES = 64 * 1024  # what one `recv` gives at most, as in server.py
PATIENCE = 20_000  # turns after which something spins


class Clock:
    """A Scheduler whose time stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers = Timers()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None], /) -> Timer:
        return self.timers.add(self.now + delay, call)

    def run_due(self) -> None:
        for timer in self.timers.take_due(self.now):
            if timer.call is not None:
                timer.call()


class Peer:
    """The far end of a connection: what it says, what it heard, and how it behaves."""

    def __init__(self, connection: Connection, kind: str) -> None:
        self.connection = connection
        self.kind = kind
        self.takes: int | None = None  # bytes its kernel takes from the server in one turn; None: any number
        self.closes = True  # it closes its side when it sees the server's end
        self.on_its_way: deque[bytes] = deque()  # sent, and not received by the server; b"" is its end
        self.has_ended = False
        self.is_reset = False
        self.sees_end = False  # the server has shut its side
        self.is_gone = False  # the server has closed the socket
        self.heard = bytearray()  # every byte that came
        self._parsed = 0  # so much of it has become events
        self._events: list[Event] = []

    # --- what it does

    def send(self, data: bytes) -> "Peer":
        """These bytes, whatever they mean."""
        assert data, "an empty piece is the end: see `ends`"
        self.on_its_way.extend(data[at : at + RECEIVE_BYTES] for at in range(0, len(data), RECEIVE_BYTES))
        return self

    def says(self, *lines: str, **command: Any) -> "Peer":
        """Lines (a person), or one command (a program)."""
        if self.kind == TEXT:
            return self.send("".join(f"{line}\n" for line in lines).encode())
        return self.send(frame(self.kind, command))

    def sends(self, room: str, *texts: str) -> "Peer":
        """A program says texts in a room; how each begins is its client id."""
        for text in texts:
            self.says(type="send", room=room, cid=text[:30], text=text)
        return self

    def ends(self) -> None:
        """Half-close: it says no more."""
        if not self.has_ended:
            self.has_ended = True
            self.on_its_way.append(b"")

    def resets(self) -> None:
        """The connection breaks."""
        self.is_reset = True

    def arriving(self) -> bytes:
        """What one `recv` gives: all that came, up to a bound, but the end comes alone."""
        data = self.on_its_way.popleft()
        while data and self.on_its_way and 0 < len(self.on_its_way[0]) <= RECEIVE_BYTES - len(data):
            data += self.on_its_way.popleft()
        return data

    # --- what it heard

    @property
    def text(self) -> str:
        return self.heard.decode()

    @property
    def lines(self) -> list[str]:
        """Whole lines; a line that is cut off is not there yet."""
        return self.text.split("\n")[:-1]

    @property
    def events(self) -> list[Event]:
        """What a program was told; an event that is cut off is not there yet."""
        while (payload := self._next_payload()) is not None:
            self._events.append(json.loads(payload))
        return self._events

    def _next_payload(self) -> bytes | None:
        begin = self._parsed
        if self.kind == LENGTHS:
            payload = begin + HEADER_BYTES
            end = payload + int.from_bytes(self.heard[begin:payload], "big")
        else:
            payload = begin
            end = self.heard.find(b"\n", begin) + 1
        if begin == len(self.heard) or not begin < end <= len(self.heard):
            return None
        self._parsed = end
        return bytes(self.heard[payload:end])

    def of(self, *types: str) -> list[Event]:
        """The events of these types."""
        return [event for event in self.events if event["type"] in types]

    def told(self, *types: str) -> Event:
        """The one event of these types."""
        (event,) = self.of(*types)
        return event

    @property
    def codes(self) -> list[str]:
        """The codes of the errors it got."""
        return [error["code"] for error in self.of("error")]

    def seqs(self, room: str) -> list[int]:
        """The numbers of the messages that it got of a room."""
        return [event["seq"] for event in self.of("message") if fold(event["room"]) == fold(room)]

    def forget(self) -> None:
        """Look only at what comes from here on (at a border of frames)."""
        self.heard, self._parsed, self._events = bytearray(), 0, []


def frame(kind: str, command: Event) -> bytes:
    payload = json.dumps(command).encode()
    return len(payload).to_bytes(HEADER_BYTES, "big") + payload if kind == LENGTHS else payload + b"\n"


class Driver:
    """Runs a Chat. `settings` are fields of Limits; mistakes that it reports fail the test at once."""

    def __init__(self, log: Log | None = None, trace: Trace | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.limits = Limits(**settings)
        self.log = log or MemoryLog("log-1")
        self.mistakes: list[tuple[str, Exception]] = []
        self.is_tolerant = False  # the test wants to look at the mistakes itself
        self.failure: LogError | None = None
        self.turns = 0
        self.after_turn: Callable[[], None] = lambda: None
        self.peers: dict[Connection, Peer] = {}
        self.interest: dict[Connection, tuple[bool, bool]] = {}  # what a selector was told: to read, to write
        self._ids = 0
        outside = Outside(self._utc, self._new_id, self._report)
        self.chat = Chat(self.limits, self.log, self.clock, outside, trace)

    def _utc(self) -> float:
        return 1_700_000_000 + self.clock.now - 1000

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:032x}"

    def _report(self, where: str, error: Exception) -> None:
        if not self.is_tolerant:
            raise AssertionError(f"a mistake of ours in {where}") from error
        self.mistakes.append((where, error))

    # --- who comes

    def connect(self, kind: str = LINES, address: str = "127.0.0.1") -> Peer:
        """Somebody connects and has said nothing."""
        connection = self.chat.connect(address)
        assert connection is not None, "there are too many refused ones already"
        peer = self.peers[connection] = Peer(connection, kind)
        self.interest[connection] = False, False  # the flush tells the selector
        return peer

    def program(self, name: str, *rooms: str, kind: str = LINES) -> Peer:
        """A program that has said hello and is in `rooms`."""
        peer = self.connect(kind).says(type="hello", name=name)
        for room in rooms:
            peer.says(type="join", room=room)
        self.settle()
        return peer

    def person(self, name: str, room: str = "") -> Peer:
        """A person with `nc` who has given a name, and gone to `room`."""
        peer = self.connect(TEXT).says(name, *([f"/join {room}"] if room else []))
        self.settle()
        return peer

    # --- a turn, in the order of loop.py and server.py

    def turn(self) -> None:
        self.turns += 1
        if isinstance(self.log, SlowLog):
            self.log.has_spoken = False
        for connection, peer in list(self.peers.items()):
            self._be_ready(connection, peer)
        self._step(self.chat.decode)
        self.clock.run_due()
        self._step(self.chat.commit)
        self._flush()
        self.after_turn()

    def _be_ready(self, connection: Connection, peer: Peer) -> None:
        if peer.is_reset:
            self.chat.lost(connection)
            return
        reads, writes = self.interest[connection]
        if writes and peer.takes != 0:
            self.chat.touch(connection)
        if reads and peer.on_its_way and connection.wants_read:
            self.chat.receive(connection, peer.arriving())

    def _step(self, step: Callable[[], None]) -> None:
        try:
            step()
        except LogError as error:
            self.failure = error
            self.chat.stop()
            self.chat.abandon()

    def _flush(self) -> None:
        dirty = self.chat.take_dirty()
        for connection in dirty:
            assert connection in self.peers, "a connection whose socket is closed has something to say"
            peer = self.peers[connection]
            if connection.wants_write:
                self._send(connection, peer)
            if connection.state is State.DRAINING and not connection.queue.size:
                peer.sees_end = True
                if peer.closes:
                    peer.ends()
                self.chat.drained(connection)
            if connection.is_closed:
                peer.is_gone = True
                del self.peers[connection], self.interest[connection]
                self.chat.released(connection)
            else:
                self.interest[connection] = connection.wants_read, connection.wants_write
        self.chat.judge(dirty)

    def _send(self, connection: Connection, peer: Peer) -> None:
        assert not peer.sees_end, "something is sent after the server has shut its side"
        taken = connection.queue.unsent()[: peer.takes]
        peer.heard += taken
        connection.queue.sent(len(taken))

    # --- many turns

    @property
    def has_work(self) -> bool:
        """True when the next turn would not be an idle one."""
        has_an_answer = isinstance(self.log, SlowLog) and self.log.has_spoken
        return has_an_answer or self.chat.is_busy or any(self._is_ready(peer) for peer in self.peers.values())

    def _is_ready(self, peer: Peer) -> bool:
        """What a selector would report, again and again if nothing comes of it."""
        reads, writes = self.interest[peer.connection]
        return (reads and bool(peer.on_its_way)) or (writes and peer.takes != 0) or peer.is_reset

    def settle(self) -> None:
        """Turn until nothing is left to do before time passes, a reader reads or the log answers."""
        for _ in range(PATIENCE):
            if not self.has_work:
                return
            self.turn()
        raise AssertionError("it never comes to rest")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, stopping at every deadline; whoever can act does so first."""
        end = self.clock.now + seconds
        self.settle()
        for _ in range(PATIENCE):
            deadline = self.clock.timers.next_deadline()
            if deadline is None or deadline > end:
                self.clock.now = end
                return
            self.clock.now = max(self.clock.now, deadline)
            self.turn()
            self.settle()
        raise AssertionError("its timers never come to rest")

    # --- what is there

    def history(self, room: str) -> list[Message]:
        """All that the log keeps of a room."""
        found: list[Message] = []
        log = self.log.inner if isinstance(self.log, SlowLog) else self.log
        log.read(fold(room), 0, 1_000_000, found.extend)
        return found

    def names(self, room: str) -> list[str]:
        """Who is in a room, as `members` would tell."""
        found = self.chat.delivery.rooms.get(fold(room))
        return found.roll.page() if found else []

    @property
    def queued(self) -> int:
        """Bytes in all send queues, as `stats` tells."""
        return int(self.chat.stats().figures["queued_bytes"])


class SlowLog:
    """A log on another machine: everything asked is on its way until `answer` is called.

    Requests travel in order and answers come back in order. Where the time goes is up to the test: with
    `is_early` the other machine has done its part at once and the answer is late; else the request is.
    """

    def __init__(self, inner: MemoryLog | None = None, is_early: bool = False) -> None:
        self.inner = inner or MemoryLog("slow-1")
        self.identity = self.inner.identity
        self.is_early = is_early
        self.has_spoken = False  # its socket was readable: this alone makes a turn
        self._drafts: list[tuple[Draft, Done]] = []
        self._on_its_way: deque[Callable[[], None]] = deque()

    @property
    def count(self) -> int:
        return self.inner.count

    @property
    def owes(self) -> int:
        """How many answers are due."""
        return len(self._on_its_way)

    def answer(self, most: int = 1_000_000) -> None:
        """The next answers arrive."""
        for _ in range(min(most, len(self._on_its_way))):
            self.has_spoken = True
            self._on_its_way.popleft()()

    def _ask(self, ask: Callable[[Callable[[Any], None]], None], then: Callable[[Any], None]) -> None:
        if not self.is_early:
            self._on_its_way.append(lambda: ask(then))
            return
        found: list[Any] = []
        ask(found.append)
        self._on_its_way.append(lambda: then(found[0]))

    def append(self, draft: Draft, done: Done) -> None:
        self._drafts.append((draft, done))

    def commit(self) -> None:
        """Send away what was appended."""
        drafts, self._drafts = self._drafts, []
        for draft, done in drafts:
            self._ask(lambda then, draft=draft: self._append_there(draft, then), done)  # type: ignore[misc]

    def _append_there(self, draft: Draft, done: Done) -> None:
        self.inner.append(draft, done)
        self.inner.commit()

    def span(self, room: Name, then: Callable[[Span], None]) -> None:
        self._ask(lambda give: self.inner.span(room, give), then)

    def read(self, room: str, after: int, most: int, then: Callable[[list[Message]], None]) -> None:
        self._ask(lambda give: self.inner.read(room, after, most, give), then)

    def rooms(self, after: str, most: int, then: Callable[[list[Span]], None]) -> None:
        self._ask(lambda give: self.inner.rooms(after, most, give), then)

    def close(self) -> None:
        self.inner.close()


class FullLog(MemoryLog):
    """A disk that may be full: it refuses what it is asked to keep, and keeps it again later."""

    is_full = True

    def _store(self, draft: Draft) -> Outcome:
        return NotKept("storage_full") if self.is_full else super()._store(draft)


class BrokenLog(MemoryLog):
    """A log that can promise nothing any more as soon as there is something to keep."""

    is_broken = True

    def commit(self) -> None:
        if self._drafts and self.is_broken:
            raise LogError("the disk is gone")
        super().commit()
