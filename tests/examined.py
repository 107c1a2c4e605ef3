"""Programs of lessons, examined in this process and once in a run of the tests, however many tests ask.

There are some five hundred examinations, and for most of them the start of a process would take longer than the rest. A
page shows what `fail 4` prints, the ladder asks whether the failure appears: one performance answers both. That a
process of its own says the same is what the pages hold, which were written by one; and test_lessons_runner.py.
"""

from pathlib import Path

import pytest

from lessons import examine, prove
from lessons.catalog import Catalog
from lessons.kit import LiveCheck
from lessons.kit.program import Unusable

ANSWERS: dict[tuple[object, ...], examine.Answer] = {}


def here_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `prove.examined` asks a program only what it has not been asked before."""
    elsewhere = prove.examined

    def examined(catalog: Catalog, command: str, number: int, state: int | None, path: Path) -> examine.Answer:
        of = number if state is None else state
        key = (catalog.root, command, number, of, path.read_bytes())
        if key not in ANSWERS:
            act = here if is_simulated(catalog, command, number) else elsewhere
            ANSWERS[key] = act(catalog, command, number, of, path)
        return ANSWERS[key]

    monkeypatch.setattr(prove, "examined", examined)


def is_simulated(catalog: Catalog, command: str, number: int) -> bool:
    """False for what starts processes and terminals itself, and may leave something behind."""
    module = catalog[number].module(f"{command}.py")
    if command == "check" and module is not None:
        return not any(isinstance(one, LiveCheck) for one in module.CHECKS)
    return command == "fail" and getattr(module, "WHERE", "") != "loopback"


def here(catalog: Catalog, command: str, number: int, state: int, path: Path) -> examine.Answer:
    """What `lessons.examine` does in a process of its own."""
    try:
        return {"check": examine.check, "fail": examine.fail}[command](catalog, number, state, path.absolute())
    except Unusable as error:
        raise prove.NotRunnable(str(error)) from None
