"""the server, watched: its sockets are tapped, and after each of its turns its beliefs are checked."""

from collections.abc import Callable

from chatcore.commands import Outside
from chatcore.connection import Connection
from chatcore.loop import READ, WRITE
from chatcore.names import fold
from chatcore.rooms import Goes, Room
from chatcore.server import RECEIVE_BYTES, Link, Server
from chatcore.sim import Process, SimSocket
from tests.simulation.conversation import Conversation, Ground
from tests.simulation.invariants import Invariant, Violation, hold
from tests.simulation.people import ADDRESS, LONGEST_SPIN

LONGEST_IDLE = 40  # turns in a row in which nothing happened


class Tap:
    """A socket of the server. What passes on it goes into the conversation with the peer behind it."""

    def __init__(self, ground: Ground, sock: SimSocket, talk: Conversation | None = None) -> None:
        self.sock = sock
        self._ground = ground
        self._talk = talk
        self.fileno, self.shutdown, self.setblocking = sock.fileno, sock.shutdown, sock.setblocking
        self.setsockopt, self.getsockopt = sock.setsockopt, sock.getsockopt

    def accept(self) -> tuple["Tap", tuple[object, ...]]:
        sock, source = self.sock.accept()
        talk = self._ground.talks[source]
        talk.is_accepted = True
        return Tap(self._ground, sock, talk), source

    def recv(self, bufsize: int) -> bytes:
        data = self.sock.recv(bufsize)
        if self._talk is not None:
            self._talk.hear(data)
        return data

    def send(self, data: bytes) -> int:
        count = self.sock.send(data)
        if self._talk is not None:
            self._talk.say(data[:count])
        return count

    def close(self) -> None:
        self.sock.close()
        if self._talk is not None:
            self._talk.end()


class WatchedServer:
    """A program: a server in a process of its own. `before` and `ended` are called around its turns."""

    def __init__(self, ground: Ground, before: Callable[[], None], ended: Callable[[], None]) -> None:
        self.name = f"server{ground.number()}"
        self.process = Process(self.name)
        self.selector = ground.world.selector(self.process)
        self._ground = ground
        self._before, self._ended = before, ended
        self._happened = self._idle_turns = 0
        self._turned_at = 0.0
        listener = Tap(ground, ground.world.network.listen(ADDRESS, process=self.process))
        outside = Outside(lambda: ground.world.clock.utc().timestamp(), ground.new_id, self._report)
        limits, clock = ground.setting.limits, ground.world.clock
        self.server = Server(listener, self.selector, clock.time, limits, ground.log, outside, self._trace)
        self.server.loop.running = True
        ground.log.attach(self.server.loop)

    def _report(self, where: str, error: Exception) -> None:
        if isinstance(error, Violation):  # raised by a tap, inside the server
            raise error
        raise Violation(Invariant.ESCAPES, where, repr(error)) from error

    def _trace(self, hook: str, /, **facts: object) -> None:
        self._happened += hook not in ("turn", "interest", "queue") and facts.get("bytes") != 0
        self._ground.world.network.wire.note(f"{self.name} {hook} {facts}"[:150])

    # --- a program

    def timeout(self) -> float | None:
        return self.server.loop.timeout()

    def turn(self, at_most: float | None = None) -> None:
        self._before()
        connections = self.server.chat.connections
        self._ground.behind = {peer.name.fold for peer in connections if peer.name and is_behind(peer)}
        happened = self._happened + self._ground.log.answers
        try:
            self.server.loop.turn(at_most)
        except Violation:
            raise
        except Exception as error:
            raise Violation(Invariant.ESCAPES, repr(error)) from error
        self._check_reason(is_idle=happened == self._happened + self._ground.log.answers)
        self.check()
        if not self.server.loop.running:
            self._ended()

    def _check_reason(self, is_idle: bool) -> None:
        now = self._ground.world.clock.time()
        self._idle_turns = self._idle_turns + 1 if is_idle and now == self._turned_at else 0
        self._turned_at = now
        hold(self._idle_turns <= LONGEST_IDLE, Invariant.SPIN, self._idle_turns, "turns and nothing happened")
        hold(self.selector.longest_spin <= LONGEST_SPIN, Invariant.SPIN, "select reports what nobody handles")

    # --- what it believes about itself

    def check(self) -> None:
        """Everything that must hold between two turns."""
        server, chat = self.server, self.server.chat
        connections = list(chat.connections)
        for link in server._links.values():
            self._check_link(link)
        files = len(connections) + (server._listener is not None)
        hold(len(self.process.fds) == files, Invariant.COUNTED, self.process.fds, "for", files)
        queued, counted = chat.stats().figures["queued_bytes"], sum(peer.counted for peer in connections)
        hold(queued == counted, Invariant.COUNTED, queued, "are said to be queued,", counted, "are")
        is_too_much = counted > chat.limits.total_queue and any(peer.is_open and peer.counted for peer in connections)
        hold(not is_too_much, Invariant.BOUNDED, counted, "bytes in all queues")
        named = {peer.name.fold: peer for peer in connections if peer.name and peer.is_open}
        hold(named == chat.commands.people, Invariant.MEMBERS, "people:", list(chat.commands.people), list(named))
        for room in chat.delivery.rooms.values():
            self._check_room(room, named)

    def _check_link(self, link: Link) -> None:
        chat, peer, limits = self.server.chat, link.connection, self.server.chat.limits
        if peer not in chat._dirty:
            key = self.selector.get_map().get(link.sock.fileno())
            wanted = READ * peer.wants_read | WRITE * peer.wants_write
            hold((key.events if key else 0) == wanted, Invariant.INTEREST, wanted, "is wanted, registered is", key)
            size = 0 if peer.is_closed else peer.queue.size
            hold(peer.counted == size, Invariant.COUNTED, size, "bytes wait,", peer.counted, "are counted")
        most = limits.ceiling + (0 if peer.is_open else limits.frame)
        hold(peer.queue.size <= most, Invariant.BOUNDED, peer.queue.size, "bytes in a queue")
        received = len(peer.framing._buffer) if peer.framing else 0  # type: ignore[attr-defined]
        hold(received <= RECEIVE_BYTES + limits.frame + 8, Invariant.BOUNDED, received, "bytes not decoded")
        deadline = min((when for when, _ in peer.deadlines()), default=None)
        is_armed = deadline is None or (peer.timer is not None and peer.timer_at <= deadline + 1e-6)
        hold(is_armed, Invariant.DEADLINES, peer.state, "has no timer for", deadline)

    def _check_room(self, room: Room, named: dict[str, Connection]) -> None:
        shown, key = room.name.shown, room.name.fold
        members = {name: peer for name, peer in named.items() if key in peer.rooms}
        rolled = [fold(name) for name in room.roll.page(most=1000)]
        live = {peer for peer in members.values() if peer.rooms[key] is None}
        going = {step.name.fold for step in room.line if isinstance(step, Goes) and step.peer is None}
        there = sorted(going | set(members))
        hold(rolled == there, Invariant.MEMBERS, shown, "has", rolled, "live or about to go are", there)
        hold(set(room.live) == live, Invariant.MEMBERS, shown, "is heard by", len(room.live), "of", len(live))
        hold(not (room.batch and live), Invariant.LIVENESS, shown, "keeps events to itself")
        hold(room.roll or room.line, Invariant.MEMBERS, shown, "is empty and still there")


def is_behind(peer: Connection) -> bool:
    """It is catching up in some room."""
    return any(cursor is not None for cursor in peer.rooms.values())
