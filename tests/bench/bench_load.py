"""names -> a crowd of clients that enter one room, speak, and count what they hear.

One thread, non-blocking sockets and one selector. The crowd is the other half of every figure: it
must cost less than the server, and it must notice a line that is missing or that came twice.
"""

import json
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from bench_server import BenchError

T = TypeVar("T")
ENTER_AT_ONCE = 100  # connections under way at a time: stays below any listen backlog
PATIENCE = 20.0  # seconds without one byte after which something is missing for good


@dataclass(frozen=True)
class Dialect:
    """How a client of this kind enters a room and speaks in it."""

    enter: Callable[[str, str], bytes]  # name, room
    entered: bytes  # in the answer: this client is in
    say: Callable[[str, str, str], bytes]  # room, cid, text
    hears_itself: bool


def _objects(*values: dict[str, str]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def groups(items: list[T], size: int = ENTER_AT_ONCE) -> list[list[T]]:
    """Cut a list into pieces of `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


TEXT = Dialect(
    enter=lambda name, room: f"{name}\n".encode(),
    entered=b"* you are ",
    say=lambda room, cid, text: f"{text}\n".encode(),
    hears_itself=False,
)
JSON = Dialect(
    enter=lambda name, room: _objects({"type": "hello", "name": name}, {"type": "join", "room": room}),
    entered=b'"joined"',
    say=lambda room, cid, text: _objects({"type": "send", "room": room, "cid": cid, "text": text}),
    hears_itself=True,
)


class Member:
    """One client. `kept` holds what it received while somebody wants to look at it."""

    __slots__ = ("heard", "kept", "name", "room", "sock")

    def __init__(self, sock: socket.socket, name: str, room: str) -> None:
        self.sock = sock
        self.name = name
        self.room = room
        self.heard = 0  # whole lines
        self.kept: bytearray | None = None

    def tell(self, data: bytes) -> None:
        """Give `data` to the kernel at once, or fail: a crowd that waits here would hear nothing."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            raise BenchError(f"the server does not read what {self.name} sends: ask for fewer lines at once")


class Crowd:
    """Clients of one server. Call `close()` before the server is stopped."""

    def __init__(self, port: int, dialect: Dialect) -> None:
        self.dialect = dialect
        self.members: list[Member] = []
        self.heard = 0  # whole lines, by all
        self._port = port
        self._selector = selectors.DefaultSelector()

    def connect(self, names: Iterable[str], room: Callable[[str], str] = lambda name: "lobby") -> list[Member]:
        """Connect one silent client per name; the server accepts when it gets to it."""
        new = [Member(self._socket(), name, room(name)) for name in names]
        for member in new:
            self._selector.register(member.sock, selectors.EVENT_READ, member)
        self.members += new
        return new

    def _socket(self) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        return sock

    def enter(self, members: list[Member]) -> None:
        """Give names, some at a time, and wait until the server has let each of them in."""
        for group in groups(members):
            for member in group:
                member.kept = bytearray()
                member.tell(self.dialect.enter(member.name, member.room))
            self._await_greetings(group)

    def _await_greetings(self, members: list[Member]) -> None:
        self.listen_until(lambda: all(map(self._is_in, members)), "not everybody was let in")

    def populate(self, names: list[str], room: Callable[[str], str] = lambda name: "lobby") -> list[Member]:
        """Connect and enter, some at a time, so that no listen backlog overflows."""
        for group in groups(names):
            self.enter(self.connect(group, room))
        self.listen_until_quiet()
        return self.members

    def _is_in(self, member: Member) -> bool:
        """True once the greeting came. It is looked for once; then nothing is kept any more."""
        if member.kept is not None and self.dialect.entered in member.kept:
            member.kept = None
        return member.kept is None

    def receive(self, wait: float) -> Iterator[tuple[Member, bytes]]:
        """Wait in select at most `wait` seconds; what came, by member."""
        for key, _ in self._selector.select(wait):
            data = key.data.sock.recv(65536)
            if not data:
                raise BenchError(f"the server closed the connection of {key.data.name}")
            yield key.data, data

    def listen(self, wait: float) -> int:
        """Receive once, and count the lines. Returns the number of bytes."""
        total = 0
        for member, data in self.receive(wait):
            lines = data.count(b"\n")
            member.heard += lines
            self.heard += lines
            total += len(data)
            if member.kept is not None:
                member.kept += data
        return total

    def listen_until(self, done: Callable[[], bool], otherwise: str) -> None:
        """Receive until `done()`; a server that is silent for too long before that is an error."""
        patience = time.monotonic() + PATIENCE
        while not done():
            if self.listen(0.5):
                patience = time.monotonic() + PATIENCE
            elif time.monotonic() > patience:
                raise BenchError(f"{otherwise}: nothing came for {PATIENCE:.0f} seconds")

    def listen_for(self, seconds: float) -> None:
        """Receive for so long; at least once, so that a crowd that is late does not stop hearing."""
        end = time.monotonic() + seconds
        self.listen(max(0.0, seconds))
        while (rest := end - time.monotonic()) > 0:
            self.listen(rest)

    def listen_until_quiet(self, seconds: float = 0.3) -> None:
        """Receive until nothing came for `seconds`: greetings and announcements are over."""
        while self.listen(seconds):
            pass

    def forget(self) -> None:
        """Start counting at nothing."""
        self.heard = 0
        for member in self.members:
            member.heard = 0

    def close(self) -> None:
        """Hang up."""
        for member in self.members:
            member.sock.close()
        self._selector.close()
