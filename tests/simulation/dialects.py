"""bytes -> commands and events as plain dicts, whatever the dialect. Written apart from the product's codecs.

Lines of text are told as the JSON that says the same, as far as they say it: not the number of a
message, for example.
"""

import json
import re
from typing import Any

from chatcore.errors import COMMAND_ERRORS
from chatcore.protocol import BYE_REASONS
from tests.simulation.invariants import Invariant, Violation, hold
from tests.simulation.watched_log import mark_of

Said = dict[str, Any]
REASONS = {"* bye": "quit"} | {f"! {sentence}: bye": reason for reason, sentence in BYE_REASONS.items()}
CODES = {sentence: code for code, sentence in COMMAND_ERRORS.items()}
YOU_ARE = re.compile(r"\* you are (\S+), in (\S+)")
ERROR = re.compile(r'! (?:not kept: "(\S+).*": )?(.*)')
MESSAGE = re.compile(r"(\S+): (.*)")


class Stream:
    """One direction of a conversation, cut into frames: at newlines, or behind lengths."""

    def __init__(self, has_lengths: bool) -> None:
        self.data = bytearray()
        self._cut = 0
        self._has_lengths = has_lengths

    @property
    def is_whole(self) -> bool:
        """True between two frames."""
        return self._cut == len(self.data)

    def add(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes."""
        self.data += data
        return list(iter(self._next, None))

    def _next(self) -> bytes | None:
        start, end = self._cut, self.data.find(b"\n", self._cut) + 1
        if self._has_lengths:
            start = self._cut + 4
            end = start + int.from_bytes(self.data[self._cut : start], "big")
            hold(end - start < 1 << 24, Invariant.STREAM, "no length at", self._cut)
            end = end if start < end <= len(self.data) else 0
        if not end:
            return None
        self._cut = end
        return bytes(self.data[start:end])


def parse_command(frame: bytes, is_text: bool) -> Said:
    """What a scripted peer or the real client said."""
    if not is_text:
        return dict(json.loads(frame))
    word, _, rest = frame.decode().strip().partition(" ")
    kind = {"/join": "join", "sair": "bye"}.get(word) or ("send" if word.startswith("m") else "other")
    return {"type": kind, "room": rest, "cid": word}


def parse_event(frame: bytes, is_text: bool) -> Said:
    """What the server said. Violation when that is no event."""
    try:
        return _parse_line(frame.decode().removesuffix("\n")) if is_text else dict(json.loads(frame))
    except ValueError:
        raise Violation(Invariant.STREAM, "no event:", frame) from None


def _parse_line(line: str) -> Said:
    if line in REASONS:
        return {"type": "bye", "reason": REASONS[line]}
    if match := YOU_ARE.match(line):
        return {"type": "joined", "name": match[1], "room": match[2]}
    if match := ERROR.fullmatch(line):
        return {"type": "error", "cid": match[1], "code": CODES.get(match[2].rpartition(": ")[2], match[2])}
    if match := MESSAGE.fullmatch(line):
        return {"type": "message", "from": match[1], "text": match[2], "cid": mark_of(match[2])}
    if line.startswith("* "):
        return {"type": "news"}
    raise ValueError(line)
