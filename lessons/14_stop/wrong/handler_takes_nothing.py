# golden: a signal handler is called with two arguments, the number and where the program was
"""Its handler takes no arguments."""

import heapq
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Hashable
from enum import Enum

HEADER_BYTES = 4  # a length, big-endian; below 16 MiB its first byte is zero
FRAME_LIMIT = 16 * 1024  # bytes of one frame
CEILING = 256 * 1024  # bytes that may wait for one slow consumer
IDLE_SECONDS = 600.0  # who is silent for so long has gone home
LINGER_SECONDS = 5.0  # for a peer to take its last words and shut its side
Peer = Hashable  # whoever speaks; the rules need not know what it is
Event = tuple[Peer, str]  # who is told, and what
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class StreamError(Exception):
    """What this peer sends cannot be understood any further."""


def to_text(frame: bytes) -> str:
    """Text that a terminal shows and does not obey: everything else becomes U+FFFD."""
    text = frame.decode("utf-8", "replace").removesuffix("\r")
    return "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in text)


class Framing:
    """bytes -> frames, however the network has cut them. No socket in here."""

    def __init__(self) -> None:
        self.buffer = bytearray()

    def receive(self, data: bytes) -> None:
        self.buffer += data

    def next_frame(self) -> bytes | None:
        """The next line, or what stands behind a length; None until more bytes come."""
        if self.buffer.startswith(b"\0"):
            end = HEADER_BYTES + int.from_bytes(self.buffer[:HEADER_BYTES], "big")
            self.check(end - HEADER_BYTES)
            return self.take(end)[HEADER_BYTES:] if end <= len(self.buffer) else None
        end = self.buffer.find(b"\n") + 1
        self.check(end - 1 if end else len(self.buffer))
        return self.take(end)[:-1] if end else None

    def check(self, length: int) -> None:
        if length > FRAME_LIMIT:
            raise StreamError(f"a line may be {FRAME_LIMIT} bytes long")

    def take(self, count: int) -> bytes:
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data


class Chat:
    """The rules: what peers say goes in, what is to be said to whom comes out. No socket in here."""

    def __init__(self) -> None:
        self.names: dict[Peer, str] = {}

    def handle(self, peer: Peer, text: str) -> list[Event]:
        """The first line is the name, every later one is said to all others."""
        if peer not in self.names:
            return self.enter(peer, text)
        return self.tell_others(peer, f"{self.names[peer]}: {text}") if text else []

    def enter(self, peer: Peer, name: str) -> list[Event]:
        if not 1 <= len(name) <= 32 or not name.isalnum():
            return [(peer, "! a name is 1 to 32 letters and digits; try another")]
        if name.casefold() in (taken.casefold() for taken in self.names.values()):
            return [(peer, f"! {name} is taken; try another")]
        company = f" with {', '.join(self.names.values())}" if self.names else ""
        self.names[peer] = name
        return [(peer, f"* you are {name}, in lobby{company}"), *self.tell_others(peer, f"* {name} entered")]

    def leave(self, peer: Peer) -> list[Event]:
        name = self.names.pop(peer, None)
        return self.tell_others(peer, f"* {name} left") if name else []

    def tell_others(self, peer: Peer, text: str) -> list[Event]:
        return [(other, text) for other in self.names if other is not peer]


class Timers:
    """What is to be called when, the earliest first. Nothing here knows what time it is."""

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Callable[[], None]]] = []
        self.added = 0  # so that equal deadlines keep their order

    def add(self, when: float, call: Callable[[], None]) -> None:
        self.added += 1
        heapq.heappush(self.heap, (when, self.added, call))

    def next_deadline(self) -> float | None:
        return self.heap[0][0] if self.heap else None

    def take_due(self, now: float) -> list[Callable[[], None]]:
        """All of the batch at once: a call that adds itself again waits for the next turn."""
        due = []
        while self.heap and self.heap[0][0] <= now:
            due.append(heapq.heappop(self.heap)[2])
        return due


class State(Enum):
    OPEN = "open"
    DRAINING = "draining"  # what is queued still goes out
    LINGERING = "lingering"  # our side is shut; what comes is discarded until the peer shuts its own
    CLOSED = "closed"


class Connection:
    """One peer: its socket, what it has sent so far, and what it has not taken yet."""

    def __init__(self, sock: socket.socket, now: float) -> None:
        self.sock = sock
        self.heard_at = now
        self.framing = Framing()
        self.queue = bytearray()  # said, and not yet taken by the kernel
        self.state = State.OPEN
        self.has_ended = False  # the peer has shut its side

    @property
    def interest(self) -> int:
        """What the selector is asked for: computed from the state, never stored beside it."""
        return READ * (not self.has_ended) | WRITE * bool(self.queue)


class Server:
    """Everybody who is connected, and what happens in one turn."""

    def __init__(self, listener: socket.socket, clock: Callable[[], float]) -> None:
        self.listener = listener
        self.clock = clock
        self.timers = Timers()
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, READ)
        self.connections: list[Connection] = []
        self.chat = Chat()
        self.is_stopping = False
        self.wakeup, self.writer = socket.socketpair()
        self.selector.register(self.wakeup, READ)

    def watch_signals(self) -> None:
        """The handler of C writes a byte into the pair, and that ends `select`; Python's own does nothing."""
        self.writer.setblocking(False)
        signal.set_wakeup_fd(self.writer.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda: None)

    def run(self) -> None:
        """Turn until we are told to stop and everybody is gone."""
        while self.connections or not self.is_stopping:
            self.turn()

    def turn(self) -> None:
        """Wait until somebody is ready or something is due, then do it."""
        for key, events in self.selector.select(self.timeout()):  # the only place that waits
            if key.fileobj is self.listener:
                self.accept()
            elif key.fileobj is self.wakeup:
                self.wakeup.recv(64)
                self.call_later(0, self.stop)  # when this batch is done
            else:
                self.ready(key.data, events)
        for call in self.timers.take_due(self.clock()):
            call()

    def timeout(self) -> float | None:
        deadline = self.timers.next_deadline()
        return None if deadline is None else max(0.0, deadline - self.clock())

    def call_later(self, delay: float, call: Callable[[], None]) -> None:
        self.timers.add(self.clock() + delay, call)

    def accept(self) -> None:
        try:
            sock, address = self.listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        connection = Connection(sock, self.clock())
        self.selector.register(sock, connection.interest, connection)
        self.connections.append(connection)
        self.check_idle(connection)

    def ready(self, connection: Connection, events: int) -> None:
        if events & WRITE:
            self.flush(connection)
        if events & READ:
            self.receive(connection)

    def receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(4096)
        except BlockingIOError:
            return  # readiness is a hint, not a promise
        except OSError:
            data = b""  # a reset is an end, too
        if not data:
            connection.has_ended = True
            self.finish(connection)
        if connection.state is not State.OPEN:
            return
        connection.heard_at = self.clock()
        connection.framing.receive(data)
        try:
            while connection.state is State.OPEN and (frame := connection.framing.next_frame()) is not None:
                self.handle(connection, to_text(frame))
        except StreamError as error:
            self.finish(connection, f"! {error}\n")

    def check_idle(self, connection: Connection) -> None:
        """One timer for each peer, never one for each line: let it ring, compare, set it again."""
        left = connection.heard_at + IDLE_SECONDS - self.clock()
        if left <= 0:
            self.finish(connection, "! you were silent for too long\n")
        elif connection.state is State.OPEN:
            self.call_later(left, lambda: self.check_idle(connection))

    def handle(self, connection: Connection, text: str) -> None:
        if text == "sair":
            self.finish(connection)
        else:
            self.deliver(self.chat.handle(connection, text))

    def deliver(self, events: list[Event]) -> None:
        for connection, text in events:
            self.send(connection, text)

    def send(self, connection: Connection, text: str) -> None:
        if connection.state is not State.OPEN:
            return
        connection.queue += f"{text}\n".encode()
        self.flush(connection)
        if len(connection.queue) > CEILING:
            self.finish(connection, "! you read too slowly\n")

    def flush(self, connection: Connection) -> None:
        """Give the kernel what it takes now; the rest waits until the selector reports WRITE."""
        try:
            if connection.queue:
                count = connection.sock.send(connection.queue)
                del connection.queue[:count]
            if connection.state is State.DRAINING and not connection.queue:
                connection.sock.shutdown(socket.SHUT_WR)
                connection.state = State.LINGERING
        except BlockingIOError:
            pass
        except OSError:
            self.close(connection)
            return
        if connection.state is State.LINGERING and connection.has_ended:
            self.close(connection)
        elif connection.state is not State.CLOSED:
            self.selector.modify(connection.sock, connection.interest, connection)

    def finish(self, connection: Connection, last_words: str = "") -> None:
        """Begin to close: the peer leaves the chat now, what is queued still goes out."""
        if connection.state is State.OPEN:
            connection.state = State.DRAINING
            connection.queue += last_words.encode()
            self.call_later(LINGER_SECONDS, lambda: self.close(connection))
            self.deliver(self.chat.leave(connection))
        self.flush(connection)

    def stop(self) -> None:
        """Accept nobody else and let everybody go; LINGER_SECONDS are the most it takes. Twice: at once."""
        if self.is_stopping:
            for connection in list(self.connections):
                self.close(connection)
            return
        self.is_stopping = True
        self.selector.unregister(self.listener)
        self.listener.close()
        self.chat.names.clear()  # all leave together: nobody is told who left
        for connection in list(self.connections):
            self.finish(connection, "* the server stops\n")

    def close(self, connection: Connection) -> None:
        """Once is enough: calling it again does nothing."""
        if connection.state is not State.CLOSED:
            connection.state = State.CLOSED
            self.connections.remove(connection)
            self.selector.unregister(connection.sock)
            connection.sock.close()
            self.deliver(self.chat.leave(connection))


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    listener.setblocking(False)
    server = Server(listener, time.monotonic)
    server.watch_signals()
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
