"""The same chat with one thread per client: the shape of the university example that chatcore grew from.

The lock is held while everybody is written to, so one member that does not read stops them all.
That is one of the eight bugs of the lessons; here, where everybody reads, it only costs waiting.
"""

import contextlib
import socket
import threading


class Room:
    """Everybody who is connected, behind one lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: list[socket.socket] = []

    def serve(self, sock: socket.socket) -> None:
        """One client, from its first line to its last; the body of its thread."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, contextlib.suppress(ConnectionError), sock.makefile("rb") as lines:
            name = lines.readline().decode().strip()
            self._enter(sock, name)
            try:
                for line in lines:
                    self._broadcast(sock, f"{name}: {line.decode().strip()}\n".encode())
            finally:
                self._leave(sock)

    def _enter(self, sock: socket.socket, name: str) -> None:
        with self._lock:
            sock.sendall(f"* you are {name}\n".encode())
            self._members.append(sock)

    def _leave(self, sock: socket.socket) -> None:
        with self._lock:
            self._members.remove(sock)

    def _broadcast(self, speaker: socket.socket, line: bytes) -> None:
        with self._lock:
            for member in self._members:
                if member is not speaker:
                    member.sendall(line)


def main() -> None:
    """Serve until killed."""
    room = Room()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=room.serve, args=(sock,), daemon=True).start()


main()
