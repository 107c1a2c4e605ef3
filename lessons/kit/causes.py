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


def on_the_listener(*calls: str) -> Callable[[Complaint], bool]:
    """The last call was one of these on a socket that only accepts, and it raised."""

    def was(complaint: Complaint) -> bool:
        call = complaint.situation.refused
        return raised("OSError", "BrokenPipeError")(complaint) and (
            call is not None and call.name in calls and call.who == "listener"
        )

    return was


def registered_twice(complaint: Complaint) -> bool:
    """A new connection has the number of one that the selector still holds."""
    return raised("KeyError")(complaint) and "already registered" in complaint.text


def one_twice(complaint: Complaint) -> bool:
    """A connection is registered, and was given to register() again."""
    call = complaint.situation.refused
    return registered_twice(complaint) and call is not None and call.name == "register"


def the_listener_twice(complaint: Complaint) -> bool:
    """The listener is registered, and was given to register() again."""
    return registered_twice(complaint) and "listener>" in complaint.text


def asked_to_write(complaint: Complaint) -> bool:
    """It waits in recv() for somebody whom select() reports because it may be sent to."""
    return complaint.kind == "blocked" and "recv" in complaint.call and complaint.who in complaint.situation.to_write


def closed_and_used(complaint: Complaint) -> bool:
    """A call on a socket that the program had closed, or on the -1 that is its number then."""
    return raised("OSError", "ValueError")(complaint) and any(
        words in complaint.text for words in ("Bad file descriptor", "Invalid file descriptor")
    )


def text_for_bytes(complaint: Complaint) -> bool:
    """Python says that it wants the one and has the other."""
    return raised("TypeError")(complaint) and "bytes" in complaint.text and "str" in complaint.text


NOT_WATCHED = (
    Cause("each turn makes a new selector, which watches nobody: make one, before the loop", forgotten_each_turn),
    Cause("nobody is accepted: the listener is not registered with the selector", nobody_is_accepted),
    Cause("one was accepted and is never heard: this socket is not registered with the selector", one_is_not_watched),
)
LEFT_OPEN = Cause("{name} has left, and the connection stays open: close the socket, too", let_go_and_open)
RECV_ON_THE_LISTENER = Cause(
    "recv() was called on the listener: it has no bytes, only new connections, which accept() takes",
    on_the_listener("recv"),
)
THE_LISTENER_TWICE = Cause(
    "the listener was registered a second time: register the socket that accept() returned", the_listener_twice
)
STILL_REGISTERED = Cause(
    "the selector still holds a socket that is closed: unregister the socket before you close it",
    lambda c: registered_twice(c) and not one_twice(c),
)
ONE_TWICE = Cause("this socket is registered already: register it once, with everything that you ask of it", one_twice)
ASKED_TO_WRITE = Cause(
    "select() is asked for EVENT_WRITE: it says that {who} can be sent to, and recv() waits. Ask for EVENT_READ",
    asked_to_write,
)
CLOSED_AND_USED = Cause("a socket is used that the program has closed before: close it last", closed_and_used)
GENERAL = (
    RECV_ON_THE_LISTENER,
    Cause(
        "something was sent to the listener, and nobody is at its other end: send to a socket that accept() returned",
        on_the_listener("send", "sendall"),
    ),
    THE_LISTENER_TWICE,
    ONE_TWICE,
    STILL_REGISTERED,
    CLOSED_AND_USED,
    Cause(
        "two listeners cannot have one address: call create_server() once, before the loop",
        lambda c: raised("OSError")(c) and "in use" in c.text,
    ),
    Cause("text and bytes do not mix: encode() makes bytes of a str, decode() a str of bytes", text_for_bytes),
    ASKED_TO_WRITE,
    Cause("the program calls input(), or reads sys.stdin: in a check nobody types", of("input")),
    Cause(
        "the program ended at once, and nobody could connect: is main() called, and has it a loop?",
        lambda c: c.kind == "silent" and c.run.exit_status is not None,
    ),
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
