"""docs/reference/errors.md shows what Python prints: each message is provoked, and compared."""

import asyncio
import errno
import os
import re
import selectors
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
ROWS = [re.split(r" *\| *", line)[1:-1] for line in PAGE.splitlines() if re.match(r"\| .*\]\(\.\./lessons/", line)]
MESSAGES = [found[1] for row in ROWS if (found := re.match(r"`([A-Z]\w+.*?)`", row[0])) and "WinError" not in found[1]]
# What learners of such programs trip over everywhere: a word of the row, and its lesson.
EVERYWHERE = {
    "one arrives in halves": 4,
    "after somebody has left": 1,
    "BlockingIOError": 7,
    "`EVENT_WRITE` is on": 8,
    "WinError 10038": 16,
    "the line that you type": 16,
    "RuntimeError: dictionary changed size": 3,
    "BrokenPipeError": 6,
    "ConnectionResetError": 6,
    "Address already in use": 14,
    "Too many open files": 15,
    "half-open": 13,
}


def by_number(number: int) -> Callable[[], None]:
    """What the system has no simple way to provoke: its own words for the number."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


def nothing_to_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ours.recv(1)


def send_to_one_who_closed() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        ours.send(b"oi")


def send_text() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall("oi")  # type: ignore[arg-type]


def use_a_closed_socket() -> None:
    closed = socket.socket()
    closed.close()
    closed.send(b"oi")


def register_a_closed_socket() -> None:
    closed = socket.socket()
    closed.close()
    with selectors.DefaultSelector() as selector:
        selector.register(closed, selectors.EVENT_READ)


def unregister_twice() -> None:
    with selectors.DefaultSelector() as selector, socket.socket() as sock:
        selector.unregister(sock)


def register_for_nothing() -> None:
    with selectors.DefaultSelector() as selector, socket.socket() as sock:
        selector.register(sock, 0)


def shut_down_unconnected() -> None:
    with socket.socket() as sock:
        sock.shutdown(socket.SHUT_WR)


def change_while_iterating() -> None:
    clients = {"ana": 1}
    for _ in clients:
        clients["bia"] = 2


def decode_half_a_letter() -> None:
    "é".encode()[:1].decode()


def interrupt() -> None:
    raise KeyboardInterrupt


def forget_to_await() -> None:
    with warnings.catch_warnings(action="always", record=True) as told:
        coroutine = asyncio.sleep(1)
        del coroutine
    raise RuntimeWarning(told[0].message)


PROVOKED = (
    nothing_to_read,
    send_to_one_who_closed,
    by_number(errno.ECONNRESET),
    by_number(errno.ECONNREFUSED),
    by_number(errno.EADDRINUSE),
    by_number(errno.EMFILE),
    use_a_closed_socket,
    register_a_closed_socket,
    shut_down_unconnected,
    unregister_twice,
    register_for_nothing,
    change_while_iterating,
    decode_half_a_letter,
    send_text,
    interrupt,
    forget_to_await,
)


@pytest.mark.skipif(sys.platform != "linux", reason="the page shows the messages of Linux")
@pytest.mark.parametrize(("message", "provoke"), list(zip(MESSAGES, PROVOKED, strict=True)), ids=MESSAGES)
def test_python_says_this(message: str, provoke: Callable[[], None]) -> None:
    with pytest.raises(BaseException) as raised:  # noqa: PT011 (the message is what is looked at)
        provoke()
    said = f"{type(raised.value).__name__}: {raised.value}".removesuffix(": ")
    pieces = [re.escape(piece) for piece in message.split("…")]
    assert re.fullmatch(".*".join(pieces), said), said


def test_what_learners_trip_over_is_there() -> None:
    for word, lesson in EVERYWHERE.items():
        (row,) = [row for row in ROWS if word in "|".join(row)]
        assert f"[{lesson}](" in row[2], word


def test_no_row_stands_twice() -> None:
    seen = [row[0] for row in ROWS]
    assert len(seen) == len(set(seen)) == PAGE.count("\n| ") - PAGE.count("| what you see |")
