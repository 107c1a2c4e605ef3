"""a lesson and a program -> does its failure appear? In the simulated network, or on real loopback."""

from dataclasses import dataclass
from pathlib import Path

from lessons.catalog import Catalog, Unknown
from lessons.kit import program
from lessons.kit.lesson import Dialect
from lessons.kit.run import Run
from lessons.kit.simnet import NobodyListens, NotSimulated, Script, SimNet
from lessons.kit.stage import Stage

SIMULATED, LOOPBACK = "simulated", "loopback"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a `fail.py` declares. `until`: the last program on which it must be gone; None: all."""

    number: int
    title: str
    script: Script
    until: int | None = None
    where: str = SIMULATED
    files: int = 0
    clock: float = 1.0

    def applies_to(self, number: int) -> bool:
        """True when the failure must be gone from the program of lesson `number`."""
        return self.number <= number <= (number if self.until is None else self.until)


@dataclass(frozen=True, slots=True)
class Seen:
    """One performance."""

    appeared: bool
    transcript: list[str]
    where: str


def load(catalog: Catalog, number: int) -> Failure:
    """The failure that opens a lesson. Unknown if there is none."""
    module = catalog[number].module("fail.py")
    if module is None:
        raise Unknown(f"lesson {number} opens with no failure")
    known = {"where": "WHERE", "files": "FILES", "clock": "CLOCK", "until": "APPLIES_UNTIL"}
    declared = {name: getattr(module, given) for name, given in known.items() if hasattr(module, given)}
    title = (module.__doc__ or "").strip().partition("\n")[0]
    return Failure(number, title, module.script, **declared)


def perform(failure: Failure, path: Path, lesson: int, dialect: Dialect) -> Seen:
    """Run the failure's script on a program of the state of `lesson`. Unusable if it cannot run."""
    if failure.where == SIMULATED:
        try:
            return simulate(failure, path, lesson, dialect)
        except NotSimulated:
            pass
    from lessons.loopback import Net  # needs a real network, and for terminals a real Unix

    try:
        net = Net(path, lesson, dialect, failure.files, failure.clock)
    except RuntimeError as error:
        raise program.Unusable(str(error)) from None
    try:
        return Seen(bool(failure.script(net)), net.transcript, LOOPBACK)  # type: ignore[arg-type]
    finally:
        net.close()


def simulate(failure: Failure, path: Path, lesson: int, dialect: Dialect) -> Seen:
    """The same every time. NotSimulated when the program or the script needs a real computer."""
    try:
        source = program.read(path)
    except program.Refused as refused:
        raise NotSimulated(str(refused)) from None
    stage = Stage(source, may_spin=True)
    nets: list[SimNet] = []

    def make(run: Run) -> SimNet:
        nets.append(SimNet(run, failure.script, lesson, failure.files))
        return nets[0]

    try:
        stage.play(dialect, make)
    finally:
        for net in nets:
            net.close()
    error = nets[0].error
    if isinstance(error, NobodyListens):
        crash = nets[0].run.crash
        why = f"it stopped in line {crash.lines[-1][0]}: {crash}" if crash and crash.lines else "it does not listen"
        raise program.Unusable(f"{error}. {path.name} is no server for this failure: {why}")
    if error is not None:
        raise error
    return Seen(nets[0].result, nets[0].transcript, SIMULATED)


def failure_appears(number: int, path: Path, lesson: int | None = None, catalog: Catalog | None = None) -> bool:
    """Does the failure of lesson `number` appear on the program at `path`, which is in the state of `lesson`?"""
    catalog = catalog or Catalog()
    state = number - 1 if lesson is None else lesson
    return perform(load(catalog, number), path, state, catalog.dialect(state)).appeared
