"""Mistakes planted in the real code: the simulation catches each of them, and says by which invariant.

`python3 -m tests.simulate --bugs` looks for better seeds when the code has changed.
"""

from dataclasses import replace
from functools import cache

import pytest

from chatcore.server import Server
from tests.seeded_bugs import Bug
from tests.seeded_bugs.bugs import BUGS
from tests.simulation import Simulation, Violation

MOST_SEEDS = 40
ONE = BUGS[0]


@cache
def holds(seed: int) -> bool:
    """Without any bug: else it would not be the bug that is caught."""
    Simulation(seed).run()
    return True


def catch(bug: Bug) -> tuple[int, Violation] | None:
    """The first seed that catches the bug, and how."""
    for seed in (bug.seed, *range(MOST_SEEDS)):
        found = bug.caught(seed)
        if found is not None and holds(seed):
            return seed, found
    return None


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_it_is_caught(bug: Bug) -> None:
    caught = catch(bug)
    assert caught is not None, f"not by {MOST_SEEDS} seeds: {bug.what}"
    seed, violation = caught
    print(f"{bug.what}: caught with seed {seed} by {violation.invariant.name}, {violation}")


def test_there_are_many_and_each_has_a_name() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 16


def test_afterwards_the_code_is_what_it_was() -> None:
    before = dict(vars(Server))
    bug = Bug("any", "", "server:Server.busy", "return", "raise", 0)
    with bug.planted():
        assert dict(vars(Server)) != before
    assert dict(vars(Server)) == before


@pytest.mark.parametrize(
    ("bug", "why"),
    [
        (replace(ONE, old="text that was changed"), "has 0 times, not once"),
        (replace(ONE, old="room"), "times, not once"),
        (replace(ONE, where="delivery:Delivery.renamed"), "there is no delivery:Delivery.renamed any more"),
        (replace(ONE, where="moved:Delivery.say"), "there is no moved:Delivery.say any more"),
    ],
)
def test_a_bug_whose_text_is_gone_says_so(bug: Bug, why: str) -> None:
    with pytest.raises(LookupError, match=why), bug.planted():
        pass
