# golden: ConnectionResetError ended the client, and ana is shown a traceback: catch it, for nothing is wrong here
"""Lets ana read why the connection broke, in Python's words."""

import codecs
import os
import selectors
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase

if os.name == "nt":
    import msvcrt
else:
    import termios
    import tty

READ = selectors.EVENT_READ
END = b"\x04"  # Ctrl-D
KEYS = str.maketrans("\r\b\x03\x1a", "\n\x7f\x04\x04")  # what Windows calls Enter, Backspace, Ctrl-C and Ctrl-Z
ENTER, BACKSPACE = "\n", "\x7f"
ERASE = "\r\x1b[K"  # back to the first column, then erase to the end of the line


class Screen:
    """The one owner: all that is shown goes through here, so the typed line is always the last one, and whole."""

    def __init__(self) -> None:
        self.line = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")  # an é may come in two pieces

    def show(self, text: str) -> None:
        """Erase the typed line, print `text` in its place, and draw the typed line again below."""
        sys.stdout.write(f"{ERASE}{text}\n{self.line}")
        sys.stdout.flush()

    def type(self, keys: bytes) -> list[str]:
        """Keys in, entered lines out."""
        entered = []
        for char in self.decoder.decode(keys):
            if char == ENTER:
                entered.append(self.line)
                self.line = ""
            elif char == BACKSPACE:
                self.line = self.line[:-1]
            elif char.isprintable():
                self.line += char
        sys.stdout.write(ERASE + self.line)
        sys.stdout.flush()
        return entered


@contextmanager
def unix_keyboard() -> Iterator[RawIOBase]:
    """Each key at once, and shown by nobody but us; afterwards the terminal is as it was."""
    modes = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin, termios.TCSANOW)
    try:
        yield sys.stdin.buffer.raw  # raw: what a buffer holds, select does not see
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)


@contextmanager
def windows_keyboard() -> Iterator[RawIOBase]:
    """Windows can select sockets alone: so a thread waits for the keys, and a socket becomes readable."""
    inside, outside = socket.socketpair()
    threading.Thread(target=pump, args=(outside,), daemon=True).start()
    os.system("")  # an old console obeys ERASE only after this
    yield inside.makefile("rb", buffering=0)


def pump(outside: socket.socket) -> None:
    """In the thread: pass each key on, and do nothing else."""
    while True:
        outside.sendall(msvcrt.getwch().translate(KEYS).encode("utf-8", "replace"))


def talk(sock: socket.socket, keyboard: RawIOBase) -> None:
    """What is typed goes out, what comes in is shown, until either ends."""
    selector = selectors.DefaultSelector()
    selector.register(sock, READ)
    selector.register(keyboard, READ)
    screen, rest = Screen(), b""

    while True:
        for key, events in selector.select():  # the only place that waits
            data = sock.recv(4096) if key.fileobj is sock else keyboard.read(4096)
            if not data:
                return
            if key.fileobj is sock:
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    screen.show(line.decode("utf-8", "replace"))
            elif END in data:
                return
            else:
                for line in screen.type(data):
                    screen.show(f"> {line}")
                    sock.sendall(f"{line}\n".encode())


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 14532
    sock = socket.create_connection(("127.0.0.1", port))
    try:
        with windows_keyboard() if os.name == "nt" else unix_keyboard() as keyboard:
            talk(sock, keyboard)
    except KeyboardInterrupt:
        pass  # Ctrl-C, or the server's computer has crashed


if __name__ == "__main__":
    main()
