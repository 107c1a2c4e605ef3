"""an agreement about frames -> thirteen properties that every decoder of it must have.

A property is one sentence that is true for *every* input. Here each one is a function that takes an
`Agreement` and raises AssertionError when it found an input for which the sentence is false. The same
thirteen run on both framings of chatcore, on every wrong decoder of the bank, and on whatever framing
comes next: only an Agreement has to be written. Why these thirteen: docs/how-it-works/framing-properties.md.
"""

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise, product
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType, TracebackType
from typing import Any, Literal, Protocol
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatcore import buffers
from chatcore.errors import STREAM_ERRORS, StreamError
from chatcore.framing import HEADER_BYTES, Framing, LengthFraming, LineFraming

# The same examples on every machine and every day: a test that fails only sometimes teaches nothing.
THOROUGH = settings(
    max_examples=200,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    report_multiple_bugs=False,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow,),
)
# Only whether a decoder fails, and not its smallest counterexample.
UNSHRUNK = settings(THOROUGH, phases=(Phase.generate,))
# For a decoder that is expected to have the property, once others have been looked at thoroughly.
QUICK = settings(UNSHRUNK, max_examples=20)


class BoundedFraming(Framing, Protocol):
    """A framing that is made with its limit in bytes of payload."""

    def __init__(self, limit: int) -> None: ...


Heard = list[bytes | str]  # the frames, then how it ended: "end" or the code of the error
Encode = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Agreement:
    """What two ends agreed about their frames, as far as the properties need it."""

    framing: type[BoundedFraming]
    limit: int
    letters: tuple[bytes, ...]  # payloads are made of these
    noise: tuple[bytes, ...]  # any stream, right or wrong, is made of these
    known: tuple[tuple[bytes, tuple[bytes, ...]], ...]  # streams written by hand, and their frames
    sendable: Callable[[bytes], bool]  # False for a payload that this framing cannot carry
    spellings: Callable[[Encode, bytes], list[bytes]]  # every way to write one frame
    announced: Callable[[int], int]  # limit -> after so many bytes a longer frame must be refused
    overhead: int  # bytes of an unfinished frame, at most, beside its payload
    unended: Callable[[bytes], Heard]  # what the beginning of a frame is when the stream ends there

    def decoder(self) -> BoundedFraming:
        """One with exactly the limit."""
        return self.framing(self.limit)

    def roomy(self) -> BoundedFraming:
        """One for properties in which the limit plays no part."""
        return self.framing(self.limit + 2)

    def encoded(self, sent: Sequence[bytes]) -> bytes:
        """The stream of these payloads."""
        return b"".join(map(self.framing.encode, sent))


LINES = Agreement(
    framing=LineFraming,
    limit=4,
    letters=(b"a", b"\r", "é".encode(), b" "),
    noise=(b"a", b"\r", "é".encode(), b"\n"),
    known=((b"a\n", (b"a",)), (b"ab\r\n\nc\n", (b"ab", b"", b"c")), (b"a\rb\r\r\n", (b"a\rb\r",))),
    sendable=lambda payload: not payload.endswith(b"\r"),
    spellings=lambda encode, payload: [encode(payload), payload + b"\r\n"],
    announced=lambda limit: limit + 2,  # one more than limit + 1, which may be a carriage return
    overhead=1,
    unended=lambda begun: [*filter(None, [begun.removesuffix(b"\r")]), "end"],
)

LENGTHS = Agreement(
    framing=LengthFraming,
    limit=4,
    letters=(b"\x00", b"\x01", b"a"),
    noise=(b"\x00\x00\x00", b"\x00", b"\x01", b"a"),
    known=((b"\0\0\0\1a", (b"a",)), (b"\0\0\0\2\0\1\0\0\0\0\0\0\0\1c", (b"\0\1", b"", b"c"))),
    sendable=lambda payload: True,
    spellings=lambda encode, payload: [encode(payload)],
    announced=lambda limit: HEADER_BYTES,
    overhead=HEADER_BYTES,
    unended=lambda begun: ["bad_frame"] if begun else ["end"],
)


# --- how a decoder is driven ---


def pull(framing: Framing, at_most: int = 10_000) -> list[bytes]:
    """The frames that wait, until None; more than `at_most` means that they never end."""
    frames = []
    while (frame := framing.next_frame()) is not None:
        frames.append(frame)
        assert len(frames) <= at_most, "frames without end, out of nothing"
    return frames


def play(framing: Framing, pieces: Sequence[bytes], shown: Literal["code", "text"] = "code") -> Heard:
    """Feed the pieces, pull after each, end the stream: all that was heard, errors by code or text."""
    heard: Heard = []
    try:
        for piece in pieces:
            framing.receive(piece)
            while (frame := framing.next_frame()) is not None:
                heard.append(frame)
                assert len(heard) <= 10_000, "frames without end, out of nothing"
        last = framing.last_frame()
        return [*heard, "end"] if last is None else [*heard, last, "end"]
    except StreamError as error:
        return [*heard, getattr(error, shown)]
    except Exception as error:  # noqa: BLE001 (the property `documented_errors` judges it)
        return [*heard, type(error).__name__]


def refusal(framing: Framing, data: bytes = b"") -> tuple[str, str]:
    """The StreamError that stands in the way after `data`; ("", "") when nothing does."""
    framing.receive(data)
    try:
        pull(framing)
    except StreamError as error:
        return error.code, error.text
    return "", ""


# --- what is fed: small alphabets, any cut ---


def payloads(agreement: Agreement) -> st.SearchStrategy[bytes]:
    """Every payload within the limit that the letters make and that may be sent, the shortest first."""
    spelled = (letters for n in range(agreement.limit + 1) for letters in product(agreement.letters, repeat=n))
    joined = map(b"".join, spelled)
    return st.sampled_from([p for p in joined if len(p) <= agreement.limit and agreement.sendable(p)])


def streams(agreement: Agreement) -> st.SearchStrategy[bytes]:
    """Any stream, whole frames or not, within the limit or not."""
    return st.binary(max_size=12).map(lambda drawn: in_letters(drawn, agreement.noise))


def in_letters(drawn: bytes, letters: Sequence[bytes]) -> bytes:
    """One letter for each byte. (One draw for the whole stream: one for each letter took 3 times as long.)"""
    return b"".join(letters[byte % len(letters)] for byte in drawn)


def cut(stream: bytes, positions: Sequence[int]) -> list[bytes]:
    """The pieces between the positions; a position named twice gives an empty piece."""
    return [stream[start:end] for start, end in pairwise([0, *sorted(positions), len(stream)])]


@st.composite
def cut_anywhere(draw: st.DrawFn, stream: st.SearchStrategy[bytes]) -> list[bytes]:
    """A stream in pieces: any list of positions, or byte by byte."""
    whole = draw(stream)
    some = st.binary(max_size=4).map(lambda drawn: [byte % (len(whole) + 1) for byte in drawn])
    every = st.just(list(range(1, len(whole))))
    return cut(whole, draw(some | every))


def plain(agreement: Agreement) -> list[list[bytes]]:
    """All lists of up to three payloads that are empty, short, or as long as the limit."""
    sizes = sorted({0, min(1, agreement.limit), agreement.limit})
    return [[b"a" * size for size in chosen] for n in range(4) for chosen in product(sizes, repeat=n)]


def borders(agreement: Agreement, sent: Sequence[bytes]) -> list[int]:
    """Where each frame of a stream begins, and where the stream ends."""
    return [len(agreement.encoded(sent[:count])) for count in range(len(sent) + 1)]


# --- the properties: what is a frame ---


def known_bytes(agreement: Agreement, how: settings = THOROUGH) -> None:
    """The bytes on the wire are those of the agreement, which a person wrote down."""
    for stream, frames in agreement.known:
        heard = play(agreement.framing(100), [stream])
        assert heard == [*frames, "end"], f"{stream!r} gave {heard}"
    stream, frames = agreement.known[0]
    assert agreement.framing.encode(frames[0]) == stream


def round_trip(agreement: Agreement, how: settings = THOROUGH) -> None:
    """Decoding inverts encoding, in every spelling that the agreement allows."""
    encode = agreement.framing.encode

    @how
    @given(st.lists(payloads(agreement), max_size=4), st.sampled_from([0, -1]))
    def holds(sent: list[bytes], spelling: int) -> None:
        stream = b"".join(agreement.spellings(encode, payload)[spelling] for payload in sent)
        heard = play(agreement.roomy(), [stream])
        assert heard == [*sent, "end"], f"{stream!r} gave {heard}"

    holds()


def any_cut(agreement: Agreement, how: settings = THOROUGH) -> None:
    """However a stream is cut, the same comes out as from one piece; so it does for a broken stream."""

    @how
    @given(cut_anywhere(streams(agreement)))
    def holds(pieces: list[bytes]) -> None:
        heard = play(agreement.decoder(), pieces, "text")
        whole = play(agreement.decoder(), [b"".join(pieces)], "text")
        assert heard == whole, f"{heard}, but from one piece {whole}"

    holds()


def any_pull(agreement: Agreement, how: settings = THOROUGH) -> None:
    """Who stops pulling early and comes back later has lost nothing."""

    frames_and_pulls = st.binary(max_size=4).map(lambda drawn: [(byte % 4, byte // 4 % 4) for byte in drawn])

    @how
    @given(frames_and_pulls)
    def holds(turns: list[tuple[int, int]]) -> None:
        framing = agreement.roomy()
        sent = [b"a" * (n % (agreement.limit + 1)) for n in range(sum(frames for frames, _ in turns))]
        unsent = iter(sent)
        pulled: list[bytes | None] = []
        for frames, pulls in turns:
            framing.receive(agreement.encoded(list(islice(unsent, frames))))
            pulled += [framing.next_frame() for _ in range(pulls)]
        frames_heard = [frame for frame in pulled if frame is not None] + pull(framing)
        assert frames_heard == sent, f"{frames_heard}, but {sent} were sent"
        assert framing.next_frame() is None

    holds()


# --- the properties: limits and errors ---


def limit_exact(agreement: Agreement, how: settings = THOROUGH) -> None:
    """A payload of exactly the limit is a frame, one byte more is refused; no input gives a longer frame."""
    limit = agreement.limit
    encode = agreement.framing.encode
    for frame in agreement.spellings(encode, b"a" * limit):
        for pieces in [frame], cut(frame, [len(frame) - 1]):  # the second: between \r and \n
            assert play(agreement.decoder(), pieces) == [b"a" * limit, "end"]
    for frame in agreement.spellings(encode, b"a" * (limit + 1)):
        assert play(agreement.decoder(), [frame]) == ["too_big"]

    @how
    @given(streams(agreement))
    def holds(stream: bytes) -> None:
        heard = play(agreement.decoder(), [stream])
        assert all(len(frame) <= limit for frame in heard[:-1]), f"the limit is {limit}, heard was {heard}"

    holds()


def limit_announced(agreement: Agreement, how: settings = THOROUGH) -> None:
    """Too long a frame is refused as soon as it is known to be too long, and not when it is there."""
    for over in 1, 2, 1000:
        frame = agreement.framing.encode(b"a" * (agreement.limit + over))
        begun = frame[: agreement.announced(agreement.limit)]
        assert refusal(agreement.decoder(), begun)[0] == "too_big"


def error_stays(agreement: Agreement, how: settings = THOROUGH) -> None:
    """The frames before the error come out, then the error, and then the same error again, also at the end."""
    encode = agreement.framing.encode
    full = b"a" * agreement.limit
    half = b"a" * (agreement.limit // 2)
    for sent in [], [b""], [half, b"", half]:
        framing = agreement.decoder()
        framing.receive(agreement.encoded([*sent, full + b"aa", b""]))
        assert [framing.next_frame() for _ in sent] == sent
        first = refusal(framing)
        assert first[0] == "too_big"
        assert [refusal(framing, more) for more in (b"", encode(b""), b"a")] == [first] * 3
        assert play(framing, []) == [first[0]]


def documented_errors(agreement: Agreement, how: settings = THOROUGH) -> None:
    """Whatever bytes come: frames of type bytes, never more than there were bytes, or a documented error."""

    @how
    @given(cut_anywhere(streams(agreement) | st.binary(max_size=12)))
    def holds(pieces: list[bytes]) -> None:
        framing = agreement.decoder()
        came = sum(map(len, pieces))
        code = ""
        try:
            for piece in pieces:
                framing.receive(piece)
                assert all(type(frame) is bytes for frame in pull(framing, came))
            framing.last_frame()
        except StreamError as error:
            code = error.code
        assert code in {"", *STREAM_ERRORS}

    holds()


# --- the properties: ends and borders ---


def end_of_stream(agreement: Agreement, how: settings = THOROUGH) -> None:
    """Where a stream ends inside a frame, the agreement says what that beginning is."""

    for sent in plain(agreement):
        for last in agreement.spellings(agreement.framing.encode, b"a" * agreement.limit):
            for begun in (last[:position] for position in range(len(last))):
                framing = agreement.roomy()
                heard = play(framing, [agreement.encoded(sent) + begun])
                assert heard == [*sent, *agreement.unended(begun)], begun
                if heard[-1] == "end":
                    assert not framing.is_inside_frame
                    assert framing.last_frame() is None


def inside_frame(agreement: Agreement, how: settings = THOROUGH) -> None:
    """`is_inside_frame` is False at the borders between frames, and True everywhere else."""
    for sent in plain(agreement):
        stream = agreement.encoded(sent)
        for position in range(len(stream) + 1):
            framing = agreement.roomy()
            framing.receive(stream[:position])
            pull(framing)
            assert framing.is_inside_frame == (position not in borders(agreement, sent)), stream[:position]


def next_border(agreement: Agreement, how: settings = THOROUGH) -> None:
    """`end_of_frame` of any position is the first border that is not before it."""
    for sent in plain(agreement):
        stream = agreement.encoded(sent)
        for position in range(len(stream) + 1):
            expected = min(border for border in borders(agreement, sent) if border >= position)
            assert agreement.framing.end_of_frame(stream, position) == expected, (stream, position)


# --- the properties: what it costs ---


def bounded_memory(agreement: Agreement, how: settings = THOROUGH) -> None:
    """It never keeps more than one frame and, for a moment, the piece that just came; after an error nothing more."""
    limit = agreement.limit
    room = limit + agreement.overhead
    encode = agreement.framing.encode
    short = b"".join(encode(b"a" * (n % (limit + 1))) for n in range(100))
    endless = encode(b"a" * (100 * limit + 100))
    for stream in short, endless:
        for size in 1, 3, limit + 1:
            framing = agreement.decoder()
            is_broken = False
            for piece in cut(stream, range(size, len(stream), size)):
                framing.receive(piece)
                assert held(framing) <= room + size
                is_broken |= refusal(framing) != ("", "")
                assert is_broken or held(framing) <= room


def held(framing: object) -> int:
    """How many bytes the objects keep that `framing` is made of."""
    total = 0
    seen = set()
    waiting = [framing]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _NOT_DATA):
            continue
        seen.add(id(thing))
        if isinstance(thing, bytes | bytearray):
            total += len(thing)
        else:
            waiting += gc.get_referents(thing)
    return total


# An error that is kept has a traceback, and that has the frames of those who pulled: none of it is the framing's.
_NOT_DATA = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType, TracebackType, str, int)


def linear_work(agreement: Agreement, how: settings = THOROUGH) -> None:
    """The bytes that are searched and copied grow with the stream, and not with its square."""
    limit = 1000
    encode = agreement.framing.encode
    one_long = encode(b"a" * limit)
    dripped = cut(one_long, range(1, len(one_long)))
    many_short = [encode(b"a") * limit]
    refused = [encode(b"a" * 10 * limit)] + [b""] * limit
    for pieces in dripped, many_short, refused:
        tally = Tally()
        counted = counting_bytearray(tally)
        module = sys.modules[agreement.framing.__module__]
        with (
            patch.object(buffers, "bytearray", counted, create=True),
            patch.object(module, "bytearray", counted, create=True),
        ):
            framing = agreement.framing(limit)
            for piece in pieces:
                refusal(framing, piece)
        assert tally.came == sum(map(len, pieces)), "this decoder keeps its bytes where they are not counted"
        assert tally.touched <= 12 * (tally.came + len(pieces))


@dataclass
class Tally:
    """Bytes that came into a buffer, and bytes that were searched or copied there."""

    came: int = 0
    touched: int = 0


def counting_bytearray(tally: Tally) -> type[bytearray]:
    """A bytearray that counts: no clock, so the same number on every machine."""

    class Counting(bytearray):
        def __iadd__(self, data: Any) -> "Counting":  # type: ignore[misc]
            tally.came += len(data)
            super().__iadd__(data)
            return self

        def find(self, sub: Any, start: Any = 0, end: Any = None) -> int:
            index = super().find(sub, start, end)
            tally.touched += (len(self) if index < 0 else index + 1) - start
            return index

        def __getitem__(self, index: Any) -> Any:
            part = super().__getitem__(index)
            tally.touched += len(part) if isinstance(part, bytearray) else 1
            return part

        def __bytes__(self) -> bytes:
            tally.touched += len(self)
            return b"".join([memoryview(self)])

    return Counting


Property = Callable[[Agreement, settings], None]

PROPERTIES: dict[str, Property] = {
    check.__name__: check
    for check in (
        known_bytes,
        round_trip,
        any_cut,
        any_pull,
        limit_exact,
        limit_announced,
        error_stays,
        documented_errors,
        end_of_stream,
        inside_frame,
        next_border,
        bounded_memory,
        linear_work,
    )
}


def counterexample(name: str, framing: type[BoundedFraming], agreement: Agreement) -> str:
    """The smallest input that Hypothesis found against a decoder, as it prints it; "" if it found none."""
    try:
        PROPERTIES[name](replace(agreement, framing=framing), THOROUGH)
    except Exception as error:  # noqa: BLE001 (a wrong decoder may raise anything)
        return error.__notes__[0].partition(": ")[2]  # the heading is another one in each version
    return ""


def rejects(name: str, framing: type[BoundedFraming], agreement: Agreement, how: settings) -> bool:
    """True when this property finds a fault in that decoder, whatever it is."""
    try:
        PROPERTIES[name](replace(agreement, framing=framing), how)
    except Exception:  # noqa: BLE001 (a wrong decoder may raise anything)
        return True
    return False
