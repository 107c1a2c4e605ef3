"""Rooms and chat against a model with a Hypothesis state machine.

The model is what the people at the other ends can know: the list of messages of every room (the log
is the truth), and for each client what it has been told. Nothing here asks how the chat works; each
client checks what it hears against docs/reference/protocol.md the moment it hears it, as a distrustful client would.
Commands, broken connections, slow readers, time and the log's answers come in any order.

The same machine runs with a log that answers at once, with one whose answers are late, and with one
whose requests are late: nothing that a client can see may differ but the time it takes.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatcore.connection import Connection
from chatcore.errors import CommandError
from chatcore.log import Log, MemoryLog
from chatcore.names import fold
from chatcore.protocol import Message
from chatcore.rooms import Goes
from tests.pure_chat import LENGTHS, LINES, TEXT, Driver, Event, Peer, SlowLog

# Small limits, so that short runs reach all of them.
SMALL: dict[str, Any] = {
    "frame": 4096, "text": 1024, "high_water": 4096, "low_water": 1024, "ceiling": 16384, "total_queue": 32768,
    "turn_bytes": 3072, "burst": 6, "rate": 5.0, "rooms_per_connection": 2, "recent": 3,
}  # fmt: skip
NAMES = ("ana", "Bia", "João", "joao")  # the last two are one name
ROOMS = ("lobby", "Sala", "sala", "x")  # and so are two of these
LONG = 900  # characters of a long text: a few of them fill a queue


@dataclass
class View:
    """What a program was told of one room since it joined: its client rule in docs/reference/protocol.md."""

    last: int  # the number of the last message it was shown
    head: int  # `seq` of `joined`
    people: dict[str, bool]  # fold -> is in the room, where known
    others: bool | None  # the same for everybody else


class Client:
    """A peer, and all that it knows and has asked for."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.name: str | None = None
        self.token: str | None = None
        self.seen: int = 0  # events or lines that were looked at
        self.views: dict[str, View] = {}  # of a program: fold of the room -> what it was told
        # of a person: the last message shown of each room; several may be possible, as lines do not tell the room
        self.shown: list[dict[str, int | None]] = [{}]
        self.here: str = ""  # the room of a person
        self.past: dict[str, int] = {}  # how much a room had heard when the person came
        self.asked: Counter[str] = Counter()  # kinds of commands, and of answers that are due
        self.answered: Counter[str] = Counter()
        self.pending: set[str] = set()  # cids that wait for an answer
        self.changed: set[str] = set()  # cids said again with another text: they wait for an error
        self.kept: set[str] = set()  # cids of messages that came back
        self.retried: set[str] = set()  # cids said twice or more
        self.misused: set[str] = set()  # cids that were ever in `changed`
        self.may_end: set[str] = set()  # reasons for which the server may end it
        self.end: str | None = None  # the reason of the bye it got
        self.has_stalled: bool = False  # it has not read everything since
        self.is_half_closed = False  # it has said all that it has to say, and waits for the answers

    def __repr__(self) -> str:
        return f"<{self.peer.kind} {self.peer.connection.number}, {self.name}>"

    @property
    def is_person(self) -> bool:
        return self.peer.kind == TEXT

    @property
    def is_over(self) -> bool:
        return self.end is not None or self.peer.is_gone or self.peer.is_reset

    @property
    def me(self) -> str:
        return fold(self.name or "")


class ChatModel(RuleBasedStateMachine):
    """A handful of clients and an operator do what they want; a `quiet` moment settles all accounts."""

    def __init__(self) -> None:
        super().__init__()
        self.driver = Driver(self.make_log(), **SMALL)
        self.driver.after_turn = self.look
        self.clients: list[Client] = []
        self.tokens: list[tuple[str, str]] = []  # (name, token) of every welcome
        self.said: list[tuple[str, str, str, str]] = []  # (name, room, cid, text) of every first send
        self.muted: set[str] = set()
        self.texts = 0

    def make_log(self) -> Log:
        return MemoryLog("log-1")

    # ------------------------------------------------------------ what the clients do

    def client(self, data: st.DataObject, *, named: bool = False, programs: bool = False) -> Client | None:
        """One of those who are there, if there is one."""
        able = [
            client
            for client in self.clients
            if not client.is_over and not client.peer.has_ended and (client.name or not named)
            if not (programs and client.is_person)
        ]
        return data.draw(st.sampled_from(able)) if able else None

    def new_text(self, is_long: bool) -> str:
        self.texts += 1
        return f"t{self.texts}." + "x" * LONG * is_long

    @initialize()
    def two_in_a_room(self) -> None:
        """Most of what can go wrong needs two: begin with them."""
        for name, kind in (("ana", LINES), ("Bia", TEXT)):
            self.connect(kind)
            self.say_hello(self.clients[-1], name, None)
            if kind != TEXT:
                self.clients[-1].asked["join"] += 1
                self.clients[-1].peer.says(type="join", room="lobby")

    @precondition(lambda self: sum(not client.is_over for client in self.clients) < 6)
    @rule(kind=st.sampled_from([LINES, LINES, LENGTHS, TEXT]))
    def connect(self, kind: str) -> None:
        self.clients.append(Client(self.driver.connect(kind)))

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def hello(self, data: st.DataObject, name: str) -> None:
        """Fresh or taken, whichever it is."""
        if client := self.client(data):
            self.say_hello(client, name, None)

    def say_hello(self, client: Client, name: str, token: str | None) -> None:
        if client.is_person:
            if client.name is None and not client.asked["hello"]:
                client.peer.says(name)
                client.asked["hello"] += 1
            return
        client.asked["hello"] += 1
        client.peer.says(type="hello", name=name, **({"token": token} if token else {}))

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def hello_with_token(self, data: st.DataObject) -> None:
        """Take one's own name over from a connection that may be dead."""
        name, token = data.draw(st.sampled_from(self.tokens))
        client = self.client(data, programs=True)
        if client and not client.asked["hello"]:
            self.say_hello(client, name, token)
            rivals = [holder for holder in self.clients if holder.token == token]
            for rival in [*rivals, client] if rivals else []:
                rival.may_end.add("replaced")
            client.token = token

    @rule(data=st.data(), room=st.sampled_from(ROOMS), after=st.sampled_from([None, None, 0, 0, 1, 2, 5, 99]))
    def join(self, data: st.DataObject, room: str, after: int | None) -> None:
        client = self.client(data)
        if client and client.is_person and client.name:
            client.peer.says(f"/join {room}")
        elif client and not client.is_person:
            client.asked["join"] += 1
            client.peer.says(type="join", room=room, **({} if after is None else {"after": after}))

    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        """Join again behind what one has seen."""
        client = self.client(data, programs=True)
        if client and client.views:
            room = data.draw(st.sampled_from(sorted(client.views)))
            client.asked["join"] += 1
            client.peer.says(type="join", room=room, after=client.views[room].last)

    @rule(data=st.data(), room=st.sampled_from(ROOMS))
    def leave(self, data: st.DataObject, room: str) -> None:
        if client := self.client(data, programs=True):
            client.asked["leave"] += 1
            client.peer.says(type="leave", room=room)

    @rule(data=st.data(), room=st.sampled_from(ROOMS), is_long=st.booleans(), count=st.integers(1, 4))
    def send(self, data: st.DataObject, room: str, is_long: bool, count: int) -> None:
        client = self.client(data, named=True)
        for _ in range(count if client else 0):
            assert client is not None
            text = self.new_text(is_long)
            if client.is_person:
                client.peer.says(text)
            else:
                self.say(client, room, f"c{self.texts}", text)
                self.said.append((client.me, room, f"c{self.texts}", text))

    def say(self, client: Client, room: str, cid: str, text: str) -> None:
        client.pending.add(cid)
        client.peer.says(type="send", room=room, cid=cid, text=text)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """The same again: it is kept once, and its sender is told of it."""
        client, said = self.client_who_said(data)
        if client and not self.muted:
            client.retried.add(said[2])
            self.say(client, *said[1:])

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def retry_with_another_text(self, data: st.DataObject) -> None:
        """An id that is used for something else is refused, whether the first was kept or not."""
        client, said = self.client_who_said(data)
        if client and said[2] in client.kept and not self.muted:
            client.changed.add(said[2])
            client.misused.add(said[2])
            client.peer.says(type="send", room=said[1], cid=said[2], text="another")

    def client_who_said(self, data: st.DataObject) -> tuple[Client | None, tuple[str, str, str, str]]:
        said = data.draw(st.sampled_from(self.said))
        able = [
            client
            for client in self.clients
            if client.me == said[0] and not client.is_over and not client.peer.has_ended
            if not client.is_person
        ]
        return (able[0] if able else None), said

    @rule(data=st.data(), to=st.sampled_from(NAMES))
    def direct(self, data: st.DataObject, to: str) -> None:
        client = self.client(data, named=True)
        if client and client.is_person:
            client.peer.says(f"/msg {to} psst")
        elif client:
            client.asked["direct"] += 1
            client.peer.says(type="direct", to=to, cid=f"d{client.asked['direct']}", text="psst")

    @rule(data=st.data(), kind=st.sampled_from(["ping", "members", "rooms", "stats"]))
    def ask(self, data: st.DataObject, kind: str) -> None:
        client = self.client(data, named=True)
        if client and client.is_person:
            client.peer.says("/who", "/rooms", "", "/help")
        elif client:
            client.asked[kind] += 1
            client.peer.says(type=kind, **({"room": "sala"} if kind == "members" else {}))

    @rule(data=st.data(), how=st.sampled_from(["bye", "end", "end", "reset"]))
    def go(self, data: st.DataObject, how: str) -> None:
        client = self.client(data)
        if client is None:
            return
        client.may_end.add("quit")
        if how == "reset":
            client.peer.resets()
        elif how == "end":
            if not client.asked:
                client.peer.kind = TEXT  # it said nothing, and the end decides for text
            client.peer.ends()
            client.is_half_closed = not client.asked["bye"]
        elif client.is_person:
            client.peer.says("sair")
        else:
            client.asked["bye"] += 1
            client.peer.says(type="bye")

    @rule(data=st.data(), takes=st.sampled_from([0, 0, 40, 700]))
    def stall(self, data: st.DataObject, takes: int) -> None:
        """Somebody reads nothing from now on, or little."""
        if client := self.client(data):
            client.peer.takes = takes
            client.has_stalled = True
            client.may_end |= {"slow_consumer", "timeout"}

    @rule()
    def read_on(self) -> None:
        for client in self.clients:
            client.peer.takes = None

    # ------------------------------------------------------------ what the operator, time and the log do

    @rule(is_long=st.booleans())
    def announce(self, is_long: bool) -> None:
        self.driver.chat.commands.announce(self.new_text(is_long))

    @rule(name=st.sampled_from(NAMES))
    def kick(self, name: str) -> None:
        try:
            connection = self.driver.chat.commands.find(name)
        except CommandError:
            return
        self.client_of(connection).may_end.add("kicked")
        self.driver.chat.close(connection, "kicked")

    @rule(name=st.sampled_from(NAMES))
    def mute_and_unmute(self, name: str) -> None:
        if self.muted:
            self.driver.chat.commands.unmute(self.muted.pop())
        elif not any(client.retried & client.pending for client in self.clients):
            self.muted.add(fold(name))
            self.driver.chat.commands.mute(name)

    @rule()
    def turn(self) -> None:
        self.driver.turn()

    @rule()
    def settle(self) -> None:
        self.driver.settle()

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.0, 11.0, 31.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        for client in self.clients:
            if client.name is None:
                client.may_end.add("timeout")  # it has not said hello
        self.driver.pass_time(seconds)

    # ------------------------------------------------------------ what the clients hear

    def look(self) -> None:
        """After each turn: everybody looks at what is new."""
        self.truth = {fold(room): self.driver.history(room) for room in ROOMS}
        for client in self.clients:
            news: list[Any] = client.peer.lines if client.is_person else client.peer.events
            for new in news[client.seen :]:
                client.seen += 1
                assert client.end is None, f"{new} comes after the bye"
                if client.is_person:
                    self.hear_line(client, new)
                else:
                    getattr(self, f"hear_{new['type']}")(client, new)
            if client.peer.takes is None and not client.peer.connection.queue.size:
                client.has_stalled = False

    def hear_welcome(self, client: Client, event: Event) -> None:
        assert client.name is None
        client.name, client.token = event["name"], event["token"]
        client.answered["hello"] += 1
        self.tokens.append((event["name"], event["token"]))

    def hear_joined(self, client: Client, event: Event) -> None:
        room = fold(event["room"])
        first, seq, members = event["first"], event["seq"], event["members"]
        assert 1 <= first <= seq + 1
        assert seq <= len(self.truth[room])
        assert event["count"] == len(members)
        assert event["presence"]
        assert members == sorted(set(members), key=fold)
        assert client.name in members
        people = {fold(name): True for name in members} if first > seq else {}
        client.views[room] = View(first - 1, seq, people, False if first > seq else None)
        assert len(client.views) <= SMALL["rooms_per_connection"]
        client.answered["join"] += 1

    def hear_message(self, client: Client, event: Event) -> None:
        room = fold(event["room"])
        kept = self.truth[room][event["seq"] - 1]  # told, so it is kept
        assert (kept.seq, kept.sender, kept.text, kept.cid, kept.time, kept.room) == tuple(
            event[key] for key in ("seq", "from", "text", "cid", "time", "room")
        )
        is_own = fold(event["from"]) == client.me
        if is_own:
            client.kept.add(event["cid"])
            client.pending.discard(event["cid"])
        view = client.views.get(room)
        if view is None:
            assert is_own, "it is not in this room"
        elif event["seq"] <= view.last:
            assert is_own, "it is shown twice"
            assert event["cid"] in client.retried, "it is shown twice"
        else:
            assert event["seq"] == view.last + 1, "a message is missing"
            view.last += 1
            if event["seq"] > view.head and event["from"] != "server":
                assert view.people.get(fold(event["from"]), view.others) is not False, (
                    "said by somebody who is not in the room"
                )

    def hear_entered(self, client: Client, event: Event) -> None:
        view = client.views[fold(event["room"])]
        name = fold(event["name"])
        assert name != client.me
        assert view.people.get(name, view.others) is not True, "it was in the room already"
        view.people[name] = True

    def hear_left(self, client: Client, event: Event) -> None:
        room, name = fold(event["room"]), fold(event["name"])
        if name == client.me and event["reason"] == "leave":
            del client.views[room]
            client.answered["leave"] += 1
            return
        view = client.views[room]
        assert name != client.me
        assert view.people.get(name, view.others) is not False, "it was not in the room"
        view.people[name] = False

    def hear_error(self, client: Client, event: Event) -> None:
        cid: str = event.get("cid", "")
        code: str = event["code"]
        if cid in client.pending | client.changed:
            assert code in ("not_in_room", "muted", "hello_first") or cid in client.misused, event
            client.pending.discard(cid)
            client.changed.discard(cid)
        elif code == "hello_first":
            assert client.name is None
            client.answered["refused"] += 1
        elif code == "name_taken":
            client.answered["hello"] += 1
        elif code == "too_many_rooms":
            assert len(client.views) == SMALL["rooms_per_connection"]
            client.answered["join"] += 1
        elif code == "no_such_user" or cid.startswith("d"):
            client.answered["direct"] += 1
        elif cid:
            assert cid in client.retried | client.misused, event
        else:
            client.answered[{"bad_field": "hello", "not_in_room": "leave"}.get(code, code)] += 1

    def hear_direct(self, client: Client, event: Event) -> None:
        assert client.me in (fold(event["from"]), fold(event["to"]))
        client.answered["direct"] += fold(event["from"]) == client.me

    def hear_members(self, client: Client, event: Event) -> None:
        assert event["names"] == sorted(set(event["names"]), key=fold)
        client.answered["members"] += 1

    def hear_rooms(self, client: Client, event: Event) -> None:
        for row in event["rooms"]:
            assert row["seq"] <= len(self.truth[fold(row["room"])])
        client.answered["rooms"] += 1

    def hear_stats(self, client: Client, event: Event) -> None:
        client.answered["stats"] += 1

    def hear_pong(self, client: Client, event: Event) -> None:
        client.answered["ping"] += 1

    def hear_ping(self, client: Client, event: Event) -> None:
        if not client.peer.has_ended:
            client.peer.says(type="pong")

    def hear_bye(self, client: Client, event: Event) -> None:
        client.end = event["reason"]
        assert client.end in client.may_end, f"it did nothing wrong, and hears {client.end}"
        client.answered["bye"] += client.end == "quit"

    def hear_line(self, client: Client, line: str) -> None:
        """A person: every line is one of those in docs/reference/protocol.md."""
        if match := re.fullmatch(r"\* you are (\S+), in (\S+)( with .*)? \(/help\)", line):
            if client.name is None:
                client.answered["hello"] += 1
            client.name, client.here = match[1], fold(match[2])
            client.shown = [{**shown, client.here: None} for shown in client.shown]
            client.past[client.here] = len(self.truth[client.here])
        elif match := re.fullmatch(r"([^ *!]+): (t\d+\.x*)", line):
            self.hear_said(client, match[1], match[2])
        elif line == '! not kept: "ana": somebody here has this name' or "has this name" in line:
            client.answered["hello"] += 1
            client.asked["hello"] = 0  # it may try another
            client.answered["hello"] = 0
        elif line == "* bye":
            client.end = "quit"
            assert client.end in client.may_end
        elif line.startswith("! ") and line.endswith(": bye"):
            client.end = "for a reason"
            assert client.may_end, f"it did nothing wrong, and hears {line}"
        elif line.startswith("! "):
            assert re.search(r"has this name|has muted you|nobody here", line), line
        else:
            assert line.startswith("* "), line

    def hear_said(self, client: Client, sender: str, text: str) -> None:
        """A line bears no room and no number; texts differ, but the operator says one in several rooms."""
        client.shown = [
            {**shown, room: seq}
            for shown in client.shown
            for room in shown
            for seq in self.next_shown(client, room, shown[room], (sender, text))
        ]
        assert client.shown, "a person is not shown a message, or twice, or of a room where it is not"

    def next_shown(self, client: Client, room: str, last: int | None, said: tuple[str, str]) -> list[int]:
        """The number of what was said, if it may be shown next: only its own lines may be left out."""
        for message in self.truth[room][last or 0 :]:
            if (message.sender, message.text) == said:
                is_echo = self.is_by(client, message) and message.seq > client.past[room]
                assert not is_echo, "a person has typed it, and is shown it all the same"
                return [message.seq]
            if last is not None and not self.is_by(client, message):
                break
        return []

    def has_been_shown_all(self, client: Client, shown: dict[str, int | None]) -> bool:
        rest = self.truth[client.here][shown[client.here] or 0 :]
        return all(self.is_by(client, message) for message in rest)

    def is_by(self, client: Client, message: Message) -> bool:
        return fold(message.sender) == client.me

    # ------------------------------------------------------------ what always holds

    def client_of(self, connection: Connection) -> Client:
        return next(client for client in self.clients if client.peer.connection is connection)

    @invariant()
    def members_are_live_and_names_unique(self) -> None:
        chat = self.driver.chat
        people = chat.commands.people
        for key, connection in people.items():
            assert connection in chat.connections
            assert connection.is_open
            assert connection.name is not None
            assert connection.name.fold == key
        named = [fold(connection.name.shown) for connection in chat.connections if connection.name]
        open_ones = [connection for connection in chat.connections if connection.is_open and connection.name]
        assert len(open_ones) == len(people) <= len(named)
        for key, room in chat.delivery.rooms.items():
            members = {name for name, connection in people.items() if key in connection.rooms}
            going = {step.name.fold for step in room.line if isinstance(step, Goes) and step.peer is None}
            assert set(map(fold, self.driver.names(key))) == members | going

    @invariant()
    def a_message_is_kept_once(self) -> None:
        for room in set(map(fold, ROOMS)):
            kept = self.driver.history(room)
            assert [message.seq for message in kept] == list(range(1, len(kept) + 1))
            ids = [(fold(message.sender), message.cid) for message in kept]
            assert len(set(ids)) == len(ids)
            assert len({message.text for message in kept}) == len(kept)

    @invariant()
    def buffers_are_bounded_and_interest_follows_from_them(self) -> None:
        chat = self.driver.chat
        waiting = set(chat._dirty)
        for connection in chat.connections:
            size = connection.queue.size
            assert connection.wants_write == (size > 0 and not connection.is_closed)
            if connection not in waiting:
                assert size <= SMALL["ceiling"] or not connection.is_open
                assert connection.counted == size
            is_listened_to = connection.held is None and connection.slow_since is None
            assert not connection.is_open or is_listened_to or not connection.wants_read
            if connection.is_open and not connection.wants_read and not connection.ended:
                assert connection.is_held_up or connection.slow_since is not None
        assert self.driver.queued == sum(connection.counted for connection in chat.connections)

    @invariant()
    def nobody_who_reads_is_disconnected(self) -> None:
        for client in self.clients:
            gone = client.peer.is_gone and client.end is None
            assert not gone or client.peer.is_reset or client.may_end, "it is gone without a word"
            if client.end == "slow_consumer":
                assert client.may_end & {"slow_consumer"}
            elif client.peer.takes is None and not client.has_stalled:
                client.may_end -= {"slow_consumer"}

    # ------------------------------------------------------------ in the end

    def answer_everything(self) -> None:
        if isinstance(self.driver.log, SlowLog):
            self.driver.log.answer()

    @rule()
    def quiet(self) -> None:
        """Everybody reads, the log answers, time passes: then everybody must have been told everything."""
        self.read_on()
        for client in self.clients:
            if client.name is None:
                client.may_end.add("timeout")
        for _ in range(400):
            self.answer_everything()
            self.driver.settle()
            is_owed = isinstance(self.driver.log, SlowLog) and self.driver.log.owes
            if not (is_owed or any(connection.is_held_up for connection in self.driver.peers)):
                break
            self.driver.pass_time(0.2)  # the rate lets more commands through
        else:
            raise AssertionError("a command waits for ever")
        self.check_accounts()

    def teardown(self) -> None:
        self.quiet()

    def check_accounts(self) -> None:
        there = [client for client in self.clients if not client.is_over and not client.peer.has_ended]
        assert self.driver.queued == 0
        for client in self.clients:
            if client.peer.has_ended:
                assert client.peer.sees_end or client.peer.is_gone
            if client.is_half_closed and client.end == "quit":
                assert not client.pending | client.changed, "its answers come before the end"
                assert all(view.last >= view.head for view in client.views.values()), "and its replays too"
        for room in set(map(fold, ROOMS)):
            inside = {client.me for client in there if room in client.views or room == client.here}
            assert inside == set(map(fold, self.driver.names(room)))
        for client in there:
            assert not client.pending | client.changed, "a message has no outcome"
            surplus = client.answered - client.asked
            assert surplus == Counter(refused=client.answered["refused"]), (client.asked, client.answered)
            assert client.asked.total() == client.answered.total()
            for room, view in client.views.items():
                self.check_view(client, room, view)
            if client.here:
                assert any(self.has_been_shown_all(client, shown) for shown in client.shown)

    def check_view(self, client: Client, room: str, view: View) -> None:
        assert view.last == len(self.truth[room])
        inside = set(map(fold, self.driver.names(room)))
        for name, is_in in view.people.items():
            assert is_in == (name in inside)


class LateAnswers(ChatModel):
    """The log has done its part at once, and its answers are late."""

    is_early = True

    def make_log(self) -> Log:
        return SlowLog(is_early=self.is_early)

    @rule(most=st.sampled_from([1, 1, 2, 3, 1000]))
    def answer(self, most: int) -> None:
        assert isinstance(self.driver.log, SlowLog)
        self.driver.log.answer(most)


class LateRequests(LateAnswers):
    """What is asked of the log reaches it late."""

    is_early = False


STEPS = settings(stateful_step_count=40)

TestWithALogInThisProcess = ChatModel.TestCase
TestWithALogInThisProcess.settings = STEPS
TestWithLateAnswers = LateAnswers.TestCase
TestWithLateAnswers.settings = STEPS
TestWithLateRequests = LateRequests.TestCase
TestWithLateRequests.settings = STEPS
