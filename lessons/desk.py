"""the learner's folder -> his files and his progress. Nothing outside that folder is ever written."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lessons.catalog import Catalog, Folder

PROGRESS = "progress.json"


@dataclass
class Progress:
    """What was done: lessons started, lessons passed, hints opened."""

    started: list[int] = field(default_factory=list)
    passed: list[int] = field(default_factory=list)
    hints: dict[str, int] = field(default_factory=dict)


class Desk:
    """The learner's own folder. It comes into being when something is put there."""

    def __init__(self, path: Path, catalog: Catalog) -> None:
        self.path = path
        self.catalog = catalog
        self.progress = self._load()

    def file(self, folder: Folder) -> Path:
        """Where the learner's program of a lesson stands, or will stand."""
        return self.path / folder.slug / folder.lesson.program

    def shown(self, path: Path) -> str:
        """A path as the learner would type it."""
        try:
            return str(path.absolute().relative_to(Path.cwd()))
        except ValueError:
            return str(path)

    def put(self, folder: Folder) -> Path:
        """Put the starting file there, in place of what is there."""
        target = self.file(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.catalog.before(folder.number, folder.lesson.program), target)
        self._note(self.progress.started, folder.number)
        return target

    def set_aside(self, folder: Folder) -> Path:
        """Rename the learner's file, so that nothing is lost. The new name."""
        file = self.file(folder)
        aside = next(
            name for n in range(1, 1000) if not (name := file.with_name(f"{file.stem}.old{n}{file.suffix}")).exists()
        )
        file.rename(aside)
        return aside

    def passed(self, number: int) -> None:
        """Remember a success."""
        self._note(self.progress.passed, number)

    def not_passed(self, number: int) -> None:
        """Forget a success: the lesson begins again."""
        if number in self.progress.passed:
            self.progress.passed.remove(number)
            self.save()

    def open_hint(self, number: int) -> int:
        """Open one more hint of a lesson. How many are open now."""
        count = self.progress.hints.get(str(number), 0) + 1
        self.progress.hints[str(number)] = count
        self.save()
        return count

    def next_lesson(self) -> int | None:
        """The first lesson that is not done, from the one begun last in the ladder; then those that were left out.

        One without a check is done when it was started.
        """
        progress = self.progress
        open_ones = [
            folder.number
            for folder in self.catalog
            if folder.number not in (progress.passed if folder.has("check.py") else progress.started)
        ]
        begun = max(progress.started, default=0)
        return next((number for number in open_ones if number >= begun), next(iter(open_ones), None))

    def save(self) -> None:
        """Write the progress."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self.progress), indent=2, sort_keys=True)
        (self.path / PROGRESS).write_text(text + "\n", encoding="utf-8")

    def _note(self, numbers: list[int], number: int) -> None:
        numbers[:] = sorted({*numbers, number})
        self.save()

    def _load(self) -> Progress:
        try:
            data = json.loads((self.path / PROGRESS).read_text(encoding="utf-8"))
            hints = {str(number): int(count) for number, count in data["hints"].items()}
            return Progress(list(map(int, data["started"])), list(map(int, data["passed"])), hints)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Progress()  # none yet, or not readable: it is only a memory
