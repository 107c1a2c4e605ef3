"""However the bytes are cut, the keys are the same; and each key is what terminals say it is."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.screen.keys import CONTROLS, LONGEST_SEQUENCE, SEQUENCES, Key, Keys, pasted

PIECES = [
    *(f"\x1b{sequence}" for sequence in SEQUENCES),
    *CONTROLS,
    *"a~[O;1é日👩\x00\x1b\x1c\x9b\u2028",
    "\x1b[",
    "\x1b[[A",
    "\x1b[999~",
    "\x1b[200~",
    "\x1b[201~",
    "\x1bé",
]
typed = st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=12).map(
    lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass")
)
streams = typed | st.binary(max_size=20)


def decode(data: bytes) -> list[Key | str]:
    return Keys().feed(data)


@given(streams, st.lists(st.integers(0, 60)))
@example("日".encode(), [1, 2])
def test_any_cut_gives_the_same_keys(data: bytes, cuts: list[int]) -> None:
    keys = Keys()
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:stop] for start, stop in pairwise(places)]
    assert [key for piece in pieces for key in keys.feed(piece)] == decode(data)


@given(streams)
def test_what_writes_is_one_character_and_no_control(data: bytes) -> None:
    for key in decode(data):
        assert isinstance(key, Key) or (len(key) == 1 and ord(key) not in {*range(0x20), *range(0x7F, 0xA0)})


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_is_itself(text: str) -> None:
    assert decode(text.encode()) == list(text)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_sequences(sequence: str) -> None:
    assert decode(f"a\x1b{sequence}b".encode()) == ["a", SEQUENCES[sequence], "b"]


@pytest.mark.parametrize("control", CONTROLS)
def test_controls(control: str) -> None:
    assert decode(f"a{control}b".encode()) == ["a", CONTROLS[control], "b"]


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"\x1b", []),
        (b"\x1bx", []),  # Alt-x
        (b"\x1b\x1b[A", [Key.UP]),  # Esc, then an arrow
        (b"\x1b[1;2\x1b[A", [Key.UP]),
        (b"\x1b[999~a", ["a"]),
        (b"\x1b[[Aa", ["a"]),  # F1 on the console of Linux
        (b"\x1bOPa", ["a"]),  # F1 elsewhere
        (b"\x1b[\xc3\xa9a", ["a"]),
        (b"\xff\xc3(", ["\ufffd", "\ufffd", "("]),
        (b"\x00\x1c\xc2\x9b", []),
        (b"\x1b[" + b"1" * LONGEST_SEQUENCE, ["1"]),  # never ends: it is given up
    ],
)
def test_odd_bytes(data: bytes, keys: list[Key | str]) -> None:
    assert decode(data) == keys


def test_in_a_paste_nothing_acts() -> None:
    data = b"\x1b[200~one\rtwo\tthree\x04\x1b[A\x1b[200~!\x1b[201~\r"
    assert decode(data) == [*"one two three !", Key.ENTER]
    assert pasted("one\rtwo\x1b\x85é") == "one two  é"
