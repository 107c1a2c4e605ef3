"""bytes <-> frames. A byte stream has no messages in it; a framing is the agreement where one ends.

Two agreements: a delimiter behind each frame, or its length in front. Both are pulled:
`receive(data)`, then `next_frame()` until it returns None. (A generator that pushes frames lost
its tail silently when the caller stopped early.)

Rules of this file: the same bytes give the same frames however they are cut; the buffer never
holds more than one frame and one piece; nothing but StreamError is ever raised, and once it was
raised it is raised again and no more bytes are taken in. (It is raised without its old traceback,
to which each raise would add.)
"""

from typing import Protocol

from chatcore.buffers import ReceiveBuffer
from chatcore.errors import StreamError

NEWLINE = 0x0A
HEADER_BYTES = 4  # a big-endian length; as frames are below 16 MiB its first byte is always 0


class Framing(Protocol):
    """One direction of one connection."""

    def receive(self, data: bytes) -> None:
        """Take in what the network gave."""

    def next_frame(self) -> bytes | None:
        """The next whole frame, or None until more bytes come. StreamError("too_big") ends it."""

    def last_frame(self) -> bytes | None:
        """At the end of the stream, after `next_frame` gave None: what stands there unended, or None."""

    @property
    def is_inside_frame(self) -> bool:
        """True when bytes of an unfinished frame wait for the rest."""

    @staticmethod
    def encode(payload: bytes) -> bytes:
        """The bytes that carry one frame."""

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        """Where the frame around `position` ends, in `data` that begins with a frame."""


class LineFraming:
    """Frames end with a newline; one carriage return in front of it is ignored."""

    __slots__ = ("_buffer", "_error", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = ReceiveBuffer()
        self._limit = limit  # bytes of payload
        self._error: StreamError | None = None

    def receive(self, data: bytes) -> None:
        """Take in what the network gave."""
        if self._error is None:
            self._buffer.append(data)

    def next_frame(self) -> bytes | None:
        """The next line without its end, or None; StreamError when a line is longer than the limit."""
        if self._error is not None:
            raise self._error.with_traceback(None)
        end = self._buffer.find(NEWLINE)
        if end < 0:
            self._check(len(self._buffer) - 1)  # the last byte may be the ignored carriage return
            return None
        self._check(end - 1)
        line = self._buffer.peek(end).removesuffix(b"\r")
        self._check(len(line))
        self._buffer.take(end + 1)
        return line

    def last_frame(self) -> bytes | None:
        """A line that the end of the stream ended."""
        if self._error is not None:
            raise self._error.with_traceback(None)
        line = self._buffer.peek(len(self._buffer)).removesuffix(b"\r")
        self._check(len(line))
        self._buffer.take(len(self._buffer))
        return line or None

    @property
    def is_inside_frame(self) -> bool:
        """True when part of a line is there."""
        return len(self._buffer) > 0

    @staticmethod
    def encode(payload: bytes) -> bytes:
        """The payload (no newline in it, no carriage return at its end) and a newline."""
        return payload + b"\n"

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        """Just behind the next newline, unless `position` is already behind one."""
        return data.index(NEWLINE, position - 1) + 1 if position else 0

    def _check(self, length: int) -> None:
        if length > self._limit:
            self._error = StreamError("too_big", f"a line may be {self._limit} bytes long")
            raise self._error


class LengthFraming:
    """Frames begin with their length: four bytes, big-endian, not counting themselves."""

    __slots__ = ("_buffer", "_error", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = ReceiveBuffer()
        self._limit = limit  # bytes of payload
        self._error: StreamError | None = None

    def receive(self, data: bytes) -> None:
        """Take in what the network gave."""
        if self._error is None:
            self._buffer.append(data)

    def next_frame(self) -> bytes | None:
        """The next payload, or None; StreamError as soon as too great a length is *announced*."""
        if self._error is not None:
            raise self._error.with_traceback(None)
        if len(self._buffer) < HEADER_BYTES:
            return None
        length = int.from_bytes(self._buffer.peek(HEADER_BYTES), "big")
        if length > self._limit:
            text = f"a frame may be {self._limit} bytes long, and {length} were announced"
            self._error = StreamError("too_big", text)
            raise self._error
        if len(self._buffer) < HEADER_BYTES + length:
            return None
        return self._buffer.take(HEADER_BYTES + length)[HEADER_BYTES:]

    def last_frame(self) -> bytes | None:
        """Nothing may stand there: a frame that is cut off is not a frame."""
        if self._error is None and len(self._buffer):
            self._error = StreamError("bad_frame")
        if self._error is not None:
            raise self._error.with_traceback(None)
        return None

    @property
    def is_inside_frame(self) -> bool:
        """True when part of a header or of a payload is there."""
        return len(self._buffer) > 0

    @staticmethod
    def encode(payload: bytes) -> bytes:
        """The length and the payload."""
        return len(payload).to_bytes(HEADER_BYTES, "big") + payload

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        """Walk from header to header until `position` is reached."""
        end = 0
        while end < position:
            end += HEADER_BYTES + int.from_bytes(data[end : end + HEADER_BYTES], "big")
        return end
