"""JSON on the wire: what docs/reference/protocol.md lists comes round unchanged; anything else is one error."""

import json
import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatcore import protocol
from chatcore.errors import CommandError
from chatcore.json_codec import decode_command, decode_event, parse_object, size_of, to_payload
from chatcore.protocol import VERSION, WireCommand, WireEvent

# docs/reference/protocol.md, "JSON: commands": the class, the fields that must be there, and those that may.
COMMANDS: dict[str, tuple[type[WireCommand], dict[str, type], dict[str, type]]] = {
    "hello": (protocol.Hello, {"name": str}, {"password": str, "token": str}),
    "join": (protocol.Join, {"room": str}, {"after": int}),
    "leave": (protocol.Leave, {"room": str}, {}),
    "send": (protocol.Send, {"room": str, "cid": str, "text": str}, {}),
    "direct": (protocol.AskDirect, {"to": str, "cid": str, "text": str}, {}),
    "members": (protocol.AskMembers, {"room": str}, {"after": str}),
    "rooms": (protocol.AskRooms, {}, {"after": str}),
    "ping": (protocol.Ping, {}, {"data": str}),
    "pong": (protocol.Pong, {}, {"data": str}),
    "stats": (protocol.AskStats, {}, {}),
    "bye": (protocol.Quit, {}, {}),
}
EXAMPLES: dict[type, Any] = {str: "lobby", int: 7}
WRONG: dict[type, list[Any]] = {
    str: [None, True, 0, 1.5, [], ["lobby"], {}, {"lobby": "lobby"}],
    int: [None, True, False, -1, -(10**30), 0.0, 7.0, 1e300, "7", "", [], [7], {}],
}
REQUIRED = [(kind, name) for kind, (_, required, _) in COMMANDS.items() for name in required]
FIELDS = [(kind, name) for kind, (_, required, more) in COMMANDS.items() for name in (*required, *more)]
CODES = {"bad_json", "bad_utf8", "unknown_type", "bad_field"}

numbers = st.integers(0, 2**63)
cids = st.text(min_size=1, max_size=64)
data = st.text(max_size=64)
commands: st.SearchStrategy[WireCommand] = st.one_of(
    st.builds(protocol.Hello, st.text(), st.none() | st.text(), st.none() | st.text()),
    st.builds(protocol.Join, st.text(), st.none() | numbers),
    st.builds(protocol.Leave, st.text()),
    st.builds(protocol.Send, st.text(), cids, st.text()),
    st.builds(protocol.AskDirect, st.text(), cids, st.text()),
    st.builds(protocol.AskMembers, st.text(), st.none() | st.text()),
    st.builds(protocol.AskRooms, st.none() | st.text()),
    st.builds(protocol.Ping, data),
    st.builds(protocol.Pong, data),
    st.builds(protocol.AskStats),
    st.builds(protocol.Quit),
)
names = st.lists(st.text(), max_size=3).map(tuple)
figures = st.dictionaries(
    st.text().filter(lambda name: name != "type"),
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    max_size=4,
)
events: st.SearchStrategy[WireEvent] = st.one_of(
    st.builds(
        protocol.Welcome,
        st.text(),
        st.text(),
        numbers,
        st.text(),
        st.text(),
        st.dictionaries(st.text(), numbers, max_size=3),
    ),
    st.builds(protocol.Joined, st.text(), numbers, numbers, numbers, names, st.booleans()),
    st.builds(protocol.Entered, st.text(), st.text()),
    st.builds(protocol.Left, st.text(), st.text(), st.sampled_from(["leave", *protocol.BYE_REASONS])),
    st.builds(protocol.Message, st.text(), numbers, st.text(), st.text(), st.text(), cids),
    st.builds(protocol.Direct, st.text(), st.text(), st.text(), st.text(), cids),
    st.builds(protocol.Members, st.text(), names, st.none() | st.text()),
    st.builds(
        protocol.Rooms,
        st.lists(st.builds(protocol.RoomEntry, st.text(), numbers, numbers), max_size=3).map(tuple),
        st.none() | st.text(),
    ),
    st.builds(protocol.Stats, figures),
    st.builds(protocol.Error, st.text(), st.text(), st.none() | cids),
    st.builds(protocol.Ping, data),
    st.builds(protocol.Pong, data),
    st.builds(protocol.Bye, st.sampled_from(list(protocol.BYE_REASONS))),
)


def refusal(payload: bytes, decode: Callable[[bytes], object] = decode_command) -> CommandError:
    """The error that `payload` gives."""
    with pytest.raises(CommandError) as caught:
        decode(payload)
    assert caught.value.code in CODES
    assert caught.value.text.isprintable()
    return caught.value


def understood(payload: bytes, decode: Callable[[bytes], Any]) -> Any:
    """What `payload` means, or None when it gives an error."""
    try:
        return decode(payload)
    except CommandError as caught:
        error = caught
    assert error.code in CODES
    assert error.text.isprintable()
    assert error.cid is None or 1 <= len(error.cid.encode()) <= 4 * 64
    return None


def wire(kind: str, **given_fields: Any) -> bytes:
    return json.dumps({"type": kind, **given_fields}).encode()


def whole(kind: str) -> dict[str, Any]:
    """An example of a command, with every field it may have."""
    _, required, more = COMMANDS[kind]
    return {name: EXAMPLES[accepted] for name, accepted in (required | more).items()}


# ---------------------------------------------------------------- what is said is what is understood


def test_the_table_has_every_command() -> None:
    assert {cls for cls, *_ in COMMANDS.values()} == set(get_args(WireCommand))


@given(commands)
def test_a_command_goes_round(command: WireCommand) -> None:
    assert decode_command(to_payload(command)) == command


@given(events)
def test_an_event_goes_round(event: WireEvent) -> None:
    assert decode_event(to_payload(event)) == event


@given(commands | events)
def test_a_payload_fits_every_framing(said: WireCommand | WireEvent) -> None:
    """It is one object, not empty, in UTF-8, without the newline that would end its frame."""
    payload = to_payload(said)
    assert b"\n" not in payload
    assert b"\r" not in payload
    assert isinstance(json.loads(payload.decode()), dict)


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_is_written_with_the_names_of_the_protocol(kind: str) -> None:
    cls, required, _ = COMMANDS[kind]
    fewest = {name: EXAMPLES[accepted] for name, accepted in required.items()}
    assert decode_command(wire(kind, **fewest)) == cls(**fewest)
    assert decode_command(wire(kind, **whole(kind))) == cls(**whole(kind))


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (
            protocol.Welcome("ana", "f00d", VERSION, "s/1", "1d", {"text": 9}),
            '{"type":"welcome","name":"ana","token":"f00d","protocol":1,"server":"s/1","log":"1d","limits":{"text":9}}',
        ),
        (
            protocol.Joined("lobby", 3, 5, 2, ("ana", "João"), True),
            '{"type":"joined","room":"lobby","first":3,"seq":5,"count":2,"members":["ana","João"],"presence":true}',
        ),
        (protocol.Entered("lobby", "bia"), '{"type":"entered","room":"lobby","name":"bia"}'),
        (protocol.Left("lobby", "bia", "quit"), '{"type":"left","room":"lobby","name":"bia","reason":"quit"}'),
        (
            protocol.Message("r", 6, "bia", '\t\\ "é🙂', "T", "c"),
            '{"type":"message","room":"r","seq":6,"from":"bia","text":"\\t\\\\ \\"é🙂","time":"T","cid":"c"}',
        ),
        (
            protocol.Direct("bia", "ana", "psst", "2026-01-02T03:04:05.678Z", "c2"),
            '{"type":"direct","from":"bia","to":"ana","text":"psst","time":"2026-01-02T03:04:05.678Z","cid":"c2"}',
        ),
        (protocol.Members("lobby", ("ana", "bia")), '{"type":"members","room":"lobby","names":["ana","bia"]}'),
        (
            protocol.Members("lobby", ("ana",), next="ana"),
            '{"type":"members","room":"lobby","names":["ana"],"next":"ana"}',
        ),
        (
            protocol.Rooms((protocol.RoomEntry("lobby", 2, 6),), next="lobby"),
            '{"type":"rooms","rooms":[{"room":"lobby","members":2,"seq":6}],"next":"lobby"}',
        ),
        (protocol.Rooms(()), '{"type":"rooms","rooms":[]}'),
        (protocol.Stats({"turns": 9, "load": 0.5}), '{"type":"stats","turns":9,"load":0.5}'),
        (protocol.Error("bad_json", "what?"), '{"type":"error","code":"bad_json","text":"what?"}'),
        (
            protocol.Error("muted", "hush", cid="c3", about="oi"),
            '{"type":"error","code":"muted","text":"hush","cid":"c3"}',
        ),
        (protocol.Ping("x"), '{"type":"ping","data":"x"}'),
        (protocol.Pong("x"), '{"type":"pong","data":"x"}'),
        (protocol.Bye("replaced"), '{"type":"bye","reason":"replaced"}'),
    ],
)
def test_an_event_is_written_as_in_the_protocol(event: WireEvent, payload: str) -> None:
    assert to_payload(event).decode() == payload


def test_the_examples_show_every_event() -> None:
    shown = test_an_event_is_written_as_in_the_protocol.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {type(event) for event, _ in shown} == set(get_args(WireEvent))


# ---------------------------------------------------------------- fields


@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize(
    "unknown", [{"x": 1}, {"x": None}, {"x": [{"x": {}}]}, {"": ""}, {"about": "?", "sender": "eve"}]
)
def test_unknown_fields_are_ignored(kind: str, unknown: dict[str, Any]) -> None:
    assert decode_command(wire(kind, **unknown, **whole(kind))) == decode_command(wire(kind, **whole(kind)))


@pytest.mark.parametrize(("kind", "missing"), REQUIRED)
def test_a_field_that_must_be_there(kind: str, missing: str) -> None:
    rest = {name: value for name, value in whole(kind).items() if name != missing}
    error = refusal(wire(kind, **rest))
    assert (error.code, error.text) == ("bad_field", f"{missing} is missing")


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_field_of_another_type(kind: str, name: str) -> None:
    """Also null, also true for 1, also 7.0 for 7: each field takes one type of JSON."""
    _, required, more = COMMANDS[kind]
    for value in WRONG[(required | more)[name]]:
        error = refusal(wire(kind, **(whole(kind) | {name: value})))
        assert error.code == "bad_field"
        assert error.text.startswith(f"{name} must be ")


@pytest.mark.parametrize("kind", ["nick", "", "Send", "SEND", "message", "welcome", "say", "__class__"])
def test_an_unknown_type(kind: str) -> None:
    assert refusal(wire(kind, room="lobby", text="oi")).code == "unknown_type"


@pytest.mark.parametrize("kind", [None, 1, True, ["send"], {"send": 1}])
def test_a_type_that_is_no_string(kind: Any) -> None:
    assert refusal(json.dumps({"type": kind}).encode()).code == "bad_field"


def test_no_type_at_all() -> None:
    assert refusal(b"{}").code == "bad_field"


@pytest.mark.parametrize(("kind", "name"), [("send", "cid"), ("direct", "cid"), ("ping", "data"), ("pong", "data")])
def test_64_characters_and_not_one_more(kind: str, name: str) -> None:
    for character in "a🙂":  # characters, not bytes
        decode_command(wire(kind, **(whole(kind) | {name: character * 64})))
        error = refusal(wire(kind, **(whole(kind) | {name: character * 65})))
        assert (error.code, error.text) == ("bad_field", f"{name} must have {name == 'cid':d} to 64 characters")


@pytest.mark.parametrize("kind", ["send", "direct"])
def test_a_cid_has_at_least_one_character(kind: str) -> None:
    error = refusal(wire(kind, **(whole(kind) | {"cid": ""})))
    assert (error.code, error.text) == ("bad_field", "cid must have 1 to 64 characters")


@pytest.mark.parametrize("after", [0, 1, 2**31, 2**63, 10**100])
def test_after_is_any_integer_from_0_on(after: int) -> None:
    """Beyond the end is the end, however far."""
    assert decode_command(wire("join", room="lobby", after=after)) == protocol.Join("lobby", after)


# ---------------------------------------------------------------- what is not one JSON object

BAD_JSON = [
    b" ",
    b"{",
    b"}",
    b"null",
    b"true",
    b"1",
    b'"bye"',
    b'["bye"]',
    b"[]",
    b'{"type":"bye"',
    b'{"type":"bye"}}',
    b'{"type":"bye"} {"type":"bye"}',
    b'{"type":"bye",}',
    b"{'type':'bye'}",
    b"{type:bye}",
    b'{"type":"bye"}//',
    b'\xef\xbb\xbf{"type":"bye"}',  # only the first bytes of a connection may be a byte order mark
    b'{"type":"say\n"}',  # a control character in a string
    b'{"type":"\x00"}',
    b'{"a":+1,"type":"bye"}',
    b'{"a":01,"type":"bye"}',
    b'{"a":.5,"type":"bye"}',
    b'{"a":0x10,"type":"bye"}',
    b'{"a":"\\x41","type":"bye"}',
    b'{"a":"\\u12","type":"bye"}',
]


@pytest.mark.parametrize("payload", BAD_JSON)
def test_not_one_object(payload: bytes) -> None:
    """Also nothing at all: an empty payload is no object."""
    assert refusal(payload).code == "bad_json"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff",
        b"\xe9",  # é in Latin-1
        b"\xc3",  # cut off
        b"\xc0\xaf",  # overlong
        b"\xed\xa0\x80",  # half of a surrogate pair, as if it were a character
        b"\xf4\x90\x80\x80",  # beyond Unicode
    ],
)
@pytest.mark.parametrize("around", [b'{"type":"ping","data":"%s"}', b'{"type":"bye","x":"%s"}', b"%s", b"{}%s"])
def test_what_is_not_utf_8(garbage: bytes, around: bytes) -> None:
    assert refusal(around % garbage).code == "bad_utf8"


def test_other_encodings_of_unicode() -> None:
    """Python's parser would guess them from bytes; docs/reference/protocol.md knows one."""
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        refusal('{"type":"bye"}'.encode(encoding))


# Where a bad value may hide: in a field, in one that is ignored, and deeper.
PLACES = {
    "field": '{"type":"join","room":"lobby","after":%s}',
    "string field": '{"type":"ping","data":%s}',
    "cid": '{"type":"send","room":"lobby","text":"oi","cid":%s}',
    "ignored field": '{"type":"bye","x":%s}',
    "in front": '{"x":%s,"type":"bye"}',
    "ignored list": '{"type":"bye","x":[1,[%s]]}',
    "ignored object": '{"type":"bye","x":{"y":{"z":%s}}}',
    "type": '{"type":%s}',
}
IGNORING = [place for place in PLACES.values() if '"x":' in place]
BAD_VALUES = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e999": "1e999",
    "-1e999": "-1e999",
    "5,000 digits and an exponent": "9" * 5_000 + "e0",
    "2,000 digits": "9" * 2_000,
    "4,300 digits": "9" * 4_300,
    "4,301 digits": "9" * 4_301,
    "15,000 digits": "9" * 15_000,
    "-5,000 digits": "-" + "9" * 5_000,
    "half a pair": '"\\ud800"',
    "the other half": '"a\\udfffb"',
    "halves in the wrong order": '"\\ude00\\ud83d"',
    "half a pair as a key": '{"\\ud800":1}',
    "a key twice": '{"a":1,"a":1}',
    "a key twice, escaped": '{"a":1,"\\u0061":2}',
    "a key twice, deeper": '[{"a":{"b":1,"c":2,"b":3}}]',
}


@pytest.mark.parametrize("bad", BAD_VALUES.values(), ids=list(BAD_VALUES))
@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_what_must_be_caught(place: str, bad: str) -> None:
    """the protocol: "to be caught as `bad_json` or `bad_field`, never as an exception", wherever it stands."""
    assert refusal((place % bad).encode()).code in ("bad_json", "bad_field")


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
@pytest.mark.parametrize(("opens", "closes"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("is_closed", [True, False])
def test_nesting_that_exhausts_the_parser(place: str, opens: str, closes: str, is_closed: bool) -> None:
    """How deep a parser can go depends on the Python; what it cannot follow is `bad_json`, and no crash."""
    depth = 16_000 // len(opens + closes)
    error = None
    try:
        decode_command((place % (opens * depth + "0" + closes * depth * is_closed)).encode())
    except CommandError as caught:
        error = caught
    if sys.version_info < (3, 12) or not is_closed or place not in IGNORING:
        assert error is not None
        assert error.code in ("bad_json", "bad_field")


def test_the_two_halves_together_are_a_character() -> None:
    assert decode_command(b'{"type":"ping","data":"\\ud83d\\ude42"}') == protocol.Ping("🙂")


@pytest.mark.parametrize("again", ['"type":"bye"', '"t\\u0079pe":"bye"', '"x":1', '"type":null'])
def test_no_key_stands_twice(again: str) -> None:
    assert refusal(f'{{"type":"bye","x":1,{again}}}'.encode()).code == "bad_json"


# ---------------------------------------------------------------- which message an error is about


@given(cids)
def test_an_error_carries_the_cid_if_it_can_be_read(cid: str) -> None:
    assert refusal(wire("send", room="lobby", cid=cid)).cid == cid
    assert refusal(wire("send", room=5, cid=cid, text="oi")).cid == cid
    assert refusal(wire("direct", cid=cid)).cid == cid
    assert refusal(wire("shout", cid=cid)).cid == cid
    assert refusal(json.dumps({"cid": cid}).encode()).cid == cid


@pytest.mark.parametrize("cid", [None, "", "a" * 65, 5, True, ["a"], "\ud800"])
def test_an_error_carries_no_cid_that_is_none(cid: Any) -> None:
    assert refusal(wire("send", room="lobby", text="oi", cid=cid)).cid is None
    assert refusal(wire("shout", cid=cid)).cid is None


@pytest.mark.parametrize("payload", [b'{"type":"send","room":"lobby"}', b'{"cid":"c1"', b'{"cid":"c1","x":"\xff"}'])
def test_an_error_without_a_cid(payload: bytes) -> None:
    assert refusal(payload).cid is None


# ---------------------------------------------------------------- any bytes at all

# Pieces from which hostile objects are easily built.
TOKENS = '{ } [ ] , : " \\ \\u d800 dc00 1 - 0 e 999 . true null NaN Infinity é'
WORDS = "type send join bye room rooms after cid text names stats \\ud800"
PIECES = [
    *(token.encode() for token in TOKENS.split()),
    *(f'"{word}"'.encode() for word in WORDS.split()),
    *(b" ", b"\n", b"\x00", b"\xff", b'{"type":'),
]
jsonish = st.lists(st.sampled_from(PIECES), max_size=14).map(b"".join)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
KNOWN_FIELDS = """
    room rooms cid text to name names next token password after data members first seq count presence
    protocol server log limits time from reason code x
"""
objects = st.builds(
    lambda kind, values: json.dumps({"type": kind, **values}).encode(),
    st.sampled_from([*COMMANDS, "welcome", "joined", "entered", "left", "message", "error"]),
    st.dictionaries(st.sampled_from(KNOWN_FIELDS.split()), json_values, max_size=5),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid command or event in which some bytes were lost, doubled or replaced."""
    payload = to_payload(draw(commands | events))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(payload)))
        end = draw(st.integers(start, min(len(payload), start + 8)))
        piece = draw(st.sampled_from([*PIECES, b"", payload[start:end] * 2]))
        payload = payload[:start] + piece + payload[end:]
    return payload


@given(st.binary() | jsonish | objects | mutated())
@example(b'{"type":"bye","x":' + b"9" * 10_000 + b"}")
@example(b'{"x":' + b"[" * 15_000)
def test_any_bytes_are_a_command_or_one_error(payload: bytes) -> None:
    """What is understood holds nothing that could not be said again: no half pair, no infinity."""
    assume(payload)
    command = understood(payload, decode_command)
    if command is not None:
        assert isinstance(command, get_args(WireCommand))
        assert decode_command(to_payload(command)) == command


@given(st.binary() | jsonish | objects | mutated())
@example(b'{"type":"rooms","rooms":[5]}')
@example(b'{"type":"rooms","rooms":["room"]}')
@example(b'{"type":"members","room":"lobby","names":["\\ud800"]}')
@example(b'{"type":"stats","\\ud800":1}')
@example(b'{"type":"stats","x":1e999}')
def test_any_bytes_are_an_event_or_one_error(payload: bytes) -> None:
    """The same for the client, which must not fall over because of a server."""
    event = understood(payload, decode_event)
    if event is not None:
        assert isinstance(event, get_args(WireEvent))
        assert decode_event(to_payload(event)) == event


@pytest.mark.parametrize(
    "event",
    [
        '{"type":"members","room":"lobby","names":["ana",5]}',
        '{"type":"joined","room":"lobby","first":1,"seq":0,"count":1,"members":[{}],"presence":true}',
        '{"type":"joined","room":"lobby","first":1,"seq":0,"count":1,"members":[],"presence":1}',
        '{"type":"welcome","name":"a","token":"t","protocol":1,"server":"s","log":"l","limits":{"frame":"big"}}',
        '{"type":"rooms","rooms":[{"room":"lobby","members":2}]}',
        '{"type":"rooms","rooms":[{"room":"lobby","members":true,"seq":1}]}',
        '{"type":"rooms","rooms":{"room":"lobby","members":2,"seq":1}}',
        '{"type":"message","room":"lobby","seq":1,"text":"oi","time":"now","cid":"c"}',
    ],
)
def test_an_event_with_a_field_of_another_type(event: str) -> None:
    """The client counts with these numbers and shows these names: checked as deeply as they go."""
    assert refusal(event.encode(), decode_event).code == "bad_field"


def test_an_event_of_an_unknown_type() -> None:
    assert refusal(b'{"type":"send","room":"a","cid":"b","text":"c"}', decode_event).code == "unknown_type"


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans() | st.none(), max_size=4))
def test_an_object_is_given_as_it_is(value: dict[str, Any]) -> None:
    assert parse_object(json.dumps(value).encode()) == value


@given(st.text())
def test_the_size_of_a_text_is_that_in_a_payload(text: str) -> None:
    assert len(to_payload(protocol.Pong(text))) == len(to_payload(protocol.Pong(""))) - 2 + size_of(text)


def test_an_empty_line_is_a_blank_and_a_list_is_no_figure() -> None:
    assert decode_command(b"") == protocol.Blank()
    with pytest.raises(CommandError, match="bad_field"):
        decode_event(b'{"type":"stats","turns":[1]}')
