"""received bytes -> commands, each peer in its turn. Who may be heard now, and who has to wait.

Peers with input stand in line. A turn takes them in order, each for a bounded number of commands;
a command that must wait is held, with everything behind it, and what it waits for puts the peer
back in line. While input is held up we do not read more of it: the sender notices, at last, that
its own kernel takes no more. That is backpressure.

Who goes on reading is not disconnected for what others say: a room takes at most `turn_bytes` in a
turn, and everything together twice that; the rest waits for the next turn.
"""

from collections.abc import Callable

from chatcore import protocol
from chatcore.clocks import Clocks
from chatcore.connection import Connection
from chatcore.json_codec import size_of
from chatcore.limits import Limits
from chatcore.names import fold
from chatcore.protocol import Command

COMMANDS_PER_TURN = 64  # of one peer, so that nobody holds up a turn
MESSAGE_OVERHEAD = 128  # bytes of an event beside its text, its id and its names
EVERYBODY = "everybody"
FREE = (protocol.Ping, protocol.Pong, protocol.Blank, protocol.Broken, protocol.End)
ENDS = (protocol.Quit, protocol.Broken, protocol.End)
WAIT_FOR_APPENDS = (protocol.Join, protocol.Move, protocol.Leave, *ENDS)
WAIT_FOR_REPLAY = (protocol.Leave, *ENDS)  # it was promised, and may answer a retry


class Intake:
    """The line of peers with input. `handle` gets the commands, `is_refused` answers those who get no more."""

    def __init__(
        self,
        limits: Limits,
        clocks: Clocks,
        dirty: dict[Connection, None],
        is_refused: Callable[[Connection], bool],
        handle: Callable[[Connection, Command], None],
    ) -> None:
        self.line: dict[Connection, None] = {}
        self._limits = limits
        self._clocks = clocks
        self._dirty = dirty
        self._is_refused = is_refused
        self._handle = handle
        self._taken: dict[str, int] = {}  # bytes said this turn: in a room, to a person, by everybody

    def wake(self, peer: Connection) -> None:
        """What a held command waited for may have come: back in line."""
        if peer.is_held_up and peer.is_open:
            self.line[peer] = None

    def take_line(self) -> list[Connection]:
        """Those with input, who waited longest first. They stand in line no more."""
        line = list(self.line)
        self.line.clear()
        return line

    def take_commands(self, peer: Connection) -> None:
        """Handle what `peer` says, until it has said all or has to wait."""
        now = self._clocks.now()
        before = peer.state, peer.partial_since
        self._take_commands(peer, now)
        if before != (peer.state, peer.partial_since):
            self._clocks.arm(peer)  # a deadline may have come into being

    def _take_commands(self, peer: Connection, now: float) -> None:
        for _ in range(COMMANDS_PER_TURN):
            if not peer.is_open or self._is_refused(peer):
                return
            if peer.queue.size > self._limits.high_water:
                break
            command = peer.next_command(now)
            if command is None:
                self._hold_up(peer, False)
                return
            if self._must_wait(peer, command, now):
                peer.held = command
                self._hold_up(peer, True)
                return
            self._handle(peer, command)
        self._hold_up(peer, True)
        if peer.slow_since is None:  # otherwise it goes on when its queue is low
            self.line[peer] = None

    def _must_wait(self, peer: Connection, command: Command, now: float) -> bool:
        if peer.moving or (peer.pending and isinstance(command, WAIT_FOR_APPENDS)):
            return True  # the log's answer wakes it
        if isinstance(command, WAIT_FOR_REPLAY) and any(cursor is not None for cursor in peer.rooms.values()):
            return True  # and so does the end of the replay
        key, size = _price(peer, command)
        if size and self._is_spent(key):
            self.line[peer] = None  # the next turn has a new budget
            return True
        if not isinstance(command, FREE) and not peer.pay(now):
            self._clocks.arm(peer)
            return True
        if size:
            for budget in (key, EVERYBODY):
                self._taken[budget] = self._taken.get(budget, 0) + size
        return False

    def _is_spent(self, key: str) -> bool:
        budget = self._limits.turn_bytes
        return self._taken.get(key, 0) >= budget or self._taken.get(EVERYBODY, 0) >= 2 * budget

    def _hold_up(self, peer: Connection, is_held_up: bool) -> None:
        if peer.is_held_up == is_held_up:
            return
        peer.is_held_up = is_held_up
        self._dirty[peer] = None
        if not is_held_up:
            self._clocks.listen_again(peer)

    @property
    def has_taken(self) -> bool:
        """True when something was said in this turn."""
        return bool(self._taken)

    def end_turn(self) -> None:
        """The next turn has new budgets."""
        self._taken.clear()


def _price(peer: Connection, command: Command) -> tuple[str, int]:
    """Whose budget of this turn a command uses, and how much of it in bytes; 0 for most commands."""
    match command:
        case protocol.Send(room=where, text=text, cid=cid):
            key = f"room {fold(where)}"
        case protocol.Say(text=text):
            where, cid = peer.here, ""
            key = f"room {where}"
        case protocol.AskDirect(to=where, text=text, cid=cid):
            key = f"person {fold(where)}"
        case _:
            return "", 0
    speaker = peer.name.shown if peer.name else ""
    return key, MESSAGE_OVERHEAD + sum(map(size_of, (text, cid or "", where, speaker)))
