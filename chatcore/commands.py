"""a command -> what the chat does about it. One small method for each row of docs/reference/protocol.md.

A method that refuses raises CommandError; the chat turns it into the answer. Everything that a
room hears goes through `Delivery`, in line; answers for one peer are sent to it directly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from heapq import nsmallest
from hmac import compare_digest

from chatcore import protocol
from chatcore.connection import Connection, Signal
from chatcore.delivery import Delivery
from chatcore.errors import CommandError
from chatcore.limits import Limits
from chatcore.log import Draft, Log, Span
from chatcore.names import LONGEST_NAME, RESERVED, Name, fold, parse_name, text_is_valid
from chatcore.protocol import LOBBY, MOST_IN_A_LIST, Command, RoomEntry
from chatcore.rooms import Room, as_many_as_fit, size_of_name

SERVER_NAME = "chatcore/1"
OPERATOR = Name(RESERVED, RESERVED)


@dataclass(frozen=True, slots=True)
class Outside:
    """What pure code cannot have by itself."""

    utc: Callable[[], float]  # seconds since 1970, for the time of messages
    new_id: Callable[[], str]  # 128 random bits in hex: tokens, ids of typed lines
    report: Callable[[str, Exception], None]  # a mistake of ours: where, and what


class Commands:
    """What each command means. `close` and `stats` are the chat's; times are of its clocks."""

    def __init__(
        self,
        limits: Limits,
        log: Log,
        delivery: Delivery,
        time: Callable[[], float],
        outside: Outside,
        close: Callable[[Connection, str], None],
        stats: Callable[[], protocol.Stats],
    ) -> None:
        self.people: dict[str, Connection] = {}  # fold of the name -> who has it
        self.muted: set[str] = set()  # folds
        self._limits = limits
        self._log = log
        self._delivery = delivery
        self._time = time
        self._utc = outside.utc
        self._stamp = (-1, "")  # the last time that was written, in milliseconds, and how
        self._new_id = outside.new_id
        self._close = close
        self._stats = stats
        self._handlers: dict[type[Command], Callable[..., None]] = {
            protocol.Hello: self._hello,
            protocol.Join: self._join,
            protocol.Leave: self._leave,
            protocol.Send: self._send,
            protocol.AskDirect: self._direct,
            protocol.AskMembers: self._members,
            protocol.AskRooms: self._rooms,
            protocol.Ping: self._ping,
            protocol.Pong: self._nothing,
            protocol.AskStats: self._send_stats,
            protocol.Quit: self._quit,
            protocol.Say: self._say,
            protocol.Move: self._move,
            protocol.AskWho: self._who,
            protocol.AskHelp: self._help,
            protocol.Blank: self._nothing,
            protocol.Refused: self._refuse,
            protocol.Broken: self._break,
            protocol.End: self._quit,
        }

    def handle(self, peer: Connection, command: Command) -> None:
        """Do it, or raise CommandError."""
        if peer.name is None and not isinstance(command, WITHOUT_NAME):
            why = "" if peer.is_program else "type your name first"
            raise CommandError("hello_first", why, getattr(command, "cid", None))
        self._handlers[type(command)](peer, command)

    # --- coming

    def _hello(self, peer: Connection, command: protocol.Hello) -> None:
        if peer.name is not None:
            raise CommandError("bad_field", "you have said hello already")
        name = parse_name(command.name)
        if name is None or name.fold == RESERVED:
            raise CommandError("name_invalid", "this name is reserved" if name else "")
        token = self._token_for(name, command.token)
        peer.name, peer.token = name, token
        peer.go(Signal.HELLO, self._time())
        self.people[name.fold] = peer
        limits = {"frame": self._limits.frame, "text": self._limits.text, "name": LONGEST_NAME, "room": LONGEST_NAME}
        peer.send(protocol.Welcome(name.shown, token, protocol.VERSION, SERVER_NAME, self._log.identity, limits))
        if not peer.is_program:
            self._delivery.join(peer, Name(LOBBY, LOBBY), None)

    def _token_for(self, name: Name, offered: str | None) -> str:
        """The token of this connection: the offered one if it proves, or may come to prove, who holds the name.

        A token that is well-formed stays valid: if the answer to a reconnection is lost as well,
        the client can still prove with it that the name is its own.
        """
        holder = self.people.get(name.fold)
        if holder is not None:
            if offered is None or not compare_digest(offered.encode(), holder.token.encode()):
                raise CommandError("name_taken")
            self._close(holder, "replaced")
        fresh = self._new_id()
        is_well_formed = offered is not None and len(offered) == len(fresh) and set(offered) <= set("0123456789abcdef")
        return offered if offered is not None and is_well_formed else fresh

    # --- rooms

    def _join(self, peer: Connection, command: protocol.Join) -> None:
        name = _room_name(command.room)
        if name.fold not in peer.rooms and len(peer.rooms) >= self._limits.rooms_per_connection:
            raise CommandError("too_many_rooms")
        self._delivery.join(peer, name, command.after)

    def _move(self, peer: Connection, command: protocol.Move) -> None:
        self._delivery.join(peer, _room_name(command.room), None, leaves=peer.here)

    def _leave(self, peer: Connection, command: protocol.Leave) -> None:
        self._delivery.leave(peer, self._room_of(peer, _room_name(command.room).fold))

    def _room_of(self, peer: Connection, fold_of_room: str) -> Room:
        if fold_of_room not in peer.rooms:
            raise CommandError("not_in_room")
        return self._delivery.rooms[fold_of_room]

    # --- saying

    def _send(self, peer: Connection, command: protocol.Send) -> None:
        try:
            self._append(peer, self._room_of(peer, _room_name(command.room).fold), command.text, command.cid)
        except CommandError as error:
            error.cid = command.cid
            raise

    def _say(self, peer: Connection, command: protocol.Say) -> None:
        self._append(peer, self._room_of(peer, peer.here), command.text, self._new_id())

    def _append(self, peer: Connection, room: Room, text: str, cid: str) -> None:
        if peer.name is not None:
            draft = Draft(room.name, peer.name, text, self._now(), cid, self._why_not(peer.name, text))
            self._delivery.say(room, peer, draft)

    def _why_not(self, name: Name, text: str) -> str:
        """The code of the error when `name` may not say `text`."""
        if name.fold in self.muted:
            return "muted"
        return "" if text_is_valid(text, self._limits.text) else "text_invalid"

    def _now(self) -> str:
        milliseconds = int(self._utc() * 1000)
        if milliseconds != self._stamp[0]:  # what is said together has one time: writing it is worth 4 % of a turn
            written = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
            self._stamp = milliseconds, written.replace("+00:00", "Z")
        return self._stamp[1]

    def _direct(self, peer: Connection, command: protocol.AskDirect) -> None:
        target = self.people.get(fold(command.to))
        if peer.name is None:
            return
        refusal = self._why_not(peer.name, command.text) or ("" if target else "no_such_user")
        if target is None or target.name is None or refusal:
            raise CommandError(refusal, cid=command.cid)
        cid = command.cid or self._new_id()
        event = protocol.Direct(peer.name.shown, target.name.shown, command.text, self._now(), cid)
        target.send(event)
        if peer is not target:
            peer.send(event)

    def announce(self, text: str) -> None:
        """Say `text` as the operator in every occupied room; CommandError when it may not be said."""
        if not text_is_valid(text, self._limits.text):
            raise CommandError("text_invalid")
        for room in list(self._delivery.rooms.values()):
            self._delivery.say(room, None, Draft(room.name, OPERATOR, text, self._now(), self._new_id()))

    # --- what the operator does

    def find(self, name: str) -> Connection:
        """Who has this name; CommandError when nobody has."""
        peer = self.people.get(fold(name))
        if peer is None:
            raise CommandError("no_such_user")
        return peer

    def mute(self, name: str) -> None:
        """Let nobody of this name speak; CommandError when nobody could be called so."""
        self.muted.add(_person_name(name).fold)

    def unmute(self, name: str) -> None:
        """Undo `mute`; CommandError when nobody could be called so."""
        self.muted.discard(_person_name(name).fold)

    # --- asking

    def _members(self, peer: Connection, command: protocol.AskMembers) -> None:
        peer.send(self._page_of(_room_name(command.room), command.after))

    def _who(self, peer: Connection, command: protocol.AskWho) -> None:
        peer.send(self._page_of(self._room_of(peer, peer.here).name, None))

    def _page_of(self, name: Name, after: str | None) -> protocol.Members:
        room = self._delivery.rooms.get(name.fold)
        rows = room.roll.page(fold(after or ""), MOST_IN_A_LIST + 1) if room else []
        names = as_many_as_fit(rows[:MOST_IN_A_LIST], size_of_name, self._limits.frame)
        following = names[-1] if len(names) < len(rows) else None
        return protocol.Members(room.name.shown if room else name.shown, tuple(names), following)

    def _rooms(self, peer: Connection, command: protocol.AskRooms) -> None:
        after = fold(command.after or "")
        peer.pending += 1
        self._log.rooms(after, MOST_IN_A_LIST + 1, partial(self._list_rooms, peer, after))

    def _list_rooms(self, peer: Connection, after: str, spans: list[Span]) -> None:
        """Rooms with history and rooms with people, merged."""
        self._delivery.answered(peer)
        if not peer.is_open:  # it has gone while the log was looking
            return
        known = {span.room.fold: RoomEntry(span.room.shown, 0, span.head) for span in spans}
        for key, room in self._delivery.rooms.items():
            if key > after:
                known[key] = RoomEntry(room.name.shown, len(room.roll), room.head)
        rows = [known[key] for key in nsmallest(MOST_IN_A_LIST + 1, known)]
        entries = as_many_as_fit(rows[:MOST_IN_A_LIST], _size_of_entry, self._limits.frame)
        peer.send(protocol.Rooms(tuple(entries), entries[-1].room if len(entries) < len(rows) else None))

    def _ping(self, peer: Connection, command: protocol.Ping) -> None:
        peer.send(protocol.Pong(command.data))

    def _send_stats(self, peer: Connection, command: protocol.AskStats) -> None:
        peer.send(self._stats())

    def _help(self, peer: Connection, command: protocol.AskHelp) -> None:
        peer.send(protocol.Help())

    # --- going, and what cannot be understood

    def _quit(self, peer: Connection, command: protocol.Quit | protocol.End) -> None:
        self._close(peer, "quit")

    def _refuse(self, peer: Connection, command: protocol.Refused) -> None:
        raise CommandError(command.code, command.text, command.cid)

    def _break(self, peer: Connection, command: protocol.Broken) -> None:
        peer.send(protocol.Error(command.code, command.text))
        self._close(peer, command.code)

    def _nothing(self, peer: Connection, command: Command) -> None:
        """A pong counts as a sign of life, and that was noted when its bytes came."""


WITHOUT_NAME = (
    protocol.Hello, protocol.Refused, protocol.Broken, protocol.End, protocol.Blank, protocol.AskHelp
)  # fmt: skip


def _size_of_entry(entry: RoomEntry) -> int:
    """Bytes of a row of `rooms`: the braces, the words and two numbers take less than 80."""
    return size_of_name(entry.room) + 80


def _person_name(text: str) -> Name:
    name = parse_name(text)
    if name is None:
        raise CommandError("name_invalid")
    return name


def _room_name(text: str) -> Name:
    name = parse_name(text)
    if name is None:
        raise CommandError("room_invalid")
    return name
