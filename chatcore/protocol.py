"""commands (client -> server) and events (server -> client), as values.

Each class is one row of docs/reference/protocol.md. A field that is None is left out on the wire. How a value
becomes bytes is the business of a codec: JSON for programs, lines of text for people.
"""

from dataclasses import dataclass, field

VERSION = 1
LONGEST_CID = 64
LONGEST_PING = 64
MOST_IN_A_LIST = 200
LOBBY = "lobby"

# Why a connection ends, with the sentence a person reads.
BYE_REASONS = {
    "quit": "bye",
    "shutting_down": "the server is shutting down",
    "timeout": "nothing was heard from you for too long",
    "slow_consumer": "you read more slowly than the others write",
    "too_big": "that was longer than a frame may be",
    "bad_frame": "the stream ended in the middle of a frame",
    "replaced": "you connected again from somewhere else",
    "kicked": "the operator removed you",
}


# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello:
    """Who I am. With the token of an earlier welcome I take my own name over."""

    name: str
    token: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Join:
    """Let me into `room` and show me what came after message number `after`."""

    room: str
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Leave:
    """Let me out of `room`."""

    room: str


@dataclass(frozen=True, slots=True)
class Send:
    """Say `text` in `room`. The same `cid` again means: the same message, once."""

    room: str
    cid: str
    text: str


@dataclass(frozen=True, slots=True)
class AskDirect:
    """Say `text` to one person. Not stored, not retried."""

    to: str
    cid: str
    text: str


@dataclass(frozen=True, slots=True)
class AskMembers:
    """Who is in `room`, in order, behind the name `after`?"""

    room: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class AskRooms:
    """Which rooms are there, in order, behind the name `after`?"""

    after: str | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? A command and an event: both sides may ask."""

    data: str = ""


@dataclass(frozen=True, slots=True)
class Pong:
    """I am. The `data` of the ping comes back."""

    data: str = ""


@dataclass(frozen=True, slots=True)
class AskStats:
    """How is the server?"""


@dataclass(frozen=True, slots=True)
class Quit:
    """I am going."""


# --- what only people who type lines can say, and what ends every conversation ------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Said in the room where the person is."""

    text: str


@dataclass(frozen=True, slots=True)
class Move:
    """Take me to `room`; if that fails I stay where I am."""

    room: str


@dataclass(frozen=True, slots=True)
class AskWho:
    """Who is here?"""


@dataclass(frozen=True, slots=True)
class AskHelp:
    """What can I type?"""


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line. It means nothing and costs nothing, but it takes its turn."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A frame that is no command: what the answer will be."""

    code: str
    text: str
    cid: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """The stream cannot be understood from here on."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class End:
    """The other side has said all it will say (end of file)."""


WireCommand = Hello | Join | Leave | Send | AskDirect | AskMembers | AskRooms | Ping | Pong | AskStats | Quit
Command = WireCommand | Say | Move | AskWho | AskHelp | Blank | Refused | Broken | End


# --- events -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Welcome:
    """You are in. `log` names the history: when it changes, forget your positions."""

    name: str
    token: str = field(repr=False)
    protocol: int
    server: str
    log: str
    limits: dict[str, int]


@dataclass(frozen=True, slots=True)
class Joined:
    """You are in `room`. Messages `first` to `seq` follow, then live ones from `seq + 1`."""

    room: str
    first: int
    seq: int
    count: int
    members: tuple[str, ...]
    presence: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """`name` came into `room`."""

    room: str
    name: str


@dataclass(frozen=True, slots=True)
class Left:
    """`name` went out of `room`: "leave", or a key of BYE_REASONS."""

    room: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """What `sender` said, durably. `seq` counts 1, 2, 3… in each room; `time` is UTC, ISO 8601."""

    room: str
    seq: int
    sender: str
    text: str
    time: str
    cid: str


@dataclass(frozen=True, slots=True)
class Direct:
    """What `sender` said to `to` alone."""

    sender: str
    to: str
    text: str
    time: str
    cid: str


@dataclass(frozen=True, slots=True)
class Members:
    """Names in `room`, in order. Ask again with `after=next` when there is a next."""

    room: str
    names: tuple[str, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """One row of Rooms."""

    room: str
    members: int
    seq: int


@dataclass(frozen=True, slots=True)
class Rooms:
    """Rooms, in order. Ask again with `after=next` when there is a next."""

    rooms: tuple[RoomEntry, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures about the server, by name."""

    figures: dict[str, int | float | str]


@dataclass(frozen=True, slots=True)
class Error:
    """A command was refused. `about` quotes the typed line to people; it is not on the JSON wire."""

    code: str
    text: str
    cid: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Help:
    """What can be typed. For people only."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The connection ends: a key of BYE_REASONS."""

    reason: str


WireEvent = Welcome | Joined | Entered | Left | Message | Direct | Members | Rooms | Stats | Error | Ping | Pong | Bye
Event = WireEvent | Help
