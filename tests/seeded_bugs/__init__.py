"""Mistakes, planted in the real code from outside, that the simulation must catch.

The product knows nothing of them. Each replaces one piece of text in one function while it is planted.
"""

import importlib
import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.simulation import Simulation, Violation


@dataclass(frozen=True)
class Bug:
    """In the source of `where` (MODULE:FUNCTION or MODULE:CLASS.METHOD of chatcore), `old` becomes `new`.

    `old` must be there exactly once. Otherwise the code has changed and the bug has to be thought over
    again: LookupError. `seed` is one that catches it soon; another will do when the code has changed.
    """

    name: str
    what: str
    where: str
    old: str
    new: str
    seed: int

    def caught(self, seed: int) -> Violation | None:
        """What a simulation with the bug in the code finds."""
        with self.planted():
            try:
                Simulation(seed).run()
            except Violation as violation:
                return violation
        return None

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The bug is in the code meanwhile."""
        owner, name = self._find()
        original = inspect.getattr_static(owner, name)
        setattr(owner, name, self._mutated(original))
        try:
            yield
        finally:
            setattr(owner, name, original)

    def _find(self) -> tuple[Any, str]:
        module, _, path = self.where.partition(":")
        *classes, name = path.split(".")
        try:
            owner: Any = importlib.import_module(f"chatcore.{module}")
            for each in classes:
                owner = getattr(owner, each)
            inspect.getattr_static(owner, name)
        except (ImportError, AttributeError):
            raise LookupError(f"seeded bug {self.name}: there is no {self.where} any more") from None
        return owner, name

    def _mutated(self, original: Any) -> Any:
        function: Any = original.fget if isinstance(original, property) else original
        source = textwrap.dedent(inspect.getsource(function))
        if (times := source.count(self.old)) != 1:
            raise LookupError(f"seeded bug {self.name}: {self.where} has {times} times, not once: {self.old!r}")
        made: dict[str, Any] = {}
        exec(
            compile(source.replace(self.old, self.new), f"<seeded bug {self.name}>", "exec"), function.__globals__, made
        )
        return made[function.__name__]
