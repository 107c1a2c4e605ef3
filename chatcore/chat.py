"""the whole server, minus the network. Bytes of many peers in, bytes for many peers out.

A driver calls it in the order of a turn: `connect`, `receive` and `lost` for what the network did;
`decode`; `commit`; then it sends what is queued for each connection in `take_dirty()`, and at last
lets `judge` see what was left. Time enters through `loop`: ours, or asyncio's.
"""

from collections.abc import Callable, Iterable

from chatcore import protocol
from chatcore.clocks import Clocks, Scheduler
from chatcore.commands import Commands, Outside
from chatcore.connection import Connection, Due, Signal, State
from chatcore.delivery import Delivery
from chatcore.errors import STREAM_ERRORS, CommandError, LogError
from chatcore.gate import MOST_REFUSED_AT_ONCE, Gate
from chatcore.intake import Intake
from chatcore.limits import Limits
from chatcore.log import Log
from chatcore.marks import Marks
from chatcore.protocol import Command
from chatcore.rooms import Room
from chatcore.trace import Trace


class Chat:
    """All peers. `limits` and `log` are the server's; see `Outside` for the rest."""

    def __init__(self, limits: Limits, log: Log, loop: Scheduler, outside: Outside, trace: Trace | None = None) -> None:
        self.limits = limits
        self.log = log
        self.gate = Gate(limits)
        self.connections: dict[Connection, None] = {}
        self.is_stopping = False
        self._report = outside.report
        self._trace = trace
        self._began = loop.time()
        self._made = 0
        self._turns = 0
        self._dirty: dict[Connection, None] = {}  # output or interest may have changed
        self._clocks = Clocks(loop, self._reached)
        self._intake = Intake(limits, self._clocks, self._dirty, self._is_refused, self._handle)
        self.delivery = Delivery(log, limits, self._dirty, self._intake.wake)
        self._marks = Marks(limits, self._clocks, self.delivery.replay, self._dirty, self.close, self._intake.wake)
        self.commands = Commands(limits, log, self.delivery, loop.time, outside, self.close, self.stats)

    @property
    def is_busy(self) -> bool:
        """True when the next turn has work even if nothing arrives."""
        return bool(self._intake.line or self._dirty or self.delivery.replay.hungry)

    @property
    def is_gathering(self) -> bool:
        """True when this turn has something to tell a room, and the room could be told more at once."""
        return self._intake.has_taken

    # --- 2. what the network did

    def connect(self, address: str) -> Connection | None:
        """A new peer. One too many waits a moment for its first bytes, to be refused in its dialect, or gets None."""
        now = self._clocks.now()
        is_admitted = self.gate.admit(address, now)
        if not is_admitted:
            self.gate.refused_total += 1
            if self.gate.refused_now >= MOST_REFUSED_AT_ONCE:
                self.gate.release(address)
                return None
            self.gate.refused_now += 1
        self._made += 1
        peer = Connection(self._made, address, self.limits, now, self._dirty, self._trace)
        peer.is_refused = not is_admitted
        self.connections[peer] = None
        self._dirty[peer] = None
        self._clocks.arm(peer)
        return peer

    def receive(self, peer: Connection, data: bytes) -> None:
        """Bytes from `peer`; b"" is the end of its side. While we close, they are discarded."""
        if not peer.is_open:
            peer.ended = peer.ended or not data
            self._dirty[peer] = None  # at its end there is nothing to read: select would report it for ever
            if peer.ended and peer.state is State.LINGERING:
                peer.go(Signal.GONE, self._clocks.now())
            return
        was = peer.state, peer.pinged_at
        peer.receive(data, self._clocks.now())
        if was != (peer.state, peer.pinged_at):
            self._clocks.arm(peer)  # a program has less time to say hello than a person; after a pong comes a ping
        self._intake.line[peer] = None

    def lost(self, peer: Connection) -> None:
        """The connection of `peer` broke: nothing can be exchanged any more."""
        was_open = peer.is_open
        if not peer.is_closed:
            peer.go(Signal.GONE, self._clocks.now())
        if was_open:
            self._forget(peer, "quit")

    # --- 2. from bytes to commands

    def decode(self) -> None:
        """Handle what was received, first those who waited longest."""
        for peer in self._intake.take_line():
            if not self.is_stopping:
                self._guard(self._intake.take_commands, peer)

    def _is_refused(self, peer: Connection) -> bool:
        """Give the one answer that is all a refused peer gets: no line of it is ever executed."""
        if peer.dialect is None or not (peer.is_refused or peer.dialect.refusal):
            return False
        if peer.dialect.refusal:
            peer.queue.push(peer.dialect.refusal)
        else:
            peer.send(protocol.Error("too_many_connections", STREAM_ERRORS["too_many_connections"]))
        self._finish(peer)
        return True

    def _handle(self, peer: Connection, command: Command) -> None:
        if self._trace is not None:
            self._trace("command", peer=peer.number, command=command)
        try:
            self.commands.handle(peer, command)
        except CommandError as error:
            about = peer.line.decode(errors="replace") if peer.line else None
            peer.send(protocol.Error(error.code, error.text, error.cid, about))
            if not peer.is_program and peer.name is None:
                peer.since = self._clocks.now()  # a person who has to think of another name

    # --- 4. from the log to the rooms

    def commit(self) -> None:
        """Make this turn's messages durable, then deliver them. LogError when nothing can be promised any more."""
        before = self.log.count
        self.log.commit()
        if self._trace is not None and self.log.count > before:
            self._trace("commit", messages=self.log.count - before)
        for room in self.delivery.take_answered():
            self._guard(self.delivery.advance, room)
        for peer in self.delivery.replay.take_hungry():
            self._guard(self.delivery.replay.pull, peer)
        self._intake.end_turn()
        self._turns += 1
        if self.is_stopping:
            self._say_goodbye()

    def stop(self) -> None:
        """Read no more. What was decoded is still committed and delivered; then everybody gets a bye."""
        self.is_stopping = True
        for peer in self.connections:
            peer.is_held_up = True
            self._dirty[peer] = None

    def abandon(self) -> None:
        """The log failed: what is pending has no outcome and is never acknowledged. Say bye to all."""
        for peer in list(self.connections):
            self.close(peer, "shutting_down")

    def _say_goodbye(self) -> None:
        if self.delivery.unsettled:
            return
        self.delivery.is_quiet = True
        for peer in list(self.connections):
            if not peer.pending:
                self.close(peer, "shutting_down")

    # --- 5. what the driver sends, and what follows from how much it could

    def touch(self, peer: Connection) -> None:
        """The kernel has room for more of what `peer` has queued."""
        self._dirty[peer] = None

    def take_dirty(self) -> list[Connection]:
        """Those whose queue or interest may have changed since the last call."""
        dirty = list(self._dirty)
        self._dirty.clear()
        return dirty

    def drained(self, peer: Connection) -> None:
        """All of a closing peer's queue was sent and the driver has shut our side."""
        now = self._clocks.now()
        peer.go(Signal.DRAINED, now)
        if peer.ended:
            peer.go(Signal.GONE, now)
        self._clocks.arm(peer)

    def released(self, peer: Connection) -> None:
        """The driver has closed the socket of `peer`."""
        self.gate.release(peer.address)
        self.gate.refused_now -= peer.is_refused
        self._dirty.pop(peer, None)
        del self.connections[peer]
        if peer.timer is not None:
            peer.timer.cancel()

    def judge(self, flushed: Iterable[Connection]) -> None:
        """Apply the marks to those whose queues the driver has tried to send."""
        self._marks.judge(flushed)

    # --- closing

    def close(self, peer: Connection, reason: str) -> None:
        """Say bye and begin to close: the name is free and the rooms are told at once."""
        if not peer.is_open:
            return
        self._finish(peer)  # first, so that no step of a room's line lets it in again
        self._forget(peer, reason)
        if reason == "slow_consumer" and peer.dialect is not None:
            peer.queue.drop_unbegun(peer.dialect.end_of_frame)
        peer.send(protocol.Bye(reason))

    def _finish(self, peer: Connection) -> None:
        peer.go(Signal.FINISH, self._clocks.now())
        self._clocks.arm(peer)

    def _forget(self, peer: Connection, reason: str) -> None:
        if peer.name is not None and self.commands.people.get(peer.name.fold) is peer:
            del self.commands.people[peer.name.fold]
        self.delivery.forget(peer, reason)

    def _reached(self, peer: Connection, due: Due) -> None:
        """A deadline is up (step 3)."""
        self._guard(self._meet_deadline, peer, due)

    def _meet_deadline(self, peer: Connection, due: Due) -> None:
        if self._trace is not None:
            self._trace("timer", peer=peer.number, due=due.value)
        match due:
            case Due.TIMEOUT:
                self.close(peer, "timeout")
            case Due.TOO_SLOW:
                self.close(peer, "slow_consumer")
            case Due.GIVE_UP:
                self.lost(peer)
            case Due.PING:
                peer.pinged_at = self._clocks.now()
                peer.send(protocol.Ping())
            case Due.RESUME:
                peer.resume_at = None
                self._intake.wake(peer)

    # --- around it

    def stats(self) -> protocol.Stats:
        """Figures for the `stats` command."""
        return protocol.Stats(
            {
                "connections": len(self.connections),
                "people": len(self.commands.people),
                "rooms": len(self.delivery.rooms),
                "turns": self._turns,
                "queued_bytes": self._marks.queued,
                "catching_up": len(self.delivery.replay.behind),
                "messages": self.log.count,
                "refused_connections": self.gate.refused_total,
                "uptime_seconds": round(self._clocks.now() - self._began, 3),
            }
        )

    def _guard(self, call: Callable[..., None], subject: Connection | Room, *more: Due) -> None:
        """A mistake of ours costs one peer, is reported, and never stops the server."""
        try:
            call(subject, *more)
        except LogError:
            raise
        except Exception as error:
            self._report(call.__name__, error)
            if isinstance(subject, Connection):
                self.lost(subject)
