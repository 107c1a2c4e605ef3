"""the log's past -> those who were not there. Each has a place in the log, and pulls until it is at the head.

Who is behind has a cursor in a room: the number of the last message it got. It pulls pages from the
log while its queue is low; so a long history neither blocks a turn nor fills a queue. Live messages
are not queued for it meanwhile; when the cursor reaches the head it becomes live.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from chatcore.connection import Connection
from chatcore.limits import Limits
from chatcore.log import Log
from chatcore.names import fold
from chatcore.protocol import Entered, Event, Left, Message
from chatcore.rooms import Room

PAGE_MESSAGES = 64  # asked from the log at once
PAGES_PER_TURN = 32  # for all together, so that replays do not hold up the living


class Replay:
    """Those who catch up. `rooms` are those of the delivery; `caught_up(peer)` tells it that one is live."""

    def __init__(
        self, log: Log, limits: Limits, rooms: dict[str, Room], caught_up: Callable[[Connection], None]
    ) -> None:
        self.behind: dict[Connection, None] = {}  # those with a cursor
        self.hungry: dict[Connection, None] = {}  # those of them whose queue is low: they pull next
        self._log = log
        self._limits = limits
        self._rooms = rooms
        self._caught_up = caught_up
        self._asked: dict[Connection, None] = {}  # a page for them is on its way

    def go_on(self, room: Room, peer: Connection, cursor: int) -> None:
        """Go on from `cursor`: live at the head, from the log before it."""
        is_live = cursor >= room.head
        peer.rooms[room.name.fold] = None if is_live else cursor
        if is_live:
            for left in room.behind.pop(peer, {}).values():
                peer.send(left)
            room.live[peer] = None
            self._caught_up(peer)
        else:
            room.behind.setdefault(peer, {})
        self.feed(peer)

    def feed(self, peer: Connection) -> None:
        """Note whether `peer` has to catch up, and whether it may pull now. Called whenever that may have changed."""
        if all(cursor is None for cursor in peer.rooms.values()):
            self.forget(peer)
            return
        self.behind[peer] = None
        if peer.queue.size < self._limits.low_water and peer not in self._asked:
            self.hungry[peer] = None

    def forget(self, peer: Connection) -> None:
        """`peer` is gone, or behind in no room."""
        self.behind.pop(peer, None)
        self.hungry.pop(peer, None)

    def take_hungry(self) -> list[Connection]:
        """Those whose turn it is to pull a page."""
        taken = list(islice(self.hungry, PAGES_PER_TURN))
        for peer in taken:
            del self.hungry[peer]
        return taken

    def pull(self, peer: Connection) -> None:
        """Ask the log for the next page of one room in which `peer` is behind."""
        fold, cursor = next((fold, cursor) for fold, cursor in peer.rooms.items() if cursor is not None)
        self._asked[peer] = None
        self._log.read(fold, cursor, PAGE_MESSAGES, partial(self._arrived, peer, fold, cursor))

    def _arrived(self, peer: Connection, fold: str, cursor: int, page: list[Message]) -> None:
        """Queue what fits of a page. What was committed but not yet delivered comes live."""
        self._asked.pop(peer, None)
        if peer.rooms.get(fold) != cursor:
            self.feed(peer)  # it left, or joined again from elsewhere, while the log was looking
            return
        room = self._rooms[fold]
        first = page[0].seq if page else room.head + 1
        if first > cursor + 1 and peer.is_program:  # the log has trimmed what was promised
            peer.send(room.joined(first, self._limits))
        for message in page:
            if message.seq > room.head or peer.queue.size >= self._limits.low_water:
                break
            peer.send(message)
            cursor = message.seq
        self.go_on(room, peer, cursor if page else room.head)


def tell_behind(room: Room, events: Iterable[Event]) -> None:
    """Tell those who catch up who comes, at once: before the first word. Who goes is told at the head."""
    for peer, goings in room.behind.items():
        for event in events:
            if isinstance(event, Left):
                goings[fold(event.name)] = event
            elif isinstance(event, Entered) and goings.pop(fold(event.name), None) is None:
                peer.send(event)
