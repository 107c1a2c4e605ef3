"""a bank of wrong decoders: each makes one mistake that people really make, and works in a demonstration.

They exist to test the tests. A property suite that lets one of them pass is too weak. `PlainLines` and
`PlainLengths` are right; each wrong one differs from them in one place, so it is rejected for that
mistake and for nothing else. (Inheritance is for this file only: it says "the same, but for this".)

The tables at the end name, for each, the property that is there to catch it, and for each property
one decoder that no other property catches. Take a property away, and that decoder passes.
"""

import struct
from collections.abc import Iterator

from chatcore.errors import StreamError

HEADER = 4


class PlainLines:
    """Lines, done right, in small steps that can be done wrong one by one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.buffer = bytearray()
        self.searched = 0
        self.broken = False

    def receive(self, data: bytes) -> None:
        if not self.broken:
            self.buffer += data

    def next_frame(self) -> bytes | None:
        end = self.find_end()
        if end < 0:
            self.check_unended()
            return None
        self.check(end - 1)
        line = self.payload(bytes(self.buffer[:end]))
        self.check(len(line))
        self.consume(end + 1)
        return line

    def find_end(self) -> int:
        end = self.buffer.find(b"\n", self.searched)
        self.searched = len(self.buffer) if end < 0 else end
        return end

    def check_unended(self) -> None:
        self.check(len(self.buffer) - 1)

    def check(self, length: int) -> None:
        if self.broken or length > self.limit:
            self.broken = True
            raise StreamError("too_big")

    def payload(self, line: bytes) -> bytes:
        return line.removesuffix(b"\r")

    def consume(self, count: int) -> None:
        del self.buffer[:count]
        self.searched = 0

    def last_frame(self) -> bytes | None:
        line = self.payload(bytes(self.buffer))
        self.check(len(line))
        self.consume(len(self.buffer))
        return line or None

    @property
    def is_inside_frame(self) -> bool:
        return len(self.buffer) > 0

    @staticmethod
    def encode(payload: bytes) -> bytes:
        return payload + b"\n"

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        return data.index(b"\n", position - 1) + 1 if position else 0


class OnePieceOneLine(PlainLines):
    """`recv(1024)` returns a message: the Brazilian example, and most first chats."""

    def next_frame(self) -> bytes | None:
        if not self.buffer:
            return None
        line = bytes(self.buffer).rstrip(b"\r\n")
        self.check(len(line))
        self.consume(len(self.buffer))
        return line


class TailThrownAway(PlainLines):
    r"""`for line in data.split(b"\n")[:-1]`: what stands behind the last newline is forgotten."""

    def receive(self, data: bytes) -> None:
        super().receive(data[: data.rfind(b"\n") + 1])


class SecondLineLost(PlainLines):
    """Empties its buffer after a line, and with it the next line of the same piece."""

    def consume(self, count: int) -> None:
        super().consume(len(self.buffer))


class StripsWhitespace(PlainLines):
    r"""`line.strip()` instead of taking off one `\r`: spaces that a person meant are gone."""

    def payload(self, line: bytes) -> bytes:
        return line.strip()


class CarriageReturnAnywhere(PlainLines):
    r"""`replace(b"\r", b"")`: also those in the middle, which are payload."""

    def payload(self, line: bytes) -> bytes:
        return line.replace(b"\r", b"")


class EveryCarriageReturn(PlainLines):
    r"""`rstrip(b"\r\n")`: takes off all that stand at the end, and the agreement says one."""

    def payload(self, line: bytes) -> bytes:
        return line.rstrip(b"\r")


class CarriageReturnInOnePiece(PlainLines):
    r"""`data.replace(b"\r\n", b"\n")` on each piece: a cut between the two bytes hides them."""

    def receive(self, data: bytes) -> None:
        super().receive(data.replace(b"\r\n", b"\n"))

    def payload(self, line: bytes) -> bytes:
        return line


class SplitLines(PlainLines):
    r"""`str.splitlines`, which splits on ten separators, `\r` and U+2028 among them."""

    def receive(self, data: bytes) -> None:
        for line in data.decode("utf-8", "surrogateescape").splitlines(keepends=True):
            text = line.splitlines()[0]
            super().receive((text if text == line else text + "\n").encode("utf-8", "surrogateescape"))


class DecodesEachPiece(PlainLines):
    """`data.decode(errors="replace")` on each piece: a letter of two bytes that is cut becomes two U+FFFD."""

    def receive(self, data: bytes) -> None:
        super().receive(data.decode(errors="replace").encode())


class DecodesEachLine(PlainLines):
    """Decodes in the framing, and lets UnicodeDecodeError out to a caller who expects StreamError."""

    def payload(self, line: bytes) -> bytes:
        line.decode()
        return line.removesuffix(b"\r")


class LimitAfterTheNewline(PlainLines):
    """Looks at the length once the line is complete: a line that never ends fills the memory."""

    def check_unended(self) -> None:
        pass


class LimitOnTheBuffer(PlainLines):
    """Compares the limit with all that waits: many short lines in one piece are refused."""

    def next_frame(self) -> bytes | None:
        self.check(len(self.buffer) - 2)
        return super().next_frame()


class LineLimitOffByOne(PlainLines):
    """`>=` for `>`: a line of exactly the limit is refused."""

    def check(self, length: int) -> None:
        super().check(length + 1)


class EmptyLineIsTheEnd(PlainLines):
    """`while line := next_frame()`: an empty line is falsy, like None."""

    def next_frame(self) -> bytes | None:
        return super().next_frame() or None


class LineErrorForgotten(PlainLines):
    """Throws the long line away and goes on in the middle of it: the rest becomes a line nobody sent."""

    def check(self, length: int) -> None:
        if length > self.limit:
            self.consume(len(self.buffer))
            raise StreamError("too_big")


class LinesByGenerator(PlainLines):
    """Lines stand in a generator's local variable: who stops early loses them with the generator."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.lines: Iterator[bytes] = iter(())

    def receive(self, data: bytes) -> None:
        super().receive(data)
        if b"\n" in data:
            *lines, rest = bytes(self.buffer).split(b"\n")
            self.lines = (line for line in lines)
            self.consume(len(self.buffer) - len(rest))

    def next_frame(self) -> bytes | None:
        line = next(self.lines, None)
        if line is None:
            self.check_unended()
            return None
        self.check(len(self.payload(line)))
        return self.payload(line)


class UnendedLineDropped(PlainLines):
    """The last line of a file without a newline behind it is lost (`printf 'ana' | nc`)."""

    def last_frame(self) -> bytes | None:
        self.check(0)
        self.consume(len(self.buffer))
        return None


class InsideByLastPiece(PlainLines):
    """Judges by the last piece alone: an empty piece, or none yet, looks like half a line."""

    ended = False

    def receive(self, data: bytes) -> None:
        super().receive(data)
        self.ended = data.endswith(b"\n")

    @property
    def is_inside_frame(self) -> bool:
        return not self.ended


class LineBorderSkipped(PlainLines):
    """At a border it gives the end of the frame behind it: one frame too many is kept."""

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        return data.find(b"\n", position) + 1 or len(data)


class LinesKept(PlainLines):
    """Keeps every line "for the log": memory grows as long as the connection lives."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.history: list[bytes] = []

    def consume(self, count: int) -> None:
        self.history.append(bytes(self.buffer[:count]))
        super().consume(count)


class SearchesFromTheStart(PlainLines):
    """`find` without a start: a long line that drips in costs the square of its length."""

    def find_end(self) -> int:
        self.searched = 0
        return super().find_end()


class EncodesTwoBytes(PlainLines):
    r"""Ends its lines with `\r\n`, and reads them back without complaint: only the other side sees it."""

    @staticmethod
    def encode(payload: bytes) -> bytes:
        return payload + b"\r\n"


class PlainLengths:
    """Length prefixes, done right, in small steps that can be done wrong one by one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.buffer = bytearray()
        self.broken = False

    def receive(self, data: bytes) -> None:
        if not self.broken:
            self.buffer += data

    def next_frame(self) -> bytes | None:
        if len(self.buffer) < HEADER:
            return None
        length = self.announced()
        self.check(length)
        if len(self.buffer) < HEADER + length:
            return None
        payload = bytes(self.buffer[HEADER : HEADER + length])
        self.consume(HEADER + length)
        return payload

    def announced(self) -> int:
        return int.from_bytes(self.buffer[:HEADER], "big")

    def check(self, length: int) -> None:
        if self.broken or length > self.limit:
            self.broken = True
            raise StreamError("too_big")

    def consume(self, count: int) -> None:
        del self.buffer[:count]

    def last_frame(self) -> bytes | None:
        self.check(0)
        if self.buffer:
            raise StreamError("bad_frame")
        return None

    @property
    def is_inside_frame(self) -> bool:
        return len(self.buffer) > 0

    @staticmethod
    def encode(payload: bytes) -> bytes:
        return len(payload).to_bytes(HEADER, "big") + payload

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        end = 0
        while end < position:
            end += HEADER + int.from_bytes(data[end : end + HEADER], "big")
        return end


class OnePieceOneFrame(PlainLengths):
    """Takes four bytes off the piece and the rest for the payload, however much of it came."""

    def next_frame(self) -> bytes | None:
        if not self.buffer:
            return None
        self.check(self.announced())
        payload = bytes(self.buffer[HEADER:])
        self.consume(len(self.buffer))
        return payload


class SecondFrameLost(PlainLengths):
    """Empties its buffer after a frame, and with it the next frame of the same piece."""

    def consume(self, count: int) -> None:
        self.buffer.clear()


class HeaderCutInTwo(PlainLengths):
    """`recv(4)` returns four bytes, it thinks: a part of a header is thrown away when the rest comes."""

    def receive(self, data: bytes) -> None:
        if len(self.buffer) < HEADER:
            self.buffer.clear()
        super().receive(data)


class LittleEndian(PlainLengths):
    """`struct.unpack("i")` on a PC: the bytes of the length in the wrong order."""

    def announced(self) -> int:
        return int.from_bytes(self.buffer[:HEADER], "little")


class LittleEndianBothWays(LittleEndian):
    """The same in its encoder: it understands itself perfectly, and nobody else."""

    @staticmethod
    def encode(payload: bytes) -> bytes:
        return len(payload).to_bytes(HEADER, "little") + payload

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        end = 0
        while end < position:
            end += HEADER + int.from_bytes(data[end : end + HEADER], "little")
        return end


class NulsStripped(PlainLengths):
    r"""Takes the `\0` bytes off the end, as one does with the padded strings of C: they were payload."""

    def next_frame(self) -> bytes | None:
        payload = super().next_frame()
        return payload if payload is None else payload.rstrip(b"\0")


class LengthCountsHeader(PlainLengths):
    """Believes that the length counts its own four bytes, as in many other protocols."""

    def announced(self) -> int:
        return super().announced() - HEADER


class SignedLength(PlainLengths):
    """`struct.unpack(">i")`: 4 GiB look like a negative length, which is below every limit."""

    def announced(self) -> int:
        return int(struct.unpack(">i", self.buffer[:HEADER])[0])


class LimitOnWhatCame(PlainLengths):
    """Believes the announcement and refuses when too much has come, instead of at once."""

    def next_frame(self) -> bytes | None:
        if len(self.buffer) < HEADER:
            return None
        length = self.announced()
        if min(length, len(self.buffer) - HEADER) > self.limit:
            self.check(length)
        if len(self.buffer) < HEADER + length:
            return None
        return super().next_frame()


class AssertForLimit(PlainLengths):
    """`assert length <= limit`: the wrong exception, and none at all under `python -O`."""

    def check(self, length: int) -> None:
        if length > self.limit:
            raise AssertionError


class LengthLimitOffByOne(PlainLengths):
    """`>=` for `>`: a frame of exactly the limit is refused."""

    def check(self, length: int) -> None:
        super().check(length + 1)


class EmptyFrameIsTheEnd(PlainLengths):
    """`if not payload: return None`: an empty frame ends the pulling."""

    def next_frame(self) -> bytes | None:
        return super().next_frame() or None


class LengthErrorForgotten(PlainLengths):
    """Empties its buffer at the error and goes on: the next payload bytes are read as a header."""

    def check(self, length: int) -> None:
        if length > self.limit:
            self.buffer.clear()
            raise StreamError("too_big")


class FramesByList(PlainLengths):
    """`receive` makes a new list of frames each time, although the old one was not pulled empty."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.frames: list[bytes] = []

    def receive(self, data: bytes) -> None:
        super().receive(data)
        self.frames = []
        try:
            while (frame := super().next_frame()) is not None:
                self.frames.append(frame)
        except StreamError:
            pass  # it is raised again when the frames before it are out

    def next_frame(self) -> bytes | None:
        return self.frames.pop(0) if self.frames else super().next_frame()


class HalfFrameTaken(PlainLengths):
    """At the end of the stream it gives what there is of the payload, as if that were all."""

    def last_frame(self) -> bytes | None:
        return bytes(self.buffer[HEADER:]) or None


class InsidePayloadOnly(PlainLengths):
    """Half a header does not count: a peer that stops there is never timed out."""

    @property
    def is_inside_frame(self) -> bool:
        return len(self.buffer) >= HEADER


class LengthBorderSkipped(PlainLengths):
    """`<=` for `<`: at a border it gives the end of the frame behind it."""

    @staticmethod
    def end_of_frame(data: bytes, position: int) -> int:
        end = 0
        while end <= position and end < len(data):
            end += HEADER + int.from_bytes(data[end : end + HEADER], "big")
        return end


class NeverShrinks(PlainLengths):
    """Moves an index forward and deletes nothing: a connection keeps all that it ever received."""

    start = 0

    def next_frame(self) -> bytes | None:
        begin = self.start + HEADER
        if len(self.buffer) < begin:
            return None
        length = int.from_bytes(self.buffer[self.start : begin], "big")
        self.check(length)
        if len(self.buffer) < begin + length:
            return None
        self.start = begin + length
        return bytes(self.buffer[begin : self.start])

    def last_frame(self) -> bytes | None:
        self.check(0)
        if self.is_inside_frame:
            raise StreamError("bad_frame")
        return None

    @property
    def is_inside_frame(self) -> bool:
        return len(self.buffer) > self.start


class GoesOnCollecting(PlainLengths):
    """Refuses the frame, and then takes in what still comes of it: 4 GiB, if the caller goes on reading."""

    def receive(self, data: bytes) -> None:
        self.buffer += data


class CopiesTheBuffer(PlainLengths):
    """`data = bytes(self.buffer)` at each pull: of a thousand frames, the last is copied a thousand times."""

    def next_frame(self) -> bytes | None:
        bytes(self.buffer)
        return super().next_frame()


WRONG_LINES: dict[type[PlainLines], str] = {
    EncodesTwoBytes: "known_bytes",
    EveryCarriageReturn: "known_bytes",
    OnePieceOneLine: "any_cut",
    TailThrownAway: "any_cut",
    SecondLineLost: "round_trip",
    StripsWhitespace: "round_trip",
    CarriageReturnAnywhere: "round_trip",
    CarriageReturnInOnePiece: "any_cut",
    SplitLines: "round_trip",
    DecodesEachPiece: "any_cut",
    EmptyLineIsTheEnd: "round_trip",
    LinesByGenerator: "any_pull",
    LineLimitOffByOne: "limit_exact",
    LimitAfterTheNewline: "limit_announced",
    LimitOnTheBuffer: "any_cut",
    LineErrorForgotten: "error_stays",
    DecodesEachLine: "documented_errors",
    UnendedLineDropped: "end_of_stream",
    InsideByLastPiece: "inside_frame",
    LineBorderSkipped: "next_border",
    LinesKept: "bounded_memory",
    SearchesFromTheStart: "linear_work",
}

WRONG_LENGTHS: dict[type[PlainLengths], str] = {
    LittleEndianBothWays: "known_bytes",
    LittleEndian: "round_trip",
    LengthCountsHeader: "round_trip",
    NulsStripped: "round_trip",
    OnePieceOneFrame: "any_cut",
    SecondFrameLost: "round_trip",
    EmptyFrameIsTheEnd: "round_trip",
    HeaderCutInTwo: "any_cut",
    FramesByList: "any_pull",
    LengthLimitOffByOne: "limit_exact",
    AssertForLimit: "limit_exact",
    LimitOnWhatCame: "limit_announced",
    LengthErrorForgotten: "error_stays",
    SignedLength: "documented_errors",
    HalfFrameTaken: "end_of_stream",
    InsidePayloadOnly: "inside_frame",
    LengthBorderSkipped: "next_border",
    NeverShrinks: "bounded_memory",
    GoesOnCollecting: "bounded_memory",
    CopiesTheBuffer: "linear_work",
}

NO_OTHER_CATCHES: dict[str, type[PlainLines] | type[PlainLengths]] = {
    "known_bytes": LittleEndianBothWays,
    "round_trip": NulsStripped,
    "any_cut": DecodesEachPiece,
    "any_pull": LinesByGenerator,
    "limit_exact": LineLimitOffByOne,
    "limit_announced": LimitOnWhatCame,
    "error_stays": LineErrorForgotten,
    "documented_errors": SignedLength,
    "end_of_stream": UnendedLineDropped,
    "inside_frame": InsidePayloadOnly,
    "next_border": LengthBorderSkipped,
    "bounded_memory": NeverShrinks,
    "linear_work": SearchesFromTheStart,
}
