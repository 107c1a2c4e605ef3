"""Each row of docs/reference/protocol.md, as the clients see it: JSON commands, errors, text lines."""

from typing import Any

import pytest

from chatcore.errors import COMMAND_ERRORS, CommandError
from chatcore.protocol import AskDirect
from tests.pure_chat import LENGTHS, LINES, TEXT, Driver, Event, Peer, SlowLog

OTHER_COMMANDS: dict[str, Event] = {
    "join": {"room": "sala"}, "leave": {"room": "sala"}, "send": {"room": "sala", "cid": "1", "text": "oi"},
    "direct": {"to": "bia", "cid": "1", "text": "oi"}, "members": {"room": "sala"}, "rooms": {},
    "ping": {}, "pong": {}, "stats": {}, "bye": {},
}  # fmt: skip


@pytest.fixture
def driver() -> Driver:
    return Driver(rate=0.0)


def ask(driver: Driver, peer: Peer, *lines: str, **command: Any) -> list[Any]:
    """Say it, and return what comes back."""
    peer.forget()
    peer.says(*lines, **command)
    driver.settle()
    return list(peer.lines if peer.kind == TEXT else peer.events)


def error(code: str, cid: str | None = None, text: str | None = None) -> Event:
    about = {"type": "error", "code": code, "text": COMMAND_ERRORS[code] if text is None else text}
    return about if cid is None else {**about, "cid": cid}


# ---------------------------------------------------------------- hello


@pytest.mark.parametrize("kind", [LINES, LENGTHS])
def test_hello_is_answered_by_welcome(driver: Driver, kind: str) -> None:
    ana = driver.connect(kind)
    (welcome,) = ask(driver, ana, type="hello", name="João")
    assert len(welcome.pop("token")) == 32
    assert welcome == {
        "type": "welcome", "name": "João", "protocol": 1, "server": "chatcore/1", "log": "log-1",
        "limits": {"frame": 16384, "text": 4096, "name": 32, "room": 32},
    }  # fmt: skip


def test_a_second_hello_is_a_bad_field_and_changes_nothing(driver: Driver) -> None:
    ana = driver.program("ana")
    (answer,) = ask(driver, ana, type="hello", name="bia")
    assert (answer["type"], answer["code"]) == ("error", "bad_field")
    assert set(driver.chat.commands.people) == {"ana"}


@pytest.mark.parametrize("command", OTHER_COMMANDS)
def test_hello_must_come_first(driver: Driver, command: str) -> None:
    peer = driver.connect()
    cid = OTHER_COMMANDS[command].get("cid")
    assert ask(driver, peer, type=command, **OTHER_COMMANDS[command]) == [error("hello_first", cid)]
    assert ask(driver, peer, type="hello", name="ana")[0]["type"] == "welcome"


@pytest.mark.parametrize("name", ["", " ", "a b", "a" * 33, "ана", "名", "ana!", "server", "SERVER"])
def test_a_name_that_is_none(driver: Driver, name: str) -> None:
    (answer,) = ask(driver, driver.connect(), type="hello", name=name)
    assert (answer["type"], answer["code"]) == ("error", "name_invalid")


def test_names_that_fold_to_the_same_are_one_name(driver: Driver) -> None:
    driver.program("João")
    peer = driver.connect()
    assert ask(driver, peer, type="hello", name="JOAO") == [error("name_taken")]
    assert ask(driver, peer, type="hello", name="joana")[0]["name"] == "joana"


@pytest.mark.parametrize("token", ["", "f" * 32, "ç"])
def test_a_wrong_token_proves_nothing(driver: Driver, token: str) -> None:
    driver.program("ana")
    assert ask(driver, driver.connect(), type="hello", name="ana", token=token) == [error("name_taken")]


def test_a_token_takes_the_name_over_from_ones_own_half_dead_connection(driver: Driver) -> None:
    old, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    token = old.told("welcome")["token"]
    new = driver.connect()
    (welcome,) = ask(driver, new, type="hello", name="ana", token=token)
    assert old.events[-1] == {"type": "bye", "reason": "replaced"}
    assert old.sees_end
    assert bia.told("left") == {"type": "left", "room": "sala", "name": "ana", "reason": "replaced"}
    third = driver.connect()  # should the welcome have been lost as well, the token still proves
    assert ask(driver, third, type="hello", name="ana", token=token)[0]["token"] == welcome["token"] == token
    assert new.events[-1] == {"type": "bye", "reason": "replaced"}


def test_a_token_of_nobody_is_kept_when_it_could_be_one(driver: Driver) -> None:
    """After a restart nobody has the name; the client's next reconnection must still be able to prove it."""
    assert ask(driver, driver.connect(), type="hello", name="ana", token="ab" * 16)[0]["token"] == "ab" * 16
    for token in ("short", "g" * 32, "AB" * 16):
        (welcome,) = ask(driver, driver.connect(), type="hello", name=f"b{token[:1]}", token=token)
        assert welcome["token"] != token
        assert len(welcome["token"]) == 32


def test_the_name_is_free_as_soon_as_its_connection_ends(driver: Driver) -> None:
    ana = driver.program("ana")
    ana.takes, ana.closes = 0, False
    ana.says(type="bye")
    driver.settle()
    assert driver.peers  # it still drains
    assert ask(driver, driver.connect(), type="hello", name="ana")[0]["type"] == "welcome"


# ---------------------------------------------------------------- join and leave


@pytest.mark.parametrize("command", ["join", "leave", "members"])
@pytest.mark.parametrize("room", ["", "a b", "x" * 33, "комната"])
def test_a_room_that_is_none(driver: Driver, command: str, room: str) -> None:
    assert ask(driver, driver.program("ana"), type=command, room=room) == [error("room_invalid")]


def test_a_room_may_be_called_server(driver: Driver) -> None:
    assert ask(driver, driver.program("ana"), type="join", room="server")[0]["type"] == "joined"


def test_a_connection_may_be_in_fifty_rooms(driver: Driver) -> None:
    ana = driver.program("ana", *(f"r{number}" for number in range(50)))
    assert ask(driver, ana, type="join", room="r50") == [error("too_many_rooms")]
    assert ask(driver, ana, type="join", room="R7")[0]["type"] == "joined"  # to resume is no new room
    assert ask(driver, ana, type="leave", room="r3")[0]["type"] == "left"
    assert ask(driver, ana, type="join", room="r50")[0]["type"] == "joined"


def test_leave_is_answered_by_left(driver: Driver) -> None:
    ana = driver.program("ana", "Sala")
    assert ask(driver, ana, type="leave", room="sala") == [
        {"type": "left", "room": "Sala", "name": "ana", "reason": "leave"}
    ]
    assert ask(driver, ana, type="leave", room="sala") == [error("not_in_room")]


# ---------------------------------------------------------------- send


def test_the_echo_is_the_acknowledgement(driver: Driver) -> None:
    ana = driver.program("ana", "sala")
    (echo,) = ask(driver, ana, type="send", room="sala", cid="x", text="olá")
    assert echo == {
        "type": "message", "room": "sala", "seq": 1, "from": "ana", "text": "olá",
        "time": "2023-11-14T22:13:20.000Z", "cid": "x",
    }  # fmt: skip
    assert [message.text for message in driver.history("sala")] == ["olá"]


def test_the_time_is_that_of_the_clock_on_the_wall_also_when_it_is_set_back(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = driver.program("ana", "sala").sends("sala", "1")
    driver.settle()
    monkeypatch.setattr(driver.chat.commands, "_utc", lambda: 1_600_000_000.5)
    assert ask(driver, ana, type="send", room="sala", cid="2", text="2")[0]["time"] == "2020-09-13T12:26:40.500Z"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"room": "outra", "text": "oi"}, "not_in_room"),
        ({"room": "a b", "text": "oi"}, "room_invalid"),
        ({"room": "sala", "text": "é" * 2049}, "text_invalid"),
        ({"room": "sala", "text": "x" * 4097}, "text_invalid"),
        ({"room": "sala", "text": "a\nb"}, "text_invalid"),
        ({"room": "sala", "text": "\u202e"}, "text_invalid"),
        ({"room": "sala", "text": "\u2028"}, "text_invalid"),
    ],
)
def test_what_may_not_be_said_is_refused_with_its_id(driver: Driver, command: Event, code: str) -> None:
    ana = driver.program("ana", "sala")
    assert ask(driver, ana, type="send", cid="x", **command) == [error(code, "x")]
    assert not driver.history("sala")


@pytest.mark.parametrize("text", ["", " ", "é" * 2048, "x" * 4096, "a\tb", "👩‍👩‍👧", "\\" * 4096])
def test_what_may_be_said(driver: Driver, text: str) -> None:
    ana = driver.program("ana", "sala")
    assert ask(driver, ana, type="send", room="sala", cid="x", text=text)[0]["text"] == text


@pytest.mark.parametrize("cid", ["", "x" * 65, 7, None, True])
def test_an_id_has_1_to_64_characters(driver: Driver, cid: object) -> None:
    ana = driver.program("ana", "sala")
    assert ask(driver, ana, type="send", room="sala", cid=cid, text="oi")[0]["code"] == "bad_field"


def test_membership_is_checked_before_the_id(driver: Driver) -> None:
    ana = driver.program("ana", "sala")
    ask(driver, ana, type="send", room="sala", cid="x", text="oi")
    ask(driver, ana, type="leave", room="sala")
    assert ask(driver, ana, type="send", room="sala", cid="x", text="oi") == [error("not_in_room", "x")]


def test_who_is_muted_may_listen_and_not_speak(driver: Driver) -> None:
    ana, bia = driver.program("João", "sala"), driver.program("bia", "sala")
    driver.chat.commands.mute("JOAO")
    assert ask(driver, ana, type="send", room="sala", cid="x", text="oi") == [error("muted", "x")]
    assert ask(driver, ana, type="direct", to="bia", cid="y", text="oi") == [error("muted", "y")]
    ask(driver, bia, type="send", room="sala", cid="z", text="oi")
    assert ana.of("message")
    driver.chat.commands.unmute("joão")
    assert ask(driver, ana, type="send", room="sala", cid="x", text="oi")[0]["type"] == "message"
    with pytest.raises(CommandError, match="name_invalid"):
        driver.chat.commands.mute("nobody at all")
    for nobody in ("", "!!"):
        with pytest.raises(CommandError, match="name_invalid"):
            driver.chat.commands.unmute(nobody)


def test_an_error_means_that_it_is_not_kept_also_for_a_retry(driver: Driver) -> None:
    """The echo was lost, then the sender was muted. "Told, not guessed": an error would be a lie."""
    ana = driver.program("ana", "sala")
    ask(driver, ana, type="send", room="sala", cid="x", text="oi")
    driver.chat.commands.mute("ana")
    assert ask(driver, ana, type="send", room="sala", cid="x", text="oi")[0]["type"] == "message"


# ---------------------------------------------------------------- direct


def test_direct_is_told_to_both_and_not_stored(driver: Driver) -> None:
    ana, bia = driver.program("ana"), driver.program("Bia")
    bia.forget()
    (event,) = ask(driver, ana, type="direct", to="bia", cid="x", text="oi")
    assert event == {
        "type": "direct", "from": "ana", "to": "Bia", "text": "oi", "time": "2023-11-14T22:13:20.000Z", "cid": "x"
    }  # fmt: skip
    assert bia.events == [event]
    assert driver.log.count == 0


def test_direct_to_oneself_comes_once(driver: Driver) -> None:
    assert len(ask(driver, driver.program("ana"), type="direct", to="ana", cid="x", text="oi")) == 1


def test_direct_is_not_retried_so_the_same_id_is_another(driver: Driver) -> None:
    ana, bia = driver.program("ana"), driver.program("bia")
    for text in ("one", "two"):
        ask(driver, ana, type="direct", to="bia", cid="x", text=text)
    assert [event["text"] for event in bia.of("direct")] == ["one", "two"]


@pytest.mark.parametrize("to", ["nobody", "", "a b", "server"])
def test_direct_to_nobody(driver: Driver, to: str) -> None:
    answer = ask(driver, driver.program("ana"), type="direct", to=to, cid="x", text="oi")
    assert answer == [error("no_such_user", "x")]


def test_direct_text_has_the_same_rules(driver: Driver) -> None:
    answer = ask(driver, driver.program("ana"), type="direct", to="ana", cid="x", text="\x07")
    assert answer == [error("text_invalid", "x")]


# ---------------------------------------------------------------- members and rooms, page by page


def crowd(driver: Driver, count: int, room: str, name: str = "p{:03}") -> None:
    for number in range(count):
        driver.connect().says(type="hello", name=name.format(number)).says(type="join", room=room)
    driver.settle()


def pages(driver: Driver, peer: Peer, **command: Any) -> list[Event]:
    """Ask again with `after: next` while there is a next."""
    found: list[Event] = []
    after: dict[str, str] = {}
    while True:
        (page,) = ask(driver, peer, **command, **after)
        assert len(peer.heard) <= driver.limits.frame + 1
        found.append(page)
        if "next" not in page:
            return found
        after = {"after": page["next"]}


def test_members_in_order(driver: Driver) -> None:
    driver.program("Zoe", "Sala")
    driver.program("Álvaro", "sala")
    assert ask(driver, driver.program("bia"), type="members", room="SALA") == [
        {"type": "members", "room": "Sala", "names": ["Álvaro", "Zoe"]}
    ]
    assert ask(driver, driver.program("caio"), type="members", room="none") == [
        {"type": "members", "room": "none", "names": []}
    ]


@pytest.mark.parametrize("count", [200, 201, 450])
def test_members_come_in_pages_of_200(driver: Driver, count: int) -> None:
    crowd(driver, count, "sala")
    found = pages(driver, driver.program("asks"), type="members", room="sala")
    assert [len(page["names"]) for page in found] == [200] * (count // 200) + [count % 200] * (count % 200 > 0)
    assert [name for page in found for name in page["names"]] == [f"p{number:03}" for number in range(count)]


def test_no_page_is_longer_than_the_frame() -> None:
    driver = Driver(rate=0.0, frame=1100, text=32)
    crowd(driver, 60, "ế" * 32, "{:03}" + "ế" * 29)
    asks = driver.program("asks")
    found = pages(driver, asks, type="members", room="ế" * 32)
    assert sum(len(page["names"]) for page in found) == 60
    assert len(found) > 5
    asks.forget()
    (joined, *_) = ask(driver, asks, type="join", room="ế" * 32)
    assert joined["count"] == 61 > len(joined["members"])
    assert len(asks.heard.split(b"\n")[0]) <= 1100


def test_rooms_are_those_with_people_and_those_with_history(driver: Driver) -> None:
    ana = driver.program("ana", "Beta", "gamma", "alfa").sends("gamma", "1", "2").sends("alfa", "3")
    driver.settle()
    ana.says(type="leave", room="gamma")
    assert ask(driver, ana, type="rooms")[1:] == [
        {
            "type": "rooms",
            "rooms": [
                {"room": "alfa", "members": 1, "seq": 1},
                {"room": "Beta", "members": 1, "seq": 0},
                {"room": "gamma", "members": 0, "seq": 2},
            ],
        }
    ]
    assert ask(driver, ana, type="rooms", after="BETA")[0]["rooms"] == [{"room": "gamma", "members": 0, "seq": 2}]


@pytest.mark.parametrize(("count", "frame"), [(200, 16384), (201, 16384), (450, 16384), (60, 1100)])
def test_rooms_come_in_pages_too(count: int, frame: int) -> None:
    driver = Driver(rate=0.0, frame=frame, text=32, rooms_per_connection=count)
    ana = driver.program("ana")
    rooms = [f"{number:03}" + "ế" * (29 * (frame < 2000)) for number in range(count)]
    for number, room in enumerate(rooms):
        ana.says(type="join", room=room).says(type="send", room=room, cid=str(number), text="oi")
        if number % 2:
            ana.says(type="leave", room=room)
    driver.settle()
    found = pages(driver, ana, type="rooms")
    rows = [row for page in found for row in page["rooms"]]
    assert [row["room"] for row in rows] == rooms
    assert [row["members"] for row in rows] == [1 - number % 2 for number in range(count)]
    assert all(len(page["rooms"]) <= 200 for page in found)
    assert len(found) >= -(-count // 200)


def test_a_page_of_rooms_that_comes_late_is_told_to_nobody_who_is_gone() -> None:
    """The log is slow; meanwhile its asker was lost, and its socket is closed."""
    log = SlowLog()
    driver = Driver(log)
    ana = driver.program("ana").says(type="rooms")
    driver.settle()
    ana.resets()
    driver.settle()
    assert ana.is_gone
    log.answer()
    driver.settle()


@pytest.mark.parametrize("end", ["bye", "end"])
def test_rooms_are_answered_before_the_end(end: str) -> None:
    log = SlowLog()
    driver = Driver(log)
    ana = driver.program("ana").says(type="rooms")
    if end == "bye":
        ana.says(type="bye")
    else:
        ana.ends()
    driver.settle()
    log.answer()
    driver.settle()
    assert [event["type"] for event in ana.events[1:]] == ["rooms", "bye"]


# ---------------------------------------------------------------- ping, stats, bye, and what is no command


@pytest.mark.parametrize(("given", "data"), [({}, ""), ({"data": "x" * 64}, "x" * 64), ({"data": "é"}, "é")])
def test_pong_brings_the_data_back(driver: Driver, given: Event, data: str) -> None:
    assert ask(driver, driver.program("ana"), type="ping", **given) == [{"type": "pong", "data": data}]


def test_a_pong_is_answered_by_nothing(driver: Driver) -> None:
    assert ask(driver, driver.program("ana"), type="pong") == []


def test_stats(driver: Driver) -> None:
    ana = driver.program("ana", "sala").sends("sala", "oi")
    driver.program("bia")
    driver.connect()
    driver.pass_time(1.5)
    (stats,) = ask(driver, ana, type="stats")
    assert stats.pop("turns") == driver.turns - 1
    assert stats == {
        "type": "stats", "connections": 3, "people": 2, "rooms": 1, "queued_bytes": 0, "catching_up": 0,
        "messages": 1, "refused_connections": 0, "uptime_seconds": 1.5,
    }  # fmt: skip


def test_bye_is_answered_and_then_it_ends(driver: Driver) -> None:
    ana = driver.program("ana")
    assert ask(driver, ana, type="bye") == [{"type": "bye", "reason": "quit"}]
    assert ana.sees_end
    assert ana.is_gone


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"type":"dance"}', "unknown_type"),
        (b'{"type":7}', "bad_field"),
        (b"{}", "bad_field"),
        (b'{"type":"join"}', "bad_field"),
        (b'{"type":"join","room":"a","after":true}', "bad_field"),
        (b'{"type":"join","room":"a","after":-1}', "bad_field"),
        (b'{"type":"ping","data":"' + b"x" * 65 + b'"}', "bad_field"),
        (b'{"type":"send","room":"\\ud800","cid":"1","text":"x"}', "bad_json or bad_field"),
        (b'{"type":"ping","type":"ping"}', "bad_json"),
        (b'{"type":"ping","x":NaN}', "bad_json"),
        (b'{"type":"join","room":"a","after":' + b"9" * 5000 + b"}", "bad_json"),
        (b'{"x":' + b"[" * 10000, "bad_json"),
        (b"[1]", "bad_json"),
        (b"{'", "bad_json"),
        (b'{"type":"\xff"}', "bad_utf8"),
    ],
)
def test_what_is_no_command_is_an_error_and_the_connection_stays_usable(
    driver: Driver, payload: bytes, code: str
) -> None:
    ana = driver.program("ana")
    ana.send(payload + b"\n").says(type="ping")
    driver.settle()
    assert [event["type"] for event in ana.events[1:]] == ["error", "pong"]
    assert ana.codes[0] in code.split(" or ")


def test_unknown_fields_are_ignored(driver: Driver) -> None:
    assert ask(driver, driver.program("ana"), type="ping", colour="red")[0]["type"] == "pong"


@pytest.mark.parametrize("greeted", [True, False])
@pytest.mark.parametrize(
    ("kind", "stream", "code"),
    [
        (LINES, b'{"' + b"x" * 17000 + b"\n", "too_big"),
        (LINES, b'{"' + b"x" * 17000, "too_big"),
        (LENGTHS, b"\x00\x00\x40\x01", "too_big"),
        (LENGTHS, b"\x00\x00\x00\x05abc", "bad_frame"),
    ],
    ids=["line", "line without end", "announced", "cut off"],
)
def test_a_broken_stream_gets_an_error_and_a_bye_and_is_closed(
    driver: Driver, kind: str, stream: bytes, code: str, greeted: bool
) -> None:
    ana = driver.program("ana", kind=kind) if greeted else driver.connect(kind)
    bia = driver.program("bia")
    ana.forget()
    ana.send(stream)
    if code == "bad_frame":
        ana.ends()
    driver.settle()
    assert [event.get("code") or event["reason"] for event in ana.events] == [code, code]
    assert ana.sees_end
    assert bia.connection.is_open


# ---------------------------------------------------------------- people


def test_the_first_line_is_a_name_and_the_answer_says_where_one_is(driver: Driver) -> None:
    driver.person("bia")
    driver.person("caio")
    assert driver.person("ana").text == "* you are ana, in lobby with bia, caio (/help)\n"


def test_a_refused_name_says_why_and_waits_for_another(driver: Driver) -> None:
    driver.program("ana")
    peer = driver.connect(TEXT)
    assert ask(driver, peer, "Ana") == ['! not kept: "Ana": somebody here has this name']
    assert ask(driver, peer, "two words")[0].startswith('! not kept: "two words": a name is 1 to 32')
    assert ask(driver, peer, "server") == ['! not kept: "server": this name is reserved']
    assert ask(driver, peer, "", "  ") == []
    assert ask(driver, peer, "ana2") == ["* you are ana2, in lobby (/help)"]


def test_one_may_ask_for_help_before_giving_a_name_and_no_other_command(driver: Driver) -> None:
    peer = driver.connect(TEXT)
    assert ask(driver, peer, "/help")[0].startswith("* what you type is said")
    assert ask(driver, peer, "/rooms") == ['! not done: "/rooms": type your name first']


def test_join_moves_and_if_it_fails_one_stays(driver: Driver) -> None:
    bia = driver.program("bia", "lobby", "sala")
    ana = driver.person("ana")
    assert ask(driver, ana, "/join a b") == [f'! not done: "/join a b": {COMMAND_ERRORS["room_invalid"]}']
    assert ask(driver, ana, "/join sala", "oi") == ["* you are ana, in sala with bia (/help)"]
    assert bia.told("message")["room"] == "sala"
    assert driver.names("lobby") == ["bia"]


def test_what_people_ask(driver: Driver) -> None:
    ana = driver.person("ana")
    driver.program("bia", "lobby", "sala")
    assert ask(driver, ana, "/who") == ["* in lobby: ana, bia"]
    assert ask(driver, ana, "/rooms") == ["* lobby: 2 here, 0 messages", "* sala: 1 here, 0 messages"]
    assert ask(driver, ana, "/help")[-1] == "* //x says /x"
    assert ask(driver, ana, "/dance")[0].startswith('! not done: "/dance": there is no such command')
    assert ask(driver, ana, "/msg bia") == ['! not done: "/msg bia": /msg needs NAME TEXT']


def test_msg_reaches_one_person(driver: Driver) -> None:
    ana, bia, caio = driver.person("ana"), driver.person("bia"), driver.program("caio")
    assert ask(driver, ana, "/msg bia  psst ", "/msg caio you too") == []
    assert bia.lines[-1] == "* ana to you: psst"
    assert caio.told("direct")["cid"]  # the server makes the id of a text line
    assert ask(driver, ana, "/msg nobody psst") == ['! not done: "/msg nobody psst": nobody here has this name']


@pytest.mark.parametrize("line", ["/quit", "sair"])
def test_a_line_that_quits(driver: Driver, line: str) -> None:
    ana, bia = driver.person("ana"), driver.program("bia", "lobby")
    assert ask(driver, ana, "Sair", " sair", "// sair", line, "never said") == ["* bye"]
    assert [event["text"] for event in bia.of("message")] == ["Sair", " sair", "/ sair"]
    assert bia.events[-1]["reason"] == "quit"


def test_people_hear_of_failures(driver: Driver) -> None:
    ana = driver.person("ana")
    driver.chat.commands.mute("ana")
    assert ask(driver, ana, "this is a line with 33 characters") == [
        '! not kept: "this is a line with …": the operator has muted you'
    ]


# ---------------------------------------------------------------- the operator


def test_what_the_operator_says_is_said_in_every_occupied_room(driver: Driver) -> None:
    ana, bia = driver.program("ana", "a", "b"), driver.person("bia")
    driver.program("caio", "old").sends("old", "1").says(type="bye")
    driver.settle()
    driver.chat.commands.announce("dinner")
    driver.turn()
    assert [(event["room"], event["from"], event["text"]) for event in ana.of("message")] == [
        ("a", "server", "dinner"),
        ("b", "server", "dinner"),
    ]
    assert bia.lines[-1] == "server: dinner"
    assert len(driver.history("old")) == 1
    with pytest.raises(CommandError, match="text_invalid"):
        driver.chat.commands.announce("\x07")


def test_find_tells_who_has_a_name(driver: Driver) -> None:
    ana = driver.program("João")
    assert driver.chat.commands.find("joao") is ana.connection
    with pytest.raises(CommandError, match="no_such_user"):
        driver.chat.commands.find("nobody")


# ---------------------------------------------------------------- what the chat never asks for


def test_one_without_a_name_says_nothing_even_if_the_chat_let_him(driver: Driver) -> None:
    ana, nobody = driver.program("ana", "sala"), driver.connect()
    commands = driver.chat.commands
    commands._append(nobody.connection, driver.chat.delivery.rooms["sala"], "oi", "1")
    commands._direct(nobody.connection, AskDirect("ana", "1", "oi"))
    driver.settle()
    assert not ana.of("message", "direct")
