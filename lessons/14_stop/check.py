"""What lesson 14 promises: at a signal all hear what was said and a last word, and the server ends with status 0."""

import re
import signal
from collections import Counter
from collections.abc import Callable

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Lines,
    Pass,
    Press,
    Restart,
    Resume,
    Run,
    Send,
    Stall,
    Step,
    Together,
    of,
    raised,
)
from lessons.kit.schedules import schedules

LAST_WORDS = b"* the server stops\n"
NEWS = re.compile(rb"^\* (\w+) left$", re.MULTILINE)
LONGEST = 6.0  # seconds: five for whoever does not go, and a little


class Stops(Lines):
    """Whole lines to all others until a signal comes; then the last words, the end, and exit status 0."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.signals = 0
        self.asked_at = 0.0
        self.turns = 0
        self.have_left: Counter[bytes] = Counter()
        self.held: set[str] = set()

    def step(self, step: Step, run: Run) -> None:
        """A signal: from now on everybody is sent away. A new start: nobody is there."""
        if isinstance(step, Restart):
            self.signals, self.may_end = 0, False
            self.hears.clear()
        if isinstance(step, Press):
            if not self.signals:
                self.asked_at, self.turns, self.may_end = run.now, run.turns, True
                self.may_drop.update(self.hears)
            self.signals += 1
            self.held = held(run)
        super().step(step, run)

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """After the signal nobody says anything."""
        if not self.signals:
            super().sends(name, data, run)

    def leaves(self, name: str, run: Run) -> None:
        """Who goes before the signal has left: the others may be told."""
        if not self.signals:
            self.have_left[name.encode()] += 1

    def judge(self, run: Run) -> Complaint | None:
        """Before the signal a room as ever; after it a server that stops."""
        if not self.signals:
            return super().judge(run)
        trouble = self.program_trouble(run) or self.not_asked(run) or self.blocked(run)
        return trouble or self.not_told(run) or self.not_over(run)

    def not_asked(self, run: Run) -> Complaint | None:
        """It was ended, or heard nothing of the signal, or goes on listening."""
        if not run.alive and run.exit_status is None:
            return Complaint("killed", run, text="the signal ended the program where it stood")
        if run.alive and run.turns == self.turns and run.waiting:
            is_ignored = signal.SIG_IGN in run.computer.handlers.values()
            kind = "ignored" if is_ignored else "unread" if run.computer.wakeup_fd >= 0 else "deaf"
            return Complaint(kind, run, text=f"the signal came, and {run.waiting[0]}() still waits")
        if run.alive and run.address is not None:
            return Complaint("door", run, text="nobody should get in after the signal, and the program still listens")
        return None

    def not_told(self, run: Run) -> Complaint | None:
        """Somebody who reads, and has not read everything up to the end."""
        return next(filter(None, (self.missing(name, run) for name in self.hears)), None)

    def missing(self, name: str, run: Run) -> Complaint | None:
        """What `name` has not read."""
        guest = run.guests[name]
        if guest.leaving or guest.mute or run.stalled(name) or self.signals > 1:
            return None
        expected = bytes(self.hears[name])
        raw = run.raw(name)
        last = raw[raw[:-1].rfind(b"\n") + 1 :]
        if last == LAST_WORDS.rstrip():
            return Complaint("no line", run, name, LAST_WORDS, last)
        if run.heard(name) != expected:
            piece = not last.endswith(b"\n")  # of a line that is not whole nobody knows whether it counts
            return Complaint(
                self.how("lost", run), run, name, *((LAST_WORDS, last) if piece else (expected, run.heard(name)))
            )
        if last != LAST_WORDS:
            return Complaint(self.how("untold", run), run, name, LAST_WORDS, last)
        if more := Counter(NEWS.findall(raw)) - self.have_left:
            text = f"{name} reads `* {next(iter(more)).decode()} left` before the last words"
            return Complaint("one by one", run, name, text=text)
        return None if run.eof(name) else Complaint("open", run, name, text=f"{name} should have read the end by now")

    def how(self, kind: str, run: Run) -> str:
        """`kind`, unless the program was over before it had another turn."""
        if run.alive or run.turns > self.turns:
            return kind
        return "handler" if set(run.computer.handlers.values()) - {signal.default_int_handler} else "exception"

    def not_over(self, run: Run) -> Complaint | None:
        """It runs although all have gone or the time is up; or its status is not 0."""
        gone = all(guest.peer.closed or guest.peer.error for guest in run.guests.values())
        seconds = run.now - self.asked_at
        reasons = {
            "all have gone": gone,
            "two signals came": self.signals > 1,
            f"{seconds:.0f} s have passed": seconds >= LONGEST,
        }
        if run.alive and self.signals > 1 and held(run) and held(run) < self.held:
            return Complaint("some", run, text="two signals came; some connections are closed, and others are open")
        if run.alive and any(reasons.values()):
            why = next(why for why, holds in reasons.items() if holds)
            return Complaint("runs", run, text=f"{why}, and the program still runs")
        if not run.alive and run.exit_status:
            return Complaint("status", run, text=f"the exit status should be 0, and it is {run.exit_status}")
        return None


def held(run: Run) -> set[str]:
    """Whose sockets the program has not closed."""
    return run.guests.keys() & set(run.computer.who_has.values())


def runs_on(why: str) -> Callable[[Complaint], bool]:
    """It still runs, and that is why it should not."""
    return lambda complaint: complaint.kind == "runs" and why in complaint.text


def not_called_so(complaint: Complaint) -> bool:
    """A handler that does not take what it is given."""
    return raised("TypeError")(complaint) and "positional argument" in complaint.text


CAUSES = (
    Cause("a signal handler is called with two arguments, the number and where the program was", not_called_so),
    Cause(
        "KeyboardInterrupt ended the program: put a handler in its place that does nothing", raised("KeyboardInterrupt")
    ),
    Cause("the byte in the wakeup socket was not read: select() returns for it again and again", of("spin")),
    Cause("the signal ended the program where it stood: SIGTERM needs a handler, as SIGINT does", of("killed")),
    Cause(
        "the byte came out at an end that nobody watches: register the end that is read; the other is for Python",
        of("unread"),
    ),
    Cause("SIG_IGN: the system drops the signal, and no byte is written; signal() needs a function", of("ignored")),
    Cause("a flag wakes nobody: the signal must make something readable, or select() goes on waiting", of("deaf")),
    Cause("after the signal callers still get in: close the listener first", of("door")),
    Cause("Ctrl-C ended the loop as an exception: drain what is queued, then exit", of("exception")),
    Cause("the signal handler ended the program: let it only wake select(), and drain first", of("handler")),
    Cause("the last words are a line, and its newline is missing", of("no line")),
    Cause("{name}'s connection was closed with lines still queued: drain first", of("lost")),
    Cause("{text}: all leave together, so forget the names before anybody is let go", of("one by one")),
    Cause("{name} reads the end, and not why: the last words are missing", of("untold")),
    Cause("{name} was told that the server stops, and the connection stays open", of("open")),
    Cause("one peer that does not go keeps the server for ever: draining needs a deadline", runs_on("have passed")),
    Cause("{text}: close() takes from the list, so walk through a copy of it", of("some")),
    Cause("a second signal means at once: close what is left", runs_on("two signals")),
    Cause("everybody has gone, and the loop still waits: end it when no connection is left", of("runs")),
    Cause("{text}: who stops because it was told to has succeeded", of("status")),
)

SIGNALS = st.sampled_from(("SIGINT", "SIGTERM"))
TWO = (Connect("ana"), Connect("bia"))
QUEUED = (Kernel(buffer=2), *TWO, Stall("ana"), Send("bia", b"oi\n"), Send("bia", b"tudo bem?\n"))
DEAF = (*TWO, Stall("ana"), Stall("bia"))  # they do not read the end, and so they can close before they have read it
GONE = (Close("ana"), Close("bia"))


def at_signals(before: tuple[Step, ...], after: tuple[Step, ...] = ()) -> st.SearchStrategy[list[Step]]:
    """Either signal between the two."""
    return SIGNALS.map(lambda name: [*before, Press(name), *after])


CHECKS = (
    Check("nobody is there", at_signals(()), Stops, CAUSES, examples=2),
    Check(
        "last words, then the end",
        at_signals((*TWO, Send("ana", b"oi\n")), (Pass(LONGEST),)),
        Stops,
        CAUSES,
        examples=2,
    ),
    Check(
        "what is queued still goes out", at_signals(QUEUED, (Resume("ana"), Pass(LONGEST))), Stops, CAUSES, examples=2
    ),
    Check("somebody never goes", at_signals(QUEUED, (Pass(LONGEST),)), Stops, CAUSES, examples=2),
    Check("they go, and it is over", at_signals(DEAF, GONE), Stops, CAUSES, examples=2),
    Check(
        "said just before the signal",
        [*TWO, Together(Send("ana", b"oi\n"), Press("SIGINT"))],
        Stops,
        (
            Cause(
                "what had come before the signal was thrown away: stop when the batch is done, not before", of("lost")
            ),
            *CAUSES,
        ),
    ),
    Check("a second signal", [*QUEUED, Press("SIGINT"), Pass(1), Press("SIGINT")], Stops, CAUSES),
    Check("and started again", [*DEAF, Press("SIGTERM"), *GONE, Restart(), *TWO, Send("bia", b"oi\n")], Stops, CAUSES),
    Check(
        "in the middle of everything",
        st.builds(
            lambda before, name, after: [Kernel(buffer=2), *before, Press(name), *after, Pass(LONGEST)],
            schedules(texts=(b"oi\n", b"o"), steps=("connect", "send", "stall", "resume", "half-close", "close")),
            SIGNALS,
            schedules(steps=("send", "resume", "half-close", "close", "reset"), most=4),
        ),
        Stops,
        CAUSES,
        examples=40,
    ),
)
