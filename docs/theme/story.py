"""a trace -> the moments that the player shows, one after the other, and the sentences that tell them.

A turn of the loop has two moments: a wait is over, and the calls are made. Turns that are all alike and move
nothing are one moment. After its turns a step of the script has a moment of rest, when somebody has read since, or
time has passed, or when there was no turn at all. player.js says what is in a moment; lessons/FORMAT.md what is in a
trace.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent)]

import sentences  # noqa: E402

Facts = Mapping[str, Any]
HEADER_BYTES = 4
GONE = "The program no longer runs."
LONG = 0.1  # seconds between two moments that are worth telling
NOTES = {  # what a step says about a client from now on
    "stall": "does not read",
    "resume": "",
    "half-close": "sends no more",
    "close": "has closed",
    "reset": "was reset",
    "vanish": "has vanished",
}


@dataclass
class Person:
    """One client: where its bytes are, and what it has read. `None`: the program has no such buffer."""

    name: str
    state: str = "away"  # then "door", "in", "over"
    note: str = ""
    life: str = ""  # the state in which the program keeps the connection, where it has one
    way: str = ""
    arrived: str = ""
    buffer: str | None = None
    queue: str | None = None
    leaving: str = ""
    fresh: int = 0  # so many of `leaving`, at its end, were sent in this turn
    stream: Facts | None = None
    given: str = ""  # all that the kernel took for it
    read: str = ""

    def now_leaving(self, count: int) -> None:
        """The last `count` bytes given for it are still under way: it has read those before them."""
        place = max(0, len(self.given) - count)
        self.read, self.leaving = self.given[:place], self.given[place:]

    def facts(self) -> Facts:
        """What the player is told: all that is not empty. An empty buffer is told too; no buffer is not."""
        known = {key: value for key, value in vars(self).items() if key != "given"}
        return {key: value for key, value in known.items() if value or (value == "" and key in ("buffer", "queue"))}


class Story:
    """Goes through a trace; `moments` are the result."""

    def __init__(self, trace: Facts, script: Sequence[str]) -> None:
        self.trace = trace
        self.script = script
        names = re.findall(r"\bconnect (\w+)", " ".join(script))
        self.people = {name: Person(name) for name in dict.fromkeys(names)}
        self.interest: Facts = {}
        self.timers: Sequence[float] | None = trace["start"]
        self.moments: list[dict[str, Any]] = []
        self.place = -1  # of the step in the script
        for index, step in enumerate(trace["steps"]):
            self.place = script.index(step, self.place + 1)
            self.begin(step)
            turns = [turn for turn in trace["turns"] if turn["step"] == index]
            for same in alike(turns):
                self.turns(same)
            self.end(trace["after"][index], has_turned=bool(turns))

    # ------------------------------------------------------------ what happens

    def begin(self, step: str) -> None:
        """A step of the script: who does what."""
        for one in step.removeprefix("together: ").split(" · "):
            verb, name = one.split()[0], one.split()[-1] if " " in one else ""
            if verb == "connect":
                self.people[name] = Person(name, "door")
            elif verb in NOTES and name in self.people:
                self.people[name].note = NOTES[verb]

    def turns(self, same: Sequence[Facts]) -> None:
        """One turn, or several that are alike."""
        turn, last = same[0], same[-1]
        idle = moves_nothing(turn) and turn.get("timers") == self.timers
        self.interest = turn["interest"]
        if not idle:
            self.wake(turn)
            self.show("wake", turn, sentences.wake(turn, self.timers or ()))
        self.timers = turn.get("timers")
        self.call(turn, had={name: person.buffer for name, person in self.people.items()})
        self.interest = self.asked_after(last)
        said = sentences.idle(turn, len(same)) if idle else sentences.calls(turn)
        self.show("idle" if idle else "calls", turn, said, calls=shortened(turn["calls"]), times=len(same))

    def wake(self, turn: Facts) -> None:
        """As it was when the wait was over: what the calls of the turn did is taken back."""
        for name, kernel in turn["kernel"].items():
            person = self.people[name]
            taken, put = moved(turn, name)
            person.way, person.arrived = way(kernel), taken + kernel["to_program"]
            person.now_leaving(leaving(kernel) - len(put))

    def call(self, turn: Facts, had: Mapping[str, str | None]) -> None:
        """As it is at the end of the turn."""
        for call in turn["calls"]:
            if call["call"] == "accept" and "new" in call:
                self.people[call["new"]].state = "in"
            elif call["call"] == "close" and call["who"] in self.people:
                self.people[call["who"]].state = "over"
        for name in turn["kernel"]:
            taken, put = moved(turn, name)
            life = self.people[name].life
            self.people[name].given += put
            self.hold(name, turn)
            person = self.people[name]
            person.fresh = min(len(put), len(person.leaving))
            if taken and (had[name] is not None or person.buffer is not None):
                person.stream = stream(had[name] or "", taken, person.buffer, life)

    def hold(self, name: str, facts: Facts) -> None:
        """What the kernel and the program hold for one client, as the trace has it."""
        kernel, kept = facts["kernel"][name], facts["program"][name]
        self.people[name] = replace(
            self.people[name],
            way=way(kernel),
            arrived=kernel["to_program"],
            buffer=kept.get("buffer"),
            queue=kept.get("queue"),
            life="" if kept.get("state") == "open" else kept.get("state", ""),
            fresh=0,
            stream=None,
        )
        self.people[name].now_leaving(leaving(kernel))

    def end(self, after: Facts, has_turned: bool) -> None:
        """All is quiet after a step."""
        last = self.moments[-1]["people"] if self.moments else []
        for name in after["kernel"]:
            person = self.people[name]
            person.given = after["read"][name] + person.given[len(person.given) - leaving(after["kernel"][name]) :]
            self.hold(name, after)
        is_over = not after["waits_in"]
        if is_over and "fault" not in after:
            self.people = {name: lost(person) for name, person in self.people.items()}
        self.interest, self.timers = after["interest"], after.get("timers")
        is_later = bool(self.moments) and after["at"] - self.moments[-1]["at"] >= LONG
        if not has_turned or is_over or is_later or changed(last, self.told()):
            waits = {key: after[key] for key in WAITS if after.get(key)}
            is_known = is_over and self.moments and self.moments[-1].get("waits") == waits
            said = GONE if is_known else sentences.rest(after, has_turned, self.script[self.place])
            self.show("rest", {"at": after["at"]}, said, waits=waits)

    # ------------------------------------------------------------ what is told

    def show(self, kind: str, turn: Facts, said: str, **more: object) -> None:
        """One moment."""
        before = self.moments[-1] if self.moments else {"people": [], "at": 0.0}
        fields = {name: turn[name] for name in ("turn", "at", "waited_in", "ready") if name in turn}
        if turn["at"] - before["at"] >= LONG:
            fields["later"] = round(turn["at"] - before["at"], 1)
        if self.timers is not None:
            fields["timers"] = self.timers
        moment = {"kind": kind, "step": self.place, **fields, **more, "interest": self.interest, "people": self.told()}
        # The deep copy: what is told stays as it is now.
        self.moments.append({**json.loads(json.dumps(moment)), "say": said, "held": sentences.held(moment, before)})

    def told(self) -> list[Facts]:
        """Everybody."""
        return [person.facts() for person in self.people.values()]

    def asked_after(self, turn: Facts) -> Facts:
        """What the selector is asked for when the program waits again: the next turn begins with it."""
        turns, number = self.trace["turns"], turn["turn"]
        if number < len(turns) and turns[number]["step"] == turn["step"]:
            found: Facts = turns[number]["interest"]
            return found
        return self.trace["after"][turn["step"]]["interest"] or turn["interest"]


WAITS = ("waits_in", "who", "crash", "fault")


def alike(turns: Sequence[Facts]) -> Iterator[list[Facts]]:
    """Each turn, or several in a row that move nothing and are the same but for their number and time."""

    def kind(turn: Facts) -> object:
        if not moves_nothing(turn):
            return turn["turn"]
        return json.dumps({**turn, "turn": 0, "at": 0, "calls": shortened(turn["calls"])})

    return (list(group) for _, group in groupby(turns, kind))


def moves_nothing(turn: Facts) -> bool:
    """No byte, no caller, no end: at most, a call is tried in vain."""
    return all(
        call.get("result") == "EAGAIN" or (call["call"] == "send" and call.get("result") == 0) for call in turn["calls"]
    )


def way(kernel: Facts) -> str:
    """What a client has sent, and has not arrived."""
    return str(kernel.get("in_flight_to", "") + kernel["on_the_way"])


def leaving(kernel: Facts) -> int:
    """How many bytes for a client the kernels hold, or have in flight."""
    return len(kernel["from_program"]) + len(kernel.get("in_flight_from", ""))


def shortened(calls: Sequence[Facts]) -> list[Facts]:
    """The calls without line numbers; the same one many times in a row is one, with `times`."""
    bare = [{key: value for key, value in call.items() if key != "line"} for call in calls]
    rows = [(call, len(list(group))) for call, group in groupby(bare)]
    return [{**call, "times": times} if times > 1 else call for call, times in rows]


def moved(turn: Facts, name: str) -> tuple[str, str]:
    """The bytes that a turn received from a client, and those that the kernel took for it."""
    taken = put = ""
    for call in turn["calls"]:
        if call["who"] == name and "data" in call and isinstance(call.get("result"), int):
            if call["call"].startswith("recv"):
                taken += call["data"]
            else:
                put += call["data"][: call["result"]]
    return taken, put


def stream(had: str, got: str, stays: str | None, life: str) -> Facts | None:
    """What waited in the buffer, what came, the frames cut out of both, and what stays.

    None if the program has closed the connection in this turn: its buffer is gone, and shows no more what was cut out.
    """
    if life:  # a connection that is being closed is not listened to
        return {"had": had, "got": got, "lost": True}
    if stays is None:
        return None
    return {"had": had, "got": got, "frames": frames((had + got).removesuffix(stays)), "stays": stays}


def frames(data: str) -> list[str]:
    """Whole frames, with their newline or their length."""
    found = []
    while data:
        length = int.from_bytes(data[:HEADER_BYTES].encode("latin-1"), "big") + HEADER_BYTES
        end = length if data[0] == "\0" else data.find("\n") + 1 or len(data)
        found.append(data[:end])
        data = data[end:]
    return found


def lost(person: Person) -> Person:
    """The process is gone, and its memory with it."""
    state = "over" if person.state in ("in", "door") else person.state
    return replace(person, state=state, buffer=None, queue=None, life="", fresh=0, stream=None)


def changed(before: Sequence[Facts], now: Sequence[Facts]) -> bool:
    """True if bytes have moved, or somebody's state is another."""
    shown = ("state", "life", "way", "arrived", "buffer", "queue", "leaving", "read")
    return [[each.get(key) for key in shown] for each in before] != [[each.get(key) for key in shown] for each in now]
