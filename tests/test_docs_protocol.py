"""docs/reference/protocol.md is what the program speaks: its tables are the code's, its conversations are played."""

import re
from hashlib import md5
from itertools import count
from pathlib import Path

import pytest

from chatcore import json_codec, names, protocol
from chatcore.dialects import TABLE
from chatcore.json_codec import COMMANDS, EVENTS, SHAPES
from chatcore.limits import Limits
from chatcore.log import MemoryLog
from tests.blocks import blocks
from tests.pure_chat import LINES, TEXT, Driver, Peer

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "protocol.md").read_text(encoding="utf-8")
CONVERSATIONS = [block.code for block in blocks(PAGE) if block.language == "text"]
SAYS, HEARS = " → ", " ← "
SILENCE = re.compile(r"\((\d+) seconds of silence\)")
RESERVED = {"password"}  # of `hello`, for servers with accounts


class Played(Driver):
    """A chat whose ids and times are the same every time, and look like real ones."""

    def __init__(self) -> None:
        self._numbers = count(1)
        super().__init__(MemoryLog(self._new_id()))
        self.people: dict[str, Peer] = {}

    def _new_id(self) -> str:
        return md5(b"%d" % next(self._numbers), usedforsecurity=False).hexdigest()

    def say(self, name: str, line: str) -> None:
        """The first line of somebody decides the dialect, as on the wire."""
        if name not in self.people:
            self.people[name] = self.connect(LINES if line.startswith("{") else TEXT)
        self.people[name].send(line.encode() + b"\n")
        self.settle()

    def heard(self) -> list[str]:
        """What came since the last time, by the order in which people came."""
        lines = [f"{name}{HEARS}{line}" for name, peer in self.people.items() for line in peer.lines]
        for peer in self.people.values():
            peer.forget()
        return lines


def played(conversation: str) -> str:
    """The conversation again, with what the server says to it."""
    chat, lines = Played(), []
    for line in conversation.splitlines():
        if silence := SILENCE.fullmatch(line):
            chat.pass_time(int(silence[1]))
        elif SAYS in line:
            chat.say(*line.split(SAYS, 1))
        else:
            continue
        lines += [line, *chat.heard()]
    return "\n".join(lines) + "\n"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that begins with this heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [re.split(r" *\| *", line)[1:-1] for line in table]


def fields(cls: type) -> set[str]:
    """As the page writes them: `NAME`, with a question mark when it may be left out."""
    return {f"`{wire}`" + "?" * absent for _, wire, _, absent in SHAPES[cls] if wire not in RESERVED}


@pytest.mark.parametrize("conversation", CONVERSATIONS, ids=lambda text: text.partition(" ")[0])
def test_a_conversation_goes_as_shown(conversation: str) -> None:
    assert played(conversation) == conversation


def test_there_is_a_conversation_in_text_and_one_in_json() -> None:
    assert [" → {" in conversation for conversation in CONVERSATIONS] == [False, True]


def test_every_command_is_in_the_table_with_its_fields() -> None:
    shown = {row[0].strip("`"): set(re.findall(r"`\w+`\??", row[1])) for row in rows("command")}
    assert shown == {name: fields(cls) for name, cls in COMMANDS.items()}


def test_every_event_is_there_with_its_fields() -> None:
    told = {row[0].strip("`"): set(re.findall(r"`(\w+)`", re.split("[:;.]", row[1])[0])) for row in rows("event")}
    for name, inside in re.findall(r"`(\w+) {(.*)}`", "\n".join(row[2] for row in rows("command"))):
        values = re.sub(r": (?!\[)[^,]*", "", inside)  # of `reason: "leave"`
        told.setdefault(name, set()).update(re.findall(r"\w+", values))
    known = {name: {wire for _, wire, _, _ in SHAPES[cls]} for name, cls in EVENTS.items()}
    known["rooms"] |= {wire for _, wire, _, _ in SHAPES[protocol.RoomEntry]}
    known["stats"] = set()  # figures, listed on another page
    assert told == known


def test_every_opening_is_in_the_table() -> None:
    shown = {piece for row in rows("first bytes") for piece in re.findall(r"`([^`]+)`", row[0])}
    openings = {prefix.decode() for prefix in TABLE}
    assert shown == {opening if opening.isprintable() else opening.encode().hex(" ") for opening in openings}


def test_the_numbers_are_those_of_the_code() -> None:
    limits = Limits()
    text = " ".join(PAGE.split())
    for sentence in (
        f"1 to {protocol.LONGEST_CID} characters, unique for your name",
        f"up to {protocol.LONGEST_PING} characters",
        f"A list holds at most {protocol.MOST_IN_A_LIST} entries",
        f"and then the last {limits.recent} messages",
        f"you get the last {limits.recent}",
        f"In a room of more than {limits.presence} members",
        f"A connection may be in {limits.rooms_per_connection} rooms",
        f"any Unicode up to {limits.text // 1024} KiB of UTF-8",
        f"A name or a room is 1 to {names.LONGEST_NAME} characters",
        f"asked with `ping` after {limits.ping_seconds:g} seconds, and dropped after {limits.idle_seconds:g}",
        f"in your room, `{protocol.LOBBY}` at first",
        f"`{names.RESERVED}` is reserved",
        f"integers of more than {json_codec.LONGEST_INTEGER:,} digits",
    ):
        assert sentence in text, sentence


def test_the_letters_that_are_spelled_out_are_those_of_the_code() -> None:
    (sentence,) = re.findall(r"letters do not come apart, and are spelled out: (.*?)\.\n", PAGE, re.DOTALL)
    shown = dict(re.findall(r"`(\w)` (\w+)", sentence))
    assert str.maketrans(shown) == names.SPELLED_OUT
