"""who takes part: scripted peers at bare sockets, and humans at the real client."""

import json
import re
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from chatcore.client.client import Client
from chatcore.client.words import Words
from chatcore.loop import Loop
from chatcore.names import fold
from chatcore.sim import Process, RawClient, SimSocket
from tests.simulation.conversation import Ground
from tests.simulation.invariants import Invariant, Violation, hold
from tests.simulation.watched_log import mark_of

ADDRESS = ("10.0.0.1", 14532)
LOOPBACK = ("127.0.0.1", 0)  # from where any number may come
LONGEST_SPIN = 16  # selects in a row after which nothing was done
SHOWN = re.compile(r"(?:\[(\S+)\] )?(?:[\d-]+ )?\d\d:\d\d (\S+): (.*)")
NOT_KEPT = re.compile(r'! not kept: "(\S+)')


class Peer:
    """An actor. `kind` is how it speaks, `talk` what passes on its connection, `rooms` where it asked to be."""

    def __init__(self, ground: Ground, name: str, kind: str, source: tuple[str, int]) -> None:
        self.name = name
        self.kind = kind
        self.rooms: dict[str, str] = {}  # fold -> name
        self.said: dict[str, tuple[str, str]] = {}  # cid -> (room, text)
        self.is_ending = False
        self.is_stubborn = False  # never closes its side
        self.raw = RawClient(ground.world.network, name, ADDRESS, source)
        self.raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ground.setting.buffer)
        self.talk = ground.converse(self.raw.socket, name, kind)
        self._heads = ground.log.heads
        self._sent = 0  # bytes
        self._answered = 0  # how far in what was received all pings have their pongs

    @property
    def is_alive(self) -> bool:
        """Connected, as far as it knows, and not on the way out."""
        return not (self.raw.closed or self.raw.eof or self.is_ending or self.talk.is_over)

    # --- what it says

    def command(self, **command: Any) -> None:
        """One JSON command."""
        payload = json.dumps(command, ensure_ascii=False).encode()
        self._send(len(payload).to_bytes(4, "big") + payload if self.kind == "length" else payload + b"\n")

    def _send(self, data: bytes) -> None:
        self.raw.send(data)
        self._sent += len(data)

    def do(self, line: str, **command: Any) -> None:
        """Say it in one's own dialect."""
        if self.kind == "text":
            self._send(line.encode() + b"\n")
        else:
            self.command(**command)

    def hello(self) -> None:
        self.do(self.name, type="hello", name=self.name)
        self.rooms = {"lobby": "lobby"} if self.kind == "text" else {}

    def join(self, room: str, after: int | None = None) -> None:
        """Ask to be let in; who types lines moves there."""
        self.do(f"/join {room}", type="join", room=room, **({} if after is None else {"after": after}))
        self.rooms = {**({} if self.kind == "text" else self.rooms), fold(room): room}

    def leave(self, room: str) -> None:
        self.command(type="leave", room=room)
        del self.rooms[fold(room)]

    def say(self, room: str, text: str) -> None:
        cid = mark_of(text)
        self.do(text, type="send", room=room, cid=cid, text=text)
        self.said[cid] = room, text

    def quit(self) -> None:
        self.do("sair", type="bye")
        self.is_ending = True

    def half_close(self) -> None:
        self.raw.half_close()
        self.is_ending = True

    # --- what it does by itself

    def ready(self) -> bool:
        return self.raw.ready()

    def deadline(self) -> None:
        """It never acts because of the time."""

    def step(self) -> None:
        """Read or send a piece; answer pings; close at the end."""
        self.raw.step()
        is_loss = self.raw.error and self.talk.is_healthy and self.talk.is_accepted and not self.raw.eof
        hold(not is_loss, Invariant.HEALTHY, self.talk, "is told", repr(self.raw.error))
        while (found := self.raw.received.find(b'"type":"ping"', self._answered)) >= 0:
            self._answered = found + 1
            if self.is_alive and self.kind != "garbage":
                self.command(type="pong")
        if self.raw.eof and not self.is_stubborn:
            self.raw.close()

    def unsettled(self) -> str:
        """What has yet to happen once faults have stopped, or nothing."""
        talk = self.talk
        if self.raw.closed or self.kind == "garbage" or (self.raw.eof and self.is_stubborn):
            return ""
        if talk.is_over or self.is_ending or self._sent > len(talk.commands.data):
            return f"{talk} has not ended, or was not heard to the end"
        rooms = {talk.here} if self.kind == "text" else set(talk.last)
        late = [room for room in rooms if talk.late(room, self._heads[room] + 1)]
        if rooms != set(self.rooms) or late:
            return f"{talk} is in {talk.last}, should be in {self.rooms}, and misses something in {late}"
        return f"{talk} hears nothing of {talk.unanswered()}" if talk.unanswered() else ""


class Human:
    """A program: the real client on the real loop. Also its screen: it types, and checks what is shown."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.name = name
        self.sock: SimSocket | None = None
        self.is_leaving = self.is_over = False
        self.process = Process(name)
        self.selector = ground.world.selector(self.process)
        self._ground, self._log = ground, ground.log
        self._said: set[str] = set()  # marks
        self._last: dict[str, int] = {}  # fold of a room -> last number shown
        words = Words(colours=False, today=lambda: ground.world.clock.utc().date())
        self.client = Client(
            self._dial, self.selector, ground.world.clock.time, self, words, name, "lobby",
            new_id=ground.new_id, chance=ground.rng.random, asks_for_name=True,
        )  # fmt: skip
        self.client.loop.running = True  # what Client.run() does, but that the world turns the loop
        self.client._connect()

    def _dial(self) -> SimSocket:
        self.sock = self._ground.world.network.connect(ADDRESS, LOOPBACK, self.process)
        self._ground.converse(self.sock, self.name, "lines", is_human=True)
        return self.sock

    # --- a program

    def timeout(self) -> float | None:
        return self.client.loop.timeout()

    def turn(self, at_most: float | None = None) -> None:
        try:
            self.client.loop.turn(at_most)
        except Violation:
            raise
        except Exception as error:
            raise Violation(Invariant.ESCAPES, self.name, repr(error)) from error
        hold(self.selector.longest_spin <= LONGEST_SPIN, Invariant.SPIN, self.name, "spins")
        if not self.client.loop.running:
            self.is_over = True
            self.client.close()
            self._ground.world.remove(self.name)
            unsent = self.client.session.unconfirmed
            hold(not (self.is_leaving and unsent), Invariant.SCREEN, self.name, "leaves with", unsent)

    # --- a screen

    def start(self, loop: Loop, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        """It is started already."""

    def run(self, loop: Loop) -> None:
        """The world runs it."""

    def close(self) -> None:
        """Nothing is open."""

    def type(self, line: str) -> None:
        """In step 3 of a turn, as a screen does."""
        self.is_leaving = line == "sair"
        self._said.update([mark_of(line)] if line.startswith("m") else [])
        self.client.loop.call_later(0, partial(self.client._typed, line))

    def show(self, text: str) -> None:
        """A line is shown: messages in order, none twice, none left out that is kept."""
        if match := NOT_KEPT.match(text):
            self._said.discard(match[1])
        if match := SHOWN.fullmatch(text):
            self._check_message(fold(match[1]) if match[1] else self.client.session.here, match[2], match[3])
        if text.endswith("type another name"):
            self.type(f"{self.name}.{self._ground.number()}")

    def _check_message(self, room: str, sender: str, text: str) -> None:
        place, seq = self._log.find(sender, mark_of(text))
        is_kept = place == room and self._log.durable[room, seq].text == text
        hold(is_kept, Invariant.DURABLE, self.name, "is shown", text)
        last = self._last.get(room, seq - 1)  # where a replay begins is checked where it is sent
        hold(seq == last + 1, Invariant.SCREEN, self.name, "at", last, "is shown", seq, "of", room)
        self._last[room] = seq

    def unsettled(self) -> str:
        """What has yet to happen once faults have stopped, or nothing."""
        session = self.client.session
        if self.is_over or self.is_leaving:
            return "" if self.is_over else f"{self.name} is not gone"
        if not session.is_welcome or not all(place.is_joined for place in session.places.values()):
            return f"{self.name} is not back"
        late = {room: seq for room, seq in self._last.items() if seq != self._log.heads[room]}
        lost = self._said - {mark for _, mark in self._log.said}
        is_settled = not (session.unconfirmed or late or lost)
        return "" if is_settled else f"{self.name} has unsent {session.unconfirmed}, is at {late}, lost {lost}"
