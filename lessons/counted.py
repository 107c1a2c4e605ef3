"""a program -> the same program, its calls counted in a shared file. Run as a script by `lessons.loopback`.

    python3 counted.py COUNTERS CLOCK FILES PROGRAM [ARGUMENTS]

With CLOCK = 1200 twenty minutes pass for the program in each second; FILES limits its descriptors.
"""

import mmap
import runpy
import selectors
import socket
import struct
import sys
import time
from pathlib import Path

TURNS, ACCEPTS, SENDS, SHORT_SENDS = range(4)
SIZE = 32


def value(shared: mmap.mmap, which: int) -> int:
    """One counter."""
    number: int = struct.unpack_from("Q", shared, 8 * which)[0]
    return number


def main(counters: str, clock: str, files: str, program: str, *argv: str) -> None:
    """Run the program as `__main__`."""
    with Path(counters).open("r+b") as file:
        shared, speed = mmap.mmap(file.fileno(), SIZE), float(clock)

    def bump(which: int) -> None:
        struct.pack_into("Q", shared, 8 * which, value(shared, which) + 1)

    class Socket(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            bump(TURNS)
            result = super().accept()
            bump(ACCEPTS)
            return result

        def recv(self, bufsize: int, flags: int = 0) -> bytes:
            bump(TURNS)
            return super().recv(bufsize, flags)

        def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]
            bump(SENDS)
            try:
                sent = super().send(data, flags)
            except BlockingIOError:
                bump(SHORT_SENDS)
                raise
            if sent < len(data):
                bump(SHORT_SENDS)
            return sent

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            bump(TURNS)
            return super().select(None if timeout is None else timeout / speed)

    real = time.monotonic
    time.monotonic = lambda: real() * speed
    socket.socket = Socket  # type: ignore[misc]
    selectors.DefaultSelector = Selector  # type: ignore[misc]
    sys.argv = [program, *argv]
    sys.path[0] = str(Path(program).parent)
    if int(files):
        import resource  # not on Windows, where no lesson asks for it

        resource.setrlimit(resource.RLIMIT_NOFILE, (int(files), int(files)))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
