"""a file -> a running `__main__`. The program under test: read, looked over, and run unmodified.

The file is compiled as it stands, but for one call that each loop makes at the top of its body, so that a
loop that never waits can be counted. Line numbers stay the same.
"""

import ast
import io
import re
import sys
import tokenize
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from lessons.kit.computer import TheEnd

TICK = "__tick__"
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")  # of an object, in its repr(): another one in each run
MOST_PRINTED = 20_000  # characters kept of what the program prints
THREADS = "These lessons use one thread and one loop: let select() tell you who is ready, and no thread is needed."
ASYNC = "asyncio has such a loop inside. Here you build your own; in lesson 19 you will see that they are the same."
ELSEWHERE = "A check runs your program alone: nothing is started beside it."
REFUSED = {
    "threading": THREADS,
    "_thread": THREADS,
    "concurrent": THREADS,
    "queue": THREADS,
    "socketserver": THREADS,
    "asyncio": ASYNC,
    "trio": ASYNC,
    "multiprocessing": ELSEWHERE,
    "subprocess": ELSEWHERE,
}


class Unusable(Exception):
    """The file cannot be run at all. The text is for the learner."""


class Refused(Unusable):
    """It imports what a check cannot run."""


class AskedForInput(TheEnd):
    """The program called input(): in a check nobody sits at the keyboard."""


@dataclass(frozen=True, slots=True)
class Crash:
    """What ended a program: its kind and text, and the learner's own lines on the way, outermost first."""

    kind: str
    text: str
    lines: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


@dataclass(frozen=True, slots=True)
class Source:
    """A program that can be run."""

    path: Path
    code: CodeType


def read(path: Path, allows: tuple[str, ...] = ()) -> Source:
    """Read and compile. Raises Unusable with a sentence: missing, not text, syntax, threads."""
    text = text_of(path)
    try:
        tree = ast.parse(text, str(path))
        compile(text, str(path), "exec", dont_inherit=True)  # finds a `return` outside of functions, and more
    except SyntaxError as error:
        raise Unusable(syntax_error(path, error)) from None
    for line, name in imports(tree):
        if name in REFUSED and name not in allows:
            raise Refused(f"{path.name}, line {line}: your program imports {name}.\n{REFUSED[name]}")
    return Source(path, compile(Counting().visit(tree), str(path), "exec", dont_inherit=True))


def text_of(path: Path) -> str:
    """What Python reads there: UTF-8, with a mark in front or not, or what the file says it is. Raises Unusable."""
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except FileNotFoundError:
        raise Unusable(f"there is no file {path}") from None
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror or error}") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        raise Unusable(not_text(path, error)) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise Unusable(f"{path.name}, line {line}: there is a zero byte in this line, and a program is text")
    return text


def not_text(path: Path, error: Exception) -> str:
    """The first line that is no UTF-8, and what to do about it."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.decode("utf-8", "ignore").encode() != line:
            return (
                f"{path.name}, line {number}: Python cannot read this line, because the file is not saved as UTF-8.\n"
                "Open it in your editor, choose UTF-8 as its encoding, and save it again."
            )
    return f"cannot read {path}: {error}"


def syntax_error(path: Path, error: SyntaxError) -> str:
    """Line, pointer, and Python's own words."""
    shown = (error.text or "").rstrip("\n").expandtabs(1)
    pointer = " " * max(0, (error.offset or 1) - 1) + "^"
    return f"{path.name}, line {error.lineno}: Python cannot read this line: {error.msg}\n\n    {shown}\n    {pointer}"


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level name of everything that is imported anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module.partition(".")[0]


class Counting(ast.NodeTransformer):
    """Puts the call that counts at the top of every loop."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Any node; what is inside is visited first."""
        super().generic_visit(node)
        if isinstance(node, ast.While | ast.For):
            call = ast.Expr(ast.Call(ast.Name(TICK, ast.Load()), [], []))
            node.body.insert(0, ast.fix_missing_locations(ast.copy_location(call, node)))
        return node


def run(source: Source, tick: Callable[[], None], modules: Mapping[str, ModuleType], printed: io.StringIO) -> None:
    """Run the program as `__main__`; it sees `modules` in place of the real ones. Raises what it raises."""
    main = ModuleType("__main__")
    vars(main).update({"__file__": str(source.path), TICK: tick})
    with replaced({**modules, "__main__": main}, source.path, printed):
        exec(source.code, vars(main))


@contextmanager
def replaced(modules: Mapping[str, ModuleType], path: Path, printed: io.StringIO) -> Iterator[None]:
    """While this lasts, the process looks to a program as the simulated computer does."""
    before = dict(sys.modules)
    streams, argv, folder = (sys.stdin, sys.stdout, sys.stderr), sys.argv, str(path.parent)
    sys.modules.update(modules)
    sys.stdin, sys.stdout, sys.stderr = Keyboard(), printed, printed
    sys.argv = [str(path)]
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.argv = argv
        sys.stdin, sys.stdout, sys.stderr = streams
        for name, module in list(sys.modules.items()):
            if name not in before and str(getattr(module, "__file__", "") or "").startswith(folder):
                del sys.modules[name]  # the learner's own: the next run reads it anew
        sys.modules.update({name: before[name] for name in modules if name in before})


class Keyboard(io.TextIOBase):
    """Standard input while a program is checked."""

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
        """Nobody types."""
        raise AskedForInput

    read = readline


class Paper(io.StringIO):
    """Standard output: the last part of what the program prints."""

    def write(self, text: str, /) -> int:
        """Keep `text`, but not without end."""
        if self.tell() > MOST_PRINTED:
            kept = self.getvalue()[-MOST_PRINTED // 2 :]
            self.seek(0)
            self.truncate()
            super().write(kept)
        return super().write(text)


def crash_of(error: BaseException, path: Path) -> Crash:
    """The learner's lines of a traceback, and nothing of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = tuple((frame.lineno or 0, frame.line or "") for frame in frames if frame.filename == str(path))
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Crash(type(error).__name__, ADDRESS.sub("0x…", text), lines)
