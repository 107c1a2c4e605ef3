"""frames <-> commands and events, as lines of text: the dialect of people with `nc`.

What a person types is a command; what the server says is shown so that it can be read without a
manual. `NAME: TEXT` is what others say, `* …` is news, `! …` is what went wrong.
"""

from collections.abc import Callable

from chatcore import protocol
from chatcore.errors import CommandError
from chatcore.protocol import Command, Event

CLIENT_HINT = "use nc, or python3 -m chatcore connect"
TELNET_COMMAND = b"\xff"  # no byte of UTF-8
BACKSPACES = (b"\x08", b"\x7f")
NAMES_SHOWN = 20
QUOTED = 20  # characters of the line that an error quotes

HELP_LINES = (
    "what you type is said in your room; lines that begin with / are commands:",
    "/join ROOM  go to a room          /who    who is here",
    "/rooms      which rooms there are /msg NAME TEXT  say it to one person",
    "/help       this                  /quit   leave (sair does the same)",
    "//x says /x",
)


def decode_line(line: bytes, greeted: bool) -> Command:
    """What a person meant; CommandError for what no person typed."""
    text = _readable(line)
    if not text.strip():
        return protocol.Blank()
    if text == "sair" or (is_command(text) and text.split()[0] == "/quit"):
        return protocol.Quit() if greeted else protocol.End()
    if is_command(text):
        return _command(text)
    if not greeted:
        return protocol.Hello(text.strip())
    return protocol.Say(text.removeprefix("/") if text.startswith("//") else text)


def is_command(text: str) -> bool:
    """True for `/x`; `//x` says `/x`."""
    return text.startswith("/") and not text.startswith("//")


def as_typed(text: str) -> str:
    """The line by which a person says `text`."""
    return "/" + text if text.startswith("/") else text


def _readable(line: bytes) -> str:
    """The line as text; CommandError names a client to use when this one sends something else."""
    if TELNET_COMMAND in line:
        raise CommandError("bad_utf8", f"this looks like telnet: {CLIENT_HINT}")
    if any(byte in line for byte in BACKSPACES):
        raise CommandError("text_invalid", f"your terminal sent a backspace as a character: {CLIENT_HINT}")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise CommandError("bad_utf8", f"this is not UTF-8: {CLIENT_HINT}") from None


def _command(text: str) -> Command:
    word, rest = (*text.split(maxsplit=1), "")[:2]  # at any white space: tabs are allowed
    rest = rest.strip()
    match word:
        case "/join" if rest:
            return protocol.Move(rest)
        case "/msg" if len(rest.split()) > 1:
            name, said = rest.split(maxsplit=1)
            return protocol.AskDirect(name, "", said)  # the server makes the id
        case "/rooms":
            return protocol.AskRooms()
        case "/who":
            return protocol.AskWho()
        case "/help":
            return protocol.AskHelp()
        case "/join" | "/msg":
            raise CommandError("bad_field", f"{word} needs {'ROOM' if word == '/join' else 'NAME TEXT'}")
    raise CommandError("unknown_type", "there is no such command (/help lists them)")


def encode_event(event: Event, me: str = "") -> bytes:
    """The lines that tell the person called `me` of `event`; nothing when it does not concern people."""
    return "".join(f"{line}\n" for line in RENDER[type(event)](event, me)).encode()


def _joined(event: protocol.Joined, me: str) -> list[str]:
    others = [name for name in event.members if name != me]
    shown = ", ".join(others[:NAMES_SHOWN])
    more = event.count - 1 - len(others[:NAMES_SHOWN])
    company = (f" with {shown}" if shown else "") + (f" and {more} more" if more > 0 else "")
    return [f"* you are {me}, in {event.room}{company} (/help)"]


def _members(event: protocol.Members, me: str) -> list[str]:
    return [f"* in {event.room}: {', '.join(event.names)}{' …' if event.next else ''}"]


def _rooms(event: protocol.Rooms, me: str) -> list[str]:
    rows = [f"* {row.room}: {row.members} here, {row.seq} messages" for row in event.rooms]
    return [*rows, "* …"] if event.next else rows or ["* there are no rooms"]


def _error(event: protocol.Error, me: str) -> list[str]:
    if event.about is None:
        return [f"! {event.text}"]
    quote = "".join(char if char.isprintable() else "?" for char in event.about[:QUOTED])
    quote += "…" if len(event.about) > QUOTED else ""
    return [f'! not {"done" if is_command(event.about) else "kept"}: "{quote}": {event.text}']


def _bye(event: protocol.Bye, me: str) -> list[str]:
    return ["* bye"] if event.reason == "quit" else [f"! {protocol.BYE_REASONS[event.reason]}: bye"]


def _nothing(event: Event, me: str) -> list[str]:
    return []


RENDER: dict[type[Event], Callable[..., list[str]]] = {
    protocol.Welcome: _nothing,  # the line for Joined says it
    protocol.Joined: _joined,
    protocol.Entered: lambda event, me: [f"* {event.name} entered"],
    protocol.Left: lambda event, me: [f"* {event.name} left"] if event.name != me else [],
    protocol.Message: lambda event, me: [f"{event.sender}: {event.text}"],
    protocol.Direct: lambda event, me: [f"* {event.sender} to you: {event.text}"] if event.sender != me else [],
    protocol.Members: _members,
    protocol.Rooms: _rooms,
    protocol.Stats: _nothing,
    protocol.Error: _error,
    protocol.Help: lambda event, me: [f"* {line}" for line in HELP_LINES],
    protocol.Ping: _nothing,
    protocol.Pong: _nothing,
    protocol.Bye: _bye,
}
