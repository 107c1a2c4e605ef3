# golden: the program ended with its first caller: its loop must go back to accept()
"""Ends with its first caller."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    sock, address = listener.accept()
    if address:
        data = sock.recv(4096)
        while data and data.strip() != b"sair":  # b"" is the end of what he sends
            sock.sendall(data)
            data = sock.recv(4096)
        sock.close()


if __name__ == "__main__":
    main()
