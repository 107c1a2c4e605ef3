"""a complaint -> its likely cause, in one line. The table of what usually goes wrong."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lessons.kit.models import Complaint
from lessons.kit.steps import Reset


@dataclass(frozen=True, slots=True)
class Cause:
    """One line for the learner, and when it is the likely one. `text` may use {name} {line} {call} {error}."""

    text: str
    when: Callable[[Complaint], bool]


def of(kind: str) -> Callable[[Complaint], bool]:
    """Complaints of one kind."""
    return lambda complaint: complaint.kind == kind


def heard(when: Callable[[Complaint], object] = lambda complaint: True) -> Callable[[Complaint], bool]:
    """Somebody read something else than expected, and `when` is true of it."""
    return lambda complaint: complaint.kind == "heard" and bool(when(complaint))


def raised(*names: str) -> Callable[[Complaint], bool]:
    """Crashes with one of these exceptions."""
    return lambda complaint: complaint.kind == "crash" and complaint.error in names


def cause_of(complaint: Complaint, causes: Iterable[Cause]) -> str:
    """The first cause that fits, its blanks filled in."""
    fitting = next(cause for cause in causes if cause.when(complaint))
    return fitting.text.format(
        name=complaint.name,
        line=complaint.line,
        call=complaint.call,
        who=complaint.who,
        error=complaint.error,
        text=complaint.text,
    )


GENERAL = (
    Cause("the program calls input(), or reads sys.stdin: in a check nobody types", of("input")),
    Cause("the program never listens: nobody can connect", of("silent")),
    Cause("{text}", lambda c: c.kind in ("spin", "loop", "polling", "eof")),
    Cause(
        "a reset connection ended the whole server: the error belongs to one connection",
        lambda c: raised("ConnectionResetError", "BrokenPipeError")(c) and isinstance(c.step, Reset),
    ),
    Cause(
        "an error on one connection ended the whole server: {error}", raised("ConnectionResetError", "BrokenPipeError")
    ),
    Cause("{error} ended the program", of("crash")),
    Cause("the program ended, and with it the chat for everybody", of("end")),
    Cause(
        "{call}() to {who} would block: every other client is frozen",
        lambda c: c.kind == "blocked" and "send" in c.call,
    ),
    Cause("the program waits in {call}(): every other client is frozen", of("blocked")),
    Cause("the server closed {name}'s connection, although {name} had done nothing wrong", of("dropped")),
    Cause("{text}", lambda c: c.kind != "heard"),
    Cause("{name} has read nothing", lambda c: not c.actual),
    Cause("{name} has not read everything", lambda c: c.expected.startswith(c.actual)),
    Cause("{name} has read more than was said", lambda c: c.actual.startswith(c.expected)),
    Cause("{name} has not read what was said", lambda c: True),
)
