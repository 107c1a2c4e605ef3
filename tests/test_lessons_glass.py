"""The screen of lesson 16's check: on everything that a line editor sends, it shows what pyte shows."""

import pyte
from hypothesis import example, given
from hypothesis import strategies as st

from lessons.glass import COLUMNS, Glass

LETTERS = ["a", "b", "é", "hel", "\r", "\r\n", "\n", "\b"]
ORDERS = ["K", "1K", "2K", "J", "A", "2C", "D", "3G", "P", "1;31m", "m", "?25l"]
SAVED = "\x1b7b\r\x1b8"  # as one piece: pyte forgets the place when it has gone back to it
PIECES = st.sampled_from([*LETTERS, *(f"\x1b[{order}" for order in ORDERS), SAVED])
ROWS = 60  # pyte scrolls, and the glass does not: more than any example has


def by_pyte(data: bytes) -> tuple[list[str], tuple[int, int]]:
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.ByteStream(screen).feed(data)
    return [row.rstrip() for row in screen.display], (screen.cursor.y, screen.cursor.x)


@given(st.lists(PIECES, max_size=30), st.integers(0, 100))
@example(["hel", "\r", "\x1b[K", "a", "\r\n", "hel"], 5)
def test_it_shows_what_pyte_shows(pieces: list[str], cut: int) -> None:
    data = "".join(pieces).encode()
    glass = Glass()
    glass.feed(data[:cut])
    glass.feed(data[cut:])
    rows, cursor = by_pyte(data)
    assert glass.picture() + [""] * (ROWS - len(glass.picture())) == rows
    assert (glass.row, glass.column) == cursor
    assert not glass.unknown


def test_a_long_line_goes_on_below() -> None:
    glass = Glass()
    glass.feed(b"x" * (COLUMNS + 3))
    assert glass.picture() == ["x" * COLUMNS, "xxx"]


def test_without_raw_a_newline_begins_a_row() -> None:
    glass = Glass(raw=False)
    glass.feed(b"ab\nc")
    assert glass.picture() == ["ab", "c"]


def test_what_it_does_not_know_is_collected() -> None:
    glass = Glass()
    glass.feed(b"\x1b[2La\x1b[3;4Hb\x1b]c")
    assert glass.unknown == ["\x1b[2L", "\x1b[3;4H", "\x1b]"]
