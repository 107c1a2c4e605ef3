"""one moment of a trace -> plain sentences. The player's caption, and its text alternative."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]

from lessons.kit.words import shown  # noqa: E402

Facts = Mapping[str, Any]
LONGEST = 60  # characters of a quotation
MOST = 6  # timers that are named; player.js draws as many
DOES = {
    "connect": "{} connects",
    "stall": "{} stops reading",
    "resume": "{} reads again",
    "half-close": "{} will send no more",
    "close": "{} closes the connection",
    "reset": "{}’s connection is reset",
    "vanish": "{} vanishes without a word",
}
READY = {"r": "{} can be read", "w": "{} can be written to", "rw": "{} can be read and written to"}
WATCHES = {"r": "read for {}", "w": "write for {}", "rw": "read and write for {}"}
OWN = {"listener": "a caller is at the door", "wakeup": "a signal has come"}
OVER = {
    "accept": "The wait in accept() is over: a caller is at the door.",
    "recv": "The wait in recv({}) is over.",
    "sendall": "The wait in sendall({}) is over: there is room again.",
    "send": "The wait in send({}) is over: there is room again.",
}
FAILED = {
    ("accept", "EAGAIN"): "nobody else is at the door",
    ("recv", "EAGAIN"): "nothing is there",
    ("send", "EAGAIN"): "the kernel has no room",
    ("accept", "EMFILE"): "the process has no descriptor left",
}
CODES = {"ECONNRESET": "the connection was reset", "EPIPE": "the connection is closed"}
PLACES = (
    ("way", "on its way from {}"),
    ("arrived", "in the kernel, from {}"),
    ("buffer", "in {}’s receive buffer"),
    ("queue", "in {}’s send queue"),
    ("leaving", "in the kernel, for {}"),
)


def quote(data: str) -> str:
    """Bytes between quotes."""
    return shown(data.encode("latin-1"), LONGEST)


def step(text: str) -> str:
    """A step of the script: send ana 'oi' -> ana sends 'oi'."""
    parts = text.removeprefix("together: ").split(" · ")
    return ", ".join(map(_does, parts)) + (", all at once" if len(parts) > 1 else "")


def _does(text: str) -> str:
    verb, _, rest = text.partition(" ")
    if found := re.fullmatch(r"(\w+) ('.*)", rest, re.DOTALL) if verb == "send" else None:
        return f"{found[1]} sends {found[2]}"
    return DOES[verb].format(rest) if verb in DOES else text


def when(moment: Facts) -> str:
    """Which turn begins, and how much later it is if that is much."""
    turn = f"Turn {moment['turn']}" if moment["kind"] in ("wake", "idle") else ""
    later = f"{moment['later']:g} s later, at {seconds(moment['at'])}" if "later" in moment else ""
    return ", ".join(filter(None, [turn, later]))


def seconds(at: float) -> str:
    """A point in time, as player.js writes it."""
    return f"{at:.3f} s"


def wake(turn: Facts, timers: Sequence[float] = ()) -> str:
    """A wait is over."""
    if waited := turn.get("waited_in"):
        return OVER.get(waited, "The wait in " + waited + "({}) is over.").format(turn["ready"][0]["who"])
    due = [seconds(at) for at in timers if at <= turn["at"]]
    rings = f" {'A timer is' if len(due) == 1 else f'{len(due)} timers are'} due: {together(due)}." if due else ""
    return f"select() returns: {_ready(turn)}.{rings}"


def _ready(turn: Facts) -> str:
    own = [OWN[one["who"]] for one in turn["ready"] if one["who"] in OWN]
    for events, text in READY.items():
        who = [one["who"] for one in turn["ready"] if one["who"] not in OWN and one["events"] == events]
        own += [text.format(together(who))] if who else []
    return "; ".join(own) or "nobody is ready, but its time is up"


def together(names: Sequence[str]) -> str:
    """ana, bia and caio."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def idle(turn: Facts, times: int) -> str:
    """Nothing moves."""
    often = f"{times} turns, all alike. " if times > 1 else ""
    nothing = "The program sends nothing: there is nothing to send." if turn["calls"] else "No call is made."
    return f"{often}{wake(turn)} {nothing if not _refused(turn) else calls(turn)}"


def _refused(turn: Facts) -> bool:
    return any(call.get("data") or call.get("result") == "EAGAIN" for call in turn["calls"])


def calls(turn: Facts) -> str:
    """What the program does."""
    done: list[str] = []
    for call in turn["calls"]:
        said = _call(call)
        if done and done[-1].partition(" (")[0] == said:
            many = int((re.search(r" \((\d+) times\)$", done[-1]) or [0, "1"])[1]) + 1
            done[-1] = f"{said} ({many} times)"
        else:
            done.append(said)
    return "; ".join(done) + "." if done else "No call is made."


def _call(call: Facts) -> str:
    name, who, result, data = call["call"], call["who"], call.get("result"), call.get("data", "")
    start = f"{name}({'' if name == 'accept' else who})"
    if "new" in call:
        return f"{start} gives {call['new']}"
    if isinstance(result, str):
        why = FAILED.get((name, result)) or CODES.get(result, result)
        return f"{start} fails: {why}"
    if name.startswith("recv"):
        return f"{start} gives {quote(data)}" if data else f"{start} gives '': {who} sends no more"
    if not name.startswith("send"):
        return start
    asked = call.get("asked", len(data))
    if not asked:
        return f"{start} sends nothing"
    if result is not None and result < asked:
        return f"{start} is short: the kernel takes {result} of {asked} bytes, {quote(data[:result])}"
    return f"{start} takes {quote(data)}"


def rest(after: Facts, has_turned: bool, step: str) -> str:
    """All is quiet."""
    if after["crash"]:
        return f"The program has crashed: {after['crash']}."
    if "fault" in after:
        return f"It would go on like this for ever. The recording ends here: {after['fault']}."
    if not after["waits_in"]:
        return "The program has ended."
    place = f"{after['waits_in']}({'' if after['who'] == 'listener' else after['who']})"
    others = "" if place in ("select()", "accept()") else ", and serves nobody else"
    unseen = "Nothing wakes the program. It" if not has_turned and step.partition(" ")[0] in DOES else "The program"
    until = f", until {seconds(after['until'])} at the latest" if "until" in after else ""
    return f"{unseen} waits in {place}{others}{until}."


def held(moment: Facts, before: Facts) -> str:
    """Frames that were cut out, where bytes are, and what is no longer as it was: what has been read, what is asked."""
    people = moment["people"]
    old = {each["name"]: each for each in before["people"]}
    earlier = {name: each.get("read", "") for name, each in old.items()}
    said = [_cut(each["name"], each["stream"]) for each in people if moment["kind"] == "calls" and "stream" in each]
    said += [f"{each['name']} is {each['life']}." for each in people if each.get("life") != _life(old, each)]
    bytes_in = [
        f"{quote(each[key])} {place.format(each['name'])}" for each in people for key, place in PLACES if each.get(key)
    ]
    said.append(f"Held: {'; '.join(bytes_in)}." if bytes_in else "")
    for each in people:
        news = each.get("read", "").removeprefix(earlier.get(each["name"], ""))
        said.append(f"{each['name']} has read {quote(news)}." if news else "")
    said.append(_watched(moment["interest"]) if moment["interest"] != before.get("interest") else "")
    said.append(
        _timers(moment["timers"]) if moment.get("timers") != before.get("timers") and "timers" in moment else ""
    )
    return " ".join(filter(None, said))


def _life(old: Mapping[str, Facts], now: Facts) -> str | None:
    """The state in which the program kept a connection before. One that is over is not told of."""
    return old.get(now["name"], {}).get("life") if now.get("life") else None


def _watched(interest: Facts) -> str:
    """What the selector is asked for. Nothing is said of nothing: the program is gone, or waits in another call."""
    groups = {events: [who for who, asked in interest.items() if asked == events] for events in WATCHES}
    asked = "; ".join(WATCHES[events].format(together(who)) for events, who in groups.items() if who)
    return f"Interest set: {asked}." if asked else ""


def _timers(timers: Sequence[float]) -> str:
    """For when the timers are set."""
    shown_ones = list(map(seconds, timers[:MOST])) + ([f"{len(timers) - MOST} more"] if len(timers) > MOST else [])
    return f"Timers: {together(shown_ones)}." if timers else "No timer is set."


def _cut(name: str, stream: Facts) -> str:
    came = f"{quote(stream['had'])} had waited in {name}’s buffer. " if stream["had"] else ""
    if stream.get("lost"):
        return f"{came}What {name} sends is not looked at any more."
    cut = " and ".join(map(quote, stream["frames"]))
    count = len(stream["frames"])
    many = f"{count} frames are cut out" if count > 1 else "One frame is cut out"
    return came + (f"{many}: {cut}." if cut else "No frame is complete.")
