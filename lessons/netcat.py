"""keyboard <-> a connection. A little `nc`, for machines that have none; also for Windows.

A thread reads the keyboard, because Windows cannot `select` on it. (Lesson 16 does without one.)
"""

import socket
import sys
import threading
from contextlib import suppress


def talk(host: str, port: int) -> int:
    """Send what is typed, print what comes, until either side ends. The exit status."""
    try:
        connection = socket.create_connection((host, port))
    except (OSError, UnicodeError) as error:  # UnicodeError: of a name that can be none, as `a..b`
        sys.stderr.write(f"cannot connect to {host} {port}: {getattr(error, 'strerror', '') or error}\n")
        return 1
    with connection:
        threading.Thread(target=send_typed, args=(connection,), daemon=True).start()
        try:
            while data := connection.recv(65536):
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
        except OSError as error:
            sys.stderr.write(f"the connection broke: {error.strerror or error}\n")
            return 1
    return 0


def send_typed(connection: socket.socket) -> None:
    """Each line at once; at the end of the input, say that there is no more."""
    # Unbuffered: whoever waits in sys.stdin holds a lock that Python needs when it ends.
    with suppress(OSError), open(0, "rb", buffering=0, closefd=False) as keyboard:
        while data := keyboard.read(65536):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
