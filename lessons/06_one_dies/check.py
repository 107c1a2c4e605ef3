"""What lesson 6 promises: whoever dies, and however, the others go on and miss nothing."""

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    HalfClose,
    Kernel,
    Pass,
    Reset,
    Run,
    Send,
    Stall,
    Step,
    Together,
    Visitors,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import cut, schedules

A_WHILE = Pass(1)  # in which nothing happens, and the program waits in select()
FAREWELLS = 2  # sends that may fail: a later program says a last word to whom it gives up
LISTENERS = ("bia", "caio", "davi", "eva")


class Mortals(Visitors):
    """Lines, up to `sair`. While the program waits for one who does not read, the others may wait, too."""

    def leaves(self, name: str, run: Run) -> None:
        """So the server should close, too."""
        self.gone.add(name)

    def misheard(self, run: Run) -> Complaint | None:
        """A slow reader may still stop everybody here."""
        call, _ = run.waiting or ("", "")
        return (None if "send" in call else super().misheard(run)) or self.sent_again(run)

    def sent_again(self, run: Run) -> Complaint | None:
        """Somebody to whom send() has failed, and was called again and again."""
        names = (name for name in self.hears if run.connections[name].failed_sends > FAREWELLS)
        text = "send() on this connection failed, and was called on it again"
        return next((Complaint("again", run, name, text=text) for name in names), None)


def while_it_waits(leaving: Sequence[Step], end: type[Reset] | type[Close], slow: str) -> list[Step]:
    """The server waits in send() to `slow`; meanwhile others leave, and then `slow` does."""
    connected = [Connect(name) for name in ("ana", *LISTENERS)]
    said = [Send("ana", b"tudo bem com voce?\n"), *leaving, Send("ana", b"a\n")]
    return [Kernel(buffer=8), *connected, Stall(slow), *said, end(slow), Send("ana", b"ate\n")]


def later_ones_heard(complaint: Complaint) -> bool:
    """Has somebody who came after `name` heard more?"""
    names = list(complaint.run.guests)
    run = complaint.run
    after = names[names.index(complaint.name) + 1 :]
    return any(len(run.heard(name)) > len(complaint.actual) for name in after)


def crashed_in(call: str) -> Callable[[Complaint], bool]:
    """An OSError came out of a line of the program with this call."""
    return lambda c: c.run.crash is not None and c.kind == "crash" and f".{call}" in c.run.crash.lines[-1][1]


LEAVING = st.lists(
    st.builds(lambda kind, name: kind(name), st.sampled_from((Reset, Close, HalfClose)), st.sampled_from(LISTENERS)),
    max_size=3,
)
LAST_WORDS = (b"sair\nsair\n", b"oi\nsair\n", b"oi\nsair\ntudo bem?\n", b"sair\noi\nsair\n")
GONE = Cause("{name} has left, and the connection stays open: close() closes the socket, too", of("there"))
AGAIN = Cause(
    "send() to {name} failed, and was called again: who cannot be sent to has gone, so close that connection",
    of("again"),
)
PARENT = Cause(
    "one connection's error ended the whole server: catch OSError, the parent of all of them", raised("OSError")
)
TWICE = Cause("close() was called twice: the second call must do nothing", raised("ValueError", "KeyError"))

CHECKS = (
    Check(
        "resets, ends, and who stays",
        schedules(
            names=LISTENERS, texts=(b"oi\n", b"a"), steps=("connect", "send", "reset", "close", "half-close")
        ).map(lambda steps: [*steps, A_WHILE]),
        Mortals,
        (
            Cause(
                "the selector still holds a connection that is closed: unregister it in close()",
                raised("KeyError", "ValueError"),
            ),
            AGAIN,
            PARENT,
            GONE,
        ),
    ),
    Check(
        "sair, and what comes behind it",
        cut("ana", st.sampled_from(LAST_WORDS), 2).map(lambda sends: [Connect("ana"), Connect("bia"), *sends]),
        Mortals,
        (
            TWICE,
            PARENT,
            GONE,
            Cause(
                "a line behind sair was heard: ask before each frame whether the connection is still open",
                heard(lambda c: c.actual.startswith(c.expected)),
            ),
        ),
        examples=40,
    ),
    Check(
        "whoever is gone when it is his turn to hear",
        st.builds(while_it_waits, LEAVING, st.sampled_from((Reset, Close)), st.sampled_from(LISTENERS)),
        Mortals,
        (
            AGAIN,
            TWICE,
            PARENT,
            Cause(
                "send() to one who has gone ended the whole server: its error belongs to that one", crashed_in("send")
            ),
            Cause("{name} only spoke, and was closed: the error belongs to the one who did not get it", of("dropped")),
            Cause(
                "{name} was skipped: a failing send took one out of the list that the loop walks through",
                heard(later_ones_heard),
            ),
            Cause("one failed, and those behind it heard nothing: catch the error at each send()", heard()),
        ),
    ),
    Check(
        "one error is enough",
        [Connect("ana"), Connect("bia"), Together(Reset("bia"), Send("ana", b"oi\ntudo bem?\nbia?\nbia??\n"))],
        Mortals,
        (AGAIN,),
    ),
)
