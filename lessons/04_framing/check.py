"""What lesson 4 promises: however the network cuts a stream, the same lines are heard."""

from hypothesis import strategies as st

from lessons.kit import (
    LEFT_OPEN,
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    Lines,
    Pass,
    Run,
    Send,
    Visitors,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import cut, schedules

ANA_AND_BIA = (Connect("ana"), Connect("bia"))
LINES = (b"oi\n", b"a\n", "é\n".encode(), b"tudo bem?\n", b"\n", b" a \n", b"sair? nao\n")
A_WHILE = Pass(0.2)  # in which nothing happens, and the program waits in select()
HEADER_BYTES = 4


class Frames(Lines):
    """Lines, and frames with a length in front."""

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """To everybody else, frame by frame."""
        buffer = self.partial[name]
        buffer += data
        while (frame := take(buffer)) is not None:
            self.line(name, frame, run)


def take(buffer: bytearray) -> bytes | None:
    """The next frame, taken out of the buffer."""
    if buffer[:1] == b"\0":
        start, end = HEADER_BYTES, HEADER_BYTES + int.from_bytes(buffer[:HEADER_BYTES], "big")
        rest = end
    else:
        start, end = 0, buffer.find(b"\n")
        rest = end + 1
    if not rest or len(buffer) < max(rest, start):
        return None
    frame = bytes(buffer[start:end])
    del buffer[:rest]
    return frame


def with_length(text: bytes) -> bytes:
    """A frame with its length in front."""
    return len(text).to_bytes(HEADER_BYTES, "big") + text


def extra(complaint: Complaint) -> bytes:
    """What was heard beyond what should have been; b"" if something else is wrong."""
    more = complaint.actual.startswith(complaint.expected)
    return complaint.actual[len(complaint.expected) :] if more else b""


def passed_on_at_the_end(complaint: Complaint) -> bool:
    """Somebody left, and at once others heard more than whole frames."""
    return isinstance(complaint.step, Close) and bool(extra(complaint))


def half_a_length(complaint: Complaint) -> bool:
    """Of the last length that ana sent, not all bytes have come yet."""
    sent = bytearray(b"".join(step.data for step in complaint.run.steps if isinstance(step, Send)))
    while take(sent) is not None:
        pass
    return 0 < len(sent) < HEADER_BYTES and sent.startswith(b"\0")


def no_newlines(complaint: Complaint) -> bool:
    """Nothing is missing but the newlines."""
    return complaint.actual == complaint.expected.replace(b"\n", b"")


def no_spaces(complaint: Complaint) -> bool:
    """Nothing is missing but spaces."""
    return complaint.actual.replace(b" ", b"") == complaint.expected.replace(b" ", b"")


def at_an_empty_line(complaint: Complaint) -> bool:
    """What is missing begins with an empty line."""
    heard_so_far, missing = complaint.actual, complaint.expected[len(complaint.actual) :]
    return complaint.expected.startswith(heard_so_far) and heard_so_far[-1:] in (b"\n", b"") and missing[:1] == b"\n"


def not_one_line(complaint: Complaint) -> bool:
    """One line was said, and nothing was heard."""
    return not complaint.actual and complaint.expected.count(b"\n") == 1


halves = st.sampled_from((b"o", b"oi\nt", b"oi\n", b""))
streams = st.lists(st.sampled_from(LINES), max_size=4).map(b"".join)
counted = st.lists(st.sampled_from(LINES).map(lambda line: with_length(line[:-1])), max_size=3).map(b"".join)
NOT_BYE = 'sair ended no visit: a frame is bytes, so compare frame.strip() with b"sair"'

AGAIN_AND_AGAIN = Cause(
    "the frame was not taken out of the buffer: so the same one is found again and again",
    lambda c: c.kind == "loop" and "send" in c.text,
)

CHECKS = (
    Check(
        "any cut, the same lines",
        cut("ana", streams).map(lambda sends: [*ANA_AND_BIA, *sends, A_WHILE]),
        Lines,
        (
            AGAIN_AND_AGAIN,
            Cause("a line that only has sair in it ended the visit: compare the whole of it, with ==", of("dropped")),
            Cause("the two bytes of one é came in two pieces: decode frames, not pieces", raised("UnicodeDecodeError")),
            Cause(
                "what one recv() returned was taken for one message: framing is your part",
                heard(lambda c: extra(c).endswith(b"\n")),
            ),
            Cause("half a line was passed on: a frame is complete when its delimiter is there", heard(extra)),
            Cause(
                "an empty line was taken for no line: next_frame() says None when it has none, so ask `is not None`",
                heard(at_an_empty_line),
            ),
            Cause(
                "the newline is gone: the decoder takes it off, so what goes out needs a new one", heard(no_newlines)
            ),
            Cause("a whole line came, and nobody heard it: its newline is the end of a frame", heard(not_one_line)),
            Cause(
                "a second line in the same bytes had to wait: take frames until there is none",
                heard(lambda c: c.actual[-1:] in (b"\n", b"") and c.expected.startswith(c.actual)),
            ),
            Cause("a space was lost: it belongs to the payload, so strip() only what you compare", heard(no_spaces)),
            Cause(
                "what stood behind the last newline was thrown away: it is the beginning of the next frame",
                heard(lambda c: c.actual and c.expected.endswith(c.actual)),
            ),
        ),
    ),
    Check(
        "half a line of each",
        schedules(texts=(b"o", b"i\n", b"a\n"), steps=("send",), start=(*ANA_AND_BIA, Connect("caio")), most=8),
        Lines,
        (
            AGAIN_AND_AGAIN,
            Cause("bytes of two people were put together: each connection needs a buffer of its own", heard()),
        ),
    ),
    Check(
        "half a line, and gone",
        st.tuples(cut("ana", halves, 1), cut("caio", streams, 1)).map(
            lambda two: [*ANA_AND_BIA, *two[0], Close("ana"), Connect("caio"), *two[1]]
        ),
        Lines,
        (
            AGAIN_AND_AGAIN,
            Cause(
                "what stood in the buffer at the end was passed on: without its delimiter it is no frame",
                heard(passed_on_at_the_end),
            ),
            Cause(
                "a buffer outlived its connection: the next one with that number found it", heard(lambda c: c.actual)
            ),
        ),
    ),
    Check(
        "sair ends a visit",
        [*ANA_AND_BIA, Send("ana", b"oi\nsair\n")],
        Visitors,
        (LEFT_OPEN, Cause(NOT_BYE, of("there")), Cause(NOT_BYE, heard(lambda c: b"sair" in c.actual))),
    ),
    Check(
        "a length in front",
        cut("ana", counted).map(lambda sends: [*ANA_AND_BIA, *sends]),
        Frames,
        (
            AGAIN_AND_AGAIN,
            Cause("a length was believed before all four bytes of it had come", heard(half_a_length)),
            Cause(
                "a frame with a length in front was not understood: four bytes, big-endian, then as many as they say",
                heard(),
            ),
        ),
    ),
)
