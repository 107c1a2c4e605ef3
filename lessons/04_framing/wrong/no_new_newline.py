# golden: the newline is gone: the decoder takes it off, so what goes out needs a new one
"""Passes on the frame without its delimiter."""

import selectors
import socket
import sys

HEADER_BYTES = 4  # a length, big-endian; below 16 MiB its first byte is zero


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
            return self.take(end)[HEADER_BYTES:] if end <= len(self.buffer) else None
        end = self.buffer.find(b"\n") + 1
        return self.take(end)[:-1] if end else None

    def take(self, count: int) -> bytes:
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data


class Server:
    """Everybody who is connected, and what happens in one turn."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)
        self.connections: dict[socket.socket, Framing] = {}

    def turn(self) -> None:
        """Wait until somebody is ready, then serve everybody who is."""
        for key, events in self.selector.select():  # the only place that waits
            if key.fileobj is self.listener:
                self.accept()
            else:
                self.receive(key.fileobj)

    def accept(self) -> None:
        sock, address = self.listener.accept()
        self.selector.register(sock, selectors.EVENT_READ)
        self.connections[sock] = Framing()

    def receive(self, sock: socket.socket) -> None:
        data = sock.recv(4096)
        if not data:  # the end of what he sends
            self.close(sock)
            return
        framing = self.connections[sock]
        framing.receive(data)
        while (frame := framing.next_frame()) is not None:
            self.handle(sock, frame)

    def handle(self, sock: socket.socket, frame: bytes) -> None:
        if frame.strip() == b"sair":
            self.close(sock)
        else:
            self.broadcast(frame, sock)

    def broadcast(self, data: bytes, sender: socket.socket) -> None:
        for sock in self.connections:
            if sock is not sender:
                sock.sendall(data)

    def close(self, sock: socket.socket) -> None:
        del self.connections[sock]
        self.selector.unregister(sock)
        sock.close()


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server = Server(listener)
    while True:
        server.turn()


if __name__ == "__main__":
    main()
