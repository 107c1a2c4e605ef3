"""what the log committed -> who hears it. The only place where one event becomes many.

A member is *live*, and gets the same bytes as every live member, joined once for each dialect. Or
it is *catching up*: see replay.py.
"""

from collections.abc import Callable
from functools import partial

from chatcore.connection import Connection
from chatcore.dialects import Dialect
from chatcore.errors import COMMAND_ERRORS
from chatcore.limits import Limits
from chatcore.log import Committed, Draft, Duplicate, Log, NotKept, Outcome, Span
from chatcore.names import Name
from chatcore.protocol import Entered, Error, Left, Message
from chatcore.replay import Replay, tell_behind
from chatcore.rooms import Comes, Goes, Room, Said
from chatcore.text_codec import as_typed


class Delivery:
    """All rooms. `wake(peer)` tells the chat that a peer whose commands waited may go on."""

    def __init__(
        self, log: Log, limits: Limits, dirty: dict[Connection, None], wake: Callable[[Connection], None]
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self.is_quiet = False  # at the end nobody is told who goes: everybody does
        self.unsettled = 0  # messages in line whose outcome the log has yet to tell
        self.replay = Replay(log, limits, self.rooms, self._caught_up)
        self.tell_operator: Callable[[str], None] = lambda text: None  # whoever has the console puts a better one
        self._log = log
        self._limits = limits
        self._dirty = dirty
        self._wake = wake
        self._answered: dict[Room, None] = {}  # rooms for which the log reported an outcome

    # --- what the commands ask for: it is put in line

    def say(self, room: Room, peer: Connection | None, draft: Draft) -> None:
        """Append to the log; the room hears of it when the log says that it is kept."""
        said = Said(peer, draft)
        if peer is not None:
            peer.pending += 1
        self.unsettled += 1
        room.line.append(said)
        self._log.append(draft, partial(self._note_outcome, room, said))

    def join(self, peer: Connection, name: Name, after: int | None, leaves: str = "") -> None:
        """Let `peer` in, or let it resume; `leaves` is the room it comes from, if it moves."""
        peer.moving += 1
        self._log.span(name, partial(self._line_up_join, peer, after, leaves))

    def _line_up_join(self, peer: Connection, after: int | None, leaves: str, span: Span) -> None:
        room = self.rooms.setdefault(span.room.fold, Room(span.room, span.head))
        room.line.append(Comes(peer, after, span.first, leaves))
        self.advance(room)

    def leave(self, peer: Connection, room: Room) -> None:
        """Let `peer` out, behind everything that stands in line already."""
        if peer.name is not None:
            peer.moving += 1
            room.line.append(Goes(peer.name, "leave", peer))
            self.advance(room)

    def forget(self, peer: Connection, reason: str) -> None:
        """`peer` is gone: it hears nothing from now on. It is on the roll until its rooms are told, in their order."""
        rooms = [self.rooms[fold] for fold in peer.rooms]
        peer.rooms = {}
        self.replay.forget(peer)
        for room in rooms:
            if peer.name is not None:
                room.drop(peer)
                room.line.append(Goes(peer.name, reason, None))
                self.advance(room)

    # --- what the log reports: the line moves on

    def _note_outcome(self, room: Room, said: Said, outcome: Outcome) -> None:
        said.outcome = outcome
        self._answered[room] = None

    def take_answered(self) -> list[Room]:
        """The rooms whose lines may move on."""
        answered = list(self._answered)
        self._answered.clear()
        return answered

    def advance(self, room: Room) -> None:
        """Take steps from the front of the line until one waits for the log."""
        while room.line:
            step = room.line[0]
            if isinstance(step, Said) and step.outcome is None:
                break
            room.line.popleft()
            match step:
                case Said():
                    self._said(room, step)
                case Comes():
                    self._comes(room, step)
                case Goes():
                    self._goes(room, step)
        self._emit(room)
        if not room.roll and not room.line and self.rooms.get(room.name.fold) is room:
            del self.rooms[room.name.fold]

    def _said(self, room: Room, step: Said) -> None:
        peer, outcome = step.peer, step.outcome
        if isinstance(outcome, Committed):
            self._committed(room, peer, step.draft, outcome.message)
        elif isinstance(outcome, Duplicate):
            self._duplicate(room, peer, outcome.message)
        else:
            assert outcome is not None  # who has none stays in line
            self._not_kept(room, step, outcome)
        self.unsettled -= 1
        if peer is not None:
            self.answered(peer)

    def answered(self, peer: Connection) -> None:
        """One of the answers that `peer` waits for has come."""
        peer.pending -= 1
        self._wake(peer)

    def _committed(self, room: Room, peer: Connection | None, draft: Draft, message: Message) -> None:
        room.head = message.seq
        if peer is None or not peer.is_program:
            room.batch.append((message, peer))
            return
        room.batch.append((message, None))
        if peer.is_open and room.name.fold not in peer.rooms:  # it left since, and is told all the same
            self._emit(room)
            peer.send(message)

    def _duplicate(self, room: Room, peer: Connection | None, original: Message) -> None:
        """Send the original to the retrying peer, unless its replay has yet to bring it."""
        self._emit(room)
        if peer is None or not peer.is_open:
            return
        cursor = peer.rooms.get(room.name.fold)
        if peer.is_program and (cursor is None or original.seq <= cursor):
            peer.send(original)

    def _not_kept(self, room: Room, step: Said, outcome: NotKept) -> None:
        why = outcome.text or COMMAND_ERRORS[outcome.code]
        if step.peer is None:
            self.tell_operator(f"not said in {room.name.shown}: {why}")
        elif step.peer.is_open:
            step.peer.send(Error(outcome.code, why, step.draft.cid, about=as_typed(step.draft.text)))

    def _comes(self, room: Room, step: Comes) -> None:
        peer, fold = step.peer, room.name.fold
        if not peer.is_open or peer.name is None:
            return
        if fold not in peer.rooms:
            room.roll.add(peer.name)
            if self._announces(room):
                room.batch.append((Entered(room.name.shown, peer.name.shown), None))
        self._emit(room)
        start = room.head - self._limits.recent if step.after is None else step.after
        cursor = min(max(start, step.first_kept - 1), room.head)
        room.drop(peer)
        peer.send(room.joined(cursor + 1, self._limits))
        if not peer.is_program:
            peer.here = fold
        peer.rooms[fold] = cursor
        self.replay.go_on(room, peer, cursor)
        if peer.is_program:
            self._moved(peer)
        if step.leaves in peer.rooms and step.leaves != fold:
            self.leave(peer, self.rooms[step.leaves])

    def _goes(self, room: Room, step: Goes) -> None:
        left = Left(room.name.shown, step.name.shown, step.reason)
        is_announced = self._announces(room)
        peer = step.peer
        if peer is not None:
            self._moved(peer)
            if room.name.fold not in peer.rooms:  # the connection was lost while this stood in line
                return
            self._emit(room)
            room.drop(peer)
            del peer.rooms[room.name.fold]
            self.replay.feed(peer)
            peer.send(left)
        room.roll.remove(step.name)
        if is_announced:
            room.batch.append((left, None))

    def _announces(self, room: Room) -> bool:
        return room.announces(self._limits) and not self.is_quiet

    def _caught_up(self, peer: Connection) -> None:
        """`peer` is live in one more room. A person's lines have waited for that."""
        if not peer.is_program:
            self._moved(peer)
        self._wake(peer)

    def _moved(self, peer: Connection) -> None:
        peer.moving -= 1
        self._wake(peer)

    # --- out

    def _emit(self, room: Room) -> None:
        """Give the batch to every live member: the same bytes to all who speak the same dialect."""
        batch, room.batch = room.batch, []
        if room.behind:
            tell_behind(room, [event for event, _ in batch])
        if not batch or not room.live:
            return
        pieces: dict[Dialect, list[bytes]] = {}
        joined: dict[Dialect, bytes] = {}
        speakers = {peer for _, peer in batch if peer is not None}
        for peer in room.live:
            dialect = peer.dialect
            if dialect is None:
                continue
            if dialect not in joined:
                pieces[dialect] = [dialect.encode(event, "") for event, _ in batch]
                joined[dialect] = b"".join(pieces[dialect])
            if speakers and peer in speakers:
                others = zip(pieces[dialect], batch, strict=True)
                peer.queue.push(b"".join(piece for piece, (_, speaker) in others if speaker is not peer))
            else:
                peer.queue.push(joined[dialect])
        self._dirty.update(room.live)
