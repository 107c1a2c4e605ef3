# golden: select() is asked for EVENT_WRITE: it says that ana can be sent to, and recv() waits. Ask for EVENT_READ
"""Asks for everything that there is."""

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
                selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
                continue
            sock = key.fileobj
            data = sock.recv(4096)
            if data and data.strip() != b"sair":  # b"" is the end of what he sends
                sock.sendall(data)
            else:
                selector.unregister(sock)
                sock.close()


if __name__ == "__main__":
    main()
