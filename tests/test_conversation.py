"""One scripted conversation on real sockets: the same for our loop and for asyncio driving the same Chat."""

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from chatcore.limits import Limits
from tests.drivers import Address, Peer, asyncio_loop, our_loop

Driver = Callable[[Limits], AbstractContextManager[Address]]
LIMITS = Limits(linger_seconds=0.05, rate=0)  # the peers of a test stay until its end
each_driver = pytest.mark.parametrize("driver", [our_loop, asyncio_loop])


@pytest.fixture
def peers() -> Iterator[Callable[[Address], Peer]]:
    with ExitStack() as stack:

        def connect(address: Address) -> Peer:
            peer = Peer(address)
            stack.callback(peer.close)
            return peer

        yield connect


def hello(peer: Peer, name: str, room: str = "lobby") -> dict[str, object]:
    """Say hello and join; the welcome."""
    peer.say(type="hello", name=name)
    peer.say(type="join", room=room)
    welcome, joined = peer.events(2)
    assert (welcome["type"], joined["type"]) == ("welcome", "joined")
    return welcome


@each_driver
def test_the_conversation(driver: Driver, peers: Callable[[Address], Peer]) -> None:
    with driver(LIMITS) as address:
        ana = peers(address)
        ana.send(b"an")
        ana.send(b"a\r\n")
        assert ana.line() == "* you are ana, in lobby (/help)"

        bia = peers(address)
        welcome = hello(bia, "bia")
        assert welcome["protocol"] == 1
        assert ana.line() == "* bia entered"

        caio = peers(address)
        for command in ({"type": "hello", "name": "caio"}, {"type": "join", "room": "lobby"}):
            payload = json.dumps(command).encode()
            caio.send(struct.pack(">I", len(payload)) + payload)
        assert ana.line() == "* caio entered"
        assert bia.event() == {"type": "entered", "room": "lobby", "name": "caio"}

        ana.send("olá, ".encode() + b"tud")
        ana.send(b"o bem?\n")
        message = bia.event()
        assert (message["seq"], message["from"], message["text"]) == (1, "ana", "olá, tudo bem?")

        bia.say(type="send", room="lobby", cid="b1", text="tudo!")
        bia.say(type="send", room="lobby", cid="b1", text="tudo!")  # a retry is told the same, once more
        echo, again = bia.events(2)
        assert echo == again
        assert (echo["seq"], echo["cid"]) == (2, "b1")
        assert ana.line() == "bia: tudo!"

        bia.say(type="direct", to="ana", cid="d1", text="psst")
        assert ana.line() == "* bia to you: psst"
        assert bia.event()["text"] == "psst"

        bia.say(type="nonsense", cid="x")
        assert bia.event()["code"] == "unknown_type"

        caio.end()
        assert bia.event() == {"type": "left", "room": "lobby", "name": "caio", "reason": "quit"}
        assert ana.line() == "* caio left"
        assert caio.rest().endswith(b'{"type":"bye","reason":"quit"}')

        ana.send(b"sair\n")
        assert ana.rest() == b"* bye\n"
        bia.say(type="bye")
        assert [event["type"] for event in bia.events(2)] == ["left", "bye"]
        assert bia.rest() == b""


@each_driver
def test_what_was_said_before_a_half_close_is_answered(driver: Driver, peers: Callable[[Address], Peer]) -> None:
    with driver(LIMITS) as address:
        listener = peers(address)
        hello(listener, "bia")
        passing = peers(address)
        passing.send(b"ana\noi\n/who\nwithout a line end")
        passing.end()
        assert passing.rest().decode().split("\n") == [
            "* you are ana, in lobby with bia (/help)",
            "* in lobby: ana, bia",
            "* bye",
            "",
        ]
        assert [event["type"] for event in listener.events(4)] == ["entered", "message", "message", "left"]


@each_driver
def test_a_stop_says_bye_to_everybody(driver: Driver, peers: Callable[[Address], Peer]) -> None:
    with driver(LIMITS) as address:
        ana, bia = peers(address), peers(address)
        ana.send(b"ana\n")
        assert "you are ana" in ana.line()
        hello(bia, "bia")
        assert ana.line() == "* bia entered"
    assert ana.rest().decode() == "! the server is shutting down: bye\n"
    assert json.loads(bia.rest()) == {"type": "bye", "reason": "shutting_down"}


@each_driver
def test_a_reader_who_stops_is_told_and_delays_nobody(driver: Driver, peers: Callable[[Address], Peer]) -> None:
    """Kernel buffers differ; so the test only says that it ends, and that nothing is missing for the others."""
    lines = 1500
    with driver(LIMITS) as address:
        slow = peers(address)
        slow.send(b"slow\n")
        assert "you are slow" in slow.line()
        fast = peers(address)
        hello(fast, "fast")
        for number in range(lines):
            fast.say(type="send", room="lobby", cid=str(number), text="x" * 4000)
            assert fast.event()["type"] in ("message", "left")
        assert slow.rest().endswith(b"! you read more slowly than the others write: bye\n")


@each_driver
def test_a_history_is_replayed_in_pages_and_then_live(driver: Driver, peers: Callable[[Address], Peer]) -> None:
    kept = 300
    with driver(LIMITS) as address:
        writer = peers(address)
        hello(writer, "ana")
        for number in range(1, kept + 1):
            writer.say(type="send", room="lobby", cid=str(number), text=f"{number} {'y' * 1000}")
        assert [event["seq"] for event in writer.events(kept)] == list(range(1, kept + 1))

        reader = peers(address)
        reader.say(type="hello", name="bia")
        reader.say(type="join", room="lobby", after=100)
        _welcome, joined = reader.events(2)
        assert (joined["first"], joined["seq"], joined["count"]) == (101, kept, 2)
        writer.say(type="send", room="lobby", cid="live", text="live")
        assert [event["seq"] for event in reader.events(kept - 100 + 1)] == list(range(101, kept + 2))
