# golden: recv() returned b'' 100 times: ana has left, and nobody noticed
"""Takes no notice of the end."""

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
            sock.sendall(sock.recv(4096))


if __name__ == "__main__":
    main()
