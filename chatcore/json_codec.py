"""frames <-> commands and events, as JSON objects: the dialect of programs.

The same table serves both directions and both ends: what the server encodes the client decodes.
A payload never contains a raw newline, so it fits every framing.
"""

import json
import math
from dataclasses import MISSING, fields
from types import UnionType
from typing import Any, Never, TypeVar, cast, get_args, get_origin

from chatcore import protocol
from chatcore.errors import CommandError
from chatcore.protocol import WireCommand, WireEvent

T = TypeVar("T")

COMMANDS: dict[str, type[WireCommand]] = {
    "hello": protocol.Hello,
    "join": protocol.Join,
    "leave": protocol.Leave,
    "send": protocol.Send,
    "direct": protocol.AskDirect,
    "members": protocol.AskMembers,
    "rooms": protocol.AskRooms,
    "ping": protocol.Ping,
    "pong": protocol.Pong,
    "stats": protocol.AskStats,
    "bye": protocol.Quit,
}
EVENTS: dict[str, type[WireEvent]] = {
    "welcome": protocol.Welcome,
    "joined": protocol.Joined,
    "entered": protocol.Entered,
    "left": protocol.Left,
    "message": protocol.Message,
    "direct": protocol.Direct,
    "members": protocol.Members,
    "rooms": protocol.Rooms,
    "stats": protocol.Stats,
    "error": protocol.Error,
    "ping": protocol.Ping,
    "pong": protocol.Pong,
    "bye": protocol.Bye,
}
TYPE_OF: dict[type, str] = {cls: name for table in (COMMANDS, EVENTS) for name, cls in table.items()}
WIRE_NAMES = {"sender": "from"}  # `from` is a word of Python
NOT_ON_THE_WIRE = {"about"}
JSON_NAMES = {str: "a string", int: "an integer", bool: "true or false", list: "an array", dict: "an object"}
LONGEST_INTEGER = 1000  # digits; Python itself would go on for 4,300
LENGTHS = {"cid": (1, protocol.LONGEST_CID), "data": (0, protocol.LONGEST_PING)}  # characters


def _accepted(annotation: object) -> tuple[type, type]:
    """The JSON type that a field's annotation allows, an array for a tuple, and the type of what is inside."""
    first = get_args(annotation)[0] if isinstance(annotation, UnionType) else annotation
    plain = cast(type, get_origin(first) or first)
    if plain is tuple:
        return list, get_args(first)[0]
    return (dict, get_args(first)[1]) if plain is dict else (plain, plain)


def _shape(cls: type) -> tuple[tuple[str, str, tuple[type, type], bool], ...]:
    """For each field: attribute, name on the wire, accepted types, may it be absent."""
    return tuple(
        (each.name, WIRE_NAMES.get(each.name, each.name), _accepted(each.type), each.default is not MISSING)
        for each in fields(cls)
        if each.name not in NOT_ON_THE_WIRE
    )


SHAPES = {cls: _shape(cls) for cls in (*TYPE_OF, protocol.RoomEntry)}


def to_payload(said: WireCommand | WireEvent) -> bytes:
    """One object, without a frame around it."""
    if isinstance(said, protocol.Stats):
        return _dumps({"type": "stats", **said.figures}).encode()
    return _dumps({"type": TYPE_OF[type(said)], **_as_object(said)}).encode()


def size_of(text: str) -> int:
    """Bytes of `text` in a payload: quotes and escapes included."""
    return len(_dumps(text).encode(errors="surrogatepass"))


def _as_object(said: object) -> dict[str, object]:
    values = ((wire, getattr(said, attribute)) for attribute, wire, _, _ in SHAPES[type(said)])
    return {wire: value for wire, value in values if value is not None}


_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_as_object).encode


def decode_command(payload: bytes, greeted: bool = True) -> WireCommand | protocol.Blank:
    """What a client said. CommandError when it is not one JSON object that we know."""
    if not payload:
        return protocol.Blank()
    given = parse_object(payload)
    try:
        return _build(COMMANDS, given)
    except CommandError as error:
        error.cid = _readable_cid(given.get("cid"))
        raise


def _readable_cid(cid: object) -> str | None:
    """The id to quote in the error, if what came is one."""
    try:
        return str(_check("cid", cid, str))
    except CommandError:
        return None


def decode_event(payload: bytes) -> WireEvent:
    """What the server said, for the client. CommandError when it is no event that we know."""
    given = parse_object(payload)
    if given.get("type") == "stats":
        del given["type"]
        if not all(isinstance(value, int | float | str) for value in given.values()):
            raise CommandError("bad_field", "a figure must be a number or a string")
        return protocol.Stats(given)
    return _build(EVENTS, given)


def parse_object(payload: bytes) -> dict[str, Any]:
    """One JSON object with distinct keys, finite numbers and whole characters; CommandError for anything else."""
    try:
        given = _loads(payload.decode())
        if b"\\u" in payload:
            _dumps(given).encode()  # half of a surrogate pair can only come from an escape
    except UnicodeDecodeError:
        raise CommandError("bad_utf8") from None
    except (ValueError, RecursionError):  # also integers of thousands of digits, and [[[[[[…
        raise CommandError("bad_json") from None
    if not isinstance(given, dict):
        raise CommandError("bad_json")
    return given


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("too great a number")
    return number


def _short_integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise ValueError("too long a number")
    return int(digits)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    given = dict(pairs)
    if len(given) < len(pairs):
        raise ValueError("a key stands twice")
    return given


_loads = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, parse_int=_short_integer, object_pairs_hook=_distinct
).decode


def _build(table: dict[str, type[T]], given: dict[str, Any]) -> T:
    """Fill the class that `type` names with the fields that it knows; the others are ignored."""
    kind = given.get("type")
    if not isinstance(kind, str):
        raise CommandError("bad_field", "type must be a string")
    cls = table.get(kind)
    if cls is None:
        raise CommandError("unknown_type")
    return _fill(cls, given)


def _fill(cls: type[T], given: dict[str, Any]) -> T:
    values: dict[str, Any] = {}
    for attribute, wire, accepted, may_be_absent in SHAPES[cls]:
        if wire in given:
            values[attribute] = _check(wire, given[wire], *accepted)
        elif not may_be_absent:
            raise CommandError("bad_field", f"{wire} is missing")
    return cls(**values)


def _check(wire: str, value: object, accepted: type, inside: type = str) -> object:
    """The value, if it is of the type and size that the field takes."""
    if type(value) is not accepted:  # not isinstance: a bool is an int to Python
        raise CommandError("bad_field", f"{wire} must be {JSON_NAMES[accepted]}")
    if isinstance(value, list):
        return tuple(_check_element(wire, element, inside) for element in value)
    if isinstance(value, dict):
        return {key: _check(wire, element, inside) for key, element in value.items()}
    if isinstance(value, int) and value < 0:
        raise CommandError("bad_field", f"{wire} must be 0 or more")
    if isinstance(value, str):
        _check_length(wire, value)
    return value


def _check_element(wire: str, element: object, accepted: type) -> object:
    if accepted not in SHAPES:
        return _check(wire, element, accepted)
    if not isinstance(element, dict):
        raise CommandError("bad_field", f"{wire} must hold objects")
    return _fill(accepted, element)


def _check_length(wire: str, value: str) -> None:
    if wire in LENGTHS:
        least, most = LENGTHS[wire]
        if not least <= len(value) <= most:
            raise CommandError("bad_field", f"{wire} must have {least} to {most} characters")
