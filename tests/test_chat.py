"""The whole server minus the network: turns, refusals, deadlines, half-closes, the end, and mistakes of ours."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from chatcore.connection import Connection, Due, State
from chatcore.dialects import HTTP, IRC, SSH, TLS
from chatcore.errors import LogError
from chatcore.gate import MOST_REFUSED_AT_ONCE
from chatcore.log import Draft, MemoryLog
from tests.pure_chat import LENGTHS, LINES, TEXT, BrokenLog, Driver, Peer, SlowLog


@pytest.fixture
def driver() -> Driver:
    return Driver(rate=0.0)


# ---------------------------------------------------------------- the first bytes


@pytest.mark.parametrize(
    ("opening", "answer"),
    [
        (b"GET / HTTP/1.1\r\n", HTTP.refusal),
        (b"POST /join HTTP/1.1\r\nHost: x\r\n\r\nana\nsaid by a browser\n", HTTP.refusal),
        (b"\x16\x03\x01\x02\x00", TLS.refusal),
        (b"SSH-2.0-OpenSSH_9.6\r\n", SSH.refusal),
        (b"NICK ana\r\nJOIN #lobby\r\n", IRC.refusal),
    ],
)
def test_a_dialect_that_is_not_spoken_gets_one_answer_and_no_line_of_it_is_executed(
    driver: Driver, opening: bytes, answer: bytes
) -> None:
    bia = driver.program("bia", "lobby")
    peer = driver.connect(TEXT).send(opening)
    peer.closes = False
    driver.settle()
    peer.send(b"ana\nnor later\n")
    driver.settle()
    assert peer.heard == answer
    assert peer.sees_end
    assert not bia.of("entered", "message")
    driver.pass_time(driver.limits.linger_seconds)
    assert peer.is_gone


def test_the_server_never_speaks_first(driver: Driver) -> None:
    peer = driver.connect()
    driver.pass_time(59)
    assert peer.heard == b""
    driver.pass_time(2)
    assert (peer.text, peer.is_gone) == ("", True)


def test_somebody_who_says_nothing_and_goes_is_somebody_with_nc(driver: Driver) -> None:
    peer = driver.connect(TEXT)
    peer.ends()
    driver.settle()
    assert (peer.text, peer.is_gone) == ("* bye\n", True)


# ---------------------------------------------------------------- too many connections


def full(**settings: Any) -> Driver:
    driver = Driver(connections=1, **settings)
    driver.connect()
    return driver


@pytest.mark.parametrize("kind", [LINES, LENGTHS])
def test_one_too_many_is_refused_in_its_dialect(kind: str) -> None:
    driver = full()
    peer = driver.connect(kind).says(type="hello", name="ana").says(type="join", room="sala")
    driver.settle()
    assert [event["type"] for event in peer.events] == ["error"]
    assert peer.codes == ["too_many_connections"]
    assert peer.is_gone
    assert not driver.chat.commands.people


def test_a_person_too_many_reads_why() -> None:
    driver = full()
    peer = driver.connect(TEXT).says("ana", "never said")
    driver.settle()
    assert peer.lines == ["! there are too many connections, try again later"]


def test_one_too_many_that_says_nothing_is_closed_silently_after_a_second() -> None:
    driver = full()
    peer = driver.connect()
    driver.pass_time(0.99)
    assert not peer.is_gone
    driver.pass_time(0.02)
    assert (peer.is_gone, peer.text) == (True, "")


def test_at_most_64_refused_ones_are_held() -> None:
    driver = full()
    held = [driver.connect() for _ in range(MOST_REFUSED_AT_ONCE)]
    assert len(held) == 64
    for _ in range(3):
        assert driver.chat.connect("127.0.0.1") is None
    assert driver.chat.stats().figures["refused_connections"] == 67
    assert driver.chat.stats().figures["connections"] == 65
    driver.pass_time(1.1)
    assert all(peer.is_gone for peer in held)
    again = driver.connect().says(type="ping")
    driver.settle()
    assert again.codes == ["too_many_connections"]
    next(iter(driver.peers.values())).resets()  # and when the one goes, there is room
    driver.settle()
    assert driver.program("ana").of("welcome")


def test_too_many_from_one_address() -> None:
    driver = Driver(per_address=2)
    for name in ("ana", "bia"):
        assert driver.connect(address="192.0.2.1").connection.is_refused is False, name
    assert driver.connect(address="192.0.2.1").connection.is_refused
    assert not driver.connect(address="192.0.2.2").connection.is_refused


# ---------------------------------------------------------------- deadlines


def test_a_program_says_hello_within_ten_seconds_a_person_within_sixty(driver: Driver) -> None:
    program, person = driver.connect().send(b'{"type'), driver.connect(TEXT).send(b"an")
    driver.settle()
    driver.pass_time(9.9)
    assert program.connection.is_open
    program.send(b'":"ping"}\n')  # talking does not help
    driver.pass_time(0.2)
    assert program.told("bye")["reason"] == "timeout"
    driver.pass_time(49)
    assert person.connection.is_open
    driver.pass_time(2)
    assert person.lines == ["! nothing was heard from you for too long: bye"]


@pytest.mark.parametrize("opening", [b'{"type":"ping"}\n', b"\x00\x00\x00\x02{}", b"{"])
def test_a_program_has_ten_seconds_from_its_first_bytes_whatever_they_are(driver: Driver, opening: bytes) -> None:
    peer = driver.connect()
    driver.pass_time(20)
    peer.send(opening)
    driver.pass_time(9.9)
    assert peer.connection.is_open
    driver.pass_time(0.2)
    assert not peer.connection.is_open


def test_a_person_whose_name_was_refused_has_time_to_think_of_another(driver: Driver) -> None:
    peer = driver.connect(TEXT)
    for _ in range(3):
        driver.pass_time(50)
        peer.says("server")
    driver.pass_time(50)
    assert peer.connection.is_open
    driver.pass_time(11)
    assert not peer.connection.is_open


def test_a_silent_program_is_pinged_at_30_and_dropped_at_60_seconds(driver: Driver) -> None:
    bia, ana = driver.program("bia", "sala"), driver.program("ana", "sala")
    for _ in range(3):
        driver.pass_time(29.9)
        bia.says(type="pong")
        if not ana.of("ping"):
            driver.pass_time(0.2)
    assert ana.told("ping") == {"type": "ping", "data": ""}
    assert ana.told("bye")["reason"] == "timeout"
    assert bia.told("left")["reason"] == "timeout"
    assert driver.program("ana").of("welcome")  # the name is free


def test_any_traffic_is_a_sign_of_life_and_after_it_one_is_asked_again(driver: Driver) -> None:
    ana = driver.program("ana")
    for count in range(1, 6):
        driver.pass_time(31)
        assert len(ana.of("ping")) == count
        ana.send(b"\n")
    driver.settle()
    assert not ana.of("bye")


def test_a_person_may_be_silent_for_hours(driver: Driver) -> None:
    ana = driver.person("ana")
    ana.send(b"half a li")
    driver.pass_time(100_000)
    ana.send(b"ne\n")
    driver.settle()
    assert [message.text for message in driver.history("lobby")] == ["half a line"]


def test_who_does_not_read_for_ten_seconds_is_told_so_behind_the_frame_that_is_half_sent(driver: Driver) -> None:
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    bia.forget()
    bia.takes = 10
    ana.sends("sala", "first")
    driver.turn()
    bia.takes = 0
    ana.sends("sala", *(f"{number}" + "x" * 4000 for number in range(20)))
    driver.settle()
    driver.pass_time(9.9)
    assert not ana.of("left")
    driver.pass_time(0.2)
    bia.takes = None
    driver.settle()
    assert [event.get("text") or event["reason"] for event in bia.events] == ["first", "slow_consumer"]
    assert ana.told("left")["reason"] == "slow_consumer"


def test_a_deadline_that_means_nothing_does_nothing(driver: Driver) -> None:
    ana = driver.program("ana")
    driver.chat._reached(ana.connection, cast(Due, "later"))
    driver.settle()
    assert len(ana.events) == 1


def test_who_does_not_close_its_side_is_closed(driver: Driver) -> None:
    peers = [driver.program(name, "sala") for name in ("ana", "bia")]
    driver.pass_time(15)  # no other clock of theirs is up when these are
    peers[0].closes = False  # lingers
    peers[1].takes = 0  # does not even drain
    for peer in peers:
        driver.chat.close(peer.connection, "kicked")
    driver.settle()
    peers[0].send(b"is discarded" * 1000)
    driver.settle()
    assert not peers[0].on_its_way
    assert not peers[0].is_gone, "closed now, what it has not read yet would be lost"
    driver.pass_time(driver.limits.linger_seconds + 0.1)
    assert [peer.is_gone for peer in peers] == [True, False]
    driver.pass_time(driver.limits.drain_seconds)
    assert peers[1].is_gone


def test_who_closes_its_side_while_we_drain_gets_all_that_is_queued(driver: Driver) -> None:
    ana = driver.program("ana", "sala").sends("sala", "1", "2")
    driver.settle()
    ana.forget()
    ana.takes = 0
    ana.says(type="join", room="sala", after=0).says(type="bye").ends()
    driver.settle()
    ana.takes = 7
    driver.settle()
    assert [event["type"] for event in ana.events] == ["joined", "message", "message", "bye"]
    assert ana.is_gone


def test_who_has_closed_already_is_not_lingered_for(driver: Driver) -> None:
    ana, bia = driver.program("ana"), driver.program("bia")
    bia.closes = False
    for peer in (ana, bia):
        peer.says(type="bye")
    driver.settle()
    assert (ana.is_gone, bia.is_gone) == (True, False)
    bia.send(b"{}\n")
    driver.turn()
    bia.ends()
    driver.turn()
    assert bia.is_gone


# ---------------------------------------------------------------- half-close: answers come before the end


LOGS: dict[str, Callable[[], MemoryLog | SlowLog]] = {"log here": lambda: MemoryLog("log-1"), "slow log": SlowLog}


def settle(driver: Driver) -> None:
    driver.settle()
    while isinstance(driver.log, SlowLog) and driver.log.owes:
        driver.log.answer(1)
        driver.settle()


def past(driver: Driver, count: int) -> None:
    bia = driver.connect().says(type="hello", name="bia").says(type="join", room="sala")
    bia.sends("sala", *(f"m{number}" for number in range(count))).says(type="bye")
    settle(driver)


@pytest.fixture(params=LOGS)
def either(request: pytest.FixtureRequest) -> Driver:
    return Driver(LOGS[request.param](), rate=0.0)


def test_printf_into_nc(either: Driver) -> None:
    bia = either.connect().says(type="hello", name="bia").says(type="join", room="lobby")
    settle(either)
    bia.sends("lobby", "before")
    settle(either)
    ana = either.connect(TEXT).send(b"ana\noi\n/who\nno newline")
    ana.ends()
    settle(either)
    assert ana.lines == ["* you are ana, in lobby with bia (/help)", "bia: before", "* in lobby: ana, bia", "* bye"]
    assert [event.get("text") for event in bia.of("message")] == ["before", "oi", "no newline"]
    assert ana.is_gone


def test_a_program_that_half_closes_gets_its_echoes(either: Driver) -> None:
    ana = either.connect().says(type="hello", name="ana").says(type="join", room="sala")
    ana.sends("sala", "1", "2").says(type="ping")
    ana.ends()
    settle(either)
    kinds = [event["type"] for event in ana.events]
    assert sorted(kinds) == sorted(["welcome", "joined", "pong", "message", "message", "bye"])
    assert kinds[-1] == "bye"


@pytest.mark.parametrize("count", [5, 1000])
def test_a_program_that_half_closes_gets_the_replay_that_it_was_promised(either: Driver, count: int) -> None:
    past(either, count)
    ana = either.connect().says(type="hello", name="ana").says(type="join", room="sala", after=0)
    ana.ends()
    settle(either)
    assert ana.told("joined")["seq"] == count
    assert ana.seqs("sala") == list(range(1, count + 1))
    assert ana.events[-1] == {"type": "bye", "reason": "quit"}


def test_an_end_in_the_middle_of_a_line_is_a_line_and_of_a_length_is_none(driver: Driver) -> None:
    ana = driver.program("ana")
    ana.send(b'{"type":"ping"}').ends()
    bia = driver.program("bia", kind=LENGTHS)
    bia.send(b"\x00\x00").ends()
    driver.settle()
    assert [event["type"] for event in ana.events[1:]] == ["pong", "bye"]
    assert [event["type"] for event in bia.events[1:]] == ["error", "bye"]


# ---------------------------------------------------------------- lost connections


def test_a_connection_that_breaks_is_forgotten_and_its_rooms_are_told(driver: Driver) -> None:
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    ana.takes = 0
    bia.sends("sala", "x")
    driver.settle()
    ana.says(type="send", room="sala", cid="1", text="never decoded").resets()
    driver.settle()
    assert ana.is_gone
    assert bia.told("left")["reason"] == "quit"
    assert len(driver.history("sala")) == 1
    assert driver.queued == 0


def test_it_may_break_twice_and_while_it_closes(driver: Driver) -> None:
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    driver.chat.close(ana.connection, "kicked")
    driver.chat.close(ana.connection, "kicked")
    driver.chat.lost(ana.connection)
    driver.chat.lost(ana.connection)
    driver.chat.receive(ana.connection, b"late")
    driver.settle()
    assert ana.is_gone
    assert [event["reason"] for event in bia.of("left")] == ["kicked"]
    bia.resets()
    driver.settle()
    assert driver.clock.timers.next_deadline() is None, "a timer of somebody who is gone"


def test_a_socket_that_was_closed_leaves_no_timer(driver: Driver) -> None:
    ana = driver.program("ana")
    ana.resets()
    driver.settle()
    assert driver.clock.timers.next_deadline() is None
    connection = driver.chat.connect("127.0.0.1")
    assert connection is not None
    connection.timer = None
    driver.chat.lost(connection)
    driver.chat.released(connection)
    assert driver.chat.stats().figures["connections"] == 0


# ---------------------------------------------------------------- the end


def test_what_was_decoded_is_committed_and_delivered_and_then_everybody_gets_a_bye(driver: Driver) -> None:
    ana, bia = driver.program("ana", "sala"), driver.person("bia", "sala")
    driver.chat.receive(ana.connection, ana.sends("sala", "decoded").arriving())
    driver.chat.decode()
    ana.sends("sala", "not decoded")
    driver.chat.stop()
    driver.settle()
    assert [event.get("text") or event.get("reason") for event in ana.of("message", "bye")] == [
        "decoded",
        "shutting_down",
    ]
    assert bia.lines[-2:] == ["ana: decoded", "! the server is shutting down: bye"]
    assert [message.text for message in driver.history("sala")] == ["decoded"]
    assert not ana.of("left")
    assert not driver.peers


def test_with_a_slow_log_the_byes_wait_for_what_is_under_way() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana = driver.connect().says(type="hello", name="ana").says(type="join", room="sala")
    settle(driver)
    ana.sends("sala", "oi")
    driver.settle()
    driver.chat.stop()
    driver.turn()
    assert not ana.of("bye")
    settle(driver)
    assert [event["type"] for event in ana.events[2:]] == ["message", "bye"]


def test_those_who_only_listen_hear_what_is_under_way_before_their_bye() -> None:
    """ "Commit what was decoded, deliver it, *then* `bye`": to the others in the room too."""
    log = SlowLog()
    driver = Driver(log)
    ana, bia = (
        driver.connect().says(type="hello", name=name).says(type="join", room="sala") for name in ("ana", "bia")
    )
    settle(driver)
    ana.sends("sala", "oi")
    driver.settle()
    driver.chat.stop()
    driver.turn()
    settle(driver)
    assert [event["type"] for event in bia.of("message", "bye")] == ["message", "bye"]


def test_a_log_that_failed_acknowledges_nothing_and_everybody_gets_a_bye() -> None:
    log = BrokenLog("log-1")
    driver = Driver(log)
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    ana.sends("sala", "oi")
    driver.settle()
    assert isinstance(driver.failure, LogError)
    for peer in (ana, bia):
        assert not peer.of("message", "error")
        assert peer.told("bye")["reason"] == "shutting_down"
    assert not driver.peers


# ---------------------------------------------------------------- mistakes of ours


def tolerant(**settings: Any) -> Driver:
    driver = Driver(**settings)
    driver.is_tolerant = True
    return driver


def break_it(*_: object) -> None:
    raise ZeroDivisionError("a mistake of ours")


def test_a_mistake_in_a_handler_costs_one_peer_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tolerant()
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    monkeypatch.setattr(driver.chat.commands, "_stats", break_it)
    ana.says(type="stats")
    bia.says(type="ping")
    driver.settle()
    assert [(where, type(error)) for where, error in driver.mistakes] == [("take_commands", ZeroDivisionError)]
    assert ana.is_gone
    assert [event["type"] for event in bia.events[2:]] in (["left", "pong"], ["pong", "left"])


def test_a_mistake_in_a_timer_costs_one_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tolerant()
    ana, bia = driver.program("ana"), driver.program("bia")
    sound = Connection.send

    def send(peer: Connection, event: Any) -> None:
        break_it() if peer is ana.connection else sound(peer, event)

    monkeypatch.setattr(Connection, "send", send)
    driver.pass_time(31)
    assert [where for where, _ in driver.mistakes] == ["_meet_deadline"]
    assert ana.is_gone
    assert bia.of("ping")


def test_a_mistake_in_a_room_costs_nobody_and_the_other_rooms_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tolerant()
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "outra")
    sound = driver.chat.delivery._committed

    def committed(room: Any, peer: Connection, draft: Draft, message: Any) -> None:
        break_it() if draft.text == "bad" else sound(room, peer, draft, message)

    monkeypatch.setattr(driver.chat.delivery, "_committed", committed)
    ana.sends("sala", "bad")
    bia.sends("outra", "good")
    driver.settle()
    assert [where for where, _ in driver.mistakes] == ["advance"]
    assert bia.of("message")
    assert ana.connection.is_open


def test_an_error_of_the_log_is_no_mistake_of_ours() -> None:
    class Unreadable(MemoryLog):
        def read(self, room: str, after: int, most: int, then: Callable[[list[Any]], None]) -> None:
            raise LogError("the disk is gone")

    driver = Driver(Unreadable("log-1"))
    driver.program("bia", "sala").sends("sala", "oi")
    driver.settle()
    ana = driver.program("ana", "sala")
    assert isinstance(driver.failure, LogError)
    assert ana.events[-1]["reason"] == "shutting_down"


# ---------------------------------------------------------------- what a driver sees


def test_a_chat_without_work_is_not_busy(driver: Driver) -> None:
    ana = driver.program("ana", "sala")
    assert (driver.chat.is_busy, driver.chat.is_gathering) == (False, False)
    driver.chat.receive(ana.connection, ana.sends("sala", "oi").arriving())
    assert (driver.chat.is_busy, driver.chat.is_gathering) == (True, False)
    driver.chat.decode()
    assert driver.chat.is_gathering
    driver.turn()
    driver.settle()
    assert (driver.chat.is_busy, driver.chat.is_gathering) == (False, False)
    driver.chat.touch(ana.connection)
    assert driver.chat.take_dirty() == [ana.connection]
    assert driver.chat.take_dirty() == []


def test_the_trace_tells_of_commands_commits_and_deadlines() -> None:
    told: list[tuple[str, dict[str, object]]] = []

    def trace(hook: str, /, **facts: object) -> None:
        told.append((hook, facts))

    driver = Driver(trace=trace)
    ana = driver.program("ana", "sala").sends("sala", "1", "2")
    driver.pass_time(31)
    assert ana.of("ping")
    hooks = [hook for hook, _ in told]
    assert hooks.count("command") == 4
    assert ("commit", {"messages": 2}) in told
    assert ("timer", {"peer": 1, "due": "ask whether it is alive"}) in told
    token = ana.told("welcome")["token"]
    driver.connect().says(type="hello", name="ana", token=token)
    driver.settle()
    assert token not in repr(told)


def test_a_peer_waits_for_its_name_in_a_state_of_its_own(driver: Driver) -> None:
    peer = driver.connect()
    states = [peer.connection.state]
    for step in (b"{", b'"type":"hello","name":"ana"}\n', b'{"type":"bye"}\n'):
        peer.closes = False
        peer.send(step)
        driver.settle()
        states.append(peer.connection.state)
    assert states == [State.OPENING, State.GREETING, State.CHATTING, State.LINGERING]


def is_reading(peer: Peer) -> bool:
    return peer.connection.wants_read


def test_the_rate_of_one_does_not_hold_up_another() -> None:
    driver = Driver(burst=1, rate=1.0)
    ana, bia = driver.program("ana"), driver.program("bia")
    ana.says(type="stats")
    bia.says(type="ping")
    driver.settle()
    assert (is_reading(ana), is_reading(bia)) == (False, True)
    assert bia.of("pong")
    driver.pass_time(1.1)
    assert ana.of("stats")


def test_the_answer_under_way_comes_before_the_bye() -> None:
    """A list of rooms that a log on another machine has yet to give."""
    log = SlowLog()
    driver = Driver(log)
    ana, bia = driver.program("ana"), driver.program("bia")
    ana.says(type="rooms")
    driver.settle()
    driver.chat.stop()
    driver.turn()
    assert bia.of("bye")
    assert not ana.of("bye")
    log.answer()
    driver.settle()
    assert [event["type"] for event in ana.events[-2:]] == ["rooms", "bye"]


def test_nothing_is_read_while_a_stop_waits_for_the_log() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana, bia = driver.program("ana", "sala"), driver.program("bia")
    log.answer()
    ana.sends("sala", "oi")
    driver.settle()
    driver.chat.stop()
    bia.ends()
    ana.says(type="ping")
    driver.turn()
    assert ana.on_its_way, "nothing is read any more"
    assert bia.on_its_way
    log.answer()
    driver.settle()
    assert [event["type"] for event in ana.events[-2:]] == ["message", "bye"]
    assert not driver.peers
