"""bytes sent to a terminal -> the rows that a person sees. As much of a terminal as a line editor needs.

Unknown escape sequences are collected, not obeyed: a check can then say which one it was.
"""

import codecs
import re
from collections.abc import Callable

COLUMNS = 80
ESCAPE = re.compile(r"\x1b(?:\[([?>]?)([0-9;]*)([@-~])|([78=>]))")
UNFINISHED = re.compile(r"\x1b(?:\[[?>]?[0-9;]*)?\Z")


class Glass:
    """Rows without end, 80 columns. `raw`: a newline goes straight down, as Unix terminals have it."""

    def __init__(self, raw: bool = True) -> None:
        self.row = self.column = 0
        self.unknown: list[str] = []
        self._raw = raw
        self._rows: list[list[str]] = [[]]
        self._saved = (0, 0)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._moves: dict[str, Callable[[int], None]] = {
            "A": lambda count: self._go(self.row - (count or 1), self.column),
            "B": lambda count: self._go(self.row + (count or 1), self.column),
            "C": lambda count: self._go(self.row, self.column + (count or 1)),
            "D": lambda count: self._go(self.row, self.column - (count or 1)),
            "G": lambda count: self._go(self.row, (count or 1) - 1),
            "K": self._erase_in_line,
            "J": self._erase_below,
            "P": lambda count: self._cut(self.column, self.column + (count or 1)),
            "s": lambda count: self._save(),
            "u": lambda count: self._go(*self._saved),
        }

    def feed(self, data: bytes) -> None:
        """What the program has written."""
        text = self._rest + self._decoder.decode(data)
        place = 0
        while place < len(text):
            if text[place] != "\x1b":
                self._print(text[place])
                place += 1
            elif found := ESCAPE.match(text, place):
                self._obey(found)
                place = found.end()
            elif UNFINISHED.match(text, place):
                break
            else:
                self.unknown.append(text[place : place + 2])
                place += 2
        self._rest = text[place:]

    def picture(self) -> list[str]:
        """The rows down to the last one that is not empty, or where the cursor is; without spaces at their ends."""
        rows = ["".join(row).rstrip() for row in self._rows]
        while len(rows) > self.row + 1 and not rows[-1]:
            rows.pop()
        return rows

    def _print(self, char: str) -> None:
        match char:
            case "\r":
                self.column = 0
            case "\n":
                self._go(self.row + 1, self.column if self._raw else 0)
            case "\b":
                self.column = max(0, self.column - 1)
            case _ if char >= " " and char != "\x7f":
                self._put(char)

    def _put(self, char: str) -> None:
        if self.column == COLUMNS:
            self._go(self.row + 1, 0)
        row = self._rows[self.row]
        row.extend(" " * (self.column + 1 - len(row)))
        row[self.column] = char
        self.column += 1

    def _obey(self, found: re.Match[str]) -> None:
        private, numbers, final, short = found.groups()
        if short in ("7", "8"):
            self._moves["s" if short == "7" else "u"](0)
        elif private or short or final == "m":
            return  # modes of the terminal, and colours: nothing that is looked at here
        elif final in self._moves and ";" not in numbers:
            self._moves[final](int(numbers or 0))
        else:
            self.unknown.append(found[0])

    def _go(self, row: int, column: int) -> None:
        self.row, self.column = max(0, row), min(max(0, column), COLUMNS - 1)
        self._rows.extend([] for _ in range(self.row + 1 - len(self._rows)))

    def _save(self) -> None:
        self._saved = (self.row, self.column)

    def _erase_in_line(self, what: int) -> None:
        row = self._rows[self.row]
        if what in (1, 2):
            row[: self.column + 1] = " " * min(self.column + 1, len(row))
        if what in (0, 2):
            del row[self.column :]

    def _erase_below(self, what: int) -> None:
        if what != 0:
            self.unknown.append(f"\x1b[{what}J")
            return
        self._erase_in_line(0)
        for row in self._rows[self.row + 1 :]:
            row.clear()

    def _cut(self, start: int, stop: int) -> None:
        del self._rows[self.row][start:stop]
