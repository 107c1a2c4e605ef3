"""a trace -> a table that people read. Turn by turn: who was ready, what was called, what is held by the kernels.

Where a step led to no turn, because the program waits for somebody else, the table says so. 80 columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lessons.kit.words import quoted

Facts = Mapping[str, Any]  # as lessons/trace.py writes it
WIDTHS = (4, 12, 29, 29)
HEAD = ("turn", "ready", "the program calls", "in the kernel, at the end")
WIDE = 80
EVENTS = {"r": "", "w": " (write)", "rw": " (both)"}
HELD = (
    ("to_program", "from {}: "),  # the program has not read it
    ("from_program", "for {}: "),  # the client has not read it
    ("on_the_way", "from {}, on its way: "),
)
GLANCE = 64  # bytes of a long piece that are looked at


def drawn(trace: Facts, first: int = 1, last: int | None = None, interest: bool = False) -> list[str]:
    """Turns `first` to `last`. With `interest`, for what the program had asked the selector, too."""
    turns = trace["turns"]
    stop = len(turns) if last is None else last
    lines = [row(HEAD), row(tuple("-" * width for width in WIDTHS))]
    done = turns[first - 2]["step"] if first > 1 else -1
    for turn in turns[first - 1 : stop]:
        lines += steps(trace, done + 1, turn["step"])
        done = turn["step"]
        lines += columns(str(turn["turn"]), ready(turn), calls(turn, interest), held(turn, accepted(turns, done)))
    if stop >= len(turns):
        lines += steps(trace, done + 1, len(trace["steps"]))
    return lines


def steps(trace: Facts, start: int, stop: int) -> Iterator[str]:
    """Steps `start` to `stop`; all but the last one led to no turn."""
    for index, step in enumerate(trace["steps"][start : stop + 1], start):
        line = f"   >  {step}"
        yield line if len(line) <= WIDE else line[: WIDE - 1] + "…"
        if index < stop:
            after = trace["after"][index]
            held_now = held(after, accepted(trace["turns"], index))
            yield from columns("-", ["nobody"], [waiting(after)], held_now)


def accepted(turns: Sequence[Facts], step: int) -> set[str]:
    """Who was accepted up to and with the turns of a step."""
    return {call["new"] for turn in turns if turn["step"] <= step for call in turn["calls"] if "new" in call}


def waiting(after: Facts) -> str:
    """Where the program is."""
    if after["crash"]:
        return f"it ended: {after['crash'].partition(':')[0]}"
    if not after["waits_in"]:
        return "it has ended"
    return f"it waits in {after['waits_in']}({after['who']})"


def ready(turn: Facts) -> list[str]:
    """Who was ready; for what, when it is not to be read."""
    return [f"{one['who']}{EVENTS.get(one['events'], '')}" for one in turn["ready"]] or ["nobody"]


def calls(turn: Facts, interest: bool) -> list[str]:
    """The calls of one turn."""
    asked = [f"asked: {who} {events or '-'}" for who, events in turn["interest"].items()] if interest else []
    return [*asked, *(called(one, WIDTHS[2]) for one in turn["calls"])]


def called(call: Facts, room: int) -> str:
    """recv(ana) → 'oi', or send(bia, 'oi') → 1."""
    name, who, result = call["call"], call["who"], call.get("result")
    if "data" not in call or isinstance(result, str):
        result = call.get("new", result)
        end = f" → {result}" if isinstance(result, str) else ""
        return f"{name}({'' if who == 'listener' else who}){end}"
    data = call["data"].encode("latin-1")
    if name.startswith("recv"):
        start = f"{name}({who}) → "
        return start + fitted(data, room - len(start))
    end = ")" if result in (None, len(data)) and result in (None, call.get("asked", result)) else f") → {result}"
    start = f"{name}({who}, "
    return start + fitted(data, room - len(start) - len(end)) + end


def held(facts: Facts, known: set[str]) -> list[str]:
    """What lies in the kernel, for each client. `known` are those who were accepted."""
    lines = []
    for who, kernel in facts["kernel"].items():
        lines += [] if who in known else [f"{who}, not accepted"]
        for where, text in HELD:
            if kernel[where]:
                start = text.format(who)
                lines.append(start + fitted(kernel[where].encode("latin-1"), WIDTHS[3] - len(start)))
    return lines


def fitted(data: bytes, room: int) -> str:
    """'oi\\n', or as much of it as there is room for and how many bytes it is."""
    whole = quoted(data) if len(data) <= GLANCE else ""
    if whole and len(whole) <= room:
        return whole
    note = f" {len(data):,} B"
    pieces = (quoted(data[:length])[:-1] + "…'" + note for length in range(GLANCE, 0, -1))
    return next((piece for piece in pieces if len(piece) <= room), note.strip())


def columns(turn: str, *cells: Sequence[str]) -> list[str]:
    """As many lines as the longest cell has."""
    height = max(1, *map(len, cells))
    padded = ([*cell, *[""] * (height - len(cell))] for cell in cells)
    numbers = [turn, *[""] * (height - 1)]
    return [row(each) for each in zip(numbers, *padded, strict=True)]


def row(cells: Sequence[str]) -> str:
    """One line."""
    number, *rest = cells
    first = f"{number:>{WIDTHS[0]}}"
    return "  ".join([first, *(f"{cell:<{width}}" for cell, width in zip(rest, WIDTHS[1:], strict=True))]).rstrip()
