# golden: the connection was closed before the stream had ended: only b'' is the end
"""Takes a short piece for the last one."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, address = listener.accept()
        data = sock.recv(4096)
        while data and data.strip() != b"sair":
            sock.sendall(data)
            data = sock.recv(4096) if len(data) == 4096 else b""
        sock.close()


if __name__ == "__main__":
    main()
