"""The client on a real socket, with a clock of ours: how it comes back, how it leaves, with which status."""

import errno
import json
import selectors
import socket
from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from typing import Any

import pytest

from chatcore.client.client import CONNECT_SECONDS, LONGEST_PAUSE, SILENCE_SECONDS, Client
from chatcore.client.words import Words
from chatcore.loop import Loop

WELCOME: dict[str, Any] = {
    "type": "welcome", "name": "ana", "token": "t" * 32, "protocol": 1, "server": "chatcore/1",
    "log": "log", "limits": {},
}  # fmt: skip
JOINED: dict[str, Any] = {
    "type": "joined", "room": "lobby", "first": 1, "seq": 0, "count": 1, "members": ["ana"], "presence": True,
}  # fmt: skip
SMALL = 4096  # bytes, of the buffers in the kernel; it takes a few times that


class Clock(selectors.DefaultSelector):
    """A selector that does not wait: when nothing is ready, the time is later."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "it would wait for ever"
            self.now += timeout
        return ready


class Stage:
    """A client, its screen and its server. All are this thread, so nobody ever has to be waited for."""

    def __init__(self, name: str | None = "ana", is_terminal: bool = True) -> None:
        ids: Iterator[int] = count(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.peer: socket.socket | None = None
        self.chance = 0.0
        self.dials = 0
        self.refusal: OSError | None = None
        self.shown: list[str] = []
        self.clock = Clock()
        self.client = Client(
            self.dial, self.clock, self.clock.time, self, Words(colours=False, today=date.today), name, "lobby",
            new_id=lambda: f"id{next(ids)}", chance=lambda: self.chance, asks_for_name=is_terminal or name is None,
        )  # fmt: skip

    def dial(self) -> socket.socket:
        self.dials += 1
        if self.refusal is not None:
            raise self.refusal
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        sock.setblocking(False)
        sock.connect_ex(self.listener.getsockname())
        return sock

    def close(self) -> None:
        self.client.close()
        self.clock.close()
        self.listener.close()
        if self.peer is not None:
            self.peer.close()

    # --- the server

    def accepts(self) -> None:
        if self.peer is not None:
            self.peer.close()
        self.peer, _ = self.listener.accept()

    def goes(self) -> None:
        """It is gone, and nothing listens there any more."""
        assert self.peer is not None
        self.peer.close()
        self.refusal = OSError(errno.ECONNREFUSED, "no")

    def says(self, *events: dict[str, Any]) -> None:
        self.sends(b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def sends(self, data: bytes) -> None:
        assert self.peer is not None
        self.peer.sendall(data)

    def hears(self) -> list[str]:
        """The types of what the client has said."""
        assert self.peer is not None
        self.peer.setblocking(False)
        try:
            return [json.loads(line)["type"] for line in self.peer.recv(1 << 20).splitlines()]
        except BlockingIOError:
            return []

    # --- the person and the screen

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do something once the client runs, in step 3 of a turn: type, or be the server."""
        self.client.loop.call_later(seconds, call)

    def types(self, seconds: float, *lines: str) -> None:
        for line in lines:
            self.later(seconds, lambda line=line: self.on_line(line))  # type: ignore[misc]

    def ends(self, seconds: float) -> None:
        """The input has ended: a pipe, or Ctrl-D."""
        self.later(seconds, lambda: self.on_end())  # noqa: PLW0108 (it is not known before the start)

    def start(self, loop: Loop, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self.on_line, self.on_end = on_line, on_end

    def run(self, loop: Loop) -> None:
        loop.run()

    def show(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def nameless() -> Iterator[Stage]:
    stage = Stage(name=None)
    yield stage
    stage.close()


def enter(stage: Stage) -> None:
    stage.accepts()
    stage.says(WELCOME, JOINED)


def test_what_was_typed_and_never_heard_is_a_failure(stage: Stage) -> None:
    """The other end takes the connection and says nothing."""
    stage.types(0, "oi")
    stage.ends(0)
    assert stage.client.run() == 1
    assert stage.shown[-1] == '! not confirmed: "oi"'


def test_a_refused_message_is_a_failure(stage: Stage) -> None:
    stage.later(1, lambda: enter(stage))
    stage.types(2, "oi")
    stage.ends(2)
    stage.later(3, lambda: stage.says({"type": "error", "code": "muted", "text": "muted", "cid": "id1"}))
    stage.later(4, lambda: stage.says({"type": "bye", "reason": "quit"}))
    assert stage.client.run() == 1
    assert stage.shown == ["* in lobby: ana", '! not kept: "oi": muted', "* bye"]


def test_a_name_that_is_refused_when_nobody_can_type_another(nameless: Stage) -> None:
    nameless.types(0, "bia", "oi")
    nameless.ends(0)
    nameless.later(1, nameless.accepts)
    nameless.later(2, lambda: nameless.says({"type": "error", "code": "name_taken", "text": "taken"}))
    assert nameless.client.run() == 1
    assert nameless.client.failure == "the name was refused"
    assert nameless.clock.now < CONNECT_SECONDS, "it is known at once"


def test_something_else_that_answers_is_an_end(stage: Stage) -> None:
    """A web server, say. To come back again and again would be no use."""
    stage.later(1, stage.accepts)
    stage.later(2, lambda: stage.sends(b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/html\r\n\r\n"))
    assert stage.client.run() == 1
    assert stage.client.failure == "what answers there is no chatcore server"
    assert stage.shown == []


def test_who_has_no_name_yet_may_take_the_time(nameless: Stage) -> None:
    """The server gives up after a minute. It comes back once there is a name, and does not count the minutes."""
    nameless.later(1, nameless.accepts)
    nameless.types(3600, "ana")
    nameless.later(3601, nameless.accepts)
    nameless.later(3602, lambda: nameless.says(WELCOME, JOINED))
    nameless.later(3603, nameless.client.leave)
    nameless.later(3604, lambda: nameless.says({"type": "bye", "reason": "quit"}))
    assert nameless.client.run() == 0
    assert nameless.dials == 2
    assert nameless.shown == ["* who are you? type a name", "* in lobby: ana", "* bye"]


def test_the_second_ctrl_c_leaves_at_once_whatever_cannot_be_sent(stage: Stage) -> None:
    stage.later(1, lambda: enter(stage))
    stage.types(2, *["x" * 4000] * 100)  # more than the kernel holds, see SMALL
    stage.later(2, stage.client.leave)
    stage.later(2.5, stage.client.leave)
    assert stage.client.run() == 1
    assert stage.clock.now == 2.5
    assert stage.shown[-1] == f'! not confirmed: "{"x" * 4000}"'


def test_the_end_of_the_input_behind_sair_does_not_hurry(stage: Stage) -> None:
    stage.later(1, lambda: enter(stage))
    stage.types(2, "oi", "sair")
    stage.ends(2)
    echo = {"type": "message", "room": "lobby", "seq": 1, "from": "ana", "text": "oi", "time": "", "cid": "id1"}
    stage.later(5.5, lambda: stage.says(echo))
    stage.later(6, lambda: stage.says({"type": "bye", "reason": "quit"}))
    assert stage.client.run() == 0
    assert stage.shown[1:] == ['* not confirmed yet: "oi"; Ctrl-C leaves at once', "--:-- ana: oi", "* bye"]


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 1), (1.0, 2)])
def test_the_pauses_grow(stage: Stage, chance: float, factor: int) -> None:
    stage.chance = chance
    stage.later(1, lambda: enter(stage))
    stage.later(2, stage.goes)
    stage.later(200, stage.client.leave)
    assert stage.client.run() == 0
    pauses = [int(line.split()[4]) for line in stage.shown if line.startswith("* trying again in")]
    assert pauses[:5] == [factor * pause for pause in (1, 2, 4, 8, 16)]
    assert set(pauses[5:]) == {factor * LONGEST_PAUSE}
    assert stage.shown[-1].endswith("(nobody listens there)")


def test_a_silent_server_is_asked_and_then_given_up(stage: Stage) -> None:
    stage.later(1, lambda: enter(stage))
    heard: list[str] = []
    stage.later(59, lambda: heard.extend(stage.hears()))
    stage.later(1 + SILENCE_SECONDS + 15, stage.client.leave)
    assert stage.client.run() == 0
    assert heard == ["hello", "join", "ping"]
    assert stage.shown == ["* in lobby: ana", "! connection lost", "* trying again in 1 s (the server is silent)"]
