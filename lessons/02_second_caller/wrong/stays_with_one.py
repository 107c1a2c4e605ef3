# golden: the program waits in recv() for ana: ask the selector who is ready
"""Serves whoever is ready, and then stays with him."""

import selectors
import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in selector.select():  # the only place that waits
            if key.fileobj is listener:
                sock, address = listener.accept()
                selector.register(sock, selectors.EVENT_READ)
                continue
            sock = key.fileobj
            while data := sock.recv(4096):
                sock.sendall(data)
            selector.unregister(sock)
            sock.close()


if __name__ == "__main__":
    main()
