"""lines <-> pipes, files, and terminals without a line editor. Nothing clever: lines in, lines out."""

import functools
from collections.abc import Callable
from typing import TextIO

from chatcore.loop import Loop
from chatcore.screen.keyboard import Keyboard, Lines
from chatcore.screen.output import Output


class PlainScreen:
    """Reads lines and prints lines. On a terminal, incoming lines run through the typed one."""

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._keyboard = Keyboard(stdin, self._on_bytes, self._on_eof)
        self._output = Output(stdout)
        self._lines = Lines()

    def start(self, loop: Loop, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        """Begin to read. A reader of ours who goes away (`| head -1`) is an end too."""
        self._on_line = on_line
        self._on_end = functools.cache(on_end)  # at most once
        # In step 3 of a turn, never from inside `show()`: the caller is busy with something else.
        self._output.on_broken = lambda: loop.call_later(0, self._on_end)
        self._keyboard.start(loop)

    def run(self, loop: Loop) -> None:
        """Turn until the loop is stopped."""
        loop.run()

    def _on_bytes(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._on_line(line)

    def _on_eof(self) -> None:
        for line in self._lines.end():
            self._on_line(line)
        self._on_end()

    def show(self, text: str) -> None:
        """Print one line."""
        self._output.write(text + "\n")

    def close(self) -> None:
        """Stop reading."""
        self._keyboard.close()
