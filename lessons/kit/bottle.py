"""a property and a program -> kept or broken. The network in a bottle, in which lesson 11 tries properties.

A property is a generator function of the learner's: it yields steps, and asserts between them. When it goes on,
all is quiet, so there is nothing to wait for. Its chance comes from a seed: the same seed, the same run.
"""

import ast
import inspect
import random
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import GeneratorType

from lessons.kit.dialects import NAMED
from lessons.kit.program import Source, text_of
from lessons.kit.run import Run
from lessons.kit.stage import Schedule, Stage
from lessons.kit.steps import (
    Close,
    Connect,
    HalfClose,
    Kernel,
    Pass,
    Reset,
    Resume,
    Send,
    Stall,
    Step,
    Together,
    Vanish,
)
from lessons.kit.words import SHORT, shown

STEPS = (Close, Connect, HalfClose, Kernel, Pass, Reset, Resume, Send, Stall, Together, Vanish)
SERVERS_OWN = ("* ", "! ")  # how its lines begin
SEEDS = 20
MOST_STEPS = 300  # in one run
MOST_SHOWN = 12


class Improper(Exception):
    """A property that cannot be tried at all. The text is for the learner; `line` is his, 0 if it is none."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


class Room:
    """What a property may ask."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def heard(self, name: str) -> list[str]:
        """The lines of people that `name` has read, as "ana: oi"."""
        return [line for line in self._lines(name) if not line.startswith(SERVERS_OWN)]

    def told(self, name: str) -> list[str]:
        """The lines of the server that `name` has read; they begin with * or !"""
        return [line for line in self._lines(name) if line.startswith(SERVERS_OWN)]

    def here(self, name: str) -> bool:
        """True while `name` is connected, as far as `name` knows."""
        return self._run.open(name)

    def _lines(self, name: str) -> list[str]:
        if name not in self._run.guests:
            raise Improper(f"nobody called {name!r} has connected")
        return self._run.raw(name).decode("utf-8", "replace").removesuffix("\n").split("\n")


@dataclass(frozen=True, slots=True)
class Property:
    """A function of the learner's file. `takes_chance`: it has a second parameter, and is tried with many seeds."""

    name: str
    function: Callable[..., Generator[Step, None, None]]
    takes_chance: bool

    @property
    def seeds(self) -> range:
        """Those to try it with."""
        return range(SEEDS if self.takes_chance else 1)

    def begin(self, room: Room, seed: int) -> Generator[Step, None, None]:
        """A run of it."""
        return self.function(room, random.Random(seed)) if self.takes_chance else self.function(room)


@dataclass
class Trial:
    """One run of a property on a program. `broken`: a claim that was false, or how the program ended.

    `erred`: it was no claim, but an error in the property. `improper`: the property cannot go on.
    `seen`: what everybody has read, and who is still connected.
    """

    of: Property
    seed: int
    file: str
    steps: list[str] = field(default_factory=list)
    seen: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    broken: str = ""
    erred: bool = False
    improper: str = ""
    line: int = 0

    @property
    def failed(self) -> bool:
        """True when the property was not kept."""
        return bool(self.broken or self.improper)

    def script(self, room: Room, run: Run) -> Iterator[Step]:
        """The property's steps. Raises nothing: what went wrong is in the fields afterwards."""
        try:
            steps = self.of.begin(room, self.seed)
            for step in steps:
                self.line = steps.gi_frame.f_lineno if isinstance(steps, GeneratorType) and steps.gi_frame else 0
                check(step)
                self.steps.append(str(step) if run.possible(step) else f"(left out, not possible now: {step})")
                if len(self.steps) > MOST_STEPS:
                    raise Improper(f"a run has more than {MOST_STEPS} steps")
                yield step
            self.line = 0
        except Improper as error:
            self.improper = str(error)
            self.line = line_of(error, self.file) or self.line
        except Exception as error:  # noqa: BLE001 — the learner's, and it is what we report
            self.broken = f"{type(error).__name__}: {error}".removesuffix(": ")
            self.erred = not isinstance(error, AssertionError)
            self.line = line_of(error, self.file) or self.line

    @property
    def story(self) -> list[str]:
        """The steps, the line that failed, and what everybody has read."""
        title = f"{self.of.name}, seed {self.seed}" if self.of.takes_chance else self.of.name
        left_out = [f"    … {len(self.steps) - MOST_SHOWN} steps"] if len(self.steps) > MOST_SHOWN else []
        steps = [f"    {step}" for step in self.steps[-MOST_SHOWN:]]
        return [title, *left_out, *steps, "", *self.what, *self.readings]

    @property
    def what(self) -> list[str]:
        """The learner's line, and what became of it."""
        if not self.failed:
            return []
        text = text_of(Path(self.file)).splitlines()[self.line - 1].strip() if self.line else ""
        found = [self.broken or self.improper] if self.broken != "AssertionError" else []
        return [*([f"line {self.line}: {text}"] if text else []), *found]

    @property
    def readings(self) -> list[str]:
        """What everybody has read: the end of it, if it is long."""
        return [
            f"{name} has read {'…' if len(data) > SHORT else ''}{shown(data[-SHORT:])}"
            for name, (data, _) in self.seen.items()
        ]


def line_of(error: Exception, file: str) -> int:
    """The line of the learner's file; 0 if it happened elsewhere."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return (frames[-1].lineno or 0) if frames else 0


def check(step: object) -> None:
    """Raise Improper for what is not a step."""
    if not isinstance(step, STEPS):
        raise Improper(f"yield one step at a time: a {type(step).__name__} is none")
    if isinstance(step, Send) and not isinstance(step.name, str):
        raise Improper("who sends comes first, then the bytes: Send('ana', b'oi\\n')")
    if isinstance(step, Send) and not isinstance(step.data, bytes):
        raise Improper(f"bytes are sent, not text: Send({step.name!r}, b{step.data!r})")
    if isinstance(step, Kernel) and any(
        most is not None and most < 1 for most in (step.buffer, step.send_most, step.recv_most)
    ):
        raise Improper(f"a kernel takes at least one byte at a time, and not {step}")
    for inner in step.steps if isinstance(step, Together) else ():
        check(inner)


def attempt(stage: Stage, one: Property, seed: int) -> Trial:
    """Try a property on a program, once."""
    trial = Trial(one, seed, one.function.__code__.co_filename)
    runs: list[Run] = []

    def judge() -> bool:
        trial.broken = trial.broken or how_it_ended(runs[0])
        return trial.failed

    def make(run: Run) -> Schedule:
        runs.append(run)
        return Schedule(run, trial.script(Room(run), run), lambda step: None, judge)  # type: ignore[arg-type]

    stage.play(NAMED, make)
    trial.seen = {name: (runs[0].raw(name), runs[0].open(name)) for name in runs[0].guests}
    return trial


def how_it_ended(run: Run) -> str:
    """How the program ended by itself, in words; "" while it runs."""
    if run.computer.fault:
        return run.computer.fault.text
    if run.crash is not None:
        where = f" in line {run.crash.lines[-1][0]}" if run.crash.lines else ""
        return f"the program crashed{where}: {run.crash}"
    return "" if run.exit_status is None else "the program ended"


def properties_of(source: Source) -> list[Property]:
    """Every function of the file whose first parameter is `room`. Raises Improper for what cannot work."""
    tree = ast.parse(text_of(source.path))
    for line, text in (*forgotten_yields(tree), *lost_functions(tree)):
        raise Improper(text, line)
    space: dict[str, object] = {"__name__": "properties", "__file__": str(source.path), "__tick__": lambda: None}
    try:
        exec(source.code, space)
    except Exception as error:
        raise Improper(f"{type(error).__name__}: {error}", line_of(error, str(source.path))) from error
    found = [one for one in map(property_of, space.values()) if one is not None]
    if not found:
        raise Improper("the file has no property: a function whose first parameter is room")
    return found


def property_of(thing: object) -> Property | None:
    """The property that a function is. None if it is another function, or none."""
    parameters = list(inspect.signature(thing).parameters) if inspect.isfunction(thing) else []
    if not inspect.isfunction(thing) or parameters[:1] != ["room"]:
        return None
    if not inspect.isgeneratorfunction(thing):
        raise Improper(f"{thing.__name__} has no step: hand each one over with yield", thing.__code__.co_firstlineno)
    return Property(thing.__name__, thing, len(parameters) > 1)


def forgotten_yields(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines in which steps are made and not handed over."""
    steps = {kind.__name__: "yield" for kind in STEPS}
    makers = {one.name: "yield from" for one in functions(tree) if has_yield(one)}
    for node in ast.walk(tree):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            word = {**steps, **makers}.get(call.func.id)
            if word:
                yield call.lineno, f"{ast.unparse(call)} without {word} in front of it does nothing"


def lost_functions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Functions that look like a property, and will never be tried as one."""
    names = [one.name for one in functions(tree)]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for one in functions(tree):
        if names.count(one.name) > 1:
            yield (
                one.lineno,
                f"two functions are called {one.name}, and Python keeps the second: give each its own name",
            )
        first = next((parameter.arg for parameter in one.args.args), "")
        if has_yield(one) and first != "room" and one.name not in used:
            yield one.lineno, f"{one.name} is no property: the first parameter of a property is called room"


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Those that the file defines itself, not inside of others."""
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


def has_yield(function: ast.FunctionDef) -> bool:
    """True when it hands something over."""
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))
