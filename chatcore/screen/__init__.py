"""a person <-> the client. What is typed becomes lines; what the client shows never mangles the typed line.

Three screens, one interface. `PromptScreen` needs prompt_toolkit and is the most comfortable;
`EditorScreen` is our own small line editor for POSIX terminals; `PlainScreen` works everywhere.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Literal, Protocol, TextIO

from chatcore.loop import Loop
from chatcore.screen.plain import PlainScreen

Kind = Literal["prompt", "editor", "plain"]


class Screen(Protocol):
    """Between the user's terminal and a client that knows nothing of terminals."""

    def start(self, loop: Loop, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        """Begin: `on_line(text)` for each line entered, `on_end()` once nothing more will be.

        Both are called within a turn of `loop`, before its commit and flush. The end is Ctrl-D on an
        empty line, the end of a file or pipe, or a closed output. Ctrl-C is none: it is SIGINT, also
        where the terminal hands it over as a key. A line that was entered vanishes from an editor: it
        is for the client to show what became of it.
        """

    def run(self, loop: Loop) -> None:
        """Use this in place of `loop.run()`; it returns after `loop.stop()`."""

    def show(self, text: str) -> None:
        """Print one line above the typed one. `text` is harmless but for colours of our own."""

    def close(self) -> None:
        """Give the terminal back as it was. Closing twice is fine; so is `show()` afterwards."""


def open_screen(plain: bool, stdin: TextIO, stdout: TextIO, only: Kind | None = None) -> Screen:
    """Return the most comfortable screen that these streams and this machine allow.

    `only` forces one (for tests) and raises ImportError where it is not to be had.
    """
    if sys.platform != "win32":
        # Another program on this terminal may have left it non-blocking: a burst would fail with EAGAIN.
        os.set_blocking(stdout.fileno(), True)
    if only is not None:
        return _open(only, stdin, stdout)
    if plain or not _is_terminal(stdin, stdout):
        return PlainScreen(stdin, stdout)
    with contextlib.suppress(ImportError):  # prompt_toolkit is not installed
        return _open("prompt", stdin, stdout)
    with contextlib.suppress(ImportError):  # Windows has no termios
        return _open("editor", stdin, stdout)
    screen = PlainScreen(stdin, stdout)
    screen.show("* pip install prompt_toolkit gives you a line editor")
    return screen


def _open(kind: Kind, stdin: TextIO, stdout: TextIO) -> Screen:
    """Import a screen only when it is wanted: prompt_toolkit takes a quarter of a second."""
    if kind == "prompt":
        from chatcore.screen.prompt import PromptScreen

        return PromptScreen(stdin, stdout)
    if kind == "editor":
        from chatcore.screen.editor import EditorScreen

        return EditorScreen(stdin, stdout)
    return PlainScreen(stdin, stdout)


def _is_terminal(stdin: TextIO, stdout: TextIO) -> bool:
    """True when both ends are one, and not a dumb one (a shell inside Emacs)."""
    return stdin.isatty() and stdout.isatty() and os.environ.get("TERM") != "dumb"
