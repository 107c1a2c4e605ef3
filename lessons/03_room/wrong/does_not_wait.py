# golden: select() was called 1000 times and there was nothing to do
"""Asks again and again."""

import selectors
import socket
import sys


class Server:
    """Everybody who is connected, and what happens in one turn."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)
        self.connections: list[socket.socket] = []

    def turn(self) -> None:
        """Wait until somebody is ready, then serve everybody who is."""
        for key, events in self.selector.select(0):  # the only place that waits
            if key.fileobj is self.listener:
                self.accept()
            else:
                self.receive(key.fileobj)

    def accept(self) -> None:
        sock, address = self.listener.accept()
        self.selector.register(sock, selectors.EVENT_READ)
        self.connections.append(sock)

    def receive(self, sock: socket.socket) -> None:
        data = sock.recv(4096)
        if data and data.strip() != b"sair":  # b"" is the end of what he sends
            self.broadcast(data, sock)
        else:
            self.close(sock)

    def broadcast(self, data: bytes, sender: socket.socket) -> None:
        for sock in self.connections:
            if sock is not sender:
                sock.sendall(data)

    def close(self, sock: socket.socket) -> None:
        self.connections.remove(sock)
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
