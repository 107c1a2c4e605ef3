"""Standard input of every kind reaches the loop, through a thread where select cannot watch it."""

import os
import pty
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.loop import Loop
from chatcore.screen.keyboard import PIECE, Keyboard, Lines, can_watch


class Nothing:
    """A service without work."""

    busy = False

    def decode(self) -> None: ...

    def commit(self) -> None: ...

    def flush(self) -> None: ...


class Typed:
    """Collects what a keyboard delivers; the loop runs until its end."""

    def __init__(self, fd: int, threaded: bool | None) -> None:
        self.pieces: list[bytes] = []
        self.ends = 0
        self.loop = Loop(selectors.DefaultSelector(), time.monotonic, Nothing())
        self.stream = open(fd, encoding="utf-8")  # noqa: SIM115
        self.keyboard = Keyboard(self.stream, self.pieces.append, self.on_end, threaded)
        self.keyboard.start(self.loop)

    def on_end(self) -> None:
        self.ends += 1
        self.loop.stop()

    def all(self) -> bytes:
        self.loop.run()
        assert self.ends == 1
        assert not self.loop.selector.get_map()
        return b"".join(self.pieces)


@contextmanager
def typing(fd: int, threaded: bool | None = None) -> Iterator[Typed]:
    typed = Typed(fd, threaded)
    yield typed
    typed.keyboard.close()
    typed.keyboard.close()
    assert not typed.loop.selector.get_map()
    typed.loop.selector.close()
    typed.stream.close()


@pytest.mark.parametrize("threaded", [None, True])
def test_a_pipe(threaded: bool | None) -> None:
    reader, writer = os.pipe()
    with typing(reader, threaded) as typed:
        os.write(writer, "olá\n".encode())
        while not typed.pieces:
            typed.loop.turn()
        os.write(writer, b"x" * 3 * PIECE)
        os.close(writer)
        assert typed.all() == "olá\n".encode() + b"x" * 3 * PIECE
        assert max(map(len, typed.pieces)) <= PIECE


def test_a_file_needs_the_thread(tmp_path: Path) -> None:
    """epoll refuses it. And however large it is, it does not pile up: one piece a turn."""
    content = os.urandom(1_000_000)
    (tmp_path / "typed").write_bytes(content)
    with typing(os.open(tmp_path / "typed", os.O_RDONLY)) as typed:
        assert typed.all() == content
        assert max(map(len, typed.pieces)) <= PIECE


def test_no_input_ends_at_once() -> None:
    with typing(os.open(os.devnull, os.O_RDONLY)) as typed:
        assert typed.all() == b""


def test_a_closed_terminal_is_an_end() -> None:
    master, slave = pty.openpty()
    with typing(slave) as typed:
        os.write(master, b"oi\n")
        while not typed.pieces:
            typed.loop.turn()
        os.close(master)
        assert typed.all() == b"oi\n"


def test_an_error_is_an_end() -> None:
    """EIO is what Linux says when the other side of a pseudo-terminal is gone."""
    master, slave = pty.openpty()
    os.close(slave)
    with typing(master) as typed:
        assert typed.all() == b""


def test_the_descriptor_stays_blocking() -> None:
    """It is shared with the shell, which could not read its next command."""
    master, slave = pty.openpty()
    with typing(slave):
        assert os.get_blocking(slave)
    os.close(master)


def test_somebody_else_read_first() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)  # as if a parent had done it
    with typing(reader) as typed:
        typed.keyboard.ready(selectors.EVENT_READ)
        assert (typed.pieces, typed.ends) == ([], 0)
    os.close(writer)


def test_closing_while_the_thread_has_more_than_fits(tmp_path: Path) -> None:
    (tmp_path / "typed").write_bytes(b"x" * 10_000_000)
    with typing(os.open(tmp_path / "typed", os.O_RDONLY)) as typed:
        typed.loop.turn()
    assert typed.ends == 0


def test_what_can_be_watched(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    master, slave = pty.openpty()
    (tmp_path / "typed").touch()
    file, null = os.open(tmp_path / "typed", os.O_RDONLY), os.open(os.devnull, os.O_RDONLY)
    assert [can_watch(fd) for fd in (reader, slave, file, null)] == [True, True, False, False]
    for fd in (reader, writer, master, slave, file, null):
        os.close(fd)


# ---------------------------------------------------------------- lines

odd = st.text(st.sampled_from("aé日\r\n\u2028\x85\x0b\ufeff"), max_size=20)


@given(odd.map(str.encode) | st.binary(max_size=20), st.lists(st.integers(0, 40)))
def test_lines_end_at_newlines_only_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    lines = Lines()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:stop] for start, stop in pairwise(places)]
    found = [line for piece in pieces for line in lines.feed(piece)] + lines.end()
    *ended, rest = data.decode("utf-8-sig", "replace").split("\n")
    assert found == [line.removesuffix("\r") for line in ended] + ([rest] if rest else [])
