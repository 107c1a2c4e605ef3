"""Lines in, lines out, and one end; what it looks like from outside is in test_screen_tty."""

import io
import os
import selectors
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatcore.loop import Loop
from chatcore.screen import open_screen


class Nothing:
    """A service without work."""

    busy = False

    def decode(self) -> None: ...

    def commit(self) -> None: ...

    def flush(self) -> None: ...


class Desk:
    """A plain screen between two pipes, and what it calls."""

    def __init__(self, encoding: str = "utf-8") -> None:
        stdin, self.typed = os.pipe()
        self.printed, stdout = os.pipe()
        os.set_blocking(stdout, False)  # as another program left it
        self.stdin, self.stdout = open(stdin, encoding="utf-8"), open(stdout, "w", encoding=encoding)  # noqa: SIM115
        self.loop = Loop(selectors.DefaultSelector(), time.monotonic, Nothing())
        self.screen = open_screen(True, self.stdin, self.stdout)
        self.lines: list[str] = []
        self.ends = 0
        self.screen.start(self.loop, self.lines.append, self.on_end)

    def on_end(self) -> None:
        self.ends += 1


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.screen.close()
    desk.stdin.close()
    desk.stdout.close()
    desk.loop.selector.close()


def test_lines_and_the_end(desk: Desk) -> None:
    os.write(desk.typed, b"one\ntw")
    desk.loop.turn()
    assert desk.lines == ["one"]
    os.write(desk.typed, b"o\r\nthree")
    os.close(desk.typed)
    desk.loop.turn()
    desk.loop.turn()
    assert (desk.lines, desk.ends) == (["one", "two", "three"], 1)


def test_colours_stay_out_of_pipes(desk: Desk) -> None:
    desk.screen.show("\x1b[1;38;5;161mbia\x1b[0m: olá")
    assert os.read(desk.printed, 100).decode() == "bia: olá\n"


def test_an_encoding_without_the_character(desk: Desk) -> None:
    assert isinstance(desk.stdout, io.TextIOWrapper)
    desk.stdout.reconfigure(encoding="latin-1")
    desk.screen.show("olá 👩")
    assert os.read(desk.printed, 100) == "olá ".encode("latin-1") + b"\\U0001f469\n"


def test_an_output_that_is_full_is_waited_for(desk: Desk) -> None:
    """It is slow, not broken."""
    text = "x" * 1_000_000
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(lambda: open(desk.printed, encoding="utf-8", closefd=False).readline())  # noqa: SIM115
        desk.screen.show(text)
        assert read.result() == text + "\n"
    desk.loop.turn(at_most=0)
    assert desk.ends == 0


def test_a_closed_output_is_an_end_but_not_within_show(desk: Desk) -> None:
    os.close(desk.printed)
    desk.screen.show("one")
    desk.screen.show("two")
    assert desk.ends == 0
    desk.loop.turn()
    assert desk.ends == 1


def test_two_ends_are_one(desk: Desk) -> None:
    os.close(desk.printed)
    os.close(desk.typed)
    desk.screen.show("one")
    desk.loop.turn()
    desk.loop.turn(at_most=0)
    assert desk.ends == 1
    desk.stdout.flush()  # what could not be written does not complain again
