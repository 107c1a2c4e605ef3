"""keys -> the typed line, and what of it is seen. Pure.

The cursor is a place between two characters of the text. It steps over a letter together with its
marks: an accented letter may be two characters, and is one to the person who types it.
"""

import unicodedata
from collections.abc import Callable

from chatcore.screen.harmless import ZWJ, ZWNJ, shown, width
from chatcore.screen.keys import Key

# Far beyond the limit of the server for a text, so what is cut here is refused there, not sent.
LONGEST = 16384
REMEMBERED = 200


class Line:
    """One line being typed, and those typed before. `press` is all that changes it."""

    def __init__(self) -> None:
        self.text = ""
        self.cursor = 0
        self._history: list[str] = []
        self._place = 0  # in the history; at its end stands the draft
        self._draft = ""
        self._acts: dict[Key, Callable[[], None]] = {
            Key.LEFT: lambda: self._move(self._left()),
            Key.RIGHT: lambda: self._move(self._right()),
            Key.WORD_LEFT: lambda: self._move(self._word_left()),
            Key.WORD_RIGHT: lambda: self._move(self._word_right()),
            Key.HOME: lambda: self._move(0),
            Key.END: lambda: self._move(len(self.text)),
            Key.UP: lambda: self._recall(self._place - 1),
            Key.DOWN: lambda: self._recall(self._place + 1),
            Key.BACKSPACE: lambda: self._cut(self._left(), self.cursor),
            Key.DELETE: lambda: self._cut(self.cursor, self._right()),
            Key.END_OF_INPUT: lambda: self._cut(self.cursor, self._right()),  # as shells do
            Key.CUT_WORD: lambda: self._cut(self._word_left(), self.cursor),
            Key.CUT_BEFORE: lambda: self._cut(0, self.cursor),
            Key.CUT_AFTER: lambda: self._cut(self.cursor, len(self.text)),
        }

    def press(self, key: Key | str) -> None:
        """Do what `key` does to the line. ENTER is the caller's: it calls `enter()`."""
        if isinstance(key, str):
            self._insert(key)
        elif key in self._acts:
            self._acts[key]()

    def enter(self) -> str:
        """Return the finished line, remember it, begin an empty one."""
        text = self.text
        if text and self._history[-1:] != [text]:
            self._history = [*self._history, text][-REMEMBERED:]
        self._place = len(self._history)
        self._put("")
        return text

    def _insert(self, text: str) -> None:
        if len(self.text) < LONGEST:
            self.text = self.text[: self.cursor] + text + self.text[self.cursor :]
            self.cursor += len(text)

    def _cut(self, start: int, stop: int) -> None:
        self.text = self.text[:start] + self.text[stop:]
        self.cursor = start

    def _move(self, cursor: int) -> None:
        self.cursor = cursor

    def _put(self, text: str) -> None:
        self.text, self.cursor = text, len(text)

    def _recall(self, place: int) -> None:
        """Show what was typed earlier. What is being typed now is kept, and comes after the last."""
        if not 0 <= place <= len(self._history):
            return
        if self._place == len(self._history):
            self._draft = self.text
        self._place = place
        self._put(self._draft if place == len(self._history) else self._history[place])

    def _left(self) -> int:
        place = max(0, self.cursor - 1)
        while place > 0 and self._is_inside(place):
            place -= 1
        return place

    def _right(self) -> int:
        place = min(len(self.text), self.cursor + 1)
        while place < len(self.text) and self._is_inside(place):
            place += 1
        return place

    def _is_inside(self, place: int) -> bool:
        """True when `place` is within what a person takes for one character."""
        here, before = self.text[place], self.text[place - 1]
        return here in (ZWNJ, ZWJ) or before == ZWJ or unicodedata.category(here) in ("Mn", "Me")

    def _word_left(self) -> int:
        return self.text[: self.cursor].rstrip(" ").rfind(" ") + 1

    def _word_right(self) -> int:
        rest = self.text[self.cursor :]
        spaces = len(rest) - len(rest.lstrip(" "))
        return self.cursor + spaces + len(rest[spaces:].partition(" ")[0])


def view(text: str, cursor: int, columns: int) -> tuple[str, int]:
    """Return what of `text` is seen in `columns` cells, and the cell of the cursor (0 is the first).

    A line longer than the screen scrolls: the cursor stays in sight, and up to a third of the screen
    shows what comes after it.
    """
    parts = shown(text)
    widths = [width(part) for part in parts]
    cell, after = sum(widths[:cursor]), sum(widths[cursor:])
    room = columns - 1 - min(after, columns // 3)
    start = 0
    while cell > room or (0 < start < cursor and widths[start] == 0):  # never begin with a mark
        cell -= widths[start]
        start += 1
    stop = start
    while stop < len(parts) and sum(widths[start : stop + 1]) <= columns:
        stop += 1
    return "".join(parts[start:stop]), cell
