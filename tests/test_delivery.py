"""Who hears what, and when: one order for all, presence that overtakes nothing, replays without gap or repeat.

Most tests run three times: with a log that answers within the turn, and with a log on another machine
whose answers, or whose requests, are late.
"""

from typing import Any, cast

import pytest

from chatcore.connection import Connection
from chatcore.delivery import Delivery
from chatcore.limits import Limits
from chatcore.log import Draft, MemoryLog
from chatcore.names import Name
from chatcore.rooms import Comes, Room
from tests.house import LOGS, House
from tests.pure_chat import LENGTHS, Event, FullLog, SlowLog


@pytest.fixture(params=LOGS)
def house(request: pytest.FixtureRequest) -> House:
    return House(LOGS[request.param]())


def kinds(events: list[Event]) -> list[str]:
    return [f"{event['type']} {event.get('text') or event.get('name') or ''}".strip() for event in events]


# ---------------------------------------------------------------- saying


def test_every_program_gets_the_same_bytes_the_speaker_included(house: House) -> None:
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    for peer in (ana, bia):
        peer.forget()
    ana.sends("sala", "oi", "tudo bem?")
    bia.sends("sala", "tudo")
    house.settle()
    assert ana.heard == bia.heard
    assert [event["seq"] for event in ana.events] == [1, 2, 3]
    assert set(ana.events[0]) == {"type", "room", "seq", "from", "text", "time", "cid"}
    assert ana.events[0]["time"] == "2023-11-14T22:13:20.000Z"


def test_each_is_told_in_the_dialect_it_speaks(house: House) -> None:
    ana, bia, caio = house.program("ana", "lobby"), house.program("bia", "lobby", kind=LENGTHS), house.person("caio")
    ana.sends("lobby", "oi")
    house.settle()
    assert ana.events[-1] == bia.events[-1]
    assert caio.lines[-1] == "ana: oi"


def test_a_message_is_heard_once_it_is_kept_and_not_before() -> None:
    house = House(SlowLog())
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    ana.sends("sala", "oi")
    house.wait()
    assert not ana.of("message") + bia.of("message")
    assert not house.driver.history("sala")
    house.settle()
    assert ana.told("message") == bia.told("message")


def test_own_lines_are_not_echoed_to_people_and_all_else_is_heard_in_order(house: House) -> None:
    ana, bia = house.person("ana"), house.person("bia")
    caio = house.program("caio", "lobby")
    for peer in (ana, bia):
        peer.forget()
    ana.says("1", "2")
    bia.says("3")
    caio.sends("lobby", "4")
    ana.says("5")
    house.settle()
    said = [event["text"] for event in caio.of("message")]
    assert sorted(said) == ["1", "2", "3", "4", "5"]
    heard_by_ana = [line.partition(": ")[2] for line in ana.lines]
    heard_by_bia = [line.partition(": ")[2] for line in bia.lines]
    assert heard_by_ana == [text for text in said if text in ("3", "4")]
    assert heard_by_bia == [text for text in said if text != "3"]


def test_what_was_refused_is_told_to_who_said_it_and_to_nobody_else() -> None:
    log = FullLog("log-1")
    house = House(log)
    ana, bia, caio = house.program("ana", "lobby"), house.program("bia", "lobby"), house.person("caio")
    ana.says(type="send", room="lobby", cid="c1", text="oi")
    caio.says("oi, this is rather long")
    house.settle()
    assert ana.told("error") == {"type": "error", "code": "storage_full", "text": "storage is full", "cid": "c1"}
    assert caio.lines[-1] == '! not kept: "oi, this is rather l…": storage is full'
    assert not bia.of("message", "error")
    told: list[str] = []
    house.driver.chat.commands.announce("nobody hears this")
    house.driver.turn()
    house.driver.chat.delivery.tell_operator = told.append
    house.driver.chat.commands.announce("nobody hears this")
    house.driver.turn()
    assert told == ["not said in lobby: storage is full"]
    house.driver.turn()
    log.is_full = False
    ana.says(type="send", room="lobby", cid="c1", text="oi")  # there is room again: the same id may be used
    house.settle()
    assert bia.seqs("lobby") == [1]


def test_a_retry_gets_the_original_and_is_heard_by_nobody_else(house: House) -> None:
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    ana.sends("sala", "oi")
    house.settle()
    ana.sends("sala", "oi")
    house.settle()
    assert ana.of("message") == [bia.told("message")] * 2


def test_a_retry_while_the_first_is_being_committed_gets_the_original_too(house: House) -> None:
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    ana.sends("sala", "oi", "oi", "then")
    house.settle()
    assert kinds(ana.of("message")) == ["message oi", "message oi", "message then"]
    assert kinds(bia.of("message")) == ["message oi", "message then"]


def test_a_retry_over_a_new_connection(house: House) -> None:
    """The answer was lost, and with it the connection: "unknown: retry with the same id"."""
    first = house.program("João", "sala")
    first.sends("sala", "oi")
    house.wait()
    first.resets()
    house.settle()
    again = house.program("joao", "sala")
    again.sends("sala", "oi")
    house.settle()
    assert len(house.driver.history("sala")) == 1
    assert {event["seq"] for event in again.of("message")} == {1}


def test_a_retry_by_one_who_is_catching_up_comes_once_with_the_replay(house: House) -> None:
    """Ahead of it, it would look like a gap. What the replay has brought already comes again."""
    house.past("sala", 300)
    again = house.program("past")
    again.takes = 0
    again.says(type="join", room="sala", after=0)
    house.settle()
    again.sends("sala", "sala 250", "sala 5")
    house.settle()
    again.takes = None
    house.settle()
    heard = again.seqs("sala")
    assert (heard.count(5), heard.count(250)) == (2, 1)
    del heard[heard.index(5, 5)]
    assert heard == list(range(1, 301))


def test_the_answer_to_a_retry_overtakes_nothing(house: House) -> None:
    bia, ana = house.program("bia", "sala"), house.program("ana", "sala")
    bia.sends("sala", "first")  # in the same turn
    ana.sends("sala", "oi", "oi")
    house.settle()
    assert ana.seqs("sala") == [1, 2, 2]


def test_a_room_is_looked_at_when_the_log_has_answered_and_not_for_ever(house: House) -> None:
    house.program("ana", "sala").sends("sala", "oi")
    house.settle()
    assert house.driver.chat.delivery.take_answered() == []


def test_ids_are_unique_for_each_name_and_across_rooms(house: House) -> None:
    ana, bia = house.program("ana", "sala", "outra"), house.program("bia", "sala")
    for peer, room, text in ((ana, "sala", "oi"), (bia, "sala", "oi"), (ana, "outra", "oi"), (ana, "sala", "olá")):
        peer.says(type="send", room=room, cid="same", text=text)
        house.settle()
    assert len(house.driver.history("sala")) == 2
    assert [(error["code"], error["cid"]) for error in ana.of("error")] == [("bad_field", "same")] * 2
    assert not bia.codes


# ---------------------------------------------------------------- coming and going


def test_entered_comes_before_the_first_message_and_left_after_the_last(house: House) -> None:
    bia = house.program("bia", "sala")
    ana = house.driver.connect().says(type="hello", name="ana").says(type="join", room="sala")
    ana.sends("sala", "first", "last").says(type="leave", room="sala")
    house.settle()
    assert kinds(bia.events[2:]) == ["entered ana", "message first", "message last", "left ana"]
    assert kinds(ana.events[1:]) == ["joined", "message first", "message last", "left ana"]


@pytest.mark.parametrize("end", ["bye", "end", "reset", "kick", "replaced"])
def test_left_comes_after_the_last_message_however_one_goes(house: House, end: str) -> None:
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    ana.sends("sala", "last")
    house.wait()
    if end == "bye":
        ana.says(type="bye")
    elif end == "end":
        ana.ends()
    elif end == "reset":
        ana.resets()
    elif end == "kick":
        house.driver.chat.close(ana.connection, "kicked")
    else:
        house.driver.connect().says(type="hello", name="ana", token=ana.told("welcome")["token"])
    house.settle()
    assert kinds(bia.of("message", "left")) == ["message last", "left ana"]
    assert bia.told("left")["reason"] == {"kick": "kicked", "replaced": "replaced"}.get(end, "quit")


def test_who_comes_while_something_waits_for_the_log_comes_behind_it() -> None:
    house = House(SlowLog())
    ana, bia = house.program("ana", "sala"), house.program("bia")
    ana.sends("sala", "before")
    house.wait()
    bia.says(type="join", room="sala")
    house.wait()
    assert house.slow
    house.slow.answer()
    house.settle()
    assert kinds(ana.events[2:]) == ["message before", "entered bia"]
    assert bia.told("joined")["seq"] == 1


def test_to_join_a_room_one_is_in_is_to_resume_and_nobody_sees_it(house: House) -> None:
    house.past("sala", 30)
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    bia.forget()
    ana.forget()
    ana.says(type="join", room="SALA", after=28)
    house.settle()
    assert not bia.events
    assert ana.told("joined") == {
        "type": "joined", "room": "sala", "first": 29, "seq": 30, "count": 2, "members": ["ana", "bia"],
        "presence": True,
    }  # fmt: skip
    assert ana.seqs("sala") == [29, 30]


def test_a_person_who_joins_the_room_where_he_is_stays(house: House) -> None:
    ana, bia = house.person("ana"), house.program("bia", "lobby")
    ana.says("/join lobby", "oi")
    house.settle()
    assert kinds(bia.of("left", "entered", "message")) == ["message oi"]
    assert ana.lines == ["* you are ana, in lobby (/help)", "* bia entered", "* you are ana, in lobby with bia (/help)"]


def test_a_person_moves_and_both_rooms_see_it(house: House) -> None:
    old, new = house.program("old", "lobby"), house.program("new", "sala")
    ana = house.person("ana")
    ana.says("/join sala", "oi")
    house.settle()
    assert kinds(old.events[2:]) == ["entered ana", "left ana"]
    assert old.told("left")["reason"] == "leave"
    assert kinds(new.events[2:]) == ["entered ana", "message oi"]
    assert "* ana left" not in ana.lines


def test_presence_is_announced_up_to_the_limit_and_not_above(house: House) -> None:
    house.driver = House(house.slow or house.driver.log, presence=2).driver
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    assert bia.told("joined")["presence"]
    caio = house.program("caio", "sala")
    assert caio.told("joined") | {"first": 1} == {
        "type": "joined", "room": "sala", "first": 1, "seq": 0, "count": 3, "members": ["ana", "bia", "caio"],
        "presence": False,
    }  # fmt: skip
    caio.says(type="leave", room="sala")
    house.settle()
    assert caio.told("left")["reason"] == "leave"  # who leaves is answered all the same
    dora = house.program("dora", "sala")
    dora.resets()
    house.settle()
    assert kinds(ana.of("entered", "left")) == ["entered bia"]
    bia.says(type="bye")
    house.settle()
    assert kinds(ana.of("entered", "left")) == ["entered bia", "left bia"]


def test_who_comes_while_another_goes_sees_him_until_his_last_word() -> None:
    """All in one turn: ana speaks, caio comes, bia speaks and is removed. caio came before bia's last word."""
    house = House(MemoryLog("log-1"))
    ana, bia, caio = house.program("ana", "sala"), house.program("bia", "sala"), house.program("caio")
    ana.sends("sala", "oi")
    caio.says(type="join", room="sala")
    bia.sends("sala", "tchau")
    for peer in (ana, caio, bia):
        house.driver.chat.receive(peer.connection, peer.arriving())
    house.driver.chat.decode()
    house.driver.chat.close(bia.connection, "kicked")
    house.settle()
    assert caio.told("joined")["members"] == ["ana", "bia", "caio"]
    assert kinds(caio.of("message", "left")) == ["message oi", "message tchau", "left bia"]
    assert house.driver.names("sala") == ["ana", "caio"]


def test_a_newcomer_who_is_lost_while_it_waits_at_the_door_was_never_there() -> None:
    house = House(SlowLog())
    ana = house.program("ana", "sala").sends("sala", "oi")
    house.wait()
    bia = house.program("bia")
    bia.says(type="join", room="sala")
    house.wait()
    bia.resets()
    house.wait()
    house.settle()
    assert kinds(ana.of("entered", "left", "message")) == ["message oi"]
    assert house.driver.names("sala") == ["ana"]


@pytest.mark.parametrize("is_lost", [False, True])
def test_who_leaves_while_another_waits_for_the_log_leaves_behind_him_and_once(is_lost: bool) -> None:
    house = House(SlowLog())
    ana, bia, caio = house.program("ana", "sala"), house.program("bia", "sala"), house.program("caio", "sala")
    ana.sends("sala", "oi")
    house.wait()
    bia.says(type="leave", room="sala")
    house.wait()
    if is_lost:
        bia.resets()
        house.wait()
    house.settle()
    assert kinds(caio.of("message", "left")) == ["message oi", "left bia"]
    assert caio.told("left")["reason"] == ("quit" if is_lost else "leave")
    assert house.driver.names("sala") == ["ana", "caio"]
    assert kinds(bia.of("message", "left")) == ([] if is_lost else ["message oi", "left bia"])


def test_who_resumes_and_is_removed_before_the_answer_comes_is_gone() -> None:
    """It stands in line, to resume, behind a message that the log has just kept; then the operator acts."""
    log = SlowLog()
    house = House(log)
    ana, bia = house.program("ana", "sala"), house.program("bia", "sala")
    ana.says(type="join", room="sala", after=0)
    house.wait()
    bia.sends("sala", "oi")
    house.wait()
    assert log.owes == 2
    log.answer(2)  # both answers arrive in the turn in which she is removed
    house.driver.chat.close(ana.connection, "kicked")
    house.settle()
    assert house.driver.names("sala") == ["bia"]
    assert kinds(bia.of("entered", "left")) == ["left ana"]
    assert ana.events[-1] == {"type": "bye", "reason": "kicked"}


def test_a_room_that_empties_and_fills_again_in_one_turn_keeps_its_people() -> None:
    """The log answers for the last member, who is lost, and somebody else comes: all before the commit."""
    log = SlowLog()
    house = House(log)
    ana, bia = house.program("ana", "sala"), house.program("bia")
    ana.sends("sala", "oi")
    house.wait()
    bia.says(type="join", room="sala")
    log.answer()
    house.driver.chat.lost(ana.connection)
    house.driver.chat.receive(bia.connection, bia.arriving())
    house.driver.chat.decode()
    log.answer()
    house.settle()
    assert house.driver.names("sala") == ["bia"]
    bia.sends("sala", "still here")
    house.settle()
    assert bia.of("message")[-1]["text"] == "still here"


def test_two_people_change_places_while_both_rooms_wait_for_the_log(house: House) -> None:
    speaker = house.program("speaker", "lobby", "sala")
    ana, bia = house.person("ana"), house.person("bia")
    bia.says("/join sala")
    house.settle()
    speaker.sends("lobby", "in lobby").sends("sala", "in sala")
    ana.says("/join sala", "I am in sala")
    bia.says("/join lobby", "I am in lobby")
    house.settle()
    texts = {room: [message.text for message in house.driver.history(room)] for room in ("lobby", "sala")}
    assert texts == {"lobby": ["in lobby", "I am in lobby"], "sala": ["in sala", "I am in sala"]}
    assert house.driver.names("lobby") == ["bia", "speaker"]
    assert house.driver.names("sala") == ["ana", "speaker"]


# ---------------------------------------------------------------- by itself


class Bare:
    """A Delivery without the chat around it, for what the chat never lets happen."""

    def __init__(self) -> None:
        self.log = SlowLog()
        self.limits = Limits()
        self.dirty: dict[Connection, None] = {}
        self.woken: list[Connection] = []
        self.delivery = Delivery(self.log, self.limits, self.dirty, self.woken.append)
        self.made = 0

    def peer(self, name: str, kind: bytes = b"{") -> Connection:
        self.made += 1
        peer = Connection(self.made, "", self.limits, 0.0, self.dirty)
        peer.receive(kind, 0.0)
        peer.name = Name(name, name)
        return peer

    def run(self) -> None:
        self.log.commit()
        self.log.answer()
        for room in self.delivery.take_answered():
            self.delivery.advance(room)

    def join(self, peer: Connection) -> Room:
        self.delivery.join(peer, Name("sala", "sala"), None)
        self.run()
        return self.delivery.rooms["sala"]


def test_a_sender_is_told_the_outcome_even_after_leaving() -> None:
    """The chat lets a leave wait; if it did not, the echo would still come."""
    bare = Bare()
    ana, bia = bare.peer("ana"), bare.peer("bia")
    room = bare.join(ana)
    bare.join(bia)
    bare.delivery.say(room, ana, Draft(room.name, Name("ana", "ana"), "oi", "", "1"))
    room.live.pop(ana)
    del ana.rooms["sala"]
    ana.queue.sent(ana.queue.size)
    assert ana.pending == 1
    bare.run()
    assert b'"text":"oi"' in ana.queue.unsent()
    assert b'"text":"oi"' in bia.queue.unsent()
    assert ana.pending == 0
    assert ana in bare.woken


def test_one_without_a_dialect_or_a_name_hears_nothing_and_harms_nothing() -> None:
    bare = Bare()
    ana, ghost = bare.peer("ana"), Connection(9, "", bare.limits, 0.0, bare.dirty)
    room = bare.join(ana)
    room.live[ghost] = None
    ghost.rooms["sala"] = None
    bare.delivery.say(room, None, Draft(room.name, Name("server", "server"), "oi", "", "1"))
    bare.run()
    assert ghost.queue.size == 0
    bare.delivery.leave(ghost, room)
    room.line.append(Comes(ghost, None, 1))
    bare.delivery.advance(room)
    bare.delivery.forget(ghost, "quit")
    assert room.roll.page() == ["ana"]
    assert not ghost.rooms


def test_a_duplicate_that_nobody_waits_for_is_told_to_nobody() -> None:
    """The operator's lines have ids of their own; should one come twice, nothing happens."""
    bare = Bare()
    ana = bare.peer("ana")
    room = bare.join(ana)
    ana.queue.sent(ana.queue.size)
    for _ in range(2):
        bare.delivery.say(room, None, Draft(room.name, Name("server", "server"), "oi", "", "1"))
    bare.run()
    assert ana.queue.unsent().count(b"oi") == 1


def test_what_is_neither_said_nor_coming_nor_going_is_passed_over() -> None:
    bare = Bare()
    ana = bare.peer("ana")
    room = bare.join(ana)
    room.line.append(cast(Any, "something else"))
    bare.delivery.leave(ana, room)
    assert not room.line
    assert not ana.rooms


def test_a_refusal_for_one_who_is_gone_is_told_to_nobody() -> None:
    log = SlowLog(FullLog("log-1"))
    house = House(log)
    ana, bia = house.program("ana", "lobby"), house.program("bia", "lobby")
    ana.sends("lobby", "oi")
    house.wait()
    ana.resets()
    house.settle()
    assert not ana.codes
    assert not bia.codes
