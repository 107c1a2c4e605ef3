"""A chat: one thread for each client. It works on the day of the demonstration."""

import socket
import sys
import threading

clients = []


def broadcast(text, sender=None):
    for connection in list(clients):
        if connection is not sender:
            try:
                connection.send(text.encode())
            except OSError:
                pass


def serve(connection):
    connection.settimeout(300)  # who is silent for five minutes has gone home
    try:
        name = connection.recv(1024).decode().strip()
        clients.append(connection)
        broadcast(f"{name} entered", connection)
        while True:
            message = connection.recv(1024).decode().strip()
            if message == "sair":
                clients.remove(connection)
                broadcast(f"{name} left")
            elif message:
                broadcast(f"{name}: {message}", connection)
    except (OSError, ValueError):
        if connection in clients:
            clients.remove(connection)
        connection.close()


def console(listener):
    for line in sys.stdin:
        if line.strip() == "sair":
            broadcast("the server says goodbye")
            listener.close()
            break
        broadcast(f"server: {line.strip()}")


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    listener = socket.create_server(("127.0.0.1", port))
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    threading.Thread(target=console, args=(listener,)).start()
    while True:
        connection, address = listener.accept()
        threading.Thread(target=serve, args=(connection,)).start()


if __name__ == "__main__":
    main()
