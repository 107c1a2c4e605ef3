"""folders -> lessons. Finds `NN_slug/` beside this file, and loads what is in them."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from lessons.kit.lesson import Dialect, Lesson

HERE = Path(__file__).resolve().parent
SERVER = "server.py"
OUTSIDE = (0, 19)  # they begin with no failure of the program before them


class Unknown(Exception):
    """There is no such lesson, or it lacks what is asked for. The text is for the learner."""


@dataclass(frozen=True)
class Folder:
    """One lesson's folder."""

    path: Path

    @property
    def number(self) -> int:
        """From the folder's name."""
        return int(self.path.name[:2])

    @property
    def slug(self) -> str:
        """The folder's name: 04_framing."""
        return self.path.name

    @cached_property
    def lesson(self) -> Lesson:
        """What `lesson.py` declares; while nobody has written it, little more than a title."""
        module = self.module("lesson.py")
        if module is None:
            return Lesson(self.number, self.slug[3:].replace("_", " ").capitalize(), "", "", (10, 30))
        declared = module.LESSON
        assert isinstance(declared, Lesson)
        return declared

    @property
    def program(self) -> Path:
        """The finished program."""
        return self.path / self.lesson.program

    @property
    def on_stage(self) -> Path:
        """The program that `scene.py` is played on: the finished one, unless it names another."""
        return self.path / getattr(self.module("scene.py"), "PROGRAM", self.lesson.program)

    def has(self, name: str) -> bool:
        """True when the file exists."""
        return (self.path / name).exists()

    def wrong(self) -> list[Path]:
        """The bank of known-wrong programs."""
        return sorted((self.path / "wrong").glob("*.py"))

    def module(self, name: str) -> ModuleType | None:
        """A file of the folder, loaded; None if it does not exist."""
        path = self.path / name
        if not path.exists():
            return None
        spec = importlib.util.spec_from_file_location(f"lesson_{self.slug}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


class Catalog:
    """All lessons that are there, by number."""

    def __init__(self, root: Path = HERE) -> None:
        self.root = root
        self.folders = {int(path.name[:2]): Folder(path) for path in sorted(root.glob("[0-9][0-9]_*"))}

    def __getitem__(self, number: int) -> Folder:
        if number not in self.folders:
            raise Unknown(f"there is no lesson {number}; the lessons are 0 to {max(self.folders, default=0)}")
        return self.folders[number]

    def __iter__(self) -> Iterator[Folder]:
        return iter(self.folders.values())

    def dialect(self, number: int) -> Dialect:
        """How the program of lesson `number` greets: the latest one declared up to there."""
        found = (self.folders[n].lesson.dialect for n in sorted(self.folders, reverse=True) if n <= number)
        return next((dialect for dialect in found if dialect is not None), Dialect())

    def before(self, number: int, name: str = SERVER) -> Path:
        """The program that lesson `number` begins with: its own `start.py`, or the latest one before it."""
        folder = self[number]
        if folder.has("start.py") and name == folder.lesson.program:
            return folder.path / "start.py"
        earlier = (self.folders[n] for n in sorted(self.folders, reverse=True) if n < number or not number)
        found = next((folder.path / name for folder in earlier if folder.has(name)), None)
        if found is None:
            raise Unknown(f"lesson {number} begins with no program")
        return found

    def failing(self, number: int) -> tuple[Path, int]:
        """On which program the failure of a lesson is shown, and that program's lesson."""
        if number in OUTSIDE:
            return self[number].path / SERVER, number
        shown_on = getattr(self[number].module("fail.py"), "SHOWN_ON", "")
        return self[number].path / shown_on if shown_on else self.before(number), number - 1

    def checks_for(self, number: int) -> list[Folder]:
        """Lessons whose checks a program of lesson `number` must pass, in order."""
        return [folder for folder in self if folder.has("check.py") and folder.lesson.applies_to(number)]
