"""A session that waits for its server: when the person is told, and when it leaves all the same."""

import selectors
from collections.abc import Iterator
from itertools import count

import pytest

from chatcore import protocol
from chatcore.client.patience import LEAVE_SECONDS, SLOW_SECONDS, Patience
from chatcore.client.session import Session
from chatcore.loop import Loop


class Nothing:
    """A service without work."""

    busy = False

    def decode(self) -> None: ...

    def commit(self) -> None: ...

    def flush(self) -> None: ...


class Waiting:
    """ana in the lobby, with a clock of ours. The server does not answer but where the test says so."""

    def __init__(self) -> None:
        ids: Iterator[int] = count(1)
        self.now = 0.0
        self.told: list[str] = []
        self.loop = Loop(selectors.DefaultSelector(), lambda: self.now, Nothing())
        self.loop.running = True
        self.session = Session("ana", "lobby", lambda command: None, lambda: f"id{next(ids)}")
        self.patience = Patience(self.loop, self.session, lambda notice: self.told.append(notice.text))
        self.session.connected()

    def enter(self) -> None:
        self.session.handle(protocol.Welcome("ana", "t" * 32, 1, "chatcore/1", "log", {}))
        self.session.handle(protocol.Joined("lobby", 1, 0, 1, ("ana",), True))

    def types(self, line: str) -> None:
        self.session.typed(line)
        self.patience.watch()

    def hears_echo(self, seq: int) -> None:
        self.session.handle(protocol.Message("lobby", seq, "ana", "", "", f"id{seq}"))

    def passes(self, seconds: float) -> list[str]:
        """Let the time pass, and return what the person is told meanwhile."""
        self.told.clear()
        self.now += seconds
        self.loop.turn(at_most=0)
        return self.told


@pytest.fixture
def ana() -> Iterator[Waiting]:
    waiting = Waiting()
    yield waiting
    waiting.loop.selector.close()


def test_a_late_confirmation_is_told_once(ana: Waiting) -> None:
    ana.enter()
    ana.types("oi")
    assert ana.passes(SLOW_SECONDS - 1) == []
    assert ana.passes(1) == ['not confirmed yet: "oi"']
    assert ana.passes(60) == []
    ana.types("tudo bem?")
    assert ana.passes(SLOW_SECONDS) == ['not confirmed yet: "oi" and 1 more']


def test_what_is_confirmed_in_time_is_no_news(ana: Waiting) -> None:
    ana.enter()
    ana.types("oi")
    ana.hears_echo(1)
    assert ana.passes(SLOW_SECONDS) == []
    assert ana.loop.timeout() is None, "no timer is left"


def test_as_long_as_others_are_confirmed_many_may_wait(ana: Waiting) -> None:
    """A file in a pipe, and a server that takes five lines in a second."""
    ana.enter()
    for _ in range(3):
        ana.types("line")
    for seq in (1, 2):
        ana.hears_echo(seq)
        assert ana.passes(SLOW_SECONDS) == []
    assert ana.passes(SLOW_SECONDS) == ['not confirmed yet: "line"']


def test_a_server_that_does_not_even_say_welcome(ana: Waiting) -> None:
    ana.types("oi")
    assert ana.passes(SLOW_SECONDS) == ['not confirmed yet: "oi"']


def test_without_a_connection_it_was_told_when_it_was_typed(ana: Waiting) -> None:
    ana.enter()
    ana.session.lost()
    ana.types("oi")
    assert ana.passes(SLOW_SECONDS) == []
    ana.session.connected()
    assert ana.passes(SLOW_SECONDS) == ['not confirmed yet: "oi"']


def test_sair_waits_for_confirmations_and_tells_how_not_to(ana: Waiting) -> None:
    ana.enter()
    ana.types("oi")
    ana.passes(SLOW_SECONDS)
    ana.types("sair")
    assert ana.passes(SLOW_SECONDS) == ['not confirmed yet: "oi"; Ctrl-C leaves at once']
    for _ in range(10):
        ana.passes(LEAVE_SECONDS)
    assert ana.loop.running


def test_sair_without_a_connection_tells_how_to_go(ana: Waiting) -> None:
    ana.enter()
    ana.session.lost()
    ana.types("oi")
    ana.types("sair")
    assert ana.passes(SLOW_SECONDS) == ['not confirmed yet: "oi"; Ctrl-C leaves at once']
    assert ana.passes(SLOW_SECONDS) == []


def test_sair_does_not_wait_for_ever_for_a_goodbye(ana: Waiting) -> None:
    ana.enter()
    ana.types("oi")
    ana.types("sair")
    ana.hears_echo(1)
    ana.passes(LEAVE_SECONDS)
    assert ana.loop.running, "the last confirmation came within this time"
    ana.passes(LEAVE_SECONDS - 1)
    assert ana.loop.running
    ana.passes(1)
    assert not ana.loop.running


def test_at_the_end_of_the_input_it_waits_while_there_are_confirmations(ana: Waiting) -> None:
    ana.enter()
    for _ in range(3):
        ana.types("line")
    ana.session.leave_when_confirmed()
    ana.patience.is_at_end = True
    ana.patience.watch()
    for seq in (1, 2):
        ana.hears_echo(seq)
        ana.passes(LEAVE_SECONDS)
        assert ana.loop.running
    ana.passes(LEAVE_SECONDS)
    assert not ana.loop.running


def test_the_end_of_the_input_behind_sair(ana: Waiting) -> None:
    """A pipe ends: nobody is there who could press Ctrl-C."""
    ana.enter()
    ana.types("oi")
    ana.types("sair")
    ana.patience.is_at_end = True
    ana.patience.watch()
    ana.passes(LEAVE_SECONDS)
    assert not ana.loop.running
