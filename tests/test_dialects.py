"""The first bytes choose: the whole table of docs/reference/protocol.md, however the network cuts them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore import dialects, protocol
from chatcore.dialects import BYTE_ORDER_MARK, Dialect, choose
from chatcore.framing import LengthFraming, LineFraming
from chatcore.protocol import Event

# docs/reference/protocol.md, the first table.
ROWS: dict[bytes, Dialect] = {
    b"{": dialects.JSON_LINES,
    b"\x00": dialects.JSON_LENGTH,
    b"GET ": dialects.HTTP,
    b"\x16\x03": dialects.TLS,
    b"NICK ": dialects.IRC,
    b"USER ": dialects.IRC,
    b"CAP ": dialects.IRC,
    b"PASS ": dialects.IRC,
    b"HEAD ": dialects.HTTP,
    b"POST ": dialects.HTTP,
    b"PUT ": dialects.HTTP,
    b"DELETE ": dialects.HTTP,
    b"CONNECT ": dialects.HTTP,
    b"OPTIONS ": dialects.HTTP,
    b"TRACE ": dialects.HTTP,
    b"PATCH ": dialects.HTTP,
    b"SSH-": dialects.SSH,
}
REFUSED = [dialects.HTTP, dialects.TLS, dialects.IRC, dialects.SSH]
PROGRAMS = [dialects.JSON_LINES, dialects.JSON_LENGTH, *REFUSED]
each_row = pytest.mark.parametrize(("row", "dialect"), ROWS.items(), ids=[row.decode() for row in ROWS])

# What the rows are made of, so that near misses are common.
pieces = st.sampled_from(
    [BYTE_ORDER_MARK, b"\xef", b"\xbb", b"\xbf", b"\n", b"\r", b" ", b"ana", b"get ", b"G", b"P", b"\x16"]
    + [row[:end] for row in ROWS for end in range(1, len(row) + 1)]
)
openings = st.lists(pieces, max_size=5).map(b"".join) | st.binary(max_size=12)


def name_of(opening: bytes, ended: bool = False) -> str:
    """The name of the chosen dialect, "undecided" when there is none yet."""
    choice = choose(opening, ended)
    return choice[0].name if choice else "undecided"


# ---------------------------------------------------------------- the table


@each_row
@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK])
@pytest.mark.parametrize("rest", [b"", b"x", b"\n", b"/ HTTP/1.1\r\n", b"\xff" * 100])
def test_each_row(row: bytes, dialect: Dialect, mark: bytes, rest: bytes) -> None:
    """A byte order mark in front is skipped; everything behind it is still to be read."""
    for ended in (False, True):
        assert choose(mark + row + rest, ended) == (dialect, row + rest)


@each_row
@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK])
def test_a_proper_prefix_decides_nothing_and_the_end_decides_for_text(
    row: bytes, dialect: Dialect, mark: bytes
) -> None:
    for end in range(len(row)):
        assert choose(mark + row[:end], ended=False) is None
        assert choose(mark + row[:end], ended=True) == (dialects.TEXT, row[:end])


@each_row
def test_a_line_end_in_the_middle_decides_for_text(row: bytes, dialect: Dialect) -> None:
    for end in range(1, len(row)):
        for line_end in (b"\n", b"\r\n"):
            line = row[:end] + line_end
            assert choose(line, ended=False) == (dialects.TEXT, line)


@pytest.mark.parametrize("name", [b"ana", b"GET", b"NICK", b"POST", b"SSH", b"GETULIO", b"Pat", b"CAPITU", b"\n"])
def test_names(name: bytes) -> None:
    assert choose(name + b"\noi\n", ended=False) == (dialects.TEXT, name + b"\noi\n")
    assert choose(name, ended=True) == (dialects.TEXT, name)


@pytest.mark.parametrize(
    "opening", [b"get / HTTP", b"Get /", b"nick ana", b"Cap LS", b"ssh-2.0", b" GET /", b' {"type"', b"[", b"\x16\x04"]
)
def test_what_only_looks_like_a_row_is_text(opening: bytes) -> None:
    """Verbs count in upper case only, and only as the very first bytes."""
    assert choose(opening, ended=False) == (dialects.TEXT, opening)


def test_nothing_at_all() -> None:
    assert choose(b"", ended=False) is None
    assert choose(b"", ended=True) == (dialects.TEXT, b"")


def test_a_byte_order_mark_is_waited_for() -> None:
    for end in range(len(BYTE_ORDER_MARK) + 1):
        assert choose(BYTE_ORDER_MARK[:end], ended=False) is None
    assert choose(BYTE_ORDER_MARK, ended=True) == (dialects.TEXT, b"")
    assert choose(BYTE_ORDER_MARK + b"ana", ended=False) == (dialects.TEXT, b"ana")


def test_half_a_byte_order_mark_is_none() -> None:
    assert choose(b"\xef\xbb\n", ended=False) == (dialects.TEXT, b"\xef\xbb\n")
    assert choose(b"\xef\xbb", ended=True) == (dialects.TEXT, b"\xef\xbb")


def test_one_byte_order_mark_is_skipped_and_not_two() -> None:
    twice = BYTE_ORDER_MARK + BYTE_ORDER_MARK + b"{"
    assert choose(twice, ended=False) == (dialects.TEXT, twice[3:])


@given(openings)
def test_the_choice_is_that_of_the_longest_wait(opening: bytes) -> None:
    """The table in one sentence: the row it begins with; else wait while it may become one; else text."""
    rest = opening.removeprefix(BYTE_ORDER_MARK)
    begun = [dialect.name for row, dialect in ROWS.items() if rest.startswith(row)]
    may_become = [row for row in [BYTE_ORDER_MARK, *ROWS] if row.startswith(rest)]
    if opening.startswith(BYTE_ORDER_MARK) and rest:
        may_become = [row for row in ROWS if row.startswith(rest)]
    assert name_of(opening, ended=True) == (begun or ["text"])[0]
    assert name_of(opening, ended=False) == (begun or (["undecided"] if may_become else ["text"]))[0]


@given(openings)
@example(b"\xef\xbb\xbfNICK ana\r\n")
@example(b"GET")
def test_byte_by_byte_is_the_same_as_all_at_once(opening: bytes) -> None:
    """A decision never needs another byte to be right, and later bytes never change it."""
    decided = None
    for end in range(len(opening) + 1):
        choice = choose(opening[:end], ended=False)
        if decided is None and choice is not None:
            decided = choice[0]
        assert decided is (choice[0] if choice else None)
    at_once = choose(opening, ended=True)
    assert at_once is not None
    assert decided in (None, at_once[0])


@given(openings, st.booleans())
def test_no_byte_but_the_mark_is_lost(opening: bytes, ended: bool) -> None:
    choice = choose(opening, ended)
    if choice is not None:
        assert choice[1] == opening.removeprefix(BYTE_ORDER_MARK)


# ---------------------------------------------------------------- what a dialect is


def test_people_speak_text_and_everybody_else_is_a_program() -> None:
    assert not dialects.TEXT.is_program
    assert all(dialect.is_program for dialect in PROGRAMS)


@pytest.mark.parametrize("dialect", REFUSED, ids=lambda dialect: dialect.name)
def test_what_is_not_spoken_is_refused_with_one_readable_line(dialect: Dialect) -> None:
    """HTTP needs its head to be readable in a browser; the line is what stands behind it."""
    refusal = dialect.refusal.decode()
    head, gap, line = refusal.rpartition("\r\n\r\n")
    assert bool(gap) is (dialect is dialects.HTTP)
    assert not head or head.startswith("HTTP/1.0 501 ")
    line = line.removesuffix("\n").removesuffix("\r")
    assert line.isprintable()
    assert "python3 -m chatcore connect" in line
    assert refusal.endswith("\n")


def test_what_is_spoken_is_not_refused() -> None:
    for dialect in (dialects.TEXT, dialects.JSON_LINES, dialects.JSON_LENGTH):
        assert dialect.refusal == b""


@pytest.mark.parametrize(
    ("dialect", "framing"),
    [(dialects.TEXT, LineFraming), (dialects.JSON_LINES, LineFraming), (dialects.JSON_LENGTH, LengthFraming)],
    ids=["text", "json-lines", "json-length"],
)
def test_an_event_is_one_frame_that_ends_where_the_dialect_says(
    dialect: Dialect, framing: type[LineFraming] | type[LengthFraming]
) -> None:
    event = protocol.Entered("lobby", "João")
    data = dialect.encode(event, "ana")
    frames = framing(100)
    frames.receive(data)
    assert (
        frames.next_frame()
        == {
            "text": "* João entered".encode(),
            "json-lines": '{"type":"entered","room":"lobby","name":"João"}'.encode(),
            "json-length": '{"type":"entered","room":"lobby","name":"João"}'.encode(),
        }[dialect.name]
    )
    assert frames.next_frame() is None
    assert not frames.is_inside_frame
    assert dialect.end_of_frame(data + data, 1) == len(data)


@pytest.mark.parametrize("dialect", [dialects.JSON_LINES, dialects.JSON_LENGTH], ids=lambda dialect: dialect.name)
def test_programs_get_no_help(dialect: Dialect) -> None:
    """A line for people has no place among objects: not even an empty frame is sent."""
    assert dialect.encode(protocol.Help(), "") == b""


@pytest.mark.parametrize("event", [protocol.Ping(), protocol.Bye("quit"), protocol.Error("muted", "hush")])
def test_both_kinds_of_json_say_the_same_objects(event: Event) -> None:
    line = dialects.JSON_LINES.encode(event, "")
    assert line.endswith(b"\n")
    assert dialects.JSON_LENGTH.encode(event, "") == (len(line) - 1).to_bytes(4, "big") + line[:-1]


def test_each_dialect_understands_its_own_frames() -> None:
    assert dialects.TEXT.decode(b"/who", True) == protocol.AskWho()
    assert dialects.JSON_LINES.decode(b'{"type":"bye"}', True) == protocol.Quit()
    assert dialects.JSON_LENGTH.decode(b'{"type":"bye"}', True) == protocol.Quit()
