"""bytes -> commands, events -> bytes, for one peer, without its socket.

What a connection may do next is not a set of flags but a row in TRANSITIONS: a missing row is a
mistake of ours and raises. What it wants from the selector is computed from its state whenever it
is asked, never stored beside it. When it must act by itself is computed too: `deadlines()`.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from chatcore.buffers import SendQueue
from chatcore.dialects import Dialect, choose
from chatcore.errors import CommandError, StreamError
from chatcore.framing import Framing
from chatcore.limits import Limits
from chatcore.names import Name
from chatcore.protocol import Broken, Command, End, Event, Refused
from chatcore.trace import Trace


class State(Enum):
    """Where a connection is in its life."""

    OPENING = "opening"  # the first bytes have not shown a dialect
    GREETING = "greeting"  # the dialect is known, the name is not
    CHATTING = "chatting"  # said hello
    DRAINING = "draining"  # we are done; what is queued still goes out
    LINGERING = "lingering"  # our side is shut; we discard input until the peer shuts its own
    CLOSED = "closed"  # only the socket is left to be closed, in the flush


class Signal(Enum):
    """What moves a connection from one state to the next."""

    DIALECT = "dialect chosen"
    HELLO = "hello accepted"
    FINISH = "we end it"
    DRAINED = "all was sent"
    GONE = "nothing can be exchanged any more"


TRANSITIONS: dict[tuple[State, Signal], State] = {
    (State.OPENING, Signal.DIALECT): State.GREETING,
    (State.GREETING, Signal.HELLO): State.CHATTING,
    (State.OPENING, Signal.FINISH): State.DRAINING,
    (State.GREETING, Signal.FINISH): State.DRAINING,
    (State.CHATTING, Signal.FINISH): State.DRAINING,
    (State.DRAINING, Signal.DRAINED): State.LINGERING,
    (State.OPENING, Signal.GONE): State.CLOSED,
    (State.GREETING, Signal.GONE): State.CLOSED,
    (State.CHATTING, Signal.GONE): State.CLOSED,
    (State.DRAINING, Signal.GONE): State.CLOSED,
    (State.LINGERING, Signal.GONE): State.CLOSED,
}
OPEN = frozenset({State.OPENING, State.GREETING, State.CHATTING})


REFUSED_WAIT = 1.0  # seconds that a refused connection has for its first bytes


class Due(Enum):
    """What a deadline of a connection means."""

    TIMEOUT = "silent for too long"
    PING = "ask whether it is alive"
    RESUME = "the rate allows the next command"
    TOO_SLOW = "above the marks for too long"
    GIVE_UP = "it does not close its side"


class Handle(Protocol):
    """What `call_later` returns, here and in asyncio."""

    def cancel(self) -> None:
        """It is not to fire any more."""


class Connection:
    """One peer: its dialect, its buffers, its name, its clocks. All times are seconds of one monotonic clock.

    `dirty` is shared by all connections of a chat: those whose output or interest may have changed.
    """

    __slots__ = (
        "_dirty", "_opening", "_trace", "address", "counted", "dialect", "ended", "framing", "heard_at", "held",
        "here", "is_closed", "is_held_up", "is_open", "is_refused", "limits", "line", "moving", "name", "number",
        "paid_until", "partial_since", "pending", "pinged_at", "queue", "resume_at", "rooms", "since", "slow_since",
        "state", "timer", "timer_at", "token",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        address: str,
        limits: Limits,
        now: float,
        dirty: "dict[Connection, None]",
        trace: Trace | None = None,
    ) -> None:
        self.number = number  # for traces
        self.address = address
        self.limits = limits
        self.state = State.OPENING
        self.is_open = True  # until we begin to close; asked for every peer in every turn, so it is kept
        self.is_closed = False  # nothing is left to do but to close the socket
        self.is_refused = False  # one too many: it gets one answer and no more
        self.dialect: Dialect | None = None
        self.name: Name | None = None
        self.token = ""
        self.rooms: dict[str, int | None] = {}  # fold of the room -> cursor while catching up, None when live
        self.here = ""  # fold of the room in which a text peer speaks
        # input
        self._opening = b""
        self.framing: Framing | None = None
        self.ended = False  # the peer has shut its side
        self.held: Command | None = None  # decoded, and has to wait
        self.line = b""  # the last frame of a text peer: errors quote it
        self.is_held_up = False  # undecoded or held input waits, so do not read more
        self.moving = 0  # joins and leaves under way: all later commands wait
        self.pending = 0  # answers of the log under way: the fate of what it said, lists of rooms
        # output
        self.queue = SendQueue()
        self.counted = 0  # bytes of the queue that are in the chat's total
        self._dirty = dirty
        self._trace = trace
        # clocks
        self.since = now  # when this state began
        self.heard_at = now
        self.pinged_at: float | None = None  # since it was last heard
        self.partial_since: float | None = None  # when an unfinished frame began to wait
        self.slow_since: float | None = None  # when the queue rose above the high-water mark
        self.paid_until = now  # each command pays for 1/rate seconds of time; this far is paid
        self.resume_at: float | None = None  # when the rate allows the command that is held
        self.timer: Handle | None = None
        self.timer_at = 0.0

    @property
    def is_program(self) -> bool:
        """True once the first bytes have shown a program."""
        return self.dialect is not None and self.dialect.is_program

    def go(self, signal: Signal, now: float) -> None:
        """Take one row of TRANSITIONS."""
        self.state = TRANSITIONS[self.state, signal]
        self.is_open = self.state in OPEN
        self.is_closed = self.state is State.CLOSED
        self.since = now
        self._dirty[self] = None

    # --- in: bytes -> commands

    def receive(self, data: bytes, now: float) -> None:
        """Take what the network gave; b"" is the end of the peer's side."""
        self.heard_at = now
        self.pinged_at = None
        self.ended = not data
        if self.framing is not None:
            self.framing.receive(data)
            return
        self._opening += data
        choice = choose(self._opening, self.ended)
        if choice is not None:
            self.dialect, rest = choice
            self.framing = self.dialect.framing(self.limits.frame)
            self.framing.receive(rest)
            self._opening = b""
            self.go(Signal.DIALECT, now)

    def restart_clocks(self, now: float) -> None:
        """We listen again: what was measured while we did not is void."""
        self.heard_at = now
        self.pinged_at = None
        if self.partial_since is not None:
            self.partial_since = now

    def next_command(self, now: float) -> Command | None:
        """The next thing the peer wants, in order, or None until more bytes come. Never raises.

        What is wrong comes as Refused or Broken, and the end of the stream as End: they wait for
        their turn like any command.
        """
        if self.held is not None:
            command, self.held = self.held, None
            return command
        if self.framing is None or self.dialect is None:
            return None
        try:
            frame = self.framing.next_frame()
            if frame is None and self.ended:
                frame = self.framing.last_frame()
        except StreamError as error:
            return Broken(error.code, error.text)
        if frame is None:
            self.line = b""
            self._watch_partial(now)
            return End() if self.ended else None
        if self._trace is not None:
            self._trace("frame", peer=self.number, bytes=len(frame))
        self.partial_since = None
        self.line = b"" if self.dialect.is_program else frame
        try:
            return self.dialect.decode(frame, self.name is not None)
        except CommandError as error:
            return Refused(error.code, error.text, error.cid)

    def _watch_partial(self, now: float) -> None:
        if self.framing is None or not self.framing.is_inside_frame:
            self.partial_since = None
        elif self.partial_since is None:
            self.partial_since = now

    def pay(self, now: float) -> bool:
        """Pay for one command. False when the rate does not allow it yet: then `resume_at` says when.

        Each command pays for 1/rate seconds; `burst` of them may be paid in advance.
        """
        if not self.limits.rate:
            return True
        price = 1 / self.limits.rate
        paid = max(self.paid_until, now) + price
        too_early = paid - now - self.limits.burst * price
        if too_early > 1e-9:
            self.resume_at = now + too_early
            return False
        self.paid_until = paid
        return True

    # --- out: events -> bytes

    def send(self, event: Event) -> None:
        """Queue one event in the peer's own dialect; before there is one, nothing can be said."""
        if self.dialect is not None:
            self.queue.push(self.dialect.encode(event, self.name.shown if self.name else ""))
            self._dirty[self] = None

    # --- what the driver asks

    @property
    def wants_read(self) -> bool:
        """True while we take in more: not while input waits undecoded, nor while the peer reads too slowly."""
        if self.is_open:
            return not (self.ended or self.is_held_up or self.slow_since is not None)
        return not (self.ended or self.is_closed)

    @property
    def wants_write(self) -> bool:
        """True while there is something the kernel has not taken."""
        return self.queue.size > 0 and not self.is_closed

    def deadlines(self) -> Iterator[tuple[float, Due]]:
        """Every clock that runs now: when it is up, and what that means."""
        limits = self.limits
        if self.resume_at is not None:
            yield self.resume_at, Due.RESUME
        if self.slow_since is not None and self.is_open:
            yield self.slow_since + limits.drain_seconds, Due.TOO_SLOW
        match self.state:
            case State.OPENING if self.is_refused:
                yield self.since + REFUSED_WAIT, Due.GIVE_UP
            case State.OPENING | State.GREETING:
                yield (self.since + (limits.hello_seconds if self.is_program else limits.typing_seconds), Due.TIMEOUT)
            case State.CHATTING if self.is_program and self.wants_read:
                yield from self._silence()
            case State.DRAINING:
                yield self.since + limits.drain_seconds, Due.GIVE_UP
            case State.LINGERING:
                yield self.since + limits.linger_seconds, Due.GIVE_UP

    def _silence(self) -> Iterator[tuple[float, Due]]:
        """The clocks of a program that we listen to; while we do not listen, its silence proves nothing."""
        limits = self.limits
        if self.pinged_at is None:
            yield self.heard_at + limits.ping_seconds, Due.PING
        else:  # not counted from heard_at: a server that was itself asleep asks before it drops
            yield self.pinged_at + limits.idle_seconds - limits.ping_seconds, Due.TIMEOUT
        if self.partial_since is not None:
            yield self.partial_since + limits.half_frame_seconds, Due.TIMEOUT
