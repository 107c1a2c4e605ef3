"""keys -> lines, on a POSIX terminal: our own small line editor, the part that touches the terminal.

What the keys mean is in `keys`, what they do to the line in `line`; both are pure. Here are the two
things a terminal needs. It must hand over each key at once and echo none (termios), for the kernel's
own line editing knows nothing of lines that arrive meanwhile. And it must be drawn: everything that
is printed erases the typed line first and draws it again afterwards, in one write.
"""

import contextlib
import functools
import os
import signal
import termios
from collections.abc import Callable
from typing import TextIO

from chatcore.loop import Loop
from chatcore.screen.harmless import width
from chatcore.screen.keyboard import Keyboard
from chatcore.screen.keys import Key, Keys
from chatcore.screen.line import Line, view
from chatcore.screen.nudges import Nudges
from chatcore.screen.output import Output

PROMPT = "> "
ERASE = "\r\x1b[K"  # back to the first column; erase to the end of the line
PASTE_ON, PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"  # what is pasted comes in brackets: see `keys`
CLEAR = "\x1b[H\x1b[2J"


class EditorScreen:
    """Typed line at the bottom, everything else above it."""

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._fd = stdin.fileno()
        self._stdout = stdout
        self._output = Output(stdout)
        self._keyboard = Keyboard(stdin, self._on_bytes, self._end)
        self._keys = Keys()
        self._line = Line()
        self._open = False

    def start(self, loop: Loop, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        """Take the terminal over. From here on, `close()` must follow, whatever happens."""
        self._on_line = on_line
        self._on_end = functools.cache(on_end)  # at most once
        self._output.on_broken = lambda: loop.call_later(0, self._end)
        self._modes = termios.tcgetattr(self._fd)
        self._open = True
        # SIGWINCH: the window has another size. SIGCONT: `fg` after Ctrl-Z, and the shell changed the modes.
        self._nudges = Nudges(loop, (signal.SIGWINCH, signal.SIGCONT), self._take)
        self._keyboard.start(loop)
        self._take()

    def _take(self) -> None:
        """Each key at once, without echo. ISIG stays, so Ctrl-C and Ctrl-Z are still signals."""
        modes = termios.tcgetattr(self._fd)
        modes[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
        termios.tcsetattr(self._fd, termios.TCSANOW, modes)
        self._output.write(PASTE_ON + self._drawn())

    def run(self, loop: Loop) -> None:
        """Turn until the loop is stopped."""
        loop.run()

    def _on_bytes(self, data: bytes) -> None:
        for key in self._keys.feed(data):
            self._press(key)
        self._output.write(self._drawn())

    def _press(self, key: Key | str) -> None:
        if key is Key.ENTER:
            self._on_line(self._line.enter())
        elif key is Key.END_OF_INPUT and not self._line.text:
            self._end()
        elif key is Key.CLEAR:
            self._output.write(CLEAR)
        else:
            self._line.press(key)

    def _end(self) -> None:
        self._on_end()

    def show(self, text: str) -> None:
        """Print one line above the typed one."""
        self._output.write(f"{ERASE}{text}\n{self._drawn()}" if self._open else f"{text}\n")

    def _drawn(self) -> str:
        """Return what draws the typed line over whatever is in its row.

        Without autowrap (mode 7): should the terminal take a character for wider than we do, the line
        is cut at the edge and does not spill into the next row, where nobody would erase it.
        """
        if not self._open:
            return ""
        seen, cell = view(self._line.text, self._line.cursor, max(1, self._columns() - width(PROMPT)))
        return f"{ERASE}\x1b[?7l{PROMPT}{seen}\r\x1b[{width(PROMPT) + cell}C\x1b[?7h"

    def _columns(self) -> int:
        """Asked each time, so there is no size to keep up to date. A serial line says 0."""
        with contextlib.suppress(OSError):
            return os.get_terminal_size(self._stdout.fileno()).columns or 80
        return 80

    def close(self) -> None:
        """Give the terminal back. A line that was typed and not sent stays readable."""
        if not self._open:
            return
        self._open = False
        self._keyboard.close()
        self._nudges.close()
        self._output.write(("\n" if self._line.text else ERASE) + PASTE_OFF)
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(self._fd, termios.TCSANOW, self._modes)
