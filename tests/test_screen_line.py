"""The typed line against a model: two lists of characters, with the cursor between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.screen.harmless import ZWJ, ZWNJ, harmless, width
from chatcore.screen.keys import Key
from chatcore.screen.line import LONGEST, REMEMBERED, Line, view

plain_keys: st.SearchStrategy[Key | str] = st.sampled_from(Key) | st.sampled_from("ab 日")
any_keys: st.SearchStrategy[Key | str] = st.sampled_from(Key) | st.sampled_from(
    f"a é\u0301\u05b0{ZWJ}{ZWNJ}👩💻م\u202e"
)


class Model:
    """The same line, thought of in another way: what stands before the cursor, what after, and drafts."""

    def __init__(self) -> None:
        self.before: list[str] = []
        self.after: list[str] = []
        self.entered: list[str] = []
        self.newer: list[str] = []  # what DOWN leads to, nearest last
        self.older: list[str] = []  # what UP leads to, nearest last

    @property
    def text(self) -> str:
        return "".join(self.before + self.after)

    def press(self, key: Key | str) -> None:  # noqa: C901 (it reads like a table)
        before, after = self.before, self.after
        match key:
            case str():
                before.append(key)
            case Key.LEFT if before:
                after.insert(0, before.pop())
            case Key.RIGHT if after:
                before.append(after.pop(0))
            case Key.HOME:
                self.before, self.after = [], before + after
            case Key.END:
                self.before, self.after = before + after, []
            case Key.BACKSPACE if before:
                before.pop()
            case Key.DELETE | Key.END_OF_INPUT if after:
                after.pop(0)
            case Key.CUT_BEFORE:
                self.before = []
            case Key.CUT_AFTER:
                self.after = []
            case Key.CUT_WORD:
                self.before = before[: self.word_begins()]
            case Key.WORD_LEFT:
                place = self.word_begins()
                self.before, self.after = before[:place], before[place:] + after
            case Key.WORD_RIGHT:
                while self.after and self.after[0] == " ":
                    self.before.append(self.after.pop(0))
                while self.after and self.after[0] != " ":
                    self.before.append(self.after.pop(0))
            case Key.UP if self.older:
                self.newer.append(self.draft_or_original())
                self.put(self.older.pop())
            case Key.DOWN if self.newer:
                self.older.append(self.current)
                self.put(self.newer.pop())

    def word_begins(self) -> int:
        place = len(self.before)
        while place and self.before[place - 1] == " ":
            place -= 1
        while place and self.before[place - 1] != " ":
            place -= 1
        return place

    def draft_or_original(self) -> str:
        """A remembered line that was changed and left is as it was entered; only the draft keeps changes."""
        return self.current if self.newer else self.text

    def put(self, text: str) -> None:
        self.current = text
        self.before, self.after = list(text), []

    def enter(self) -> str:
        text = self.text
        if text and self.entered[-1:] != [text]:
            self.entered.append(text)
        self.older, self.newer = self.entered.copy(), []
        self.put("")
        return text


@given(st.lists(plain_keys, max_size=60))
def test_the_line_does_what_the_model_does(keys: list[Key | str]) -> None:
    line, model = Line(), Model()
    for key in keys:
        if key is Key.ENTER:
            assert line.enter() == model.enter()
        else:
            line.press(key)
            model.press(key)
        assert (line.text, line.cursor) == (model.text, len(model.before))


def type_text(text: str) -> Line:
    line = Line()
    for char in text:
        line.press(char)
    return line


@given(st.lists(any_keys, max_size=40))
def test_the_cursor_stays_in_the_line(keys: list[Key | str]) -> None:
    line = Line()
    for key in keys:
        line.press(key)
        assert 0 <= line.cursor <= len(line.text)


@pytest.mark.parametrize("character", ["e\u0301", "ש\u05b0\u05c1", f"👩{ZWJ}💻", f"م{ZWNJ}", "👍\ufe0f"])
def test_a_letter_and_its_marks_are_one(character: str) -> None:
    line = type_text(f"a{character}b")
    line.press(Key.LEFT)
    assert line.cursor == 1 + len(character)
    line.press(Key.LEFT)
    assert line.cursor == 1
    line.press(Key.RIGHT)
    line.press(Key.BACKSPACE)
    assert line.text == "ab"
    line = type_text(f"a{character}b")
    line.press(Key.HOME)
    line.press(Key.RIGHT)
    line.press(Key.DELETE)
    assert line.text == "ab"


def test_a_line_that_begins_with_a_mark() -> None:
    line = type_text("\u0301")
    line.press(Key.LEFT)
    assert line.cursor == 0


def test_the_draft_comes_back() -> None:
    line = type_text("old")
    line.enter()
    for key in ("n", "e", "w", Key.UP):
        line.press(key)
    assert line.text == "old"
    line.press(Key.DOWN)
    assert (line.text, line.cursor) == ("new", 3)


def test_history_and_line_are_bounded() -> None:
    line = Line()
    for number in range(REMEMBERED + 50):
        line.press("x")
        line.press(str(number % 10))
        line.enter()
    for _ in range(REMEMBERED + 50):
        line.press(Key.UP)
    assert line.text == "x0"
    line = type_text("x" * (LONGEST + 5))
    assert len(line.text) == LONGEST


# ---------------------------------------------------------------- what is seen of it


lines = st.text(st.sampled_from(f"abc é日👩\u0301\u05b0{ZWJ}\u202e"), max_size=60)


@given(st.data(), lines, st.integers(1, 40))
def test_the_cursor_is_in_sight_and_nothing_spills(data: st.DataObject, text: str, columns: int) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    seen, cell = view(text, cursor, columns)
    assert 0 <= cell < columns
    assert width(seen) <= columns
    assert seen in harmless(text)


@given(st.data(), st.integers(0, 60), st.integers(3, 40))
def test_the_cell_of_the_cursor_is_that_of_its_character(data: st.DataObject, length: int, columns: int) -> None:
    text = "".join(chr(0x3B1 + number) for number in range(length))  # each character once
    cursor = data.draw(st.integers(0, length))
    seen, cell = view(text, cursor, columns)
    assert seen[cell : cell + 1] == text[cursor : cursor + 1]


@given(lines)
def test_a_line_that_fits_is_seen_whole(text: str) -> None:
    assert view(text, len(text), width(harmless(text)) + 1) == (harmless(text), width(harmless(text)))


def test_scrolling() -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    assert view(text, 26, 10) == ("rstuvwxyz", 9)
    assert view(text, 13, 10) == ("hijklmnopq", 6)  # a third of the screen behind the cursor
    assert view(text, 25, 10) == ("rstuvwxyz", 8)
    assert view(text, 0, 10) == ("abcdefghij", 0)
    assert view("日本語日本語", 6, 6) == ("本語", 4)
    assert view("xe\u0301yz", 5, 4) == ("e\u0301yz", 3)
    assert view("xe\u0301yz", 5, 3) == ("yz", 2)  # not the mark alone
