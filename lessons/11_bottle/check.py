"""What lesson 11 asks for: properties that the room has, and that none of the six mutants has."""

from functools import cache, partial
from pathlib import Path

from lessons.kit import LiveCheck, program
from lessons.kit.bottle import Improper, Trial, attempt, properties_of
from lessons.kit.stage import Stage

HERE = Path(__file__).resolve().parent
MUTANTS = {  # what never happened, when a mutant behaves like the room in every run
    "forgets": "no property lets the kernel take less than it is given",
    "hurries": "no property lets two lines arrive in one piece",
    "mixes": "no property lets two people be in the middle of a line",
    "panics": "no property goes on speaking to one who has stalled and whose kernel is full, until he reads on",
    "keeps": "no property lets somebody go by a reset, and come back",
    "stumbles": "no property lets somebody go in the moment in which another speaks",
}
Trouble = tuple[str, list[str]] | None


class Bench:
    """One file of properties, and what came of it on every program so far."""

    def __init__(self, file: Path) -> None:
        self.properties = properties_of(program.read(file))
        self.room = Stage(program.read(HERE / "server.py"))
        self.on_the_room = self.tried_on(self.room)
        self.on_mutant = {name: self.tried_on(Stage(program.read(HERE / "mutants" / f"{name}.py"))) for name in MUTANTS}

    def is_killed(self, name: str) -> bool:
        """True when a property was not kept by a mutant."""
        return self.on_mutant[name][-1].failed

    def tried_on(self, stage: Stage) -> list[Trial]:
        """Every property with each of its seeds, up to the first that is not kept."""
        found: list[Trial] = []
        for one in self.properties:
            for seed in one.seeds:
                found.append(attempt(stage, one, seed))
                if found[-1].failed:
                    return found
        return found


bench = cache(Bench)


def can_be_tried(file: Path) -> Trouble:
    """The file is one of properties."""
    try:
        trial = bench(file).on_the_room[-1]
    except Improper as error:
        return str(error), [f"line {error.line} of your file"] if error.line else []
    return (f"{trial.of.name}: {trial.improper}", trial.story) if trial.improper else None


def is_the_same_again(file: Path) -> Trouble:
    """Every run can be repeated."""
    for trial in bench(file).on_the_room:
        again = attempt(bench(file).room, trial.of, trial.seed)
        if (again.steps, again.seen) != (trial.steps, trial.seen):
            name = trial.of.name
            story = [*trial.story, "", "and once more with the same seed:", "", *again.story]
            return f"{name} is not the same with the same seed: take all chance from its second parameter", story
    return None


def holds_in_the_room(file: Path) -> Trouble:
    """The good program keeps every property."""
    trial = bench(file).on_the_room[-1]
    if not trial.broken:
        return None
    if trial.erred:
        return f"{trial.of.name} stops with an error of its own: {trial.broken}", trial.story
    return f"{trial.of.name} is no invariant: the right program breaks it", trial.story


def kills(name: str, file: Path) -> Trouble:
    """At least one property is broken by the mutant."""
    tried = bench(file)
    if tried.is_killed(name):
        return None
    pairs = zip(tried.on_the_room, tried.on_mutant[name], strict=True)
    unlike = next(((right, wrong) for right, wrong in pairs if right.seen != wrong.seen), None)
    rest = [other for other in MUTANTS if not tried.is_killed(other)]
    alive = [f"still alive: {', '.join(rest)}"]
    if unlike is None:
        return f"{name} lives: {MUTANTS[name]}", ["in every run it does what the right program does", *alive]
    right, wrong = unlike
    story = [*right.story, "", "and the mutant, where", *wrong.readings, "", *alive]
    return f"{name} lives: in {right.of.name} it behaves differently, and no assert notices", story


CHECKS = (
    LiveCheck("every property can be tried", can_be_tried),
    LiveCheck("the same seed, the same run", is_the_same_again),
    LiveCheck("the right program keeps them all", holds_in_the_room),
    *(LiveCheck(f"the mutant that {name} is killed", partial(kills, name)) for name in MUTANTS),
)
