"""events -> lines for a person. Everything from the network is made harmless before it gets here out."""

from collections.abc import Callable
from datetime import date, datetime

from chatcore import protocol
from chatcore.client.session import Notice
from chatcore.names import fold
from chatcore.protocol import Event
from chatcore.screen.harmless import harmless, name_colour, paint

HELP_LINES = (
    "what you type is said in your room; lines that begin with / are commands:",
    "  /join ROOM      enter a room, or speak there if you are in it already",
    "  /leave [ROOM]   leave a room",
    "  /rooms          which rooms there are",
    "  /who [ROOM]     who is in a room",
    "  /msg NAME TEXT  say it to one person",
    "  /stats          how the server is",
    "  /quit, sair     leave when everything you said is confirmed",
    "  //x             says /x",
)


class Words:
    """Turns events into lines. `colours` are for a terminal; without them the lines say the same.

    `today()` is the day where the reader is: a message of another day is shown with its date.
    """

    def __init__(self, colours: bool, today: Callable[[], date]) -> None:
        self._colours = colours
        self._today = today
        self._render: dict[type[Event] | type[Notice], Callable[..., list[str]]] = {
            protocol.Joined: self._joined,
            protocol.Entered: lambda event: [f"* {self._name(event.name)} entered"],
            protocol.Left: lambda event: [f"* {self._name(event.name)} left"],
            protocol.Message: self._message,
            protocol.Direct: self._direct,
            protocol.Members: self._members,
            protocol.Rooms: self._rooms,
            protocol.Stats: self._stats,
            protocol.Error: lambda event: [f"! {harmless(event.text)}"],
            protocol.Help: lambda event: [f"* {line}" for line in HELP_LINES],
            protocol.Bye: self._bye,
            Notice: lambda notice: [f"{'!' if notice.is_wrong else '*'} {harmless(notice.text)}"],
        }

    def lines(self, event: Event | Notice, here: str) -> list[str]:
        """The lines that show `event` to somebody who speaks in the room `here` (a fold)."""
        render = self._render.get(type(event))
        if render is None:
            return []
        room = getattr(event, "room", None)
        elsewhere = f"[{harmless(room)}] " if isinstance(room, str) and fold(room) != here else ""
        return [elsewhere + line for line in render(event)]

    def _name(self, name: str) -> str:
        shown = harmless(name)
        return paint(shown, name_colour(fold(name))) if self._colours else shown

    def _names(self, names: tuple[str, ...]) -> str:
        return ", ".join(self._name(name) for name in names)

    def _joined(self, event: protocol.Joined) -> list[str]:
        more = event.count - len(event.members)
        return [f"* in {harmless(event.room)}: {self._names(event.members)}{f' and {more} more' if more else ''}"]

    def _message(self, event: protocol.Message) -> list[str]:
        return [f"{self._clock(event.time)} {self._name(event.sender)}: {harmless(event.text)}"]

    def _direct(self, event: protocol.Direct) -> list[str]:
        return [f"* {self._name(event.sender)} to {self._name(event.to)}: {harmless(event.text)}"]

    def _members(self, event: protocol.Members) -> list[str]:
        return [f"* in {harmless(event.room)}: {self._names(event.names)}{' …' if event.next else ''}"]

    def _rooms(self, event: protocol.Rooms) -> list[str]:
        rows = [f"* {harmless(row.room)}: {row.members} here, {row.seq} messages" for row in event.rooms]
        return [*rows, "* …"] if event.next else rows or ["* there are no rooms"]

    def _stats(self, event: protocol.Stats) -> list[str]:
        return [f"* {harmless(name)}: {harmless(str(value))}" for name, value in event.figures.items()]

    def _bye(self, event: protocol.Bye) -> list[str]:
        reason = protocol.BYE_REASONS.get(event.reason, event.reason)
        return ["* bye"] if event.reason == "quit" else [f"! {harmless(reason)}"]

    def _clock(self, time: str) -> str:
        """Hours and minutes where the reader is, or nothing sensible when the server sent nothing sensible."""
        try:
            moment = datetime.fromisoformat(time).astimezone()
            return moment.strftime("%H:%M" if moment.date() == self._today() else "%Y-%m-%d %H:%M")
        except (ValueError, OverflowError, OSError):  # OSError: Windows knows no local time before 1970
            return "--:--"
