"""What goes wrong costs no more than it must. Real sockets, a real selector; the test has the clock, and turns."""

import errno
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from chatcore.commands import Outside
from chatcore.errors import LogError
from chatcore.gate import MOST_REFUSED_AT_ONCE
from chatcore.limits import Limits
from chatcore.log import MemoryLog
from chatcore.server import ACCEPTS_PER_TURN, Server
from chatcore.sockets import listen
from tests.drivers import Mistakes, Peer

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger


class Caller(socket.socket):
    """Somebody accepted, who may not read."""

    stalls = False

    def send(self, data: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
        if self.stalls:
            raise BlockingIOError
        return super().send(data, flags)


class Listener(socket.socket):
    """A listener for which the system may have no descriptors left."""

    is_full = False
    tries = 0
    accepted: Caller

    def accept(self) -> tuple[socket.socket, tuple[object, ...]]:
        self.tries += 1
        if self.is_full:
            raise OSError(errno.EMFILE, "Too many open files")
        sock, address = super().accept()
        self.accepted = Caller(fileno=sock.detach())
        return self.accepted, address


class Log(MemoryLog):
    """A log whose disk may fail."""

    failure: Exception | None = None
    is_closed = False

    def commit(self) -> None:
        if self.failure is not None:
            raise self.failure
        super().commit()

    def close(self) -> None:
        self.is_closed = True


class Bench:
    """A server that turns when the test says so."""

    def __init__(self, **limits: int) -> None:
        real = listen("127.0.0.1", 0)
        self.address = real.getsockname()
        self.listener = Listener(fileno=real.detach())
        self.listener.setblocking(False)
        self.now = 1000.0
        self.log = Log("log")
        self.mistakes = Mistakes()
        self.traced: list[tuple[str, dict[str, object]]] = []
        self.selector = selectors.DefaultSelector()
        outside = Outside(time.time, lambda: "token", self.mistakes.report)
        chosen = Limits(rate=0, **limits)
        self.server = Server(self.listener, self.selector, lambda: self.now, chosen, self.log, outside, self._trace)
        self.server.loop.running = True
        self.peers: list[Peer] = []

    def _trace(self, hook: str, /, **facts: object) -> None:
        self.traced.append((hook, facts))

    def peer(self) -> Peer:
        """Somebody who has connected, and waits to be accepted."""
        self.peers.append(Peer(self.address))
        return self.peers[-1]

    def enter(self, name: str) -> Peer:
        """Somebody comes, and says a name."""
        peer = self.peer()
        peer.send(f"{name}\n".encode())
        self.turn_until("send")
        return peer

    def turn(self) -> None:
        """One turn, without waiting."""
        self.server.loop.turn(at_most=0)

    def turn_until(self, *hooks: str) -> None:
        """Turn until one of `hooks` is traced; the loop waits in its select."""
        self.traced.clear()
        while not any(hook in hooks for hook, _ in self.traced):
            self.server.loop.turn()

    def close(self) -> None:
        for peer in self.peers:
            peer.close()
        self.server.close()
        self.listener.close()
        self.selector.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


# ---------------------------------------------------------------- one connection


def test_a_mistake_while_a_caller_is_taken_costs_that_caller(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: object) -> None:
        raise TypeError("ours")

    with monkeypatch.context() as broken:
        broken.setattr("chatcore.server.tune", mistake)
        bench.peer()
        bench.turn_until("close")
    assert bench.mistakes == ["accept: TypeError('ours')"]
    assert "you are bia" in bench.enter("bia").line()
    assert len(bench.server.chat.connections) == 1


def test_a_caller_who_hung_up_before_he_was_taken_is_no_mistake(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")  # what macOS says to setsockopt then

    monkeypatch.setattr("chatcore.server.tune", gone)
    bench.peer()
    bench.turn_until("close")
    assert bench.mistakes == []
    assert len(bench.server.chat.connections) == 0


def test_a_mistake_while_receiving_costs_one_connection(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ana, bia = bench.enter("ana"), bench.enter("bia")

    def mistake(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(bench.server.chat, "receive", mistake)
        bia.send(b"oi\n")
        bench.turn_until("close")
    assert bench.mistakes == ["receive: ZeroDivisionError()"]
    bench.turn()
    assert ana.lines(3)[-1] == "* bia left"


def test_a_mistake_in_a_step_of_the_turn_is_reported_and_the_server_goes_on(bench: Bench) -> None:
    ana = bench.enter("ana")
    bench.log.failure = ZeroDivisionError()
    bench.turn()
    assert bench.mistakes == ["commit: ZeroDivisionError()"]
    bench.log.failure = None
    ana.send(b"/who\n")
    bench.turn_until("send")
    assert ana.lines(2)[-1] == "* in lobby: ana"


def test_nothing_is_read_from_a_peer_that_has_to_wait_whatever_select_says(bench: Bench) -> None:
    """What select was asked about is changed in the flush: a second look before it may still report the peer."""
    ana = bench.enter("ana")
    (peer,) = bench.server.chat.connections
    peer.is_held_up = True
    ana.send(b"/who\n")
    bench.traced.clear()
    bench.turn()
    assert bench.traced == [("turn", {"number": bench.server.loop.turns, "ready": 1})]
    peer.is_held_up = False
    bench.turn_until("send")
    assert ana.lines(2)[-1] == "* in lobby: ana"


def test_a_connection_that_is_reset_is_traced_as_an_error_and_the_room_is_told(bench: Bench) -> None:
    ana, bia = bench.enter("ana"), bench.enter("bia")
    bia._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    bia.close()
    bench.turn_until("close")
    (facts,) = [facts for hook, facts in bench.traced if hook == "error"]
    assert facts["peer"] == 2
    assert "reset" in str(facts["what"])
    assert ana.lines(3)[-1] == "* bia left"
    assert bench.mistakes == []


# ---------------------------------------------------------------- too many


def test_a_turn_takes_a_bounded_number_of_callers(bench: Bench) -> None:
    callers = ACCEPTS_PER_TURN + 6
    for _ in range(callers):
        bench.peer()
    bench.turn()
    assert len(bench.server.chat.connections) == ACCEPTS_PER_TURN
    bench.turn()
    assert len(bench.server.chat.connections) == callers


def test_one_too_many_beside_those_who_wait_for_their_refusal_is_hung_up_on() -> None:
    with closing(Bench(connections=1)) as bench:
        callers = [bench.peer() for _ in range(1 + MOST_REFUSED_AT_ONCE + 1)]
        bench.turn()
        bench.turn()
        assert callers[-1].rest() == b""
        assert len(bench.server.chat.connections) == 1 + MOST_REFUSED_AT_ONCE
        callers[1].send(b"ana\n")
        bench.turn_until("send")
        assert "too many connections" in callers[1].line()


def test_without_descriptors_the_listener_rests_longer_and_longer_and_says_so_once_a_second(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.listener.is_full = True
    bench.peer()
    tried = []
    for number in range(8):
        bench.turn()
        assert bench.listener.tries == number + 1  # it rests: select does not report it again and again
        bench.turn()
        assert bench.listener.tries == number + 1
        tried.append(bench.now - 1000)
        bench.now += (bench.server.loop.timeout() or 0) + 1e-6
        bench.turn()  # the timer registers it again, for the next select
    assert tried == pytest.approx([0, 0.1, 0.3, 0.7, 1.5, 2.5, 3.5, 4.5], abs=1e-3)  # 0.1 s, doubled up to 1 s
    records = [record.getMessage() for record in caplog.records]
    assert records == [
        f"cannot accept a connection: [Errno {errno.EMFILE}] Too many open files; resting {pause} s"
        for pause in (0.1, 1.0, 1.0, 1.0, 1.0)
    ]


def test_when_there_are_descriptors_again_all_are_let_in_and_the_pause_is_short_again(bench: Bench) -> None:
    bench.listener.is_full = True
    for _ in range(3):
        bench.peer()
        bench.turn()
        bench.now += 1.0
        bench.turn()
    bench.listener.is_full = False
    bench.now += 1.0
    bench.turn()
    bench.turn()
    assert len(bench.server.chat.connections) == 3
    bench.listener.is_full = True
    bench.peer()
    bench.turn()
    timeout = bench.server.loop.timeout()
    assert timeout is not None
    assert timeout == pytest.approx(0.1)


@pytest.mark.parametrize("error", [errno.ECONNABORTED, errno.EPROTO])
def test_a_caller_who_gave_up_does_not_make_the_next_one_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    real = bench.listener.accept
    failures = [OSError(error, "he hung up")]

    def accept() -> tuple[socket.socket, tuple[object, ...]]:
        if failures:
            raise failures.pop()
        return real()

    monkeypatch.setattr(bench.listener, "accept", accept)
    bench.peer()
    bench.turn()
    assert len(bench.server.chat.connections) == 1


# ---------------------------------------------------------------- the end


def test_a_stop_waits_for_a_reader_who_stalls_and_not_for_ever(bench: Bench) -> None:
    bench.enter("ana")
    bench.listener.accepted.stalls = True
    bench.server.stop()
    bench.turn()
    bench.now += Limits().shutdown_seconds - 0.01
    bench.turn()
    assert bench.server.loop.running
    bench.now += 0.02
    bench.turn()
    assert not bench.server.loop.running


def test_a_second_stop_leaves_at_once(bench: Bench) -> None:
    bench.enter("ana")
    bench.server.stop()
    bench.turn()
    assert bench.server.loop.running
    bench.server.stop()
    assert not bench.server.loop.running


def test_a_stop_while_the_listener_rests(bench: Bench) -> None:
    bench.listener.is_full = True
    bench.peer()
    bench.turn()
    bench.server.stop()
    bench.now += 1.0
    bench.turn()
    assert not bench.server.loop.running
    assert bench.mistakes == []


def test_a_log_that_fails_during_a_stop_does_not_cut_the_goodbye_short(bench: Bench) -> None:
    ana = bench.enter("ana")
    bench.server.stop()
    bench.log.failure = LogError("disk I/O error")
    bench.turn()
    assert bench.server.failure is bench.log.failure
    assert bench.server.loop.running
    assert ana.lines(2)[-1] == "! the server is shutting down: bye"


def test_what_is_still_open_is_closed_with_the_server(bench: Bench) -> None:
    ana = bench.enter("ana")
    bench.server.close()
    assert ana.rest() == b"* you are ana, in lobby (/help)\n"
    assert bench.log.is_closed


def test_when_the_log_fails_nothing_is_acknowledged_and_everybody_gets_a_bye(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    ana = bench.peer()
    ana.send(b'{"type": "hello", "name": "ana"}\n{"type": "join", "room": "lobby"}\n')
    bench.turn_until("send")
    assert [event["type"] for event in ana.events(2)] == ["welcome", "joined"]
    bench.log.failure = LogError("the history chat.db failed: disk I/O error")
    ana.say(type="send", room="lobby", cid="1", text="oi")
    ana.end()
    bench.turn_until("close")
    assert ana.event() == {"type": "bye", "reason": "shutting_down"}
    assert ana.rest() == b""
    assert bench.server.failure is bench.log.failure
    assert not bench.server.loop.running
    assert [(record.levelname, record.getMessage()) for record in caplog.records][:1] == [
        ("CRITICAL", "the history chat.db failed: disk I/O error")
    ]
    assert bench.mistakes == []
