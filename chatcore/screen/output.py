"""lines -> standard output, whatever that is today: a terminal, a file, a pipe that was closed.

It waits when the reader is slow, on purpose: the only one who waits is the person in front of it.
"""

import os
import sys
from collections.abc import Callable
from typing import TextIO

from chatcore.screen.harmless import unpaint


class Output:
    """Writes whole texts to `stream`. Once that failed, says so in `broken` and stays silent."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._coloured = wants_colour(stream)
        self.broken = False
        self.on_broken: Callable[[], object] = lambda: None

    def write(self, text: str) -> None:
        """Write all of `text` now. Characters that the encoding lacks (Windows, LANG=C) are escaped."""
        if self.broken:
            return
        text = text if self._coloured else unpaint(text)
        try:
            self._stream.buffer.write(text.encode(self._stream.encoding, "backslashreplace"))
            self._stream.buffer.flush()
        except OSError:  # the pipe's reader went away, the disk is full, the terminal is gone
            self._give_up()

    def _give_up(self) -> None:
        """Let what is still buffered go nowhere: Python flushes at exit and would complain once more."""
        self.broken = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self.on_broken()


def wants_colour(stream: TextIO) -> bool:
    """True on a terminal, unless it is a dumb one, or the user said NO_COLOR (https://no-color.org).

    Not on Windows: its console takes escape sequences only after it was asked to; prompt_toolkit asks.
    """
    is_able = sys.platform != "win32" and os.environ.get("TERM") != "dumb"
    return stream.isatty() and is_able and not os.environ.get("NO_COLOR")
