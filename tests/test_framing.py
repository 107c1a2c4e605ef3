"""Both framings have every property, every wrong decoder lacks one, and no property is there for nothing."""

from dataclasses import replace

import pytest
from hypothesis import settings

from chatcore.errors import StreamError
from chatcore.framing import LengthFraming, LineFraming
from tests import framing_properties as suite
from tests import wrong_decoders as bank
from tests.framing_properties import LENGTHS, LINES, PROPERTIES, BoundedFraming

AGREEMENTS = {"lines": LINES, "lengths": LENGTHS}
RIGHT: dict[str, type[BoundedFraming]] = {"lines": bank.PlainLines, "lengths": bank.PlainLengths}
WRONG: dict[str, dict[type[BoundedFraming], str]] = {
    "lines": dict(bank.WRONG_LINES.items()),
    "lengths": dict(bank.WRONG_LENGTHS.items()),
}
EACH_WRONG = [(kind, wrong) for kind, decoders in WRONG.items() for wrong in decoders]

# As many examples as the profile asks for, and new ones where it asks for new ones (see conftest.py).
PROFILE = settings()
THOROUGH = settings(
    suite.THOROUGH, max_examples=max(PROFILE.max_examples, suite.THOROUGH.max_examples), derandomize=PROFILE.derandomize
)


# ---------------------------------------------------------------- the framings are right


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("kind", AGREEMENTS)
def test_a_framing_has_every_property(kind: str, name: str) -> None:
    PROPERTIES[name](AGREEMENTS[kind], THOROUGH)


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("kind", AGREEMENTS)
@pytest.mark.parametrize("limit", [0, 1])
def test_it_has_them_at_the_smallest_limits_too(kind: str, name: str, limit: int) -> None:
    PROPERTIES[name](replace(AGREEMENTS[kind], limit=limit), suite.QUICK)


@pytest.mark.parametrize(
    ("framing", "stream", "code", "text"),
    [
        (LineFraming(4), b"aaaaa\n", "too_big", "a line may be 4 bytes long"),
        (LengthFraming(4), b"\0\0\0\5", "too_big", "a frame may be 4 bytes long, and 5 were announced"),
        (LengthFraming(4), b"\0\0", "bad_frame", "the stream ended in the middle of a frame"),
    ],
)
def test_an_error_says_what_is_wrong(framing: BoundedFraming, stream: bytes, code: str, text: str) -> None:
    framing.receive(stream)
    with pytest.raises(StreamError) as caught:
        framing.next_frame() or framing.last_frame()
    assert (caught.value.code, caught.value.text) == (code, text)


# ---------------------------------------------------------------- the properties are sharp


@pytest.mark.parametrize(("kind", "wrong"), EACH_WRONG, ids=[wrong.__name__ for _, wrong in EACH_WRONG])
def test_a_wrong_decoder_is_rejected_by_the_property_that_is_there_for_it(
    kind: str, wrong: type[BoundedFraming]
) -> None:
    assert suite.rejects(WRONG[kind][wrong], wrong, AGREEMENTS[kind], suite.UNSHRUNK)


@pytest.mark.parametrize("kind", AGREEMENTS)
def test_what_the_wrong_ones_are_made_from_is_right(kind: str) -> None:
    for check in PROPERTIES.values():
        check(replace(AGREEMENTS[kind], framing=RIGHT[kind]), suite.QUICK)


@pytest.mark.parametrize("name", PROPERTIES)
def test_without_this_property_a_wrong_decoder_would_pass(name: str) -> None:
    wrong = bank.NO_OTHER_CATCHES[name]
    kind = "lines" if issubclass(wrong, bank.PlainLines) else "lengths"
    assert suite.rejects(name, wrong, AGREEMENTS[kind], suite.UNSHRUNK)
    others = set(PROPERTIES) - {name}
    assert [each for each in others if suite.rejects(each, wrong, AGREEMENTS[kind], suite.QUICK)] == []


@pytest.mark.parametrize("kind", AGREEMENTS)
def test_each_property_has_a_wrong_decoder_of_each_framing(kind: str) -> None:
    assert set(WRONG[kind].values()) == set(PROPERTIES)


def test_the_bank_holds_every_wrong_decoder_of_its_file() -> None:
    classes = {each for each in vars(bank).values() if isinstance(each, type)}
    decoders = {each for each in classes if issubclass(each, bank.PlainLines | bank.PlainLengths)}
    assert decoders == {*RIGHT.values(), *bank.WRONG_LINES, *bank.WRONG_LENGTHS}


# ---------------------------------------------------------------- the instruments measure


class KeepsItsBytesElsewhere(bank.PlainLines):
    """Collects with `bytes +=`, where nothing can be counted."""

    def receive(self, data: bytes) -> None:
        self.buffer = bytearray(bytes(self.buffer) + data)


def test_the_counter_of_work_complains_when_it_sees_nothing() -> None:
    with pytest.raises(AssertionError, match="not counted"):
        suite.linear_work(replace(LINES, framing=KeepsItsBytesElsewhere))


def test_what_is_held_is_found_wherever_it_stands() -> None:
    lines = bank.LinesKept(10)
    lines.receive(b"abc\nde")
    assert suite.held(lines) == 6
    assert lines.next_frame() == b"abc"
    assert suite.held(lines) == 6  # the buffer's b"de", and b"abc\n" in the history
    real = LineFraming(10)
    real.receive(b"abc\nde")
    real.next_frame()
    assert suite.held(real) == 2


def test_frames_without_end_are_stopped() -> None:
    class Endless(bank.PlainLengths):
        def next_frame(self) -> bytes | None:
            return b""

    with pytest.raises(AssertionError, match="without end"):
        suite.pull(Endless(4))
    assert suite.play(Endless(4), [b"a"])[-1] == "AssertionError"


def test_a_cut_loses_nothing_and_may_give_empty_pieces() -> None:
    assert suite.cut(b"abc", [1, 1, 3]) == [b"a", b"", b"bc", b""]


@pytest.mark.parametrize("framing", [LineFraming(1), LengthFraming(1)])
def test_an_error_stays_whatever_is_asked_next(framing: BoundedFraming) -> None:
    framing.receive(b"xxx")
    with pytest.raises(StreamError) as first:
        framing.last_frame()
    framing.receive(b"\n" * 10)
    for ask in (framing.next_frame, framing.last_frame, framing.next_frame):
        with pytest.raises(StreamError) as again:
            ask()
        assert again.value is first.value
        assert len(again.traceback) == 2  # here, and where it is raised: it does not grow with each raise
