# golden: sair did not end the visit: with Enter it is five bytes, so compare data.strip() with b"sair"
"""Knows no word to leave."""

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
            data = sock.recv(4096)
            if data:  # b"" is the end of what he sends
                sock.sendall(data)
            else:
                selector.unregister(sock)
                sock.close()


if __name__ == "__main__":
    main()
