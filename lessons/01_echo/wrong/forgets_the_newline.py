# golden: sair was sent back: with Enter it is five bytes, so compare data.strip() with b"sair"
"""Forgets that Enter is sent, too."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, address = listener.accept()
        data = sock.recv(4096)
        while data and data != b"sair":  # b"" is the end of what he sends
            sock.sendall(data)
            data = sock.recv(4096)
        sock.close()


if __name__ == "__main__":
    main()
