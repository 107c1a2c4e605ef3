"""a page and the programs -> the page with its generated parts. Nothing on it is typed twice.

    python3 -m lessons.pages [N…]           write them anew
    python3 -m lessons.pages --check [N…]   say which are stale; status 1 if one is
    python3 -m lessons.pages --hunks N      what a page about lesson N has to show

A README.md has blocks `<!-- [[[cog fail() ]]] -->` … `<!-- [[[end]]] -->`, in which cog calls the functions of `Page`.
What they print is the same on every computer: the network is simulated, and no path, time or port is in it.
"""

import argparse
import ast
import html
import io
import re
import shlex
import sys
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from contextlib import chdir, redirect_stdout
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from cogapp import Cog

from lessons import cli, commands, figure, sizes, trace
from lessons.catalog import Catalog, Folder
from lessons.cli import DEFAULT_FOLDER
from lessons.hunks import AT_ONCE, Diff, definitions
from lessons.kit.lesson import Hint

PAGE = "README.md"
ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```.*?^```$\n?", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"<!-- \[\[\[cog.*?\]\]\] -->.*?<!-- \[\[\[end\]\]\] -->", re.DOTALL)


class Page:
    """One lesson's page. The methods without `_` in front are what its blocks call."""

    def __init__(self, catalog: Catalog, number: int) -> None:
        self.catalog = catalog
        self.folder = catalog[number]
        self.path = self.folder.path / PAGE
        self.hunks_shown: list[tuple[str, str]] = []

    @cached_property
    def diffs(self) -> dict[str, Diff]:
        """The steps of the lesson, each by the file that it ends with."""
        programs = sizes.steps(self.catalog, self.folder.number)
        return {new.name: Diff(old, new) for old, new in pairwise(programs)}

    def rendered(self) -> str:
        """The page as it should be."""
        calls = ("facts", "fail", "again", "figure", "hunk", "code", "check", "check_of", "hints", "nav", "run")
        return filled(self.path, {name: getattr(self, name) for name in calls})

    # ------------------------------------------------------------ what a page may call

    def facts(self) -> str:
        """How long it takes, and what it begins with."""
        reading, doing = self.folder.lesson.minutes
        before = self._neighbour(-1)
        needs = "Python 3.11 or later" if before is None else f"{link(before)} and its program"
        return f"| to read | to do | you need |\n|---|---|---|\n| {reading} minutes | {doing} minutes | {needs} |"

    def fail(self) -> str:
        """The failure, on the program that the reader has just finished."""
        return self.run(f"fail {self.folder.number}")

    def again(self, number: int | None = None) -> str:
        """The same on the program of this lesson, or of an earlier one."""
        folder = self.folder if number is None else self.catalog[number]
        his = f"{DEFAULT_FOLDER}/{folder.slug}/{folder.lesson.program}"
        return self._said(f"fail {self.folder.number} {his}", folder.program, his)

    def check(self) -> str:
        """What the reader sees when all is right."""
        return self._said(f"check {self.folder.number}", self.folder.program)

    def check_of(self, wrong: str) -> str:
        """What the reader sees when the program is the one at `wrong`, without the status line."""
        return self._said(f"check {self.folder.number}", self.folder.path / wrong)

    def run(self, command: str) -> str:
        """`python3 -m lessons COMMAND` and what it prints; lessons/… in it is a file of ours."""
        return self._said(command, None)

    def figure(
        self, first: int = 1, last: int | None = None, program: str | None = None, interest: bool = False
    ) -> str:
        """Turns of the lesson's scene, on its program; on the one it begins with; or on a file of the folder."""
        scene = self.folder.module("scene.py")
        if scene is None:
            raise LookupError(f"{self.folder.slug} has no scene.py")
        number = self.folder.number
        path, state = self.folder.path / program if program else self.folder.on_stage, number
        if program == "before":
            path, state = self.catalog.before(number, self.folder.lesson.program), number - 1
        recorded = trace.record(path, scene.STEPS, self.catalog.dialect(state), number)
        return fenced("text", figure.drawn(recorded, first, last, interest))

    def hunk(self, *names: str, step: str | None = None) -> str:
        """Hunks of a step, by name, in one block."""
        file = step or list(self.diffs)[-1]
        diff = self.diffs[file]
        lines = diff.shown(names)
        if len(names) > 1 and sum(hunk.size for hunk in diff.hunks if hunk.name in names) > AT_ONCE:
            raise ValueError(f"{', '.join(names)}: more than {AT_ONCE} lines at once")
        self.hunks_shown += [(file, name) for name in names]
        return fenced("diff", lines)

    def code(self, file: str, name: str) -> str:
        """A function, method or class of a file in the folder, as it stands there."""
        text = (self.folder.path / file).read_text(encoding="utf-8")
        found = {qualified: (first, last) for qualified, first, last in definitions(ast.parse(text))}
        if name not in found:
            raise LookupError(f"{file} has no {name}; it has {', '.join(found)}")
        first, last = found[name]
        return fenced("python", textwrap.dedent("\n".join(text.splitlines()[first - 1 : last])).splitlines())

    def hints(self) -> str:
        """Three questions, each with its answer folded away."""
        return "\n\n".join(map(folded, enumerate(self.folder.lesson.hints, start=1)))

    def nav(self) -> str:
        """The page before and the page after."""
        before, after = self._neighbour(-1), self._neighbour(+1)
        links = [f"← {link(before)}"] if before else []
        links += [f"{link(after)} →"] if after else []
        return " · ".join(links)

    # ------------------------------------------------------------ how

    def _neighbour(self, way: int) -> Folder | None:
        return self.catalog.folders.get(self.folder.number + way)

    def _his(self) -> str:
        return f"{DEFAULT_FOLDER}/{self.folder.slug}/{self.folder.lesson.program}"

    def _said(self, command: str, program: Path | None, his: str = "") -> str:
        """The command and what it prints to somebody whose own program, at `his`, is `program`."""
        output = io.StringIO()
        with tempfile.TemporaryDirectory() as somewhere, chdir(somewhere), redirect_stdout(output):
            if program is not None:
                file = Path(his or self._his())
                file.parent.mkdir(parents=True)
                file.write_bytes(program.read_bytes())
            parts = shlex.split(command)
            cli.main([str(ROOT / part) if part.startswith("lessons/") else part for part in parts], self.catalog)
        said = portable(output.getvalue()).rstrip().splitlines()
        return fenced("console", [f"$ {commands.ME} {command}", *said])


class Index:
    """The ladder: the README.md beside the lessons."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.path = catalog.root / PAGE

    def rendered(self) -> str:
        """The page as it should be."""
        return filled(self.path, {"ladder": self.ladder})

    def ladder(self) -> str:
        """Every lesson, what it is about, and how long it takes."""
        lessons = [(folder, folder.lesson) for folder in self.catalog]
        rows = [
            f"| {link(folder, '')} | {lesson.idea} | {lesson.term} | {lesson.minutes[0]} + {lesson.minutes[1]} |"
            for folder, lesson in lessons
        ]
        return "\n".join(["| lesson | the idea | the term | minutes to read + do |", "|---|---|---|---|", *rows])


def filled(path: Path, calls: dict[str, Callable[..., str]]) -> str:
    """The page at `path` with what these functions give in its blocks."""
    cog, page = Cog(), io.StringIO()
    cog.options.end_spec = "]]] -->"  # for `]]]` alone may stand in a program
    blocks = {name: Block(cog, make) for name, make in calls.items()}
    cog.process_file(io.StringIO(path.read_text(encoding="utf-8")), page, path.name, blocks)
    return page.getvalue()


class Block:
    """A function for cog: what it returns is put between blank lines, as Markdown wants it."""

    def __init__(self, cog: Cog, make: Callable[..., str]) -> None:
        self._cog, self._make = cog, make

    def __call__(self, *arguments: object, **named: object) -> None:
        """Called in a page."""
        self._cog.cogmodule.out(f"\n{self._make(*arguments, **named)}\n\n")


def fenced(language: str, lines: Sequence[str]) -> str:
    """A block of code."""
    return "\n".join([f"```{language}", *(line.rstrip() for line in lines), "```"])


def link(folder: Folder, up: str = "../") -> str:
    """To another lesson's page."""
    return f"[{folder.number}. {folder.lesson.title}]({up}{folder.slug}/{PAGE})"


def folded(numbered: tuple[int, Hint]) -> str:
    """A question; its answer opens with a click."""
    number, hint = numbered
    question = in_html(f"{number}. {hint.title}: {hint.question}")
    return f"<details>\n<summary>{question}</summary>\n\n{hint.answer}\n\n</details>"


def in_html(text: str) -> str:
    """Where Markdown is not read: `code` as an element."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text, quote=False))


def portable(text: str) -> str:
    """Paths as they are in a clone of the project, on a Unix."""
    short = text.replace(f"{ROOT}/", "").replace(f"{ROOT}\\", "")
    return re.sub(r"(my-)?lessons\\\S+", lambda path: path[0].replace("\\", "/"), short)


def prose(text: str) -> str:
    """What somebody has written by hand, without code."""
    return FENCE.sub("", BLOCK.sub("", text))


def needed(page: Page) -> list[tuple[str, str]]:
    """The hunks that a page has to show: step and name."""
    return [(step, hunk.name) for step, diff in page.diffs.items() for hunk in diff.hunks]


def calls(page: Page) -> list[str]:
    """The same as blocks to be copied."""
    last = list(page.diffs)[-1]
    steps = ((name, "" if step == last else f', step="{step}"') for step, name in needed(page))
    return [f'<!-- [[[cog hunk("{name}"{step}) ]]] -->\n<!-- [[[end]]] -->' for name, step in steps]


def main(argv: Sequence[str]) -> int:
    """Write, or check. The exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m lessons.pages", description="The generated parts of the pages.")
    parser.add_argument("lessons", type=int, nargs="*", metavar="N")
    parser.add_argument("--check", action="store_true", help="write nothing; say which are stale")
    parser.add_argument("--hunks", action="store_true", help="print the blocks for all hunks of a lesson")
    args = parser.parse_args(argv)
    catalog = Catalog()
    pages = [Page(catalog, number) for number in args.lessons or catalog.folders]
    if args.hunks:
        sys.stdout.write("\n".join(line for page in pages for line in calls(page)) + "\n")
        return 0
    everything: list[Page | Index] = [*pages, *([] if args.lessons else [Index(catalog)])]
    stale = [page for page in everything if page.path.exists() and refreshed(page, write=not args.check)]
    for page in stale:
        sys.stdout.write(f"{page.path.relative_to(catalog.root)} {'is stale' if args.check else 'is written'}\n")
    return int(bool(stale) and args.check)


def refreshed(page: Page | Index, write: bool) -> bool:
    """True when the page was stale."""
    text = page.rendered()
    if text == page.path.read_text(encoding="utf-8"):
        return False
    if write:
        page.path.write_text(text, encoding="utf-8", newline="\n")
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
