"""The other end: the keyboard and the network, in one loop."""

import selectors
import socket
import sys
from io import RawIOBase

READ = selectors.EVENT_READ


def talk(sock: socket.socket, keyboard: RawIOBase) -> None:
    """What is typed goes out, what comes in is shown, until either ends."""
    selector = selectors.DefaultSelector()
    selector.register(sock, READ)
    selector.register(keyboard, READ)

    while True:
        for key, events in selector.select():  # the only place that waits
            data = sock.recv(4096) if key.fileobj is sock else keyboard.read(4096)
            if not data:
                return
            if key.fileobj is sock:
                print(data.decode("utf-8", "replace"), end="", flush=True)
            else:
                sock.sendall(data)


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    sock = socket.create_connection(("127.0.0.1", port))
    talk(sock, sys.stdin.buffer.raw)  # raw: what a buffer holds, select does not see


if __name__ == "__main__":
    main()
