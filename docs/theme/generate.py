"""The parts of the site that are made from the code: `<!-- generate: NAME -->` in a page calls NAME() here."""

import ast
import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import pipeline as drawing  # noqa: E402
import players  # noqa: E402

from chatcore import errors, limits, protocol  # noqa: E402
from chatcore.connection import TRANSITIONS, Signal, State  # noqa: E402
from lessons.catalog import Catalog  # noqa: E402


def limits_table() -> str:
    """Every limit with its default, its unit and its meaning."""
    rows = [f"| `{name}` | {default} | {unit} | {meaning} |" for name, default, unit, meaning in limits.describe()]
    return "\n".join(["| limit | default | unit | what it bounds |", "|---|---|---|---|", *rows])


def command_errors() -> str:
    """The codes after which a connection stays usable."""
    return _codes(errors.COMMAND_ERRORS)


def stream_errors() -> str:
    """The codes after which it ends."""
    return _codes(errors.STREAM_ERRORS)


def bye_reasons() -> str:
    """Why the server ends a connection."""
    return _codes(protocol.BYE_REASONS)


def _codes(table: dict[str, str]) -> str:
    rows = [f"| `{code}` | {text} |" for code, text in table.items()]
    return "\n".join(["| code | the sentence that comes with it |", "|---|---|", *rows])


def changes() -> str:
    """CHANGES.md without its title."""
    return (ROOT / "CHANGES.md").read_text(encoding="utf-8").partition("\n")[2]


# Which test could prove a promise of the README false.
WITNESSES = {
    "Accepted means kept.": (
        "test_sqlite_log.py::test_every_acknowledgement_follows_the_sync_of_its_row",
        "test_sqlite_log.py::test_after_a_failed_sync_nothing_is_acknowledged",
        "test_sqlite_log.py::test_a_process_that_is_killed_loses_nothing_that_was_committed",
        "test_delivery.py::test_a_message_is_heard_once_it_is_kept_and_not_before",
    ),
    "One order.": (
        "test_delivery.py::test_every_program_gets_the_same_bytes_the_speaker_included",
        "test_delivery.py::test_own_lines_are_not_echoed_to_people_and_all_else_is_heard_in_order",
        "test_replay.py::test_replay_and_live_meet_without_gap_or_repeat",
        "test_sqlite_log.py::test_a_full_disk_refuses_the_whole_turn_and_then_goes_on_without_a_gap",
    ),
    "Once.": (
        "test_delivery.py::test_a_retry_gets_the_original_and_is_heard_by_nobody_else",
        "test_delivery.py::test_a_retry_while_the_first_is_being_committed_gets_the_original_too",
        "test_delivery.py::test_a_retry_over_a_new_connection",
    ),
    "Told, not guessed.": (
        "test_delivery.py::test_what_was_refused_is_told_to_who_said_it_and_to_nobody_else",
        "test_commands.py::test_what_may_not_be_said_is_refused_with_its_id",
        "test_commands.py::test_an_error_means_that_it_is_not_kept_also_for_a_retry",
        "test_client.py::test_it_comes_back_after_a_restart_and_says_again_what_was_not_confirmed",
    ),
}


def promises() -> str:
    """The promises of the README, word for word, each with its tests. KeyError when one has none."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"## What is promised\n\n(.*?)\n\n## ", readme, re.DOTALL)
    shown = []
    for promise in re.split(r"^- ", found, flags=re.MULTILINE)[1:]:
        title = re.match(r"\*\*(.*?)\*\*", promise)
        text = " ".join(promise.split())
        shown.append(f"{'## ' + title[1].rstrip('.') if title else '## Not promised'}\n\n{text}\n")
        if title:
            shown.append("\n".join(map(_witness, WITNESSES[title[1]])) + "\n")
    return "\n".join(shown)


def _witness(test: str) -> str:
    file, _, name = test.partition("::")
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert f"def {name}(" in source, f"{test} is not there"
    return f"- {name.removeprefix('test_').replace('_', ' ')}: `tests/{file}`"


def home_player() -> str:
    """The first thing that moves: lesson 8's program, which writes only when there is something to write."""
    return players.player(Catalog()[8], ("after",))


def pipeline() -> str:
    """The picture of the tour."""
    return drawing.pipeline()


def code(file: str, name: str) -> str:
    """The source of one class, function or constant of a file, by its dotted name. KeyError when it is not there."""
    source = (ROOT / file).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        node = {each: found for found in getattr(node, "body", []) for each in _names(found)}[part]
    start = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    lines = source.split("\n")[start - 1 : node.end_lineno]
    return f'```python title="{file}"\n' + textwrap.dedent("\n".join(lines)) + "\n```"


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [each.id for each in targets if isinstance(each, ast.Name)]


# Where each state stands in the diagram: column, row. It begins on the left and ends on the right; it fits a phone.
PLACES = {
    State.OPENING: (0, 0),
    State.GREETING: (0, 1),
    State.CHATTING: (0, 2),
    State.DRAINING: (1, 1),
    State.LINGERING: (1, 2),
    State.CLOSED: (1, 3),
}
STEP, HALF = (158, 86), (46, 20)  # pixels from box to box, and half a box
SIDE = (56, 40)  # room for words at the left and at the right
SPOKEN = "The states of a connection, and what leads from one to the next. The table below says the same."
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0L8 4L0 8z"/></marker></defs>'
)


def states() -> str:
    """The life of a connection, drawn from the table of its transitions, and the table."""
    ends = [state for state in State if (state, Signal.GONE) in TRANSITIONS]
    assert set(ends) == set(State) - {State.CLOSED}, "the diagram draws GONE once, for all states"
    drawn = {pair: new for pair, new in TRANSITIONS.items() if pair[1] is not Signal.GONE or pair[0] is State.LINGERING}
    arrows = "".join(_arrow(old, new, signal) for (old, signal), new in drawn.items())
    boxes = "".join(map(_box, PLACES))
    size = f"0 0 {sum(SIDE) + STEP[0] + 2 * HALF[0]} {3 * STEP[1] + 2 * HALF[1] + 4}"
    picture = f'<svg viewBox="{size}" role="img" aria-label="{SPOKEN}">{TIP}{arrows}{boxes}</svg>'
    figure = f'<figure class="states">{picture}</figure>'
    rows = [f"| {old.value} | {signal.value} | {new.value} |" for (old, signal), new in TRANSITIONS.items()]
    return "\n".join([figure, "", "| from | when | to |", "|---|---|---|", *rows])


def _centre(state: State) -> tuple[float, float]:
    column, row = PLACES[state]
    return SIDE[0] + column * STEP[0] + HALF[0], row * STEP[1] + HALF[1] + 2


def _box(state: State) -> str:
    x, y = _centre(state)
    width, height = 2 * HALF[0], 2 * HALF[1]
    rectangle = f'<rect x="{x - HALF[0]}" y="{y - HALF[1]}" width="{width}" height="{height}" rx="8"/>'
    return f'{rectangle}<text x="{x}" y="{y + 5}">{state.value}</text>'


def _arrow(old: State, new: State, signal: Signal) -> str:
    """From border to border; a level arrow has its words above it, an upright one beside it, on the outer side."""
    (x1, y1), (x2, y2) = _centre(old), _centre(new)
    dx, dy = x2 - x1, y2 - y1
    part = min(HALF[0] / abs(dx) if dx else 1.0, HALF[1] / abs(dy) if dy else 1.0)
    ends = [f"{at:.0f}" for at in (x1 + dx * part, y1 + dy * part, x2 - dx * part, y2 - dy * part)]
    line = '<line x1="{}" y1="{}" x2="{}" y2="{}"/>'.format(*ends)
    if dy and dx:
        return line  # the same signal as the level one
    words = "gone" if signal is Signal.GONE else signal.value
    outer = -1 if PLACES[old][0] == 0 else 1
    x, y = ((x1 + x2) / 2, y1 - 8) if not dy else (x1 + 8 * outer, (y1 + y2) / 2 + 4)
    side = "above" if not dy else "left" if outer < 0 else "right"
    return f'{line}<text class="{side}" x="{x}" y="{y}">{words}</text>'
