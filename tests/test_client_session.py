"""The client without a socket: what it says after each event, what it shows, what it remembers."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import count

import pytest

from chatcore import protocol
from chatcore.client.session import Notice, Session
from chatcore.client.words import Words
from chatcore.protocol import Event, WireCommand, WireEvent

LIMITS = {"frame": 16384, "text": 4096, "name": 32, "room": 32}
TIME = "2026-01-02T03:04:05.678Z"


def day_of_the_messages() -> date:
    return datetime.fromisoformat(TIME).astimezone().date()


class Person:
    """A session, what it has sent, and what the person has been shown."""

    def __init__(self, name: str | None = "ana", room: str = "lobby") -> None:
        ids: Iterator[int] = count(1)
        self.sent: list[WireCommand] = []
        self.session = Session(name, room, self.sent.append, lambda: f"id{next(ids)}")
        self.words = Words(False, day_of_the_messages)

    def take_sent(self) -> list[WireCommand]:
        sent = list(self.sent)
        self.sent.clear()
        return sent

    def show(self, shown: list[Event | Notice]) -> list[str]:
        return [line for event in shown for line in self.words.lines(event, self.session.here)]

    def hears(self, event: WireEvent) -> list[str]:
        return self.show(self.session.handle(event))

    def types(self, line: str) -> list[str]:
        return self.show(self.session.typed(line))

    def enter(self, seq: int = 0, log: str = "log", first: int | None = None) -> list[str]:
        """Connect, be welcomed and let into the lobby."""
        self.session.connected()
        self.hears(welcome(log))
        return self.hears(joined(seq=seq, first=first))


def welcome(log: str = "log", name: str = "ana") -> protocol.Welcome:
    return protocol.Welcome(name, "t" * 32, 1, "chatcore/1", log, LIMITS)


def joined(room: str = "lobby", seq: int = 0, first: int | None = None, count: int = 1) -> protocol.Joined:
    return protocol.Joined(room, seq + 1 if first is None else first, seq, count, ("ana",), True)


def message(seq: int, text: str = "oi", sender: str = "bia", cid: str = "x", room: str = "lobby") -> WireEvent:
    return protocol.Message(room, seq, sender, text, TIME, cid)


def test_a_connection_begins_with_hello_and_goes_on_with_the_rooms() -> None:
    ana = Person()
    ana.session.connected()
    assert ana.take_sent() == [protocol.Hello("ana")]
    assert ana.hears(welcome()) == []
    assert ana.take_sent() == [protocol.Join("lobby")]
    assert ana.hears(joined()) == ["* in lobby: ana"]


def test_without_a_name_it_waits_for_one_and_the_first_line_is_it() -> None:
    ana = Person(name=None)
    ana.session.connected()
    assert ana.take_sent() == []
    assert ana.types("not a name!") == ["! a name is 1 to 32 Latin letters, digits, or _ - ."]
    assert ana.types("ana") == []
    assert ana.take_sent() == [protocol.Hello("ana")]


def test_who_thinks_about_a_name_hears_of_no_timeout() -> None:
    nobody = Person(name=None)
    nobody.session.connected()
    assert nobody.hears(protocol.Bye("timeout")) == []
    assert not nobody.session.is_over
    ana = Person()
    ana.session.connected()
    assert ana.hears(protocol.Bye("timeout")) == ["! nothing was heard from you for too long"]


def test_a_refused_name_asks_for_another_and_forgets_the_token() -> None:
    ana = Person()
    ana.enter()
    ana.session.lost()
    ana.session.connected()
    ana.take_sent()
    assert ana.hears(protocol.Error("name_taken", "taken")) == ["! taken; type another name"]
    ana.types("ana2")
    assert ana.take_sent() == [protocol.Hello("ana2", None)]


def test_messages_are_shown_once_in_order_and_a_gap_asks_again() -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    assert [line[6:] for line in ana.hears(message(1, "one"))] == ["bia: one"]
    assert ana.hears(message(1, "one")) == []
    assert ana.hears(message(4, "four")) == []
    assert ana.take_sent() == [protocol.Join("lobby", 1)]
    assert ana.hears(joined(first=2, seq=4)) == [], "a resumption is nothing to talk about"
    assert [ana.hears(message(seq)) != [] for seq in (2, 3, 4, 4, 5)] == [True, True, True, False, True]


def test_what_is_typed_is_confirmed_by_its_echo() -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    assert ana.types("oi") == []
    assert ana.take_sent() == [protocol.Send("lobby", "id1", "oi")]
    assert ana.show(list(ana.session.unsent())) == ['! not confirmed: "oi"']
    ana.hears(message(1, sender="bia", cid="id1"))
    assert ana.session.unconfirmed, "another person's message with the same id confirms nothing"
    ana.hears(message(2, sender="Ana", cid="id1"))
    assert ana.session.unsent() == []


def test_after_a_loss_it_takes_its_name_back_resumes_and_says_the_unconfirmed_again() -> None:
    ana = Person()
    ana.enter(seq=3)
    ana.hears(message(4))
    ana.types("lost?")
    ana.take_sent()
    assert ana.show(list(ana.session.lost())) == ["! connection lost", '! not confirmed: "lost?"']
    assert ana.types("later") == ['* will be sent when connected: "later"']
    assert ana.types("/who") == ["! not connected: /who needs a connection"]
    assert ana.types("/help")[0].startswith("* what you type")
    ana.session.connected()
    ana.hears(welcome())
    assert ana.take_sent() == [protocol.Hello("ana", "t" * 32), protocol.Join("lobby", 4)]
    assert ana.hears(joined(first=5, seq=5)) == ["* in lobby: ana"]
    assert ana.take_sent() == [protocol.Send("lobby", "id1", "lost?"), protocol.Send("lobby", "id2", "later")]
    assert ana.hears(message(5, sender="ana", cid="id1")) != [], "it had been kept, and is shown now"


def test_an_echo_of_something_older_confirms_and_is_not_shown_again() -> None:
    ana = Person()
    ana.enter(seq=3)
    ana.types("oi")
    assert ana.hears(message(2, sender="ana", cid="id1")) == []
    assert ana.session.unsent() == []


def test_another_log_means_to_forget_the_positions() -> None:
    ana = Person()
    ana.enter(seq=7)
    ana.session.lost()
    ana.session.connected()
    ana.take_sent()
    lines = ana.hears(welcome(log="another"))
    assert lines == ["* the server has another history than before; its last messages follow"]
    assert ana.take_sent() == [protocol.Join("lobby", None)]
    ana.session.lost()
    assert ana.hears(welcome(log="another")) == []


def test_messages_that_are_no_longer_kept_are_said_to_be_missing() -> None:
    ana = Person()
    ana.enter(seq=3)
    ana.session.lost()
    lines = ana.enter(seq=20, first=11)
    assert lines == ["* in lobby: ana", "! some older messages of lobby are no longer kept"]


def test_lines_typed_before_the_first_room_wait_for_it() -> None:
    ana = Person()
    assert ana.types("early") == ana.types("/who") == []
    assert ana.show(list(ana.session.unsent())) == ['! not confirmed: "early"', '! not confirmed: "/who"']
    ana.enter()
    assert ana.take_sent()[-2:] == [protocol.Send("lobby", "id1", "early"), protocol.AskMembers("lobby")]


def test_a_refused_message_is_quoted_and_not_said_again() -> None:
    ana = Person()
    ana.enter()
    ana.types("oi")
    assert ana.hears(protocol.Error("storage_full", "storage is full", "id1")) == ['! not kept: "oi": storage is full']
    assert ana.session.unsent() == []
    assert ana.hears(protocol.Error("no_such_user", "nobody", "other")) == ["! nobody"]


def test_what_cannot_be_a_message_is_refused_before_it_is_sent() -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    (line,) = ana.types("x" * 5000)
    assert line.startswith('! not sent: "xxxxxxxxxxxxxxxxxxxx…": a message has at most 4096 bytes')
    assert ana.take_sent() == []


def test_rooms_are_entered_changed_and_left() -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    assert ana.types("/join not valid!") == ["! a room is 1 to 32 Latin letters, digits, or _ - ."]
    ana.types("/join Dev")
    assert ana.take_sent() == [protocol.Join("Dev")]
    assert ana.types("early") == ['* will be sent when you are in Dev: "early"']
    ana.hears(joined("Dev"))
    assert ana.take_sent() == [protocol.Send("Dev", "id1", "early")]
    assert ana.hears(message(1))[0].startswith("[lobby] ")
    assert ana.types("/join lobby") == ["* you speak in lobby now"]
    ana.types("/leave")
    assert ana.take_sent() == [protocol.Leave("lobby")]
    assert ana.hears(protocol.Left("lobby", "ana", "leave")) == ["[lobby] * ana left"]
    assert ana.hears(message(2)) == [], "what still comes from a room that was left is not shown"
    assert ana.hears(joined("lobby")) == []
    ana.types("still in dev")
    assert isinstance(ana.take_sent()[-1], protocol.Send)
    ana.hears(protocol.Left("Dev", "ana", "leave"))
    assert ana.types("where am I?") == ['! not sent: "where am I?": you are in no room; /join ROOM']
    for command in ("/leave", "/who"):
        assert ana.types(command) == [f"! {command} is no command, or something is missing; /help lists them"]
    ana.types("/join dev")
    assert ana.take_sent()[-1] == protocol.Join("dev")


def test_a_room_that_cannot_be_joined_is_forgotten() -> None:
    ana = Person()
    ana.enter()
    ana.types("/join dev")
    assert ana.hears(protocol.Error("too_many_rooms", "too many")) == ["! too many"]
    assert ana.session.here == "lobby"
    lonely = Person()
    lonely.session.connected()
    lonely.hears(welcome())
    lonely.types("/join lobby")
    lonely.types("oi")
    assert lonely.hears(protocol.Error("room_invalid", "no"))[:2] == ["! no", "! you are in no room; /join ROOM"]
    assert lonely.session.here == "lobby", "what was typed meanwhile is done now"
    assert lonely.take_sent()[-1] == protocol.Join("lobby")
    lonely.hears(joined())
    assert lonely.take_sent() == [protocol.Send("lobby", "id1", "oi")]


def test_what_was_said_in_a_room_that_cannot_be_joined_is_not_waited_for() -> None:
    ana = Person()
    ana.enter()
    ana.types("in the lobby")
    ana.types("/join dev")
    ana.types("in dev")
    ana.types("sair")
    ana.take_sent()
    lines = ana.hears(protocol.Error("too_many_rooms", "too many"))
    assert lines == ["! too many", '! not sent: "in dev": the room could not be entered']
    assert ana.session.waiting() == ["in the lobby"]
    assert ana.session.was_refused
    ana.hears(message(1, sender="ana", cid="id1"))
    assert ana.take_sent() == [protocol.Quit()]


def test_leaving_after_the_only_room_was_refused() -> None:
    ana = Person()
    ana.session.connected()
    ana.types("oi")
    ana.types("sair")
    ana.hears(welcome())
    ana.take_sent()
    lines = ana.hears(protocol.Error("room_invalid", "no"))
    assert lines[2:] == ['! not sent: "oi": you are in no room; /join ROOM']
    assert ana.take_sent() == [protocol.Quit()]


def test_one_room_of_several_that_is_refused_after_a_reconnection() -> None:
    """The server answers in the order of the questions, and an error names no room."""
    ana = Person()
    ana.enter()
    for room in ("dev", "ops"):
        ana.types(f"/join {room}")
        ana.hears(joined(room))
    ana.session.lost()
    ana.session.connected()
    ana.hears(welcome())
    ana.hears(joined("lobby"))
    ana.hears(protocol.Error("too_many_rooms", "too many"))
    assert list(ana.session.places) == ["lobby", "ops"]
    assert ana.hears(joined("ops")) == ["* in ops: ana"]


def test_rooms_can_be_changed_without_a_connection() -> None:
    """Otherwise what is typed behind `/join` would be said where it was not meant for."""
    ana = Person()
    ana.enter()
    ana.types("/join dev")
    ana.hears(joined("dev"))
    ana.session.lost()
    ana.take_sent()
    assert ana.types("/join lobby") == ["* you speak in lobby now"]
    assert ana.types("/join ops") == ["* you will enter ops when connected"]
    assert ana.types("oi") == ['* will be sent when connected: "oi"']
    assert ana.take_sent() == []
    ana.session.connected()
    ana.hears(welcome())
    assert ana.take_sent()[1:] == [protocol.Join("lobby", 0), protocol.Join("dev", 0), protocol.Join("ops")]
    ana.hears(joined("ops"))
    assert ana.take_sent() == [protocol.Send("ops", "id1", "oi")]


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/rooms", protocol.AskRooms()),
        ("/who", protocol.AskMembers("lobby")),
        ("/who dev", protocol.AskMembers("dev")),
        ("/stats", protocol.AskStats()),
        ("/msg bia see you", protocol.AskDirect("bia", "id1", "see you")),
        ("//path", protocol.Send("lobby", "id1", "/path")),
        ("  two  ", protocol.Send("lobby", "id1", "  two  ")),
    ],
)
def test_each_command_line(line: str, command: WireCommand) -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    assert ana.types(line) == []
    assert ana.take_sent() == [command]


def test_other_lines_say_what_is_wrong_or_nothing() -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    assert ana.types("   ") == []
    for line in ("/msg bia", "/join", "/dance", "/leave elsewhere"):
        assert ana.types(line) == [f"! {line.split()[0]} is no command, or something is missing; /help lists them"]
    assert ana.take_sent() == []


def test_leaving_waits_for_what_is_not_confirmed() -> None:
    ana = Person()
    ana.enter()
    ana.types("last words")
    ana.take_sent()
    ana.types("sair")
    assert ana.take_sent() == []
    ana.hears(message(1, sender="ana", cid="id1"))
    assert ana.take_sent() == [protocol.Quit()]
    assert ana.hears(protocol.Bye("quit")) == ["* bye"]
    assert ana.session.is_over


def test_leaving_before_anything_was_said_is_immediate() -> None:
    nobody = Person(name=None)
    nobody.types("/quit")
    assert nobody.session.is_over
    unconnected = Person()
    unconnected.session.leave_when_confirmed()
    assert unconnected.session.is_over
    unwelcome = Person()
    unwelcome.session.connected()
    unwelcome.session.leave_when_confirmed()
    assert unwelcome.session.is_over, "nobody there has to be told"
    with_words = Person()
    with_words.types("oi")
    with_words.session.leave_when_confirmed()
    assert not with_words.session.is_over


def test_leaving_after_a_refused_last_message() -> None:
    ana = Person()
    ana.enter()
    ana.types("oi")
    ana.types("/quit")
    ana.take_sent()
    ana.hears(protocol.Error("muted", "muted", "id1"))
    assert ana.take_sent() == [protocol.Quit()]


def test_nothing_is_said_behind_sair() -> None:
    """Also when all of it is typed before the first room is entered, as from a pipe."""
    ana = Person()
    ana.session.connected()
    assert ana.types("oi") == ana.types("sair") == ana.types("") == ana.types("sair") == []
    assert ana.types("more") == ['! not sent: "more": you are leaving']
    ana.hears(welcome())
    ana.hears(joined())
    assert ana.take_sent() == [protocol.Hello("ana"), protocol.Join("lobby"), protocol.Send("lobby", "id1", "oi")]
    ana.hears(message(1, sender="ana", cid="id1"))
    assert ana.take_sent() == [protocol.Quit()]


def test_who_waits_for_nothing_but_the_goodbye_has_left_when_the_connection_breaks() -> None:
    ana = Person()
    ana.enter()
    ana.types("oi")
    ana.types("sair")
    assert ana.show(list(ana.session.lost())) == ["! connection lost", '! not confirmed: "oi"']
    assert not ana.session.is_over, "it comes back for what is not confirmed"
    ana.enter(seq=1, first=1)
    ana.hears(message(1, sender="ana", cid="id1"))
    assert ana.session.lost() == []
    assert ana.session.is_over


def test_a_bye_is_no_end_for_what_was_typed_too_early() -> None:
    ana = Person()
    ana.session.connected()
    ana.types("oi")
    ana.types("sair")
    ana.hears(protocol.Bye("shutting_down"))
    assert not ana.session.is_over


@pytest.mark.parametrize("line", ["x" * 5000, "kept?"])
def test_what_was_refused_is_remembered(line: str) -> None:
    """It decides the exit status: not everything was confirmed."""
    ana = Person()
    ana.enter()
    assert not ana.session.was_refused
    ana.types(line)
    ana.hears(protocol.Error("muted", "muted", "id1"))
    assert ana.session.was_refused


def test_a_direct_message_that_is_refused_was_never_to_be_confirmed() -> None:
    ana = Person()
    ana.enter()
    ana.types("/msg bia oi")
    ana.hears(protocol.Error("no_such_user", "nobody", "id1"))
    assert not ana.session.was_refused


@pytest.mark.parametrize(
    ("reason", "is_over", "line"),
    [
        ("shutting_down", False, "! the server is shutting down"),
        ("slow_consumer", False, "! you read more slowly than the others write"),
        ("kicked", True, "! the operator removed you"),
        ("replaced", True, "! you connected again from somewhere else"),
        ("something new", False, "! something new"),
    ],
)
def test_some_byes_are_final(reason: str, is_over: bool, line: str) -> None:
    ana = Person()
    ana.enter()
    assert ana.hears(protocol.Bye(reason)) == [line]
    assert ana.session.is_over == is_over


def test_pings_are_answered_and_pongs_are_nothing() -> None:
    ana = Person()
    ana.enter()
    ana.take_sent()
    assert ana.hears(protocol.Ping("42")) == ana.hears(protocol.Pong()) == []
    assert ana.take_sent() == [protocol.Pong("42")]


def test_a_loss_before_the_welcome_is_no_news() -> None:
    ana = Person()
    ana.session.connected()
    assert ana.session.lost() == []


def test_every_event_has_words() -> None:
    ana = Person()
    ana.enter()
    rows = (protocol.RoomEntry("dev", 2, 7),)
    assert ana.hears(protocol.Entered("lobby", "bia")) == ["* bia entered"]
    assert ana.hears(protocol.Left("lobby", "bia", "timeout")) == ["* bia left"]
    assert ana.hears(protocol.Direct("bia", "ana", "psst", "t", "c")) == ["* bia to ana: psst"]
    assert ana.hears(protocol.Members("lobby", ("ana", "bia"))) == ["* in lobby: ana, bia"]
    assert ana.hears(protocol.Members("lobby", ("ana",), next="ana")) == ["* in lobby: ana …"]
    assert ana.hears(protocol.Rooms(rows)) == ["* dev: 2 here, 7 messages"]
    assert ana.hears(protocol.Rooms(rows, next="dev")) == ["* dev: 2 here, 7 messages", "* …"]
    assert ana.hears(protocol.Rooms(())) == ["* there are no rooms"]
    assert ana.hears(protocol.Stats({"turns": 3})) == ["* turns: 3"]
    assert ana.words.lines(protocol.Pong(), "lobby") == []
    assert ana.words.lines(joined(count=300), "lobby") == ["* in lobby: ana and 299 more"]


def test_what_strangers_send_is_harmless_on_the_screen() -> None:
    ana = Person()
    ana.enter()
    for event in (
        message(1, "\x1b[2J\u202egone"),
        protocol.Error("bad_field", "\x1b[2J"),
        protocol.Stats({"\x1b": "\x07"}),
        protocol.Bye("\x1b[2J"),
        protocol.Message("lobby", 2, "bia", "oi", "\x1b[2J", "c"),
    ):
        for line in ana.hears(event):
            assert line.isprintable(), line


def test_a_time_that_the_system_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows says OSError for a local time before 1970; others know ValueError and OverflowError."""

    class Windows:
        @staticmethod
        def fromisoformat(text: str) -> None:
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr("chatcore.client.words.datetime", Windows)
    assert Words(False, day_of_the_messages).lines(
        protocol.Message("lobby", 1, "bia", "oi", "1901-01-01", "c"), "lobby"
    ) == ["--:-- bia: oi"]


def test_a_message_of_another_day_is_shown_with_its_date() -> None:
    """A replay may go back for weeks."""
    local = datetime.fromisoformat(TIME).astimezone()
    today, later = (Words(False, lambda day=day: day) for day in (local.date(), date(2026, 2, 1)))  # type: ignore[misc]
    assert today.lines(message(1), "lobby") == [f"{local:%H:%M} bia: oi"]
    assert later.lines(message(1), "lobby") == [f"{local:%Y-%m-%d %H:%M} bia: oi"]


def test_colours_are_stable_and_never_the_only_signal() -> None:
    plain, coloured = Words(False, day_of_the_messages), Words(True, day_of_the_messages)
    event = protocol.Entered("lobby", "João")
    (line,) = coloured.lines(event, "lobby")
    assert line == coloured.lines(protocol.Entered("lobby", "João"), "lobby")[0]
    assert "\x1b[" in line
    assert plain.lines(event, "lobby") == ["* João entered"]


def test_leaving_one_of_two_rooms_stays_in_the_other() -> None:
    ana = Person()
    ana.enter()
    ana.types("/join sala")
    ana.hears(joined("sala"))
    ana.hears(protocol.Left("lobby", "ana", "leave"))
    assert ana.session.here == "sala"
    ana.hears(protocol.Left("sala", "ana", "leave"))
    assert ana.session.here == ""


def test_a_room_that_cannot_be_joined_leaves_everything_as_it_was() -> None:
    ana = Person()
    ana.enter()
    ana.hears(protocol.Error("too_many_rooms", "too many"))
    assert ana.session.here == "lobby"


def test_only_what_was_said_in_a_room_is_said_again_when_it_is_joined() -> None:
    ana = Person()
    ana.enter()
    ana.types("oi")
    ana.types("/join sala")
    ana.take_sent()
    ana.hears(joined("sala"))
    assert ana.take_sent() == []
    ana.hears(joined("lobby"))
    assert ana.take_sent() == [protocol.Send("lobby", "id1", "oi")]
