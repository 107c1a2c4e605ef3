"""Who is heard now, and who has to wait: the line, the rate, the budget of a turn, and what waits for the log."""

from typing import Any

import pytest

from chatcore.intake import COMMANDS_PER_TURN
from tests.pure_chat import LENGTHS, LINES, TEXT, Driver, Peer, SlowLog

ANY_RATE: dict[str, Any] = {"rate": 0.0}
LONG = "x" * 4000
BREAKS = {"too_big": b"\x00\x00\x40\x01", "bad_frame": b"\x00\x00\x00\x05abc"}  # how a stream of lengths breaks


def pinged(peer: Peer) -> list[str]:
    return [event["data"] for event in peer.of("pong")]


# ---------------------------------------------------------------- the rate


def test_twenty_commands_at_once_then_five_a_second_and_none_is_lost() -> None:
    driver = Driver()
    ana = driver.program("ana", "sala")  # these were two of the twenty
    driver.pass_time(60)
    ana = driver.program("bia", "sala")
    driver.pass_time(4)  # pays for them
    ana.sends("sala", *(f"m{number}" for number in range(40)))
    driver.settle()
    assert len(ana.of("message")) == 20
    driver.pass_time(0.19)
    assert len(ana.of("message")) == 20
    driver.pass_time(0.02)
    assert len(ana.of("message")) == 21
    driver.pass_time(2.0)
    assert len(ana.of("message")) == 31
    driver.pass_time(10)
    assert [event["text"] for event in ana.of("message")] == [f"m{number}" for number in range(40)]


@pytest.mark.parametrize("command", ["stats", "rooms", "members", "leave", "nonsense", "direct"])
def test_every_command_but_ping_and_pong_costs_one_also_one_that_is_refused(command: str) -> None:
    driver = Driver(burst=3, rate=1.0)
    ana = driver.program("ana")
    driver.pass_time(10)
    for _ in range(5):
        ana.says(type=command, room="sala", to="bia", cid="1", text="x")
    driver.settle()
    assert len(ana.events) == 1 + 3
    driver.pass_time(2)
    assert len(ana.events) == 1 + 5


def test_ping_and_pong_are_free_and_so_is_a_blank_line() -> None:
    driver = Driver(burst=2, rate=1.0)
    ana = driver.program("ana")  # the burst is half spent
    for number in range(50):
        ana.says(type="ping", data=str(number)).says(type="pong").send(b"\n")
    ana.says(type="stats")
    driver.settle()
    assert pinged(ana) == [str(number) for number in range(50)]
    assert ana.of("stats")


def test_rate_zero_is_any_rate() -> None:
    driver = Driver(**ANY_RATE)
    ana = driver.program("ana")
    for _ in range(1000):
        ana.says(type="stats")
    driver.settle()
    assert len(ana.of("stats")) == 1000


def test_while_the_rate_holds_somebody_up_we_do_not_read_from_him() -> None:
    """And not because of a flag: his own kernel is to notice that ours takes no more."""
    driver = Driver(burst=2, rate=1.0)
    ana = driver.program("ana").says(type="stats").says(type="stats").says(type="stats")
    driver.settle()
    assert not ana.connection.wants_read
    assert not driver.has_work, "it spins while it waits"
    ana.says(type="ping", data="behind")
    driver.settle()
    assert ana.on_its_way
    driver.pass_time(5)
    assert [event["type"] for event in ana.events[1:]] == ["stats", "stats", "stats", "pong"]
    assert ana.connection.wants_read


def test_what_waits_for_the_rate_keeps_its_order_with_what_is_free() -> None:
    driver = Driver(burst=1, rate=1.0)
    ana = driver.program("ana").says(type="stats").says(type="ping", data="1")
    driver.settle()
    assert not pinged(ana)  # it stands behind `stats`
    driver.pass_time(1)
    assert [event["type"] for event in ana.events[1:]] == ["stats", "pong"]


def test_the_idle_clock_stands_still_while_the_rate_holds_somebody_up() -> None:
    driver = Driver(burst=1, rate=0.01, ping_seconds=5.0, idle_seconds=10.0)
    ana = driver.program("ana").says(type="stats")
    driver.pass_time(99)
    assert not ana.of("ping", "bye", "stats")
    driver.pass_time(2)  # it is heard, and from here its clocks run again
    assert ana.of("stats")
    assert not ana.of("ping")
    driver.pass_time(5)
    assert ana.of("ping")
    driver.pass_time(5)
    assert ana.told("bye")["reason"] == "timeout"


def test_an_end_waits_behind_the_lines_in_front_of_it() -> None:
    driver = Driver(burst=3, rate=1.0)
    bia = driver.program("bia", "lobby")
    ana = driver.connect(TEXT).says("ana", *(f"line {number}" for number in range(10)))
    ana.ends()
    driver.settle()
    assert [event["text"] for event in bia.of("message")] == ["line 0", "line 1"]
    driver.pass_time(8)
    assert [event["text"] for event in bia.of("message")] == [f"line {number}" for number in range(10)]
    assert bia.events[-1] == {"type": "left", "room": "lobby", "name": "ana", "reason": "quit"}
    assert ana.lines[-1] == "* bye"


def test_the_operator_is_exempt() -> None:
    driver = Driver(burst=1, rate=1.0)
    ana = driver.program("ana")
    ana.says(type="join", room="sala")
    driver.pass_time(1)
    for number in range(30):
        driver.chat.commands.announce(str(number))
    driver.turn()  # a typed line makes a turn
    assert [event["text"] for event in ana.of("message")] == [str(number) for number in range(30)]


# ---------------------------------------------------------------- the half of a frame


def test_half_a_frame_may_wait_thirty_seconds() -> None:
    driver = Driver()
    ana = driver.program("ana")
    ana.send(b'{"type":')
    for _ in range(2):
        driver.pass_time(14)
        ana.send(b" ")  # dripping does not help
    driver.pass_time(1.9)
    assert not ana.of("bye")
    driver.pass_time(0.2)
    assert ana.told("bye")["reason"] == "timeout"


def test_the_clock_of_a_half_frame_may_be_up_before_all_others() -> None:
    driver = Driver(half_frame_seconds=5.0)
    ana = driver.program("ana")
    driver.pass_time(15)
    ana.send(b'{"type":')
    driver.pass_time(4.9)
    assert not ana.of("bye")
    driver.pass_time(0.2)
    assert ana.told("bye")["reason"] == "timeout"


def test_a_frame_that_was_finished_starts_no_clock() -> None:
    driver = Driver()
    ana = driver.program("ana")
    ana.send(b'{"type":')
    driver.pass_time(20)
    ana.send(b'"ping"}\n')
    driver.pass_time(20)
    ana.says(type="pong")
    driver.pass_time(20)
    assert pinged(ana) == [""]
    assert not ana.of("bye")


def test_while_we_do_not_read_the_clock_of_a_half_frame_stands_still() -> None:
    """We did not listen, so that the rest did not come proves nothing."""
    driver = Driver(half_frame_seconds=10.0, drain_seconds=60.0, **ANY_RATE)
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    bia.send(b'{"type":')
    bia.takes = 0
    ana.sends("sala", *(f"{number}" + LONG for number in range(18)))
    driver.settle()
    assert not bia.connection.wants_read
    bia.send(b'"ping","data":"whole"}\n')  # it waits in the kernel
    driver.pass_time(25)
    bia.takes = None
    driver.settle()
    driver.pass_time(0.1)
    assert pinged(bia) == ["whole"]
    assert not bia.of("bye")


# ---------------------------------------------------------------- the budget of a turn


def speakers(driver: Driver, count: int, *rooms: str) -> list[Peer]:
    return [driver.program(f"p{number}", *rooms) for number in range(count)]


def heard_in_a_turn(driver: Driver, listener: Peer) -> list[str]:
    before = len(listener.of("message", "direct"))
    driver.turn()
    return [event["text"] for event in listener.of("message", "direct")[before:]]


def turns_of(driver: Driver, listener: Peer) -> list[list[str]]:
    """What the listener hears, turn by turn, until all is quiet."""
    heard = []
    while driver.has_work:
        heard.append(heard_in_a_turn(driver, listener))
    return [texts for texts in heard if texts]


def test_a_room_stops_taking_commands_at_turn_bytes_and_the_rest_comes_next_turn_in_order() -> None:
    driver = Driver()
    bia = driver.program("bia", "sala")
    people = speakers(driver, 20, "sala")
    for number, peer in enumerate(people):
        peer.says(type="send", room="sala", cid="1", text=f"{number:02}" + LONG)
    turns = turns_of(driver, bia)
    assert [[text[:2] for text in texts] for texts in turns] == [
        [f"{number:02}" for number in range(8)],
        [f"{number:02}" for number in range(8, 16)],
        [f"{number:02}" for number in range(16, 20)],
    ]
    for texts in turns:
        assert sum(map(len, texts)) <= driver.limits.turn_bytes + driver.limits.frame


def test_short_texts_count_too() -> None:
    """A turn of 32 KiB of one-letter texts would be 20 MB of events."""
    driver = Driver(**ANY_RATE)
    bia = driver.program("bia", "sala")
    for number, peer in enumerate(speakers(driver, 10, "sala")):
        peer.sends("sala", *(f"{number}.{count}" for count in range(60)))
    before = len(bia.heard)
    driver.turn()
    assert driver.limits.turn_bytes / 2 < len(bia.heard) - before <= driver.limits.turn_bytes + driver.limits.frame
    driver.settle()
    assert len(bia.of("message")) == 600


def test_all_rooms_together_take_twice_that() -> None:
    """Somebody may be in all of them."""
    driver = Driver()
    rooms = [f"r{number}" for number in range(20)]
    bia = driver.program("bia", *rooms[:19])
    driver.pass_time(10)
    bia.says(type="join", room="r19")
    driver.settle()
    for room, peer in zip(rooms, speakers(driver, 20), strict=True):
        peer.says(type="join", room=room).says(type="send", room=room, cid="1", text=LONG)
    turns = turns_of(driver, bia)
    assert [len(texts) for texts in turns] == [16, 4]


def test_one_room_that_is_full_does_not_hold_up_another() -> None:
    driver = Driver()
    people = speakers(driver, 12, "sala")
    bia, caio = driver.program("bia", "other"), driver.program("caio", "other")
    for peer in people:
        peer.sends("sala", "1" + LONG)
    caio.sends("other", "now")
    assert heard_in_a_turn(driver, bia) == ["now"]


def test_what_one_person_is_told_directly_has_the_same_bound() -> None:
    driver = Driver()
    bia = driver.program("bia")
    for peer in speakers(driver, 12):
        peer.says(type="direct", to="BIA", cid="1", text=LONG)
    assert [len(texts) for texts in turns_of(driver, bia)] == [8, 4]


def test_what_a_person_says_counts_in_the_room_where_he_is() -> None:
    driver = Driver()
    bia = driver.program("bia", "lobby")
    for peer in [driver.person(f"p{number}") for number in range(12)]:
        peer.says(LONG)
    assert [len(texts) for texts in turns_of(driver, bia)] == [8, 4]


def test_one_peer_is_heard_for_64_commands_a_turn() -> None:
    driver = Driver(**ANY_RATE)
    ana = driver.program("ana")
    ana.send(b'{"type":"ping"}\n' * 150)
    counts = []
    while driver.has_work:
        before = len(ana.of("pong"))
        driver.turn()
        counts.append(len(ana.of("pong")) - before)
        assert ana.connection.wants_read == (sum(counts) == 150)
    assert counts[:3] == [COMMANDS_PER_TURN, COMMANDS_PER_TURN, 150 - 2 * COMMANDS_PER_TURN]


def test_nobody_starves_beside_those_who_never_stop_talking() -> None:
    """Each of three fills the room's turn alone, as long as we read from it; a fourth has one thing to say."""
    driver = Driver(**ANY_RATE)
    loud = speakers(driver, 3, "sala")
    quiet = driver.program("quiet", "sala")
    for turn in range(60):
        for peer in loud:
            if not peer.on_its_way:
                peer.sends("sala", *(f"{peer.connection.number}.{turn}.{count}" + LONG for count in range(9)))
        if turn == 5:
            quiet.sends("sala", "at last")
        driver.turn()
    spoken = [event["from"] for event in quiet.of("message")]
    assert "quiet" in spoken
    shares = [spoken.count(f"p{number}") for number in range(3)]
    assert min(shares) > max(shares) / 2


def test_those_who_came_first_are_heard_first() -> None:
    driver = Driver(**ANY_RATE)
    bia = driver.program("bia", "sala")
    first, second, third = speakers(driver, 3, "sala")
    first.sends("sala", *(f"{count}" + LONG for count in range(14)))
    second.sends("sala", "second")
    third.sends("sala", "third")
    turns = [[text[:6].strip("x") for text in texts] for texts in turns_of(driver, bia)]
    assert turns == [[str(count) for count in range(8)], [*map(str, range(8, 14)), "second", "third"]]


def test_who_asks_and_does_not_read_the_answers_is_not_heard_until_he_does() -> None:
    """So that his queue stays bounded, whatever he asks for."""
    driver = Driver(**ANY_RATE)
    ana = driver.program("ana")
    ana.takes = 0
    ana.send(b'{"type":"stats"}\n' * 3000)
    driver.settle()
    assert driver.limits.high_water < ana.connection.queue.size < driver.limits.high_water + 1024
    assert not ana.connection.wants_read
    driver.pass_time(5)
    ana.takes = None
    driver.settle()
    assert len(ana.of("stats")) == 3000
    assert ana.connection.wants_read


def test_a_turn_that_has_something_to_tell_may_gather_more() -> None:
    driver = Driver()
    ana = driver.program("ana", "sala")
    for command, tells in (({"type": "ping"}, False), ({"type": "send", "cid": "1", "text": "oi"}, True)):
        driver.chat.receive(ana.connection, ana.says(**command, room="sala").arriving())
        driver.chat.decode()
        assert driver.chat.is_gathering == tells
        driver.turn()
        assert not driver.chat.is_gathering


@pytest.mark.parametrize(
    ("name", "cid", "text"),
    [("", "", "x"), ("", "\x00" * 62, "x"), ("", "", '"' * 4000), ("ế" * 30, "\x00" * 62, "x")],
    ids=["short", "ids that need escapes", "texts that need escapes", "also long names"],
)
def test_nobody_who_reads_is_disconnected_for_what_others_say(name: str, cid: str, text: str) -> None:
    """The bursts of sixty people in one room, and a reader whose kernel takes `send_buffer` in each turn."""
    driver = Driver()
    room = "ro" + name
    reader = driver.program("reader", room)
    people = [driver.program(f"{number:02}{name}", room) for number in range(60)]
    driver.pass_time(10)
    reader.takes = driver.limits.send_buffer
    for peer in people:
        for number in range(20):
            peer.says(type="send", room=room, cid=f"{number:02}{cid}", text=text)
    most = 0
    while driver.has_work:
        driver.turn()
        most = max(most, reader.connection.queue.size)
    assert not reader.of("bye"), f"its queue grew to {most} bytes"
    assert len(reader.of("message")) == 1200


# ---------------------------------------------------------------- what waits for the log


@pytest.mark.parametrize(
    "command",
    [{"type": "join", "room": "other"}, {"type": "leave", "room": "sala"}, {"type": "bye"}],
    ids=["join", "leave", "bye"],
)
def test_join_leave_and_bye_wait_for_the_appends_of_their_peer(command: dict[str, Any]) -> None:
    log = SlowLog()
    driver = Driver(log)
    ana = member(driver, log, "ana")
    ana.sends("sala", "oi").says(**command).says(type="ping", data="behind")
    driver.settle()
    assert [event["type"] for event in ana.events[2:]] == []
    assert not ana.connection.wants_read
    settle(driver, log)
    kinds = [event["type"] for event in ana.events[2:]]
    answer = {"join": "joined", "leave": "left", "bye": "bye"}[command["type"]]
    assert kinds == ["message", answer, *(["pong"] if answer != "bye" else [])]


def test_an_end_waits_for_the_appends_of_its_peer() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana, bia = member(driver, log, "ana"), member(driver, log, "bia")
    ana.sends("sala", "oi").ends()
    driver.settle()
    assert not bia.of("left", "message")
    settle(driver, log)
    assert [event["type"] for event in bia.of("left", "message")] == ["message", "left"]
    assert [event["type"] for event in ana.events[-2:]] == ["message", "bye"]


@pytest.mark.parametrize("code", BREAKS)
def test_a_stream_that_breaks_waits_for_the_appends_like_an_end(code: str) -> None:
    """What was said before it broke is kept, and its sender is told so."""
    log = SlowLog()
    driver = Driver(log)
    ana, bia = member(driver, log, "ana", LENGTHS), member(driver, log, "bia")
    ana.sends("sala", "oi").send(BREAKS[code]).ends()
    driver.settle()
    assert not ana.codes
    assert not bia.of("left", "message")
    settle(driver, log)
    assert [event["type"] for event in ana.events[-3:]] == ["message", "error", "bye"]
    assert ana.codes == [ana.told("bye")["reason"]] == [code]
    assert [event["type"] for event in bia.of("left", "message")] == ["message", "left"]


def test_what_does_not_move_does_not_wait_for_appends() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana = member(driver, log, "ana")
    ana.sends("sala", "one").says(type="ping", data="now").sends("sala", "two")
    driver.settle()
    assert pinged(ana) == ["now"]
    assert log.owes == 2


def test_all_that_comes_behind_a_join_waits_for_it() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana = member(driver, log, "ana")
    ana.says(type="join", room="other").sends("other", "oi").says(type="ping", data="behind")
    driver.settle()
    assert not pinged(ana)
    assert not ana.codes
    settle(driver, log)
    assert [event["type"] for event in ana.events[2:]] == ["joined", "pong", "message"]


def test_a_person_who_moves_speaks_where_he_went_when_he_is_there() -> None:
    """The replay is part of the move: what he types meanwhile comes behind it."""
    log = SlowLog()
    driver = Driver(log)
    bia = member(driver, log, "bia")
    bia.sends("sala", "before")
    settle(driver, log)
    ana = driver.connect(TEXT).says("ana", "in the lobby", "/join sala", "in sala")
    settle(driver, log)
    assert [event["text"] for event in bia.of("message")] == ["before", "in sala"]
    assert ana.lines == ["* you are ana, in lobby (/help)", "* you are ana, in sala with bia (/help)", "bia: before"]


def test_who_waits_for_the_log_is_not_timed_out() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana = member(driver, log, "ana")
    ana.sends("sala", "oi").says(type="bye")
    driver.pass_time(300)
    assert not ana.of("bye", "ping")
    settle(driver, log)
    assert ana.told("bye")["reason"] == "quit"


def test_who_is_lost_while_waiting_is_forgotten() -> None:
    log = SlowLog()
    driver = Driver(log)
    ana, bia = member(driver, log, "ana"), member(driver, log, "bia")
    ana.sends("sala", "oi").says(type="leave", room="sala")
    driver.settle()
    ana.resets()
    settle(driver, log)
    assert [event["type"] for event in bia.of("message", "left")] == ["message", "left"]
    assert bia.told("left")["reason"] == "quit"
    assert not driver.has_work


def member(driver: Driver, log: SlowLog, name: str, kind: str = LINES) -> Peer:
    peer = driver.connect(kind).says(type="hello", name=name).says(type="join", room="sala")
    settle(driver, log)
    return peer


def settle(driver: Driver, log: SlowLog) -> None:
    driver.settle()
    while log.owes:
        log.answer(1)
        driver.settle()


@pytest.mark.parametrize("command", ["leave", "bye"])
def test_who_leaves_in_the_middle_of_a_replay_gets_all_of_it(command: str) -> None:
    driver = Driver(rate=0.0)
    past = driver.program("past", "sala")
    past.sends("sala", *map(str, range(300)))
    driver.settle()
    ana = driver.program("ana")
    ana.says(type="join", room="sala", after=0)
    ana.says(type=command, **({"room": "sala"} if command == "leave" else {}))
    driver.settle()
    assert ana.seqs("sala") == list(range(1, 301))
    assert ana.events[-1]["type"] == {"leave": "left"}.get(command, command)


@pytest.mark.parametrize("code", BREAKS)
def test_who_breaks_his_stream_in_the_middle_of_a_replay_gets_all_of_it(code: str) -> None:
    driver = Driver(rate=0.0)
    past = driver.program("past", "sala")
    past.sends("sala", *map(str, range(300)))
    driver.settle()
    ana = driver.program("ana", kind=LENGTHS)
    ana.says(type="join", room="sala", after=0).send(BREAKS[code]).ends()
    driver.settle()
    assert ana.seqs("sala") == list(range(1, 301))
    assert ana.told("bye")["reason"] == code
