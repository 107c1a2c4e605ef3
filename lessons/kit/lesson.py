"""a lesson's facts -> everything that prints them. What a `lesson.py` declares.

Nothing here does anything. The words of a lesson live in its folder; the runner, the checks and
the documentation read them from there, so that nothing is typed twice.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

NOTHING = re.compile(rb"(?!)")  # matches no line at all


@dataclass(frozen=True, slots=True)
class Hint:
    """One of three: a title, a question that helps to look in the right place, and its answer."""

    title: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class TooBig:
    """A declared exception to the size rules. `what` is "step" (40 changed lines) or "hunk" (10)."""

    what: str
    lines: int
    reason: str


def as_typed(name: str, line: bytes) -> bytes:
    """What others read of a line before there are names: the line."""
    return line + b"\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a program greets and quotes, so that earlier checks can still talk to it.

    `greet(name)` is what a client sends first; `said(name, line)` is what the others then read of a
    line (given without its newline); whole lines that match `noise` may come besides.
    A newcomer is shown the last `recent` lines that were said.
    """

    greet: Callable[[str], bytes] = lambda name: b""
    said: Callable[[str, bytes], bytes] = as_typed
    noise: re.Pattern[bytes] = NOTHING
    recent: int = 0

    def without_noise(self, heard: bytes) -> bytes:
        """What was heard less the whole lines of noise. An unfinished last line stays."""
        lines = heard.split(b"\n")
        kept = [line + b"\n" for line in lines[:-1] if not self.noise.fullmatch(line)]
        return b"".join(kept) + lines[-1]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson. The fields are described in `lessons/FORMAT.md`."""

    number: int
    title: str
    idea: str
    term: str
    minutes: tuple[int, int]
    hints: tuple[Hint, ...] = ()
    explanation: str = ""
    program: str = "server.py"
    applies_until: int | None = None
    dialect: Dialect | None = None
    too_big: tuple[TooBig, ...] = ()
    green: tuple[int, ...] = ()
    allows: tuple[str, ...] = ()
    may_spin: bool = False
    refactoring: str = ""

    def applies_to(self, number: int) -> bool:
        """True when the program of lesson `number` must pass the checks of this lesson."""
        return self.number <= number <= (number if self.applies_until is None else self.applies_until)
