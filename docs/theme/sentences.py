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


def wake(turn: Facts) -> str:
    """A wait is over."""
    if waited := turn.get("waited_in"):
        return OVER.get(waited, "The wait in " + waited + "({}) is over.").format(turn["ready"][0]["who"])
    return f"select() returns: {_ready(turn)}."


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
    return f"{unseen} waits in {place}{others}."


def held(people: Sequence[Facts], before: Sequence[Facts], with_stream: bool) -> str:
    """Frames that were cut out, where bytes are, and what has been read since."""
    earlier = {each["name"]: each.get("read", "") for each in before}
    said = [_cut(each["name"], each["stream"]) for each in people if with_stream and "stream" in each]
    bytes_in = [
        f"{quote(each[key])} {place.format(each['name'])}" for each in people for key, place in PLACES if each.get(key)
    ]
    said.append(f"Held: {'; '.join(bytes_in)}." if bytes_in else "")
    for each in people:
        news = each.get("read", "").removeprefix(earlier.get(each["name"], ""))
        said.append(f"{each['name']} has read {quote(news)}." if news else "")
    return " ".join(filter(None, said))


def _cut(name: str, stream: Facts) -> str:
    came = f"{quote(stream['had'])} had waited in {name}’s buffer. " if stream["had"] else ""
    if stream.get("lost"):
        return ""
    cut = " and ".join(map(quote, stream["frames"]))
    count = len(stream["frames"])
    many = f"{count} frames are cut out" if count > 1 else "One frame is cut out"
    return came + (f"{many}: {cut}." if cut else "No frame is complete.")
