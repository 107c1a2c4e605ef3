"""What lesson 5 promises: whatever bytes come, others read printable text, and no frame grows without an end."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from lessons.kit import (
    CLOSED_AND_USED,
    LEFT_OPEN,
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Pass,
    Run,
    Send,
    Step,
    Visitors,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import cut

ANA_AND_BIA = (Connect("ana"), Connect("bia"))
HEADER_BYTES = 4
FRAME_LIMIT = 16 * 1024
MARK = "\ufffd"
A_WHILE = Pass(0.2)  # in which nothing happens, and the program waits in select()


class TooLong(Exception):
    """A frame is longer than one may be."""


class Texts(Visitors):
    """Frames become printable text; who sends too long a one is told so, and hung up on."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.refused: set[str] = set()
        self.had_read: dict[str, int] = {}

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """To everybody else, frame by frame, up to one that is too long."""
        buffer = self.partial[name]
        buffer += data
        self.had_read[name] = len(run.raw(name))
        try:
            while name not in self.refused and (frame := take(buffer)) is not None:
                self.line(name, to_text(frame).encode(), run)
        except TooLong:
            self.refused.add(name)
            self.may_drop.add(name)

    def misheard(self, run: Run) -> Complaint | None:
        """Before that: nothing grows without an end."""
        return self.unbounded(run) or super().misheard(run)

    def unbounded(self, run: Run) -> Complaint | None:
        """Somebody whose frame is too long, and who may go on."""
        text = f"a frame is longer than {FRAME_LIMIT:,} bytes, and the connection is still open"
        return next((Complaint("unbounded", run, name, text=text) for name in self.refused if run.open(name)), None)


class Told(Texts):
    """And before that he reads why, in a line of its own."""

    def misheard(self, run: Run) -> Complaint | None:
        """Whoever is refused has read nothing since."""
        return super().misheard(run) or self.untold(run)

    def untold(self, run: Run) -> Complaint | None:
        """Somebody whose connection ended without a word."""
        text = "the connection was closed, and nothing was said"
        silent = (name for name in self.refused if not run.raw(name)[self.had_read[name] :].strip())
        return next((Complaint("untold", run, name, text=text) for name in silent), None)


def take(buffer: bytearray) -> bytes | None:
    """The next frame, taken out of the buffer. TooLong as soon as that is known."""
    if buffer[:1] == b"\0":
        start, length = HEADER_BYTES, int.from_bytes(buffer[:HEADER_BYTES], "big")
        rest = start + length
    else:
        start, length = 0, buffer.find(b"\n") if b"\n" in buffer else len(buffer)
        rest = length + 1
    if length > FRAME_LIMIT:
        raise TooLong
    if len(buffer) < max(rest, start, 1):
        return None
    frame = bytes(buffer[start : start + length])
    del buffer[:rest]
    return frame


def to_text(frame: bytes) -> str:
    """What others may read of a frame."""
    text = frame.decode("utf-8", "replace").removesuffix("\r")
    return "".join(char if char == "\t" or char.isprintable() else MARK for char in text)


def with_length(text: bytes) -> bytes:
    """A frame with its length in front."""
    return len(text).to_bytes(HEADER_BYTES, "big") + text


def steers(complaint: Complaint) -> bool:
    """Did somebody read a control character, or one that is no better?"""
    text = complaint.actual.decode("utf-8", "replace")
    return any(not char.isprintable() and char not in "\t\n" for char in text)


def more_lines(complaint: Complaint) -> bool:
    """Did somebody read more lines than were said?"""
    return complaint.actual.count(b"\n") > complaint.expected.count(b"\n")


def other(complaint: Complaint) -> bool:
    """Did somebody read something else, and not only less?"""
    return not complaint.expected.startswith(complaint.actual)


def broken(complaint: Complaint) -> bool:
    """Did somebody read what is no UTF-8?"""
    return complaint.actual.decode("utf-8", "ignore").encode() != complaint.actual


def as_python_shows_it(complaint: Complaint) -> bool:
    """Did somebody read b'…', which is what str() makes of bytes?"""
    return complaint.actual[:2] in (b"b'", b'b"')


def empty_lines(complaint: Complaint) -> bool:
    """Is a newline added to each line that has one already?"""
    return b"\n\n" in complaint.actual and b"\n\n" not in complaint.expected


def edges(complaint: Complaint) -> bool:
    """Is nothing lost but spaces and tabs at the edges of lines?"""
    return complaint.actual == b"\n".join(line.strip() for line in complaint.expected.split(b"\n"))


def marks(data: bytes) -> int:
    """How many U+FFFD there are."""
    return data.decode("utf-8", "replace").count(MARK)


def sent(complaint: Complaint) -> bytes:
    """All that was sent so far."""
    return b"".join(step.data for step in complaint.run.steps if isinstance(step, Send))


def unbounded(when: Callable[[bytes], object] = lambda sent: True) -> Callable[[Complaint], bool]:
    """Somebody sent too much, and may go on; `when` is true of what was sent."""
    return lambda complaint: complaint.kind == "unbounded" and bool(when(sent(complaint)))


def lines(parts: Sequence[str | bytes]) -> st.SearchStrategy[bytes]:
    """Lines put together of these parts."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    one = st.lists(st.sampled_from(encoded), max_size=3).map(lambda some: b"a" + b"".join(some) + b"\n")
    return st.lists(one, min_size=1, max_size=3).map(b"".join)


def ana_sends(streams: st.SearchStrategy[bytes], most: int = 4) -> st.SearchStrategy[list[Step]]:
    """She sends such a stream, cut anywhere, and bia is there to read it."""
    return cut("ana", streams, most).map(lambda sends: [*ANA_AND_BIA, *sends])


FULL = b"x" * FRAME_LIMIT
LONG = (
    b"oi\n" + FULL + b"\n",
    b"oi\n" + FULL + b"x",
    b"oi\n" + FULL + b"x\n",
    FULL + b"\n" + FULL + b"\noi\n",
    with_length(b"oi") + with_length(FULL),
    with_length(FULL + b"x")[:8],
    with_length(FULL + b"x")[:4],
)
FRAMES = tuple(map(with_length, (b"oi", b"oi\nbia: sim", b"\0", b"a\x1b[2J")))
STEERED = Cause("a control character reached {name}'s terminal, and a terminal obeys", heard(steers))
PIECES = "an é came in two pieces: decode the frame, never the piece"
MISTAKES = ("NameError", "UnboundLocalError", "AttributeError", "TypeError")  # of the program, not of a stream
NOT_BYE = "sair ended no visit: a frame is bytes, and to_text() makes a str of it; b'sair' equals no str"

CHECKS = (
    Check(
        "text is text, however it is cut",
        ana_sends(lines(("é", "João", "ção", "¿\t", "😀"))).map(lambda steps: [*steps, A_WHILE]),
        Texts,
        (
            Cause(PIECES, raised("UnicodeDecodeError")),
            Cause(PIECES, heard(lambda c: marks(c.actual) > 1)),
            Cause(
                "others read b'…': the frame was not decoded, and Python showed its bytes", heard(as_python_shows_it)
            ),
            Cause("an empty line follows each line: the newline is added twice", heard(empty_lines)),
            Cause(
                "the newline is gone: the decoder takes it off, so what goes out needs a new one",
                heard(lambda c: c.actual == c.expected.replace(b"\n", b"")),
            ),
            Cause(
                "a tab or a space at the edge of a line was lost: it is text, so no strip() but for sair", heard(edges)
            ),
            Cause("a letter of a text was lost: replace what a terminal obeys, and nothing else", heard()),
        ),
    ),
    Check(
        "sair is a word",
        [*ANA_AND_BIA, Send("ana", b"sair? nao\n"), Send("ana", b"oi\nsair\n")],
        Texts,
        (
            LEFT_OPEN,
            Cause(NOT_BYE, of("there")),
            Cause("a line that only has sair in it ended the visit: compare the whole of it, with ==", of("dropped")),
            Cause(NOT_BYE, heard(lambda c: b"sair\n" in c.actual)),
        ),
    ),
    Check(
        "no bytes steer a terminal",
        ana_sends(
            lines((b"\xc3", b"\xff", "\x1b[2J", "\x07", "\x7f", "\x9b2J", "\u2028b", "\x0bb", "\u202e", "\rb", "é"))
        ),
        Texts,
        (
            Cause(
                "bytes that are no UTF-8 ended the server: decode with an error handler", raised("UnicodeDecodeError")
            ),
            Cause(
                "what was decoded cannot be encoded again: it holds what is no character", raised("UnicodeEncodeError")
            ),
            Cause(
                "one line was heard as two: only \\n ends a line, but splitlines() knows ten ends", heard(more_lines)
            ),
            STEERED,
            Cause("bytes that are no UTF-8 were passed on: decode them, with an error handler", heard(broken)),
            Cause("others read one U+FFFD in the place of each character that is not printable", heard(other)),
        ),
    ),
    Check(
        "some terminals end a line with \\r\\n",
        [*ANA_AND_BIA, Send("ana", b"oi\r\n")],
        Texts,
        (Cause("the \\r of a \\r\\n belongs to the end of the line, and is no character of the text", heard()),),
    ),
    Check(
        "a frame is bounded",
        ana_sends(st.sampled_from(LONG), 2),
        Texts,
        (
            CLOSED_AND_USED,
            Cause(
                "the error of one stream ended the whole server: catch it where that peer is served",
                lambda c: c.kind == "crash" and c.error not in MISTAKES,
            ),
            Cause(
                "{name} was told that a frame is too long, and may go on: close that connection",
                lambda c: c.kind == "unbounded" and c.run.heard(c.name),
            ),
            Cause(
                "an announced length was believed: judge it before the bytes come",
                unbounded(lambda sent: sent[:1] == b"\0"),
            ),
            Cause(
                "a line without its newline grows without bound: judge it while it grows",
                unbounded(lambda sent: not sent.endswith(b"\n")),
            ),
            Cause("a frame was longer than the bound, and it was taken", unbounded()),
            Cause(
                "a frame within the bound was refused: the limit is for one frame, not for the buffer", of("dropped")
            ),
        ),
        examples=40,
    ),
    Check(
        "who is refused is told why",
        [*ANA_AND_BIA, Send("ana", with_length(FULL + b"x")[:HEADER_BYTES])],
        Told,
        (Cause("{name} was refused, and does not know why: say it, and then close", of("untold")),),
    ),
    Check(
        "nor through a frame with a length",
        ana_sends(st.lists(st.sampled_from(FRAMES), max_size=3).map(b"".join)),
        Texts,
        (
            Cause("a newline inside a frame made a second line of it: it is a control character", heard(more_lines)),
            STEERED,
        ),
        examples=40,
    ),
)
