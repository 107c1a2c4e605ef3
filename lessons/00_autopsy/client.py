"""The client of the same chat: one thread types, one thread prints."""

import socket
import sys
import threading


def listen(sock):
    while True:
        print(sock.recv(1024).decode(), flush=True)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    sock = socket.create_connection(("127.0.0.1", port))
    sock.send(input("your name: ").encode())
    threading.Thread(target=listen, args=(sock,), daemon=True).start()
    while True:
        text = input()
        sock.send(text.encode())
        if text == "sair":
            break
    sock.close()


if __name__ == "__main__":
    main()
