"""what passes between the server and one peer -> checked as it passes, before any client has it.

Both directions are read at the server's socket. What was heard says what the peer may expect; what
is said is held against that, and against the log, to the byte.
"""

from collections import Counter, defaultdict

from chatcore.names import fold
from chatcore.sim import SimSocket, World
from tests.simulation.dialects import Said, Stream, parse_command, parse_event
from tests.simulation.invariants import Invariant, hold
from tests.simulation.setting import draw_setting
from tests.simulation.watched_log import WatchedLog


class Ground:
    """What everybody in one simulation shares."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.rng = self.world.rng
        self.setting = draw_setting(self.rng)
        self.log = WatchedLog(self.rng, self.setting.is_late)
        self.talks: dict[tuple[str, int], Conversation] = {}  # by the peer's address: all that ever were
        self.is_stopping = False
        self.behind: set[str] = set()  # folds of those who were catching up before this turn of the server
        self._made = 0

    def number(self) -> int:
        """One that was not given yet."""
        self._made += 1
        return self._made

    def new_id(self) -> str:
        return f"{self.rng.getrandbits(128):032x}"

    def converse(self, sock: SimSocket, name: str, kind: str, is_human: bool = False) -> "Conversation":
        """From now on what passes on `sock` is checked."""
        talk = self.talks[sock.getsockname()] = Conversation(self, name, kind, is_human)
        return talk


class Conversation:
    """`is_healthy` as long as the peer reads all it can, says nothing wrong, and nothing happened to its wire.

    Garbage is not listened to. A human may say the same on two connections, when he came back before
    the server knew that he was gone.
    """

    def __init__(self, ground: Ground, name: str, kind: str, is_human: bool) -> None:
        self.name = name
        self.kind = kind
        self.commands, self.events = Stream(kind == "length"), Stream(kind == "length")
        self.is_healthy = not is_human
        self.is_accepted = False
        self.is_over = False  # the server has said that it ends, or closed it
        self.me = ""
        self.here = ""  # fold of the room in which somebody is who types lines
        self.last: dict[str, int] = {}  # fold of a room -> last number that was sent
        self._ground, self._log, self._limits = ground, ground.log, ground.setting.limits
        self._is_human, self._is_text = is_human, kind == "text"
        self._wants_to_go = False
        self._joins: defaultdict[str, list[int | None]] = defaultdict(list)  # `after` of each join under way
        self._sends: Counter[str] = Counter()  # how often each id was heard
        self._answers: Counter[str] = Counter()  # how often it was answered by something old
        self._pending: set[str] = set()
        self._promised: dict[str, int] = {}  # fold of a room -> head when it was joined
        self._present: dict[str, set[str]] = {}  # fold of a room -> who is there, if that is known

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"

    def unanswered(self) -> set[str]:
        """What was said and nothing is known of. Lines are answered by being kept."""
        return {cid for cid in self._pending if not (self._is_text and (self.me, cid) in self._log.said)}

    # --- what the server hears

    def hear(self, data: bytes) -> None:
        """The server has read `data`; nothing is the end. Who said that he goes is not listened to."""
        frames = [] if self.kind == "garbage" else self.commands.add(data)
        for command in (parse_command(frame, self._is_text) for frame in frames):
            match command:
                case _ if self._wants_to_go:
                    return
                case {"type": "join", "room": room, **more}:
                    self._joins[fold(room)].append(more.get("after"))
                case {"type": "send", "cid": cid}:
                    self._pending.update([cid] if not self._sends[cid] else [])  # a retry may be left to a replay
                    self._sends[cid] += 1
                case {"type": "bye"}:
                    self._wants_to_go = True
        self._wants_to_go |= not data

    # --- what it says

    def say(self, data: bytes) -> None:
        """The kernel has taken `data` from the server."""
        for frame in [] if self.kind == "garbage" else self.events.add(data):
            hold(not self.is_over, Invariant.STREAM, self, "gets something behind the end:", frame)
            hold(len(frame) <= self._limits.frame, Invariant.BOUNDED, self, "gets a long event:", frame)
            self._event(parse_event(frame, self._is_text))

    def _event(self, event: Said) -> None:
        match event["type"]:
            case "welcome":
                self.me = event["name"]
            case "joined" if self._is_text:
                self.me, self.here = event["name"], fold(event["room"])
                self.last.pop(self.here, None)  # lines do not tell where the replay begins
            case "joined":
                self._joined(fold(event["room"]), event)
            case "message":
                self._message(event)
            case "entered" | "left":
                self._came_or_went(fold(event["room"]), fold(event["name"]), event)
            case "error":
                self._error(event)
            case "bye":
                self._bye(event["reason"])

    def _joined(self, room: str, event: Said) -> None:
        first, seq, joins = event["first"], event["seq"], self._joins[room]
        hold(seq <= self._log.heads[room], Invariant.DURABLE, self, "head", seq, "of", room, "is not durable")
        hold(joins, Invariant.RUN, self, "is joined without asking:", event)
        after = joins.pop(0)
        start = max(0, seq - self._limits.recent) if after is None else min(after, seq)
        hold(first == start + 1, Invariant.RUN, self, "joins behind", after, "and is started at", first)
        self.last[room], self._promised[room] = start, seq
        # Who joins behind what it said has given up the replay that was to answer it.
        before = {(room, number) for number in range(1, first)}
        self._pending -= {cid for cid in self._pending if self._log.find(self.me, cid) in before}
        is_known = self._limits.presence > 100 and event["count"] == len(event["members"])
        self._present[room] = {fold(name) for name in event["members"]} if is_known else set()

    def _message(self, event: Said) -> None:
        sender, cid = event["from"], event["cid"]
        room, seq = (fold(event["room"]), event["seq"]) if not self._is_text else self._log.find(sender, cid)
        kept = self._log.durable.get((room, seq))
        is_kept = kept is not None and (kept.sender, kept.text) == (sender, event["text"])
        hold(is_kept, Invariant.DURABLE, self, "is sent", event, "and kept is", kept)
        if self._is_next(room, seq):
            here = self._present.get(room)
            is_there = not here or seq <= self._promised[room] or fold(sender) in here
            hold(is_there, Invariant.PRESENCE, self, "knows", here, "and hears", sender)
            self.last[room] = seq
        else:  # once for each time that it was said again, it may be something old
            self._answers[cid] += 1
            is_due = self._is_human or self._answers[cid] + (room in self.last) <= self._sends[cid]
            is_old = sender == self.me and seq <= self.last.get(room, seq)
            hold(is_old and is_due, Invariant.RUN, self, "at", self.last, "gets", event)
        self._pending -= {cid} if sender == self.me else set()

    def _is_next(self, room: str, seq: int) -> bool:
        if self._is_text:
            return room not in self.last or (seq > self.last[room] and not self.late(room, seq))
        return room in self.last and seq == self.last[room] + 1

    def late(self, room: str, before: int) -> list[int]:
        """Numbers in front of `before` that were not sent and should have been: not those of one's own lines."""
        missing = range(self.last.get(room, before) + 1, before)
        return [seq for seq in missing if not (self._is_text and self._log.durable[room, seq].sender == self.me)]

    def _came_or_went(self, room: str, name: str, event: Said) -> None:
        here = self._present.get(room, set())
        hold(room in self.last, Invariant.PRESENCE, self, "is not there and hears", event)
        if event["type"] == "entered":
            hold(name not in here, Invariant.PRESENCE, self, "hears twice", event)
            here.update([name] if here else [])
        else:
            here.discard(name)
            if name == fold(self.me):
                hold(event["reason"] == "leave", Invariant.PRESENCE, self, "hears of itself", event)
                del self.last[room], self._present[room]

    def _error(self, event: Said) -> None:
        self.is_over = event["code"] == "too_many_connections"
        is_fair = event["code"] == "storage_full" or not self.is_healthy
        hold(is_fair, Invariant.TOLD, self, "did nothing wrong and is told", event)
        self._pending.discard(event.get("cid", ""))

    def _bye(self, reason: str) -> None:
        self.is_over = True
        is_stop = reason == "shutting_down" and self._ground.is_stopping
        is_due = is_stop or (reason == "quit" and self._wants_to_go) or not self.is_healthy
        hold(is_due, Invariant.HEALTHY, self, "hears bye", reason)
        late = {room: seq for room, seq in self._promised.items() if self.last.get(room, seq) < seq}
        if reason == "quit" and self.is_healthy:
            hold(not late, Invariant.TOLD, self, "was promised", late, "and goes at", self.last)
            hold(not self.unanswered(), Invariant.TOLD, self, "goes without an answer to", self.unanswered())
        if is_stop and not (late or self._log.is_broken or fold(self.me) in self._ground.behind):
            taken = {cid for cid in self.unanswered() if (fold(self.me), cid) in self._log.asked}
            hold(not taken, Invariant.TOLD, self, "is not told what became of", taken)

    def end(self) -> None:
        """The server has closed its socket."""
        is_told = self.is_over or (self._ground.is_stopping and not self.events.data) or not self.is_healthy
        hold(is_told, Invariant.HEALTHY, self, "is dropped without a word")
        hold(self.events.is_whole or not self.is_healthy, Invariant.STREAM, self, "was sent half an event")
        self.is_over = True
