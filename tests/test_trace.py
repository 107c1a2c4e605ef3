"""The printed trace: one line per hook, under the turn it belongs to."""

import io

import pytest

from chatcore.screen.output import Output
from chatcore.trace import HOOKS, PrintedTrace, Trace


def printed(*events: tuple[str, dict[str, object]]) -> str:
    out = io.StringIO()
    trace: Trace = PrintedTrace(out.write)
    for hook, facts in events:
        trace(hook, **facts)
    return out.getvalue()


def turn(number: int, ready: int = 1) -> tuple[str, dict[str, object]]:
    return "turn", {"number": number, "ready": ready}


def test_there_are_twelve_hooks_with_a_line_about_each() -> None:
    assert len(HOOKS) == 12
    assert all(hook.isidentifier() and about.isprintable() and about for hook, about in HOOKS.items())


def test_a_turn_in_which_nothing_happens_prints_nothing() -> None:
    assert printed(turn(1), turn(2, 0), turn(3)) == ""


def test_a_turn_prints_its_heading_once_and_its_hooks_in_order() -> None:
    assert printed(
        turn(1),
        turn(2, ready=3),
        ("accept", {"peer": 1}),
        ("recv", {"peer": 1, "bytes": 4}),
        turn(3),
        ("send", {"peer": 1, "bytes": 20}),
        turn(4),
    ) == (
        "turn 2  select returned 3\n"
        "    accept   peer=1\n"
        "    recv     peer=1  bytes=4\n"
        "turn 3  select returned 1\n"
        "    send     peer=1  bytes=20\n"
    )


def test_before_the_first_turn_there_is_no_heading() -> None:
    assert printed(("interest", {"peer": "listener"})) == "    interest peer=listener\n"


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook != "turn"])
def test_every_hook_fits_its_column_and_may_have_no_facts(hook: str) -> None:
    assert printed((hook, {})) == f"    {hook:<9}\n"
    assert len(hook) < 9


def test_a_fact_may_have_the_name_hook() -> None:
    """The hook is positional only, so that no fact's name is taken."""
    assert printed(("error", {"hook": "send"})) == "    error    hook=send\n"


def test_lines_are_out_before_the_next_thing_happens() -> None:
    """A trace that is read while the server runs, or after it was killed, must not lag behind."""

    pipe = io.BytesIO()
    trace = PrintedTrace(Output(io.TextIOWrapper(io.BufferedWriter(pipe))).write)
    trace("turn", number=1, ready=1)
    trace("close", peer=1)
    assert pipe.getvalue() == b"turn 1  select returned 1\n    close    peer=1\n"
