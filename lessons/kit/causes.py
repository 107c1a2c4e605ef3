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


def lost_by_the_selector(complaint: Complaint) -> bool:
    """Somebody lacks something, and the program waits in select()."""
    return complaint.kind in ("heard", "hanging") and complaint.situation.waits_in == "select"


def nobody_is_accepted(complaint: Complaint) -> bool:
    """select() is not asked to watch anybody."""
    return lost_by_the_selector(complaint) and not complaint.situation.watched


def one_is_not_watched(complaint: Complaint) -> bool:
    """select() is not asked to watch a connection of which something is there."""
    now = complaint.situation
    return lost_by_the_selector(complaint) and not now.watched.issuperset(now.unread)


def forgotten_each_turn(complaint: Complaint) -> bool:
    """The select() that waits is one of many selectors, and not the one that knows."""
    return complaint.situation.selectors > 1 and (nobody_is_accepted(complaint) or one_is_not_watched(complaint))


def let_go_and_open(complaint: Complaint) -> bool:
    """Somebody has left, select() is not asked about him any more, and the connection is open."""
    return complaint.kind == "there" and complaint.name not in complaint.situation.watched


def on_the_listener(complaint: Complaint) -> bool:
    """The last call was recv() on a socket that only accepts, and it raised."""
    call = complaint.situation.refused
    return raised("OSError")(complaint) and call is not None and (call.name, call.who) == ("recv", "listener")


def registered_twice(complaint: Complaint) -> bool:
    """A new connection has the number of one that the selector still holds."""
    return raised("KeyError")(complaint) and "already registered" in complaint.text


NOT_WATCHED = (
    Cause("each turn makes a new selector, which watches nobody: make one, before the loop", forgotten_each_turn),
    Cause("nobody is accepted: the listener is not registered with the selector", nobody_is_accepted),
    Cause("one was accepted and is never heard: this socket is not registered with the selector", one_is_not_watched),
)
LEFT_OPEN = Cause("{name} has left, and the connection stays open: close the socket, too", let_go_and_open)
RECV_ON_THE_LISTENER = Cause(
    "recv() was called on the listener: it has no bytes, only new connections, which accept() takes", on_the_listener
)
STILL_REGISTERED = Cause(
    "the selector still holds a socket that is closed: unregister the socket before you close it", registered_twice
)
GENERAL = (
    RECV_ON_THE_LISTENER,
    STILL_REGISTERED,
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
