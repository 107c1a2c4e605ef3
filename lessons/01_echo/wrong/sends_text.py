# golden: text and bytes do not mix: encode() makes bytes of a str, decode() a str of bytes
"""Sends a str."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, address = listener.accept()
        data = sock.recv(4096)
        while data and data.strip() != b"sair":  # b"" is the end of what he sends
            sock.sendall(data.decode("latin-1"))
            data = sock.recv(4096)
        sock.close()


if __name__ == "__main__":
    main()
