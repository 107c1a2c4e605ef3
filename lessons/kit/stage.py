"""a program and a director -> one run. The program keeps control; the director acts when all is quiet.

The program runs as it is, with its own `while True`. Whenever it waits, the world goes on; when nobody
can act any more, a millisecond of simulated time passes, and that is the director's cue.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from chatcore.sim import TooLong
from chatcore.sim.world import Finished
from lessons.kit import program
from lessons.kit.computer import Computer, TheEnd
from lessons.kit.fake_modules import modules_of
from lessons.kit.lesson import Dialect
from lessons.kit.program import AskedForInput, Source, crash_of
from lessons.kit.run import Run
from lessons.kit.steps import Pass, Step

QUIET = 0.001  # simulated seconds after which nothing more can come of a step
PATIENCE = 5.0  # simulated seconds that a program may take before it listens
AGES = 1e12
IN_MEMORY = "/dev/shm"  # where Linux has a disk for which nobody waits


class Director(Protocol):
    """Whoever decides what happens next. An actor of the world."""

    done: bool

    def ready(self) -> bool:
        """True when it is time."""

    def step(self) -> object:
        """Decide."""

    def deadline(self) -> float | None:
        """When it is time."""


class Schedule:
    """Plays steps one after the other; after each, when all is quiet, `judge` may stop the run."""

    def __init__(
        self, run: Run, steps: Sequence[Step], told: Callable[[Step], None], judge: Callable[[], bool]
    ) -> None:
        self.done = False
        self._run = run
        self._steps = iter(steps)
        self._told = told
        self._judge = judge
        self._next = QUIET

    def ready(self) -> bool:
        """True when all has been quiet for a while."""
        return not self.done and self._run.now >= self._next

    def deadline(self) -> float | None:
        """When it is the schedule's turn."""
        return None if self.done else self._next

    def step(self) -> None:
        """Look at what came of the last step; do the next one."""
        run = self._run
        self._next = run.now + QUIET
        if run.alive and run.address is None and not run.steps and run.now < PATIENCE:
            return
        if self._judge():
            self._finish()
            return
        run.computer.next_step()
        step = next((step for step in self._steps if run.possible(step)), None)
        if step is None:
            self._finish()
            return
        run.steps.append(step)
        if isinstance(step, Pass):
            self._next = run.now + step.seconds
        run.do(step, self._told)

    def _finish(self) -> None:
        self.done = True
        self._run.computer.over = True  # so that a program which catches everything ends as well


class Stage:
    """Where programs of one file are run, each time in a new world and an empty folder."""

    def __init__(self, source: Source, may_spin: bool = False) -> None:
        self.source = source
        self.computer = Computer(str(source.path), may_spin)
        self._modules = modules_of(self.computer)

    def play(self, dialect: Dialect, make: Callable[[Run], Director]) -> Run:
        """Run the program until the director is done with it."""
        self.computer.boot()
        run = Run(self.computer, dialect)
        director = make(run)
        world = self.computer.world
        world.add_actor("director", director)
        with empty_folder():
            while not director.done:
                self.computer.new_process()
                with suppress(TooLong):  # it has ended, and will be started again
                    world.run_program(lambda: self._live(run, director), lambda: director.done, AGES)
        return run

    def _live(self, run: Run, director: Director) -> None:
        """One process: from its start to its end, and what others do until the next one starts."""
        run.alive, run.restarting, run.exit_status, run.crash = True, False, None, None
        try:
            program.run(self.source, self.computer.tick, self._modules, run.paper)
            run.exit_status = 0
        except (TheEnd, Finished) as end:
            run.asked_for_input |= isinstance(end, AskedForInput)
        except SystemExit as end:
            run.exit_status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except KeyboardInterrupt as error:
            if not run.interrupted:
                raise  # this one is real
            run.exit_status, run.crash = 130, crash_of(error, self.source.path)
        except BaseException as error:  # noqa: BLE001 — the program's, and it is what we report
            run.exit_status, run.crash = 1, crash_of(error, self.source.path)
        finally:
            run.alive = False
            self.computer.end_process()
        if not director.done:
            self.computer.world.run(lambda: director.done or run.restarting, max_time=AGES)


@contextmanager
def empty_folder() -> Iterator[None]:
    """The program's current folder: what it writes there is gone afterwards."""
    memory = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="lesson-", dir=memory))
    try:
        with chdir(folder):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=os.name == "nt")
