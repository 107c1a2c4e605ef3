# golden: the program waits in accept() for listener: ask the selector who is ready
"""Asks once, and believes it for ever."""

import selectors
import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    ready = selector.select()
    while True:
        for key, events in ready:  # the only place that waits
            if key.fileobj is listener:
                sock, address = listener.accept()
                selector.register(sock, selectors.EVENT_READ)
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
