"""Replay simulations: python3 -m tests.simulate SEED, or FIRST-LAST, or --digest SEED, or --bugs.

python3 -m tests.simulate 7          one seed, its trace, and what did not hold
python3 -m tests.simulate 0-999      many seeds, without their traces
python3 -m tests.simulate --bugs     for each seeded bug the seed that catches it soonest, and by which invariant
"""

import logging
import sys

from tests.seeded_bugs.bugs import BUGS
from tests.simulation import Simulation, Violation

BUG_SEEDS = range(150)


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
    """One line for each bug. Short runs are tried first: their traces are as long as they take."""
    lengths = {seed: len(run(seed).world.trace) for seed in BUG_SEEDS}
    for bug in BUGS:
        tries = ((seed, bug.caught(seed)) for seed in sorted(lengths, key=lengths.__getitem__))
        seed, found = next(((seed, found) for seed, found in tries if found), (None, None))
        print(f"{bug.name:24}seed={seed}  {found.invariant.name if found else 'not caught'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
