"""Lines of text: what people type means what the protocol says, and nobody forges a line of somebody else."""

from typing import get_args

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatcore import protocol
from chatcore.errors import COMMAND_ERRORS, CommandError
from chatcore.names import FORBIDDEN_IN_TEXT, parse_name, text_is_valid
from chatcore.protocol import BYE_REASONS, Command, Event
from chatcore.text_codec import as_typed, decode_line, encode_event

CLIENTS = ("nc", "python3 -m chatcore connect")
# What docs/reference/protocol.md lets people type, and the words in which /help has to show it.
COMMANDS = ["/join ROOM", "/rooms", "/who", "/msg NAME TEXT", "/help", "/quit", "sair", "//x"]

# Characters that matter to lines, to terminals and to our own signs, next to ordinary ones.
SIGNS = 'a é🙂\t:*!/"…\u00a0\u0301\u200b\u200f\ufeff\x00\x08\x0b\x0c\r\n\x1b\x1c\x7f\x85\u2028\u2029\u202e\u2066'
any_text = st.text() | st.text(st.sampled_from(SIGNS), max_size=40)
said_text = any_text.map(lambda text: "".join(char for char in text if char not in FORBIDDEN_IN_TEXT))
names = st.text(st.sampled_from("aJoãÅøłß\u0301_-.09 :*!\n"), min_size=1, max_size=12).map(parse_name)
shown_names = names.filter(lambda name: name is not None).map(lambda name: name.shown if name else "")
numbers = st.integers(0, 2**40)


def says(line: str, greeted: bool = True) -> Command:
    return decode_line(line.encode(), greeted)


def refusal(line: bytes, greeted: bool = True) -> CommandError:
    with pytest.raises(CommandError) as caught:
        decode_line(line, greeted)
    assert caught.value.text.isprintable()
    return caught.value


def shown(event: Event, me: str = "ana") -> str:
    return encode_event(event, me).decode()


# ---------------------------------------------------------------- what a person types


def test_the_first_line_is_the_name() -> None:
    assert says("ana", greeted=False) == protocol.Hello("ana")
    assert says("  João \t", greeted=False) == protocol.Hello("João")


def test_every_later_line_is_said() -> None:
    assert says("ana") == protocol.Say("ana")


@pytest.mark.parametrize("greeted", [True, False])
@pytest.mark.parametrize("line", ["", " ", "\t", " \t  \t", "\r"])
def test_blank_lines_are_ignored(line: str, greeted: bool) -> None:
    assert says(line, greeted) == protocol.Blank()


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/join porto", protocol.Move("porto")),
        ("/join   porto ", protocol.Move("porto")),
        ("/rooms", protocol.AskRooms()),
        ("/rooms ", protocol.AskRooms()),
        ("/who", protocol.AskWho()),
        ("/msg bia oi", protocol.AskDirect("bia", "", "oi")),
        ("/msg bia oi,  tudo bem?", protocol.AskDirect("bia", "", "oi,  tudo bem?")),
        ("/msg bia /who", protocol.AskDirect("bia", "", "/who")),
        ("/help", protocol.AskHelp()),
        ("/quit", protocol.Quit()),
        ("/quit ", protocol.Quit()),
        ("/quit boa noite", protocol.Quit()),  # what stands behind it means nothing, as with the others
        ("/who now", protocol.AskWho()),
        ("sair", protocol.Quit()),
    ],
)
def test_each_command(line: str, command: Command) -> None:
    assert says(line) == command


@pytest.mark.parametrize("line", ["/join", "/join ", "/msg", "/msg bia", "/msg bia "])
def test_a_command_that_lacks_a_word_says_which(line: str) -> None:
    error = refusal(line.encode())
    assert error.code == "bad_field"
    assert ("ROOM" if "join" in line else "NAME TEXT") in error.text


@pytest.mark.parametrize("line", ["/", "/ who", "/nick eva", "/whoever", "/joinporto", "/ajuda", "/quite"])
def test_an_unknown_command_names_the_one_that_helps(line: str) -> None:
    error = refusal(line.encode())
    assert error.code == "unknown_type"
    assert "/help" in error.text


@pytest.mark.parametrize("line", ["Sair", " sair", "sair ", "sair!", "sair agora"])
def test_only_exactly_sair_quits(line: str) -> None:
    assert says(line) == protocol.Say(line)


def test_two_slashes_say_one() -> None:
    assert says("//x") == protocol.Say("/x")
    assert says("//join porto") == protocol.Say("/join porto")
    assert says("///") == protocol.Say("//")


@pytest.mark.parametrize("text", ["oi", "/oi", "//oi", "o/i"])
def test_what_is_quoted_is_the_line_that_would_say_it(text: str) -> None:
    assert decode_line(as_typed(text).encode(), True) == protocol.Say(text)


@pytest.mark.parametrize("line", [" /who", " /quit", "a/b"])
def test_a_slash_further_on_is_only_a_slash(line: str) -> None:
    assert says(line) == protocol.Say(line)


def test_tabs_are_allowed() -> None:
    assert says("\ta\tb\t") == protocol.Say("\ta\tb\t")


@given(any_text)
def test_a_line_that_is_no_command_is_said_as_it_was_typed(text: str) -> None:
    assume(text.strip() and text != "sair" and not text.startswith("/"))
    assume("\x08" not in text and "\x7f" not in text)
    assert says(text) == protocol.Say(text)
    assert says(f"/{text}" if text.startswith("/") else f"//{text}") == protocol.Say(f"/{text}")


@pytest.mark.parametrize("line", ["sair", "/quit", "/quit boa noite"])
def test_one_may_leave_without_giving_a_name(line: str) -> None:
    """The end of the conversation, not a command that would have to wait for a hello."""
    assert says(line, greeted=False) == protocol.End()


@pytest.mark.parametrize("line", ["/help", "/who", "/join porto"])
def test_a_command_is_never_a_name(line: str) -> None:
    assert not isinstance(says(line, greeted=False), protocol.Hello)


# ---------------------------------------------------------------- what no person typed


@pytest.mark.parametrize("greeted", [True, False])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"\xff\xfd\x03\xff\xfb\x18ana", "bad_utf8"),  # IAC DO SUPPRESS-GO-AHEAD, IAC WILL TERMINAL-TYPE
        (b"\xff\xf4\xff\xfd\x06", "bad_utf8"),  # Ctrl-C in telnet
        (b"ann\x08a", "text_invalid"),
        (b"ann\x7fa", "text_invalid"),
        (b"\x7f", "text_invalid"),
        ("João".encode("latin-1"), "bad_utf8"),
        ("João".encode("cp850"), "bad_utf8"),
        ("ação".encode("utf-16"), "bad_utf8"),
    ],
)
def test_a_program_that_is_no_client_is_answered_with_one_that_is(line: bytes, code: str, greeted: bool) -> None:
    """the protocol: telnet, a backspace or a legacy code page "gets a `!` line that names a client to use"."""
    error = refusal(line, greeted)
    assert error.code == code
    assert all(client in error.text for client in CLIENTS)
    about = line.decode(errors="replace")
    assert shown(protocol.Error(error.code, error.text, about=about)).startswith("! ")


@given(st.binary() | any_text.map(str.encode), st.booleans())
@example(b"/msg  ", True)
def test_any_line_is_a_command_or_one_error(line: bytes, greeted: bool) -> None:
    assume(b"\n" not in line)
    try:
        command = decode_line(line, greeted)
    except CommandError as caught:
        error = caught
    else:
        assert isinstance(command, get_args(Command))
        return
    assert error.code in COMMAND_ERRORS
    assert error.text.isprintable()


# ---------------------------------------------------------------- what a person reads


def joined(*members: str, count: int | None = None, room: str = "lobby") -> protocol.Joined:
    return protocol.Joined(room, 1, 0, len(members) if count is None else count, members, True)


NOW = "2026-01-02T03:04:05.678Z"


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (joined("ana", "bia", "caio"), "* you are ana, in lobby with bia, caio (/help)\n"),
        (joined("bia", "ana", "caio"), "* you are ana, in lobby with bia, caio (/help)\n"),
        (joined("ana"), "* you are ana, in lobby (/help)\n"),
        (joined("ana", "bia", room="Porto"), "* you are ana, in Porto with bia (/help)\n"),
        (protocol.Message("lobby", 1, "bia", "oi", NOW, "c"), "bia: oi\n"),
        (protocol.Message("lobby", 1, "bia", "a\tb", NOW, "c"), "bia: a\tb\n"),
        (protocol.Entered("lobby", "bia"), "* bia entered\n"),
        (protocol.Left("lobby", "bia", "leave"), "* bia left\n"),
        (protocol.Left("lobby", "bia", "timeout"), "* bia left\n"),
        (protocol.Direct("bia", "ana", "psst", NOW, "c"), "* bia to you: psst\n"),
        (protocol.Members("lobby", ("ana", "bia")), "* in lobby: ana, bia\n"),
        (protocol.Members("lobby", ("ana", "bia"), next="bia"), "* in lobby: ana, bia …\n"),
        (
            protocol.Rooms((protocol.RoomEntry("lobby", 2, 6), protocol.RoomEntry("Porto", 0, 1))),
            "* lobby: 2 here, 6 messages\n* Porto: 0 here, 1 messages\n",
        ),
        (protocol.Rooms((protocol.RoomEntry("lobby", 2, 6),), next="lobby"), "* lobby: 2 here, 6 messages\n* …\n"),
        (protocol.Rooms(()), "* there are no rooms\n"),
        (protocol.Error("storage_full", "storage is full", about="oi"), '! not kept: "oi": storage is full\n'),
        (
            protocol.Error("too_many_connections", "there are too many connections, try again later"),
            "! there are too many connections, try again later\n",
        ),
        (protocol.Bye("quit"), "* bye\n"),
    ],
)
def test_an_event_is_shown_as_in_the_protocol(event: Event, lines: str) -> None:
    assert shown(event) == lines


@pytest.mark.parametrize(
    "event",
    [
        protocol.Welcome("ana", "5ec4e7", 1, "chatcore/1", "1d", {}),  # a token is not for eyes
        protocol.Stats({"turns": 1}),
        protocol.Ping("x"),
        protocol.Pong("x"),
        protocol.Left("lobby", "ana", "leave"),  # you know that you left
        protocol.Direct("ana", "bia", "psst", NOW, "c"),  # your own lines are not echoed
    ],
)
def test_what_people_need_not_see(event: Event) -> None:
    assert shown(event) == ""


def test_many_people_are_counted_and_not_listed() -> None:
    others = [f"n{number:02}" for number in range(30)]
    line = shown(joined("ana", *others))
    assert line == f"* you are ana, in lobby with {', '.join(others[:20])} and 10 more (/help)\n"
    assert shown(joined(*others[:20], "ana")).endswith(f"with {', '.join(others[:20])} (/help)\n")
    assert shown(joined("ana", "bia", count=9_000)).endswith("with bia and 8998 more (/help)\n")


def test_help_names_everything_that_can_be_typed() -> None:
    help_lines = shown(protocol.Help())
    assert all(line.startswith("* ") for line in help_lines.removesuffix("\n").split("\n"))
    for typed in COMMANDS:
        assert typed in help_lines


@pytest.mark.parametrize("reason", [reason for reason in BYE_REASONS if reason != "quit"])
def test_a_bye_that_was_not_asked_for_says_why(reason: str) -> None:
    assert shown(protocol.Bye(reason)) == f"! {BYE_REASONS[reason]}: bye\n"


def test_an_error_quotes_the_beginning_of_the_line_it_is_about() -> None:
    """docs/reference/protocol.md: `! not kept: "oi…": storage is full`."""
    line = shown(protocol.Error("storage_full", "storage is full", about="oi" * 2_000))
    quoted = line.removeprefix('! not kept: "').removesuffix('…": storage is full\n')
    assert quoted
    assert ("oi" * 2_000).startswith(quoted)
    assert len(line) < 80


def test_a_command_was_not_kept_but_not_done() -> None:
    assert shown(protocol.Error("room_invalid", "no", about="/join ?")) == '! not done: "/join ?": no\n'


def test_what_begins_with_two_slashes_is_said_and_so_it_is_kept_or_not() -> None:
    assert shown(protocol.Error("muted", "hush", about="//x")) == '! not kept: "//x": hush\n'


# ---------------------------------------------------------------- one event, its own lines and no others

one_line_events = st.one_of(
    st.builds(protocol.Message, shown_names, numbers, shown_names, said_text, st.just(NOW), st.text(min_size=1)),
    st.builds(protocol.Direct, shown_names, shown_names, said_text, st.just(NOW), st.text(min_size=1)),
    st.builds(protocol.Entered, shown_names, shown_names),
    st.builds(protocol.Left, shown_names, shown_names, st.sampled_from(["leave", *BYE_REASONS])),
    st.builds(protocol.Joined, shown_names, numbers, numbers, numbers, st.lists(shown_names).map(tuple), st.booleans()),
    st.builds(protocol.Members, shown_names, st.lists(shown_names).map(tuple), st.none() | shown_names),
    st.builds(
        lambda code, cid, about: protocol.Error(code, COMMAND_ERRORS[code], cid, about),
        st.sampled_from(list(COMMAND_ERRORS)),
        st.none() | any_text,
        st.none() | any_text,
    ),
)


@given(one_line_events, shown_names)
@example(protocol.Error("muted", "hush", about="a\n* bia left\r\x1b[2J\u2028"), "ana")
def test_nothing_a_peer_can_say_forges_a_second_line(event: Event, me: str) -> None:
    """Whatever allowed texts, names and refused lines hold: at most one line, nothing a terminal obeys."""
    line = shown(event, me)
    assert line == "" or (line.endswith("\n") and text_is_valid(line[:-1], 10**6))
    assert len(line.splitlines()) <= 1  # not even by the ten ends of line that Python knows


@given(shown_names, said_text)
def test_what_somebody_says_begins_with_his_name(name: str, text: str) -> None:
    """A name holds neither a colon nor a space, so no line of news, `* …` or `! …`, can be said."""
    assert shown(protocol.Message("lobby", 1, name, text, NOW, "c")) == f"{name}: {text}\n"
    assert not {*":*! \t"} & {*name}


@given(any_text)
def test_the_quote_in_an_error_is_printable(about: str) -> None:
    line = shown(protocol.Error("muted", "hush", about=about))
    assert line.removesuffix("\n").isprintable()


@given(st.lists(st.builds(protocol.RoomEntry, shown_names, numbers, numbers)), st.none() | shown_names)
def test_a_list_of_rooms_has_a_line_for_each(rooms: list[protocol.RoomEntry], following: str | None) -> None:
    lines = shown(protocol.Rooms(tuple(rooms), following)).split("\n")
    assert all(line.startswith("* ") for line in lines[:-1])
    assert len(lines) - 1 == len(rooms) + (following is not None) or (not rooms and len(lines) == 2)
