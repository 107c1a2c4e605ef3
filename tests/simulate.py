"""Replay simulations: python3 -m tests.simulate SEED, or FIRST-LAST, or --digest SEED, or --bugs.

python3 -m tests.simulate 7          one seed, its trace, and what did not hold
python3 -m tests.simulate 0-999      many seeds, without their traces
python3 -m tests.simulate --bugs     which seeds catch each seeded bug, and by which invariant
"""

import logging
import sys
from collections import Counter

from tests.seeded_bugs.bugs import BUGS
from tests.simulation import Simulation, Violation

BUG_SEEDS = range(24)


def main(arguments: list[str]) -> int:
    """Do what the module's docstring says; the status is 1 when something did not hold."""
    logging.getLogger("chatcore").setLevel(logging.CRITICAL + 1)
    match arguments:
        case ["--bugs"]:
            show_bugs()
            return 0
        case ["--digest", seed] if seed.isdecimal():
            print(run(int(seed)).digest())
            return 0
        case [seeds] if all(number.isdecimal() for number in seeds.split("-", 1)):
            first, _, last = seeds.partition("-")
            found = [show(seed, with_trace=not last) for seed in range(int(first), int(last or first) + 1)]
            return 1 if any(found) else 0
    print(__doc__, file=sys.stderr)
    return 2


def run(seed: int) -> Simulation:
    """Simulate one seed. Whatever is raised says how to see it again."""
    simulation = Simulation(seed)
    try:
        simulation.run()
    except Exception as error:
        error.add_note(f"see it again: python3 -m tests.simulate {seed}")
        raise
    return simulation


def show(seed: int, with_trace: bool) -> Violation | None:
    """Simulate one seed and print what did not hold."""
    simulation, found = Simulation(seed), None
    try:
        simulation.run()
    except Violation as violation:
        found = violation
    if with_trace:
        print(*simulation.world.trace, sep="\n")
    if found or with_trace:
        print(f"seed {seed}: {found or 'everything held'}")
    return found


def show_bugs() -> None:
    """One line for each bug: how many seeds catch it, which is the first, and by what."""
    for bug in BUGS:
        caught = {seed: found.invariant.name for seed in BUG_SEEDS if (found := bug.caught(seed))}
        how_often = f"{len(caught):3} of {len(BUG_SEEDS)}, first {next(iter(caught), None)}"
        print(f"{bug.name:24}{how_often}: {Counter(caught.values())}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
