"""standard input -> bytes, as something that a Loop can watch; and bytes -> lines.

Two things stand in the way of `selector.register(stdin)`. On Windows `select` knows sockets only.
On Linux `epoll` refuses regular files and /dev/null (EPERM). For those a thread copies the input
into a socketpair, whose other end the loop watches like any socket; while nobody reads there, the
thread waits in `sendall`, so nothing piles up. It is the one thread of the program, it shares
nothing but that socket, and a terminal or a pipe on POSIX does without it.
"""

import codecs
import io
import os
import socket
import stat
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from chatcore.loop import READ, Loop

PIECE = 4096


class Keyboard:
    """Calls `on_bytes(data)` for what is typed, and `on_end()` once when nothing more can come.

    `threaded` forces the way the input is read; None chooses.
    """

    def __init__(
        self, stdin: TextIO, on_bytes: Callable[[bytes], None], on_end: Callable[[], None], threaded: bool | None = None
    ) -> None:
        # Unbuffered, because select does not see what waits in a buffer; and not the stream's own
        # buffer, because a thread blocked in it would hold its lock when Python shuts down.
        self._file = open(stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115
        self._on_bytes = on_bytes
        self._on_end = on_end
        self._threaded = not can_watch(stdin.fileno()) if threaded is None else threaded
        self._watched: io.FileIO | socket.socket = self._file
        self._loop: Loop | None = None

    def start(self, loop: Loop) -> None:
        """Begin to watch. The descriptor stays blocking: it is shared with the shell that started us."""
        if self._threaded:
            self._watched, writer = socket.socketpair()
            threading.Thread(target=_pump, args=(self._file, writer), daemon=True).start()
        self._loop = loop
        loop.set_interest(self._watched, 0, READ, self)

    def ready(self, events: int) -> None:
        """Read once: select promised that one read does not block, and no more than one."""
        try:
            data = self._read()
        except OSError:  # the terminal was closed (EIO)
            data = b""
        if data:
            self._on_bytes(data)
        elif data is not None:
            self.close()
            self._on_end()

    def _read(self) -> bytes | None:
        """Return b"" at the end, None when another reader of this terminal was faster."""
        watched = self._watched
        return watched.recv(PIECE) if isinstance(watched, socket.socket) else watched.read(PIECE)

    def close(self) -> None:
        """Stop watching. Standard input itself stays open."""
        if self._loop is not None:
            self._loop.set_interest(self._watched, READ, 0, self)
            self._loop = None
            if isinstance(self._watched, socket.socket):
                self._watched.close()


def can_watch(fd: int) -> bool:
    """True for terminals, pipes and sockets of POSIX."""
    mode = os.fstat(fd).st_mode
    return sys.platform != "win32" and (os.isatty(fd) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))


def _pump(source: io.FileIO, writer: socket.socket) -> None:
    """Copy `source` into `writer` until either ends. Runs in the thread."""
    with writer:
        try:
            while data := source.read(PIECE):
                writer.sendall(data)
        except OSError:
            pass  # the loop closed its end, or the input broke: both are the end


class Lines:
    r"""Cuts bytes into lines of text at `\n`, and drops a `\r` before it.

    Nothing else ends a line: `str.splitlines()` would also cut at nine other characters. Bytes that
    are not UTF-8 become U+FFFD; a byte order mark in front (files of Windows) is skipped.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._pieces: list[str] = []  # of the unfinished line; joined once, when it ends

    def feed(self, data: bytes, final: bool = False) -> list[str]:
        """Return the lines that `data` completes."""
        first, *others = self._decoder.decode(data, final).split("\n")
        self._pieces.append(first)
        lines = []
        for other in others:
            lines.append("".join(self._pieces).removesuffix("\r"))
            self._pieces = [other]
        return lines

    def end(self) -> list[str]:
        """Return the last line if the input ended without a line end."""
        self.feed(b"", final=True)
        rest = "".join(self._pieces)
        return [rest] if rest else []
