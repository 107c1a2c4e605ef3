"""What lesson 1 promises: every byte comes back, and the end of a stream is noticed once."""

from collections.abc import Callable

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    Dialect,
    Echo,
    HalfClose,
    Kernel,
    Pass,
    Run,
    Send,
    Step,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import cut

BYE = b"sair\n"
NOT_BYE = b"sair? nao\n"
SAYS_NOTHING = Pass(60)
MEGABYTE = bytes(range(32, 127)) * 10_527  # 1,000,065 bytes


class Streams(Echo):
    """Everybody reads what he sent. Who has ended his stream, or says sair, is hung up on."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.finished: list[str] = []

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Back to the sender; sair is not echoed."""
        if data == BYE:
            self.may_drop.add(name)
            self.finished.append(name)
        else:
            super().sends(name, data, run)

    def leaves(self, name: str, run: Run) -> None:
        """From now on the server should close, too."""
        self.finished.append(name)

    def judge(self, run: Run) -> Complaint | None:
        """And the end is read once, and answered."""
        return super().judge(run) or self.reads_on(run) or self.left_hanging(run)

    def reads_on(self, run: Run) -> Complaint | None:
        """A second recv() after the end."""
        again = (name for name in self.hears if run.connections[name].eof_reads > 1)
        text = "recv() returned b'', and the program called it again"
        return next((Complaint("again", run, name, text=text) for name in again), None)

    def left_hanging(self, run: Run) -> Complaint | None:
        """Somebody who has ended his stream, and reads no end."""
        hanging = (name for name in self.finished if run.open(name))
        text = "the connection should be closed by now, and it is open"
        return next((Complaint("hanging", run, name, text=text) for name in hanging), None)


def differs(when: Callable[[Complaint], object]) -> Callable[[Complaint], bool]:
    """Somebody has read something else than he sent, or not all of it, and `when` is true of it."""
    return lambda complaint: complaint.kind in ("heard", "blocked") and bool(when(complaint))


def only_spaces_differ(complaint: Complaint) -> bool:
    """Spaces and newlines are missing, and nothing else."""
    actual, expected = (b"".join(data.split()) for data in (complaint.actual, complaint.expected))
    return actual == expected


def said_bye(complaint: Complaint) -> bool:
    """The word that should end the visit came back."""
    return complaint.actual == complaint.expected + BYE


def is_short(complaint: Complaint) -> bool:
    """Less came back than was sent."""
    return len(complaint.actual) < len(complaint.expected)


CAUSES = (
    Cause("recv() was called for ever after b'': that is the end of the stream", of("eof")),
    Cause("recv() had returned b'', and was called again: the end of the stream comes once", of("again")),
    Cause("half of a letter came, and decode() ended the program: a stream is of bytes", raised("UnicodeDecodeError")),
    Cause("a space or a newline was lost: bytes go back as they came, without strip()", differs(only_spaces_differ)),
    Cause(
        "nothing comes back before {name}'s stream ends: answer whatever recv() returned",
        differs(lambda c: not c.actual),
    ),
    Cause("the program ended with its first caller: its loop must go back to accept()", of("end")),
    Cause("a caller who says nothing is still there: he may be silent as long as he likes", raised("TimeoutError")),
    Cause(
        "the same bytes are sent again and again: the inner loop needs a recv() for the next ones",
        lambda c: c.kind == "loop" and "send" in c.text,
    ),
    Cause(
        "a line that only has sair in it ended the visit: compare the whole of it, with == or !=",
        lambda c: c.kind == "dropped" and c.step == Send(c.name, NOT_BYE),
    ),
    Cause("the connection was closed before the stream had ended: only b'' is the end", of("dropped")),
    Cause("{name} has ended the stream and waits for the end of yours: close the socket", of("hanging")),
    Cause('sair was sent back: with Enter it is five bytes, so compare data.strip() with b"sair"', heard(said_bye)),
    Cause("send() took a part and the rest was dropped: use sendall()", differs(is_short)),
)

letters = st.sampled_from((b"oi\n", "é".encode(), b"a", b" ", b"\r\n", b"\0"))
streams = st.lists(letters, max_size=4).map(b"".join)


@st.composite
def visits(draw: st.DrawFn) -> list[Step]:
    """One after the other: each comes, sends, and leaves in one of three ways."""
    steps: list[Step] = []
    for name in ("ana", "bia", "caio")[: draw(st.integers(1, 3))]:
        ends = (HalfClose(name), Close(name), Send(name, BYE))
        extra = draw(st.sampled_from(((), (Send(name, NOT_BYE),), (SAYS_NOTHING,))))
        steps += [Connect(name), *draw(cut(name, streams, 2)), *extra, draw(st.sampled_from(ends))]
    return steps


ONE_BY_ONE = (Kernel(recv_most=1), Connect("ana"), Send("ana", MEGABYTE[:2000]), HalfClose("ana"))
A_MEGABYTE = (Kernel(recv_most=4096, send_most=1000), Connect("ana"), Send("ana", MEGABYTE), HalfClose("ana"))

CHECKS = (
    Check("every byte comes back", cut("ana", streams).map(lambda sends: [Connect("ana"), *sends]), Streams, CAUSES),
    Check("they come and go", visits(), Streams, CAUSES, examples=60),
    Check("2,000 bytes, one by one", ONE_BY_ONE, Streams, CAUSES),
    Check("1 MB in pieces of 4096", A_MEGABYTE, Streams, CAUSES),
)
