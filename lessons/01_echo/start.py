"""The server of lesson 0 without its threads: one caller, and what he says comes back."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    while True:
        sock, address = listener.accept()
        while True:
            text = sock.recv(1024).decode().strip()
            if text == "sair":
                print("he has left", flush=True)
            elif text:
                sock.send(text.encode())


if __name__ == "__main__":
    main()
