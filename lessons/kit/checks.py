"""a check and a program -> a verdict. Hypothesis writes the schedule; the shortest that fails is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lessons.kit.causes import GENERAL, Cause, cause_of
from lessons.kit.lesson import Dialect
from lessons.kit.models import Complaint, Model
from lessons.kit.run import Run
from lessons.kit.stage import Schedule, Stage
from lessons.kit.steps import Connect, Kernel, Kill, Pass, Press, Restart, SetClock, Step, Together

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

MOST_SHRINKS = 150  # runs after the first failure; then steps are left out one by one
NAMES = ("ana", "bia", "caio", "davi", "eva", "fabio", "gil")  # in the order in which they come
FEWER = 3  # a program of a later lesson is given a third of the examples


@dataclass(frozen=True)
class Check:
    """One promise of a lesson. `given` is a schedule, or a Hypothesis strategy of schedules."""

    title: str
    given: "Sequence[Step] | SearchStrategy[list[Step]]"
    model: Callable[[Dialect], Model]
    causes: tuple[Cause, ...] = ()
    examples: int = 100


@dataclass(frozen=True)
class LiveCheck:
    """A promise that the simulated network cannot test. `judge(program)` returns None if it is kept.

    Otherwise the cause, in one line, and the lines of the story. It starts the program itself.
    """

    title: str
    judge: Callable[[Path], tuple[str, list[str]] | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a check. `complaint` and `cause` say why it failed."""

    check: Check
    examples: int
    complaint: Complaint | None = None
    cause: str = ""

    @property
    def passed(self) -> bool:
        """True when nothing was wrong."""
        return self.complaint is None


class Failed(Exception):
    """One schedule failed. A subclass for each cause, so that shrinking stays with the same one."""

    kinds: dict[str, type["Failed"]] = {}  # noqa: RUF012

    @classmethod
    def because(cls, cause: str) -> type["Failed"]:
        """The subclass for `cause`."""
        return cls.kinds.setdefault(cause, type("Failed", (cls,), {}))


@dataclass
class Examiner:
    """Runs the schedules of one check, and remembers the last one that failed."""

    stage: Stage
    check: Check
    dialect: Dialect
    later: bool = False
    runs: int = 0
    since_failure: int = 0
    last: Complaint | None = None
    failing: dict[str, bool] = field(default_factory=dict)

    def verdict(self) -> Verdict:
        """Try schedules until one fails, or all are done."""
        given = self.check.given
        if isinstance(given, Sequence):
            self.last = self.attempt(given)
        else:
            self._search(given)
        runs = self.runs
        if self.last is not None:
            self.last = self.shortened(self.last)
            return Verdict(self.check, runs, self.last, self._cause(self.last))
        return Verdict(self.check, runs)

    def shortened(self, complaint: Complaint) -> Complaint:
        """Leave out every step without which the cause is the same; call the first who comes ana."""
        place = 0
        while place < len(complaint.run.steps):
            steps = complaint.run.steps
            shorter = self.attempt([*steps[:place], *steps[place + 1 :]])
            if shorter is not None and self._cause(shorter) == self._cause(complaint):
                complaint = shorter
            else:
                place += 1
        again = self.attempt(renamed(complaint.run.steps))
        return again if again is not None and again.kind == complaint.kind else complaint

    def attempt(self, steps: Sequence[Step]) -> Complaint | None:
        """Play one schedule in a new world."""
        self.runs += 1
        model = self.check.model(self.dialect)
        found: list[Complaint] = []

        def make(run: Run) -> Schedule:
            def judge() -> bool:
                complaint = model.judge(run)
                if complaint is not None:
                    found.append(replace(complaint, situation=run.situation))
                return bool(found)

            return Schedule(run, steps, lambda step: model.step(step, run), judge)

        self.stage.play(self.dialect, make)
        return found[0] if found else None

    def _search(self, strategy: "SearchStrategy[list[Step]]") -> None:
        from hypothesis import HealthCheck, Phase, given, settings

        @settings(
            max_examples=max(1, self.check.examples // (FEWER if self.later else 1)),
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            print_blob=False,
        )
        @given(strategy)
        def holds(steps: list[Step]) -> None:
            self._try(steps)

        try:
            holds()
        except Failed:
            pass
        except Exception:  # Hypothesis calls a program flaky that behaves differently each time
            if self.last is None:
                raise

    def _try(self, steps: list[Step]) -> None:
        key = repr(steps)
        if self.last is not None:
            self.since_failure += 1
        if self.since_failure > MOST_SHRINKS and key not in self.failing:
            return
        complaint = self.attempt(steps)
        if complaint is not None:
            self.last = complaint
            self.failing[key] = True
            raise Failed.because(self._cause(complaint))

    def _cause(self, complaint: Complaint) -> str:
        return cause_of(complaint, (*self.check.causes, *GENERAL))


def renamed(steps: Sequence[Step]) -> list[Step]:
    """The same steps; whoever connects first is ana, the second bia, and so on."""
    names = dict.fromkeys(step.name for step in steps if isinstance(step, Connect))
    new = dict(zip(names, NAMES, strict=False))
    return [rename(step, new) for step in steps]


def rename(step: Step, new: dict[str, str]) -> Step:
    """One step, and those inside it."""
    if isinstance(step, Together):
        return Together(*(rename(inner, new) for inner in step.steps))
    if isinstance(step, Pass | SetClock | Press | Kill | Restart | Kernel):
        return step
    return replace(step, name=new.get(step.name, step.name))
