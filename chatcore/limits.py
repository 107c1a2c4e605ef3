"""Every limit of the server, with its default, its unit and its reason, in one place.

`serve --limit NAME=VALUE` sets a field; `serve --help` and the docs print this table.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

KIB = 1024
# What an event adds around its text in the worst case: names, room, cid and time, all escaped.
EVENT_OVERHEAD = KIB
LARGEST = 10**15  # more than any machine has of anything, and still exact as a float


def _about(unit: str, meaning: str) -> dict[str, str]:
    return {"unit": unit, "meaning": meaning}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All limits. Values that cannot work, alone or together, raise ValueError with one clear sentence."""

    frame: int = field(
        default=16 * KIB, metadata=_about("bytes", "one frame; the announcement of a longer one ends the connection")
    )
    text: int = field(default=4 * KIB, metadata=_about("bytes", "the text of one message, as UTF-8"))
    hello_seconds: float = field(
        default=10.0, metadata=_about("seconds", "a program that has begun to speak must have said hello")
    )
    typing_seconds: float = field(
        default=60.0, metadata=_about("seconds", "a person, or somebody silent, must have given a name")
    )
    half_frame_seconds: float = field(
        default=30.0, metadata=_about("seconds", "a program must finish a frame that it began")
    )
    ping_seconds: float = field(
        default=30.0, metadata=_about("seconds", "a program that was silent this long is pinged")
    )
    idle_seconds: float = field(
        default=60.0, metadata=_about("seconds", "a program that was silent this long is dropped")
    )
    high_water: int = field(
        default=64 * KIB, metadata=_about("bytes", "above this much unsent, we stop reading from that peer")
    )
    low_water: int = field(default=16 * KIB, metadata=_about("bytes", "at this much unsent, things are normal again"))
    ceiling: int = field(
        default=256 * KIB, metadata=_about("bytes", "above this much unsent, the peer is disconnected")
    )
    drain_seconds: float = field(default=10.0, metadata=_about("seconds", "how long a peer may stay above the marks"))
    linger_seconds: float = field(
        default=2.0, metadata=_about("seconds", "how long a closing peer may take to close its side")
    )
    total_queue: int = field(
        default=64 * KIB * KIB, metadata=_about("bytes", "unsent for all together; above it the slowest peer goes")
    )
    send_buffer: int = field(
        default=64 * KIB, metadata=_about("bytes", "SO_SNDBUF: what the kernel may hold for one peer")
    )
    turn_bytes: int = field(
        default=32 * KIB, metadata=_about("bytes", "what one room or one person may be given in one turn")
    )
    burst: int = field(default=20, metadata=_about("commands", "how many commands may come at once"))
    rate: float = field(
        default=5.0, metadata=_about("per second", "how many commands may come in the long run; 0: any number")
    )
    per_address: int = field(default=100, metadata=_about("connections", "at once from one address; 0: any number"))
    new_per_minute: int = field(
        default=300, metadata=_about("connections", "new ones a minute from one address; 0: any number")
    )
    rooms_per_connection: int = field(default=50, metadata=_about("rooms", "how many rooms one connection may be in"))
    presence: int = field(
        default=200, metadata=_about("members", "comings and goings are announced in rooms up to this size")
    )
    connections: int = field(
        default=0, metadata=_about("connections", "all together; 0: as many as file descriptors allow")
    )
    shutdown_seconds: float = field(
        default=5.0, metadata=_about("seconds", "how long a stop may wait for those who read slowly")
    )
    recent: int = field(default=20, metadata=_about("messages", "what a newcomer is shown of a room's past"))

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anybody is connected."""
        for limit in fields(self):
            value, least = getattr(self, limit.name), "0 or more" if limit.name in MAY_BE_ZERO else "above 0"
            if not (value > 0 or (value == 0 and limit.name in MAY_BE_ZERO)):  # NaN is neither
                raise ValueError(f"{limit.name} must be {least}, not {value}")
            if value > LARGEST:
                raise ValueError(f"{limit.name} must be at most {LARGEST}")
        rules = {
            "frame must be below 16 MiB: the first byte of a length is always 0": self.frame < 1 << 24,
            f"frame must be at least {EVENT_OVERHEAD} bytes": self.frame >= EVENT_OVERHEAD,
            f"frame must hold a text with every character escaped: 2 * text + {EVENT_OVERHEAD}": (
                self.frame >= 2 * self.text + EVENT_OVERHEAD
            ),
            "low_water must be below high_water": self.low_water < self.high_water,
            "high_water and one frame must fit below the ceiling": self.high_water + self.frame <= self.ceiling,
            "two turn_bytes and one frame must fit below the ceiling": (
                2 * self.turn_bytes + self.frame <= self.ceiling
            ),
            "total_queue must hold at least one ceiling": self.ceiling <= self.total_queue,
            "ping_seconds must be below idle_seconds": self.ping_seconds < self.idle_seconds,
            "burst must be at least 1": self.burst >= 1,
        }
        for sentence, holds in rules.items():
            if not holds:
                raise ValueError(sentence)

    def with_settings(self, settings: Iterable[str]) -> "Limits":
        """These limits with each `NAME=VALUE` applied; ValueError when there is no such limit or value.

        They are judged together at the end, so their order does not matter.
        """
        changes: dict[str, Any] = dict(map(_parse, settings))
        return replace(self, **changes)


MAY_BE_ZERO = {"rate", "per_address", "new_per_minute", "connections", "presence", "recent", "linger_seconds"}


DEFAULTS = Limits()


def _parse(setting: str) -> tuple[str, int | float]:
    name, equals, value = setting.partition("=")
    kinds: dict[str, type[int] | type[float]]
    kinds = {limit.name: type(getattr(DEFAULTS, limit.name)) for limit in fields(Limits)}
    if not equals or name not in kinds:
        raise ValueError(f"{setting!r} is not NAME=VALUE with one of: {', '.join(kinds)}")
    try:
        return name, kinds[name](value)
    except ValueError:
        wanted = "a whole number" if kinds[name] is int else "a number"
        raise ValueError(f"{name} needs {wanted}, not {value!r}") from None


def describe() -> list[tuple[str, str, str, str]]:
    """(name, default, unit, meaning) of every limit, for `--help` and the docs."""
    return [
        (limit.name, f"{getattr(DEFAULTS, limit.name):.12g}", limit.metadata["unit"], limit.metadata["meaning"])
        for limit in fields(Limits)
    ]
