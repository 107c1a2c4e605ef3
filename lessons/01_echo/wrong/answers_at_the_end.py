# golden: nothing comes back before ana's stream ends: answer whatever recv() returned
"""Collects everything, then answers."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, address = listener.accept()
        data = b""
        while (piece := sock.recv(4096)) and piece.strip() != b"sair":
            data += piece
        sock.sendall(data)
        sock.close()


if __name__ == "__main__":
    main()
