# golden: the rest has been written, and WRITE stays: tell the selector after each flush()
"""Tells the selector only that something waits."""

import selectors
import socket
import sys

HEADER_BYTES = 4  # a length, big-endian; below 16 MiB its first byte is zero
FRAME_LIMIT = 16 * 1024  # bytes of one frame
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


class Connection:
    """One peer: its socket, what it has sent so far, and what it has not taken yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.framing = Framing()
        self.queue = bytearray()  # said, and not yet taken by the kernel
        self.is_open = True

    @property
    def interest(self) -> int:
        """What the selector is asked for: computed from the queue, never stored beside it."""
        return READ | WRITE if self.queue else READ


class Server:
    """Everybody who is connected, and what happens in one turn."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, READ)
        self.connections: list[Connection] = []

    def turn(self) -> None:
        """Wait until somebody is ready, then serve everybody who is."""
        for key, events in self.selector.select():  # the only place that waits
            if key.fileobj is self.listener:
                self.accept()
            else:
                self.ready(key.data, events)

    def accept(self) -> None:
        try:
            sock, address = self.listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        connection = Connection(sock)
        self.selector.register(sock, connection.interest, connection)
        self.connections.append(connection)

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
            self.close(connection)
            return
        connection.framing.receive(data)
        try:
            while connection.is_open and (frame := connection.framing.next_frame()) is not None:
                self.handle(connection, to_text(frame))
        except StreamError as error:
            self.send(connection, f"! {error}")
            self.close(connection)

    def handle(self, connection: Connection, text: str) -> None:
        if text == "sair":
            self.close(connection)
        else:
            self.broadcast(text, connection)

    def broadcast(self, text: str, sender: Connection) -> None:
        for connection in list(self.connections):  # a copy: a failing send removes one
            if connection is not sender:
                self.send(connection, text)

    def send(self, connection: Connection, text: str) -> None:
        connection.queue += f"{text}\n".encode()
        self.flush(connection)

    def flush(self, connection: Connection) -> None:
        """Give the kernel what it takes now; the rest waits until the selector reports WRITE."""
        try:
            count = connection.sock.send(connection.queue)
            del connection.queue[:count]
        except BlockingIOError:
            pass
        except OSError:
            self.close(connection)
            return
        if connection.queue:
            self.selector.modify(connection.sock, connection.interest, connection)

    def close(self, connection: Connection) -> None:
        """Once is enough: calling it again does nothing."""
        if connection.is_open:
            connection.is_open = False
            self.connections.remove(connection)
            self.selector.unregister(connection.sock)
            connection.sock.close()


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    listener.setblocking(False)
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server = Server(listener)
    while True:
        server.turn()


if __name__ == "__main__":
    main()
