"""a client -> on a stage: its keyboard, its screen and its server, all in the hands of lesson 16's check.

The client runs on a terminal of its own (a pty). Or in a process that looks like Windows to it, on pipes:
that works on every system. What should happen at once is waited for; nothing here sleeps.
"""

import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from lessons.glass import Glass
from lessons.kit.words import escaped

SECONDS = 4.0  # for what should happen at once: only a wrong program takes so long
A_MOMENT = 0.003  # between two looks
MOST_ROWS = 8
ON_WINDOWS = Path(__file__).with_name("on_windows.py")
WITH_RST = struct.pack("ii", 1, 0)  # SO_LINGER

Rows = list[str]
ERROR = re.compile(r"([A-Za-z]+(?:Error|Exception|Interrupt))(?::|$)")  # the last line of a traceback
NO_TERMIOS = "Windows has no termios: ask os.name before you import it"
NO_SOCKET = "WinError 10038: on Windows select() takes sockets alone, so a thread must wait for the keys"
HALF_A_KEY = "UnicodeDecodeError: the bytes of one é may come in two pieces, and an incremental decoder waits for both"


class Wrong(Exception):
    """Something is not as it should be. The text is the likely cause."""


class Machine(Protocol):
    """Where the client runs: `lessons.terminal.Terminal`, or `Pipes`."""

    def type(self, keys: bytes) -> None:
        """Press these keys."""

    def look(self) -> bytes:
        """What reached the screen; b"" when nothing will any more. Waits."""

    def signal(self, number: int) -> None:
        """Send it a signal."""

    def exit_status(self) -> int | None:
        """None while it runs."""

    def is_as_it_was(self) -> bool:
        """True when the next program finds the terminal in order."""

    def close(self) -> None:
        """End it."""


class Pipes:
    """A client that takes itself to be on Windows."""

    def __init__(self, argv: list[str]) -> None:
        argv = [*argv[:-2], str(ON_WINDOWS), *argv[-2:]]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        assert self._process.stdin is not None
        self._process.stdin.write(keys)

    def look(self) -> bytes:
        """What it has written."""
        assert self._process.stdout is not None
        return os.read(self._process.stdout.fileno(), 4096)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def is_as_it_was(self) -> bool:
        """There are no modes that could be left behind."""
        return True

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def machine(argv: list[str], windows: bool) -> Machine:
    """A client, started."""
    if windows:
        return Pipes(argv)
    from lessons.terminal import Terminal  # there is no pty on Windows

    return Terminal(argv)


class ClientStage:
    """What was done is kept in `done`; when something is wrong, `story` has the rest."""

    def __init__(self, program: Path, windows: bool = False) -> None:
        self.done: list[str] = []
        self.story: list[str] = []
        self.heard = bytearray()
        self._windows = windows
        self._glass = Glass(raw=not windows)
        self._sock: socket.socket | None = None
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(A_MOMENT)
            self._machine = machine(
                [sys.executable, "-X", "utf8", str(program), str(listener.getsockname()[1])], windows
            )
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
            self._wait(lambda: self._accepts(listener))

    # ------------------------------------------------------------ what happens

    def types(self, keys: bytes) -> None:
        """The user presses keys, so fast that one read may get them all."""
        self.done.append(f"ana types {shown(keys)}")
        self._machine.type(keys)

    def types_slowly(self, keys: bytes) -> None:
        """The user presses keys, and waits after each until something is seen of it."""
        self.done.append(f"ana types {shown(keys)}, key by key")
        until = time.monotonic() + SECONDS
        for key in keys:
            before = self._glass.picture()
            self._machine.type(bytes([key]))
            self._wait(lambda before=before: self._glass.picture() != before, until)  # type: ignore[misc]

    def signal(self, number: int) -> None:
        """The user presses Ctrl-C."""
        self.done.append("ana presses Ctrl-C")
        self._machine.signal(number)

    def sends(self, data: bytes) -> None:
        """The server sends."""
        self.done.append(f"the server sends {shown(data)}")
        if self._sock is not None:
            self._sock.sendall(data)

    def goes(self, with_rst: bool = False) -> None:
        """The server closes the connection, or its computer crashes."""
        self.done.append("the server's computer crashes (RST)" if with_rst else "the server closes the connection")
        if self._sock is not None:
            if with_rst:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, WITH_RST)
            self._sock.close()

    # ------------------------------------------------------------ what should come of it

    def connected(self) -> None:
        """The client has connected."""
        if self._sock is None:
            self._wrong("the client does not connect to 127.0.0.1, at the port that it is given")

    def shows(self, expected: Sequence[str], test: Callable[[Rows], bool], why: Callable[[Rows], str]) -> None:
        """Within SECONDS the rows of the screen pass the test."""
        self._wait(lambda: test(self._glass.picture()))
        rows = self._glass.picture()
        if test(rows):
            return
        self.story = ["the screen should show", *boxed(expected)]
        if self._machine.exit_status() is None:
            self.story += ["the screen shows", *boxed(rows)]
        if self._glass.unknown:
            first = escaped(self._glass.unknown[0].encode())
            self.story.append(f"(what {first} does is not known here: erase with \\r and \\x1b[K)")
        self._wrong(why(rows))

    def hears(self, expected: bytes, why: Callable[[bytes], str]) -> None:
        """Within SECONDS the server has read that, and no more."""
        self._wait(lambda: len(self.heard) >= len(expected))
        if self.heard != expected:
            self.story = [f"the server should have read {shown(expected)}", f"the server has read {shown(self.heard)}"]
            self._wrong(why(bytes(self.heard)))

    def ends(self, why: str, status: int | None = None) -> None:
        """Within SECONDS the client has ended without a traceback, and the terminal is as it was."""
        self._wait(lambda: self._machine.exit_status() is not None)
        if self._machine.exit_status() is None:
            self.story = ["the client should have ended, and it still runs", *boxed(self._glass.picture())]
            raise Wrong(why)
        if not self._machine.is_as_it_was():
            self.story = ["the client has ended; the terminal no longer shows what is typed, nor waits for Enter"]
            raise Wrong("the terminal is left without echo: give it back in a finally, whatever happens")
        if error := self._error():
            self._reason()
            raise Wrong(f"{error} ended the client, and ana is shown a traceback: catch it, for nothing is wrong here")
        if status not in (None, self._machine.exit_status()):
            self.story = [f"the exit status should be {status}, and it is {self._machine.exit_status()}"]
            raise Wrong(self._reason())

    def close(self) -> None:
        """End everything."""
        self._machine.close()
        if self._sock is not None:
            self._sock.close()

    # ------------------------------------------------------------ how

    def _wait(self, condition: Callable[[], bool], until: float | None = None) -> None:
        """Until it holds, the client has ended, or time is up."""
        until = until or time.monotonic() + SECONDS
        while not condition() and time.monotonic() < until:
            if self._machine.exit_status() is not None:
                self._watcher.join(SECONDS)
                return
            threading.Event().wait(A_MOMENT)
            self._listen()

    def _watch(self) -> None:
        while data := self._machine.look():
            self._glass.feed(data)

    def _accepts(self, listener: socket.socket) -> bool:
        try:
            self._sock = listener.accept()[0]
        except TimeoutError:
            return False
        self._sock.setblocking(False)
        return True

    def _listen(self) -> None:
        try:
            if self._sock is not None:
                self.heard += self._sock.recv(4096)
        except OSError:
            pass  # nothing has come; or the connection has gone, and then others will see it

    def _wrong(self, why: str) -> NoReturn:
        """Because the client has ended, or else because of `why`."""
        raise Wrong(why if self._machine.exit_status() is None else self._reason())

    def _reason(self) -> str:
        """Why the client has ended, as far as its last words tell."""
        error = self._error()
        rows = self._glass.picture()
        self.story += ["the client has ended, and the screen shows", *boxed(rows)]
        if self._windows and error in ("ModuleNotFoundError", "ImportError"):
            return NO_TERMIOS
        if self._windows and any("10038" in row for row in rows):
            return NO_SOCKET
        if error == "UnicodeDecodeError":
            return HALF_A_KEY
        return f"{error} ended the client" if error else "the client ended by itself"

    def _error(self) -> str:
        """The name of the exception that ended the client; "" if none did."""
        self._watcher.join(SECONDS)
        return next((found[1] for row in reversed(self._glass.picture()) if (found := ERROR.match(row))), "")


def shown(data: bytes | bytearray) -> str:
    """As it would be typed."""
    return f"`{escaped(bytes(data))}`"


def boxed(rows: Sequence[str]) -> list[str]:
    """The last rows of a screen."""
    return [f"  | {row}".rstrip() for row in rows[-MOST_ROWS:]]
