"""events -> what a person sees, typed words -> commands. The client without socket and without screen.

It outlives connections. It remembers who it is (name and token), which rooms it is in and the last
message it has shown of each, and what it has said without having heard the echo. After a
reconnection it says hello with its token, joins each room `after` its position, and says again,
with the same id, what nobody has confirmed: the server keeps it once.

The rule for messages is the protocol's: the next number is shown, an old one is not shown again, and a
gap means to join again from the last one shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chatcore import protocol
from chatcore.names import fold, parse_name, text_is_valid
from chatcore.protocol import Event, WireCommand, WireEvent

TEXT_LIMIT = 4096  # until the server's welcome tells its own
HELLO_ERRORS = {"name_invalid", "name_taken", "wrong_password"}
FINAL_BYES = {"quit", "replaced", "kicked"}  # coming back would be wrong
NO_ROOM = "you are in no room; /join ROOM"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something of the client's own to show; `is_wrong` when it is bad news."""

    text: str
    is_wrong: bool = False


@dataclass(slots=True)
class Place:
    """A room that we are in, or want to be in."""

    name: str
    last: int | None = None  # number of the last message shown; None before the first join
    is_joined: bool = False


class Session:
    """`send` queues a command; it is called only while connected. `new_id` makes ids of messages."""

    def __init__(
        self, name: str | None, room: str, send: Callable[[WireCommand], None], new_id: Callable[[], str]
    ) -> None:
        self.name = name
        self.here = fold(room)
        self.places: dict[str, Place] = {self.here: Place(room)}
        self.unconfirmed: dict[str, protocol.Send] = {}
        self.is_connected = False
        self.is_welcome = False
        self.is_over = False  # nothing will bring this session back
        self.is_leaving = False  # the person is done: go when all is confirmed
        self.was_refused = False  # something that was said will never be kept
        self._early: list[str] = []  # typed before the first room was entered
        self._has_entered = False
        self._send = send
        self._new_id = new_id
        self._token: str | None = None
        self._log: str | None = None
        self._text_limit = TEXT_LIMIT

    # --- the connection

    def connected(self) -> None:
        """A connection stands: say hello, once there is a name."""
        self.is_connected = True
        self._say_hello()

    def lost(self) -> list[Notice]:
        """The connection is gone. Nothing is lost but the answers. Who only waited for a goodbye has left."""
        was_welcome = self.is_welcome
        self.is_connected = self.is_welcome = False
        for place in self.places.values():
            place.is_joined = False
        self.is_over = self.is_over or (self.is_leaving and not self.waiting())
        is_news = was_welcome and not self.is_over
        return [Notice("connection lost", is_wrong=True), *self.unsent()] if is_news else []

    def waiting(self) -> list[str]:
        """What was typed and waits for its confirmation, or to be said at all; the oldest first."""
        return [said.text for said in self.unconfirmed.values()] + self._early

    def unsent(self) -> list[Notice]:
        """The same, to be shown."""
        return [Notice(f'not confirmed: "{text}"', is_wrong=True) for text in self.waiting()]

    def _say_hello(self) -> None:
        if self.is_connected and self.name is not None:
            self._send(protocol.Hello(self.name, self._token))

    # --- what the server says

    def handle(self, event: WireEvent) -> list[Event | Notice]:
        """Take one event in and return what is to be shown, in order."""
        match event:
            case protocol.Welcome():
                return self._welcome(event)
            case protocol.Joined():
                return self._joined(event)
            case protocol.Message():
                return self._message(event)
            case protocol.Error():
                return self._error(event)
            case protocol.Left(reason="leave") if self._is_me(event.name):
                return self._left(event)
            case protocol.Bye("timeout") if self.name is None:
                return []  # the person still thinks about a name, and may take the time
            case protocol.Bye():
                self.is_over = event.reason in FINAL_BYES or (self.is_leaving and not self.waiting())
            case protocol.Ping(data):
                self._send(protocol.Pong(data))
                return []
            case protocol.Pong():
                return []
        return [event]

    def _is_me(self, name: str) -> bool:
        return self.name is not None and fold(name) == fold(self.name)

    def _welcome(self, event: protocol.Welcome) -> list[Event | Notice]:
        self.name, self._token, self.is_welcome = event.name, event.token, True
        self._text_limit = event.limits.get("text", TEXT_LIMIT)
        is_other = self._log not in (None, event.log)
        self._log = event.log
        for place in self.places.values():
            place.last = None if is_other else place.last
            self._send(protocol.Join(place.name, place.last))
        return [Notice("the server has another history than before; its last messages follow")] if is_other else []

    def _joined(self, event: protocol.Joined) -> list[Event | Notice]:
        place = self.places.get(fold(event.room))
        if place is None:
            return []  # it was left again while the answer was under way
        is_new = place.last is None
        shown: list[Event | Notice] = [event] if is_new or not place.is_joined else []
        if place.last is not None and event.first > place.last + 1:
            shown.append(Notice(f"some older messages of {event.room} are no longer kept", is_wrong=True))
        place.last, place.is_joined, place.name = event.first - 1, True, event.room
        for said in self.unconfirmed.values():
            if fold(said.room) == fold(event.room):
                self._send(said)
        shown += self._entered()
        self._leave_when_done()
        return shown

    def _entered(self) -> list[Event | Notice]:
        """Do what was typed too early, now that it is known where we are."""
        self._has_entered = True
        early, self._early = self._early, []
        return [shown for line in early for shown in self._do(line)]

    def _message(self, event: protocol.Message) -> list[Event | Notice]:
        if self._is_me(event.sender):
            self.unconfirmed.pop(event.cid, None)
        place = self.places.get(fold(event.room))
        shown: list[Event | Notice] = []
        if place is not None and place.last is not None:
            if event.seq == place.last + 1:
                place.last = event.seq
                shown.append(event)
            elif event.seq > place.last + 1:
                self._send(protocol.Join(place.name, place.last))
        self._leave_when_done()
        return shown

    def _error(self, event: protocol.Error) -> list[Event | Notice]:
        if not self.is_welcome and event.code in HELLO_ERRORS:
            self.name = self._token = None
            return [Notice(f"{event.text}; type another name", is_wrong=True)]
        said = self.unconfirmed.pop(event.cid, None) if event.cid is not None else None
        shown: list[Event | Notice] = [event]
        if said is not None:
            shown = [self._refused("not kept", said.text, event.text)]
        elif event.code in ("room_invalid", "too_many_rooms"):
            shown += self._forget_unjoined()
        self._leave_when_done()
        return shown

    def _refused(self, how: str, text: str, why: str) -> Notice:
        self.was_refused = True
        return Notice(f'{how}: "{text}": {why}', is_wrong=True)

    def _forget_unjoined(self) -> list[Event | Notice]:
        """A room could not be joined: stay where we were. Answers come in order, so it is the first one without."""
        room = next((key for key, place in self.places.items() if not place.is_joined), None)
        if room is None:
            return []
        self._forget(room)
        lost = [cid for cid, said in self.unconfirmed.items() if fold(said.room) == room]
        why = "the room could not be entered"
        shown: list[Event | Notice] = [self._refused("not sent", self.unconfirmed.pop(cid).text, why) for cid in lost]
        return shown if self.places else [Notice(NO_ROOM, is_wrong=True), *shown, *self._entered()]

    def _forget(self, room: str) -> None:
        self.places.pop(room, None)
        if self.here not in self.places:
            self.here = next(iter(self.places), "")

    def _left(self, event: protocol.Left) -> list[Event | Notice]:
        self._forget(fold(event.room))
        return [event]

    # --- what the person types

    def typed(self, line: str) -> list[Event | Notice]:
        """Take one typed line and return what is to be shown."""
        text = line.strip()
        if not text:
            return []
        if text in ("sair", "/quit"):
            self.leave_when_confirmed()
            return []
        if self.is_leaving:
            return [self._refused("not sent", text, "you are leaving")]
        if self.name is None:
            return self._give_name(text)
        if not self._has_entered:
            self._early.append(line)
            return []
        return self._do(line)

    def _do(self, line: str) -> list[Event | Notice]:
        """Say it, or obey it."""
        text = line.strip()
        if not text.startswith("/") or text.startswith("//"):
            return self._say(line.removeprefix("/") if text.startswith("//") else line)
        word, _, rest = text.partition(" ")
        return self._command(word, rest.strip())

    def _give_name(self, text: str) -> list[Event | Notice]:
        if parse_name(text) is None:
            return [Notice("a name is 1 to 32 Latin letters, digits, or _ - .", is_wrong=True)]
        self.name = text
        self._say_hello()
        return []

    def _say(self, text: str) -> list[Event | Notice]:
        place = self.places.get(self.here)
        if place is None:
            return [self._refused("not sent", text, NO_ROOM)]
        if not text_is_valid(text, self._text_limit):
            why = f"a message has at most {self._text_limit} bytes and no control characters"
            return [self._refused("not sent", f"{text[:20]}…", why)]
        said = protocol.Send(place.name, self._new_id(), text)
        self.unconfirmed[said.cid] = said
        if place.is_joined:
            self._send(said)
            return []
        when = f"you are in {place.name}" if self.is_welcome else "connected"
        return [Notice(f'will be sent when {when}: "{text}"')]

    def _command(self, word: str, rest: str) -> list[Event | Notice]:
        if word == "/help":
            return [protocol.Help()]
        if word == "/join" and rest:
            return self._go(rest)
        if not self.is_welcome:
            return [Notice(f"not connected: {word} needs a connection", is_wrong=True)]
        match word:
            case "/leave" if fold(rest or self.here) in self.places:
                self._send(protocol.Leave(rest or self.places[self.here].name))
            case "/rooms":
                self._send(protocol.AskRooms())
            case "/who" if rest or self.here:
                self._send(protocol.AskMembers(rest or self.places[self.here].name))
            case "/stats":
                self._send(protocol.AskStats())
            case "/msg" if " " in rest:
                name, _, said = rest.partition(" ")
                self._send(protocol.AskDirect(name, self._new_id(), said.strip()))
            case _:
                return [Notice(f"{word} is no command, or something is missing; /help lists them", is_wrong=True)]
        return []

    def _go(self, room: str) -> list[Event | Notice]:
        """Speak in `room` from now on. Without a connection too: else what is typed next would go elsewhere."""
        if parse_name(room) is None:
            return [Notice("a room is 1 to 32 Latin letters, digits, or _ - .", is_wrong=True)]
        self.here = fold(room)
        if self.here in self.places:
            return [Notice(f"you speak in {self.places[self.here].name} now")]
        self.places[self.here] = Place(room)
        if not self.is_welcome:
            return [Notice(f"you will enter {room} when connected")]
        self._send(protocol.Join(room))
        return []

    def leave_when_confirmed(self) -> None:
        """The person is done. What was said is waited for first."""
        self.is_leaving = True
        if self.name is None or not (self.is_welcome or self.waiting()):
            self.is_over = True
        self._leave_when_done()

    def _leave_when_done(self) -> None:
        are_joined = self.is_welcome and all(place.is_joined for place in self.places.values())
        if self.is_leaving and are_joined and not self.unconfirmed:
            self._send(protocol.Quit())
