"""A program in a pseudo-terminal, and what a person would see there (pyte is the terminal).

Nothing here sleeps: to wait is to read what the program writes until the screen looks as expected.
A screen that never does is the failure, after SECONDS, with a picture of it.
"""

import fcntl
import os
import pty
import select
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyte

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0  # only a failure takes this long


class _Screen(pyte.HistoryScreen):
    """pyte's screen with the lines that scrolled away; its answers (cursor reports) reach the program."""

    answer: Callable[[bytes], object]

    def write_process_input(self, data: str) -> None:
        self.answer(data.encode())


class Terminal:
    """Runs `argv` in a terminal of its own, where Ctrl-C and the size of the window work as usual.

    with Terminal([sys.executable, "-m", "chatcore", "connect"]) as terminal:
        terminal.wait_for("you are ana")
        terminal.type("oi\r")
    """

    def __init__(
        self,
        argv: Sequence[str],
        rows: int = 24,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._master, slave = pty.openpty()
        self.screen = _Screen(columns, rows, history=100_000, ratio=0.5)
        self.screen.answer = self.type_bytes
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._set_size(rows, columns)
        self.modes_before = self.modes()
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=environment(env or {}),
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 (the tests have one thread)
        )
        os.close(slave)  # so the end of the program is the end of what can be read

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    # ------------------------------------------------------------ what the person does

    def type(self, text: str) -> None:
        """Press keys. Enter is `\r`, Ctrl-C is `\x03`, the arrows are in KEYS."""
        self.type_bytes(text.encode())

    def type_bytes(self, data: bytes) -> None:
        """Write all of `data`, reading meanwhile, so that neither side can wait for the other."""
        while data:
            readable, writable, _ = select.select([self._master], [self._master], [], SECONDS)
            if readable and not self._read(0):
                raise AssertionError(f"the program has ended\n{self.picture()}")
            if writable:
                data = data[os.write(self._master, data[:256]) :]
            elif not readable:
                raise AssertionError(f"the program does not read what is typed\n{self.picture()}")

    def resize(self, rows: int, columns: int) -> None:
        """Drag the corner of the window: the kernel sends SIGWINCH."""
        self.screen.resize(rows, columns)
        self._set_size(rows, columns)

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # ------------------------------------------------------------ what the person sees

    def wait_for(self, expected: str | Callable[[], bool]) -> None:
        """Read until the screen contains `expected`, or until `expected()` is true."""
        deadline = time.monotonic() + SECONDS
        while not (expected in self.picture() if isinstance(expected, str) else expected()):
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"waited in vain for {expected!r}\n{self.picture()}")

    def wait_for_end(self) -> int:
        """Read until the program has ended, and return its exit status."""
        deadline = time.monotonic() + SECONDS
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(timeout=max(0.0, deadline - time.monotonic()))

    def wait_beside(self, sock: socket.socket) -> None:
        """Read until `sock` is readable too: a program whose output nobody reads would stand still."""
        deadline = time.monotonic() + SECONDS
        watched: list[socket.socket | int] = [sock, self._master]
        while sock not in (readable := select.select(watched, [], [], max(0.0, deadline - time.monotonic()))[0]):
            if not readable:
                raise AssertionError(f"the program tells nothing\n{self.picture()}")
            if not self._read(0):  # its end; what it told before is still to come
                watched = [sock]

    def _read(self, seconds: float) -> bool:
        """Let the screen have what the program wrote. False when nothing came in time, or ever will."""
        readable, _, _ = select.select([self._master], [], [], max(0.0, seconds))
        try:
            data = os.read(self._master, 65536) if readable else b""
        except OSError:  # EIO: nobody has the other side open any more
            data = b""
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def row(self) -> str:
        """The row of the cursor, without the spaces at its end. A wide character takes two cells."""
        return _text(self.screen.buffer[self.screen.cursor.y], self.screen.columns)

    @property
    def column(self) -> int:
        """Where the cursor is; the first column is 0."""
        return int(self.screen.cursor.x)

    def lines(self) -> list[str]:
        """All lines: those that scrolled away, then those that are seen, without empty ones at the end."""
        rows = [*self.screen.history.top, *(self.screen.buffer[y] for y in range(self.screen.lines))]
        return "\n".join(_text(row, self.screen.columns) for row in rows).rstrip("\n").split("\n")

    def picture(self) -> str:
        """The same as one text."""
        return "\n".join(self.lines())

    def modes(self) -> list[Any]:
        """How the terminal treats what is typed: echo, whole lines, signals (termios)."""
        return termios.tcgetattr(self._master)

    def set_modes(self, modes: list[Any]) -> None:
        """What a shell does before it reads a line."""
        termios.tcsetattr(self._master, termios.TCSANOW, modes)

    def echoes(self) -> bool:
        """True when the terminal itself shows what is typed: no editor has it."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)


KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "delete": "\x1b[3~",
    "backspace": "\x7f",
}


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, with the things that decide how a screen looks set to known values."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    return {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), **extra}


def _take_terminal() -> None:
    """In the child: make standard input the terminal that sends us Ctrl-C and SIGWINCH."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _text(row: Mapping[int, pyte.screens.Char], columns: int) -> str:
    return "".join(row[column].data for column in range(columns)).rstrip()
