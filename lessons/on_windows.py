"""a client -> a process that looks like Windows to it. Keys come from standard input, as the check sends them.

    python3 on_windows.py CLIENT PORT

There: no termios, each key by `msvcrt.getwch()`, `select()` for sockets alone. On Windows only the keys are replaced.
"""

import codecs
import contextlib
import os
import platform
import queue
import runpy
import select
import selectors
import socket
import stat
import sys
import threading
import traceback
from types import ModuleType

UNIX_ONLY = ("termios", "tty", "pty", "fcntl", "curses", "readline", "resource")
WINDOWS = sys.platform == "win32"
LOADED = (codecs, contextlib, queue, socket, threading, traceback)  # loaded before the computer changes its name


def getwch() -> str:
    """Wait for a key, and show nothing."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    char = ""
    while not char:
        byte = os.read(0, 1)
        if not byte:
            threading.Event().wait()  # nobody will ever press a key again
        char = decoder.decode(byte)
    return char


def only_sockets(given: object) -> None:
    """Raise what Windows raises."""
    number = given if isinstance(given, int) else given.fileno()  # type: ignore[attr-defined]
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        raise OSError(10038, "An operation was attempted on something that is not a socket")


class WindowsSelector(selectors.SelectSelector):
    """Complains when it is to wait for anything but sockets, or for nothing at all, as there."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Sockets that are ready."""
        for number in self.get_map():
            only_sockets(number)
        if not self.get_map():
            raise OSError(10022, "An invalid argument was supplied")
        return super().select(timeout)


def pretend() -> None:
    """From now on this is Windows."""
    msvcrt = ModuleType("msvcrt")
    vars(msvcrt).update(getwch=getwch, getch=lambda: getwch().encode())
    sys.modules["msvcrt"] = msvcrt
    if WINDOWS:
        return
    os.name, sys.platform = "nt", "win32"
    platform.system = lambda: "Windows"
    for name in UNIX_ONLY:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ("EpollSelector", "KqueueSelector", "PollSelector", "DevpollSelector"):
        vars(selectors).pop(name, None)
    selectors.SelectSelector = selectors.DefaultSelector = WindowsSelector  # type: ignore[misc, assignment]
    real = select.select

    def select_sockets(*arguments: object) -> object:
        for group in arguments[:3]:
            for one in group:  # type: ignore[attr-defined]
                only_sockets(one)
        return real(*arguments)  # type: ignore[arg-type]

    select.select = select_sockets  # type: ignore[assignment]


def main() -> None:
    """Run the client as `__main__`."""
    sys.argv = sys.argv[1:]
    pretend()
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
