"""The tour through chatcore leaves out no file, and the pages about decisions say what is true of the code."""

import ast
import importlib
import re
import tokenize
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHATCORE = ROOT / "chatcore"
TOUR = ROOT / "docs" / "how-it-works"
DECISIONS = ROOT / "docs" / "decisions"
MODULES = {path.stem for path in CHATCORE.glob("*.py")} - {"__init__", "__main__"}
PACKAGES = {path.parent.name for path in CHATCORE.glob("*/__init__.py")}
STOP = re.compile(r"^\d+\. \[.*?\]\(([\w-]+\.md)\): (.*(?:\n   .*)*)", re.MULTILINE)
STOPS = {  # page: the files that it is about, which stand behind its question
    page: re.findall(r"`([\w/.]+)`", text.rpartition("?")[2])
    for page, text in STOP.findall((TOUR / "index.md").read_text(encoding="utf-8"))
}
UNITS = {"s": 1.0, "KiB": 1024.0, "": 1.0}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def lines_of_code(path: Path) -> int:
    """Lines with something on them that is no docstring and no comment."""
    spoken: set[int] = set()
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            spoken.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with path.open("rb") as file:
        tokens = [
            token for token in tokenize.tokenize(file.readline) if token.type not in {*nothing, tokenize.ENCODING}
        ]
    return len({line for token in tokens for line in range(token.start[0], token.end[0] + 1)} - spoken)


def counted(*names: str) -> int:
    """Modules and packages of chatcore together."""
    paths = [path for name in names for path in (CHATCORE.glob(f"{name}.py"), (CHATCORE / name).glob("*.py"))]
    return sum(lines_of_code(path) for found in paths for path in found)


def is_about(written: str, count: int) -> bool:
    """`about 2,200` is true of 2,100: the code changes a little every day."""
    shown = int(written.replace(",", ""))
    return abs(shown - count) <= shown // 12


# ---------------------------------------------------------------- the tour


def test_the_tour_names_every_file() -> None:
    named = [name for files in STOPS.values() for name in files]
    assert sorted({name for name in named if "/" not in name}) == sorted(MODULES)
    assert sorted(name.rstrip("/") for name in named if name.endswith("/")) == sorted(PACKAGES)


@pytest.mark.parametrize("page", STOPS)
def test_a_page_names_the_files_that_it_is_about(page: str) -> None:
    for name in STOPS[page]:
        path = f"chatcore/{name}" if name.endswith("/") else f"chatcore/{name}.py"
        if name.startswith("tests/"):
            path = name.removesuffix(".py").replace("/", ".")  # as a program imports it
        assert path in read(TOUR / page), f"{page} does not name {path}"


def test_the_pages_follow_one_another() -> None:
    pages = list(STOPS)
    assert sorted(pages) == sorted(path.name for path in TOUR.glob("*.md") if path.name != "index.md")
    for page, following in pairwise(pages):
        assert f"({following})" in read(TOUR / page).rpartition("## Where to go on")[2], page


# ---------------------------------------------------------------- the decisions


def test_every_decision_is_listed_once() -> None:
    listed = re.findall(r"^- \[(.*)\]\((.*)\)$", read(DECISIONS / "README.md"), re.MULTILINE)
    pages = {path.name: read(path) for path in DECISIONS.glob("*.md") if path.name != "README.md"}
    assert sorted(name for _, name in listed) == sorted(pages)
    assert all(pages[name].startswith(f"# {title}\n") for title, name in listed)


@pytest.mark.parametrize("page", sorted(DECISIONS.glob("[a-z]*.md")), ids=lambda path: path.stem)
def test_a_decision_says_what_and_why_and_what_it_costs(page: Path) -> None:
    text = read(page)
    if page.stem != "how-long-the-code-is":
        assert [word in text for word in ("**Chosen.** ", "**Why.** ", "**Costs.** ")] == [True] * 3


def test_how_long_the_code_is() -> None:
    pure = re.findall(r'^    "chatcore\.(\w+)",$', read(ROOT / "pyproject.toml"), re.MULTILINE)
    parts = {
        "the pure core": counted(*pure),
        "the loop, the sockets": counted("loop", "sockets", "server", "sqlite_log", "serve", "console", "cli"),
        "the client |": counted("client"),
        "the client's screen": counted("screen"),
        "the demo": counted("demo", "aio"),
        "the simulated network": counted("sim"),
    }
    page = read(DECISIONS / "how-long-the-code-is.md")
    for part, count in parts.items():
        (written,) = re.findall(rf"^\| {re.escape(part)}[^|]*(?:\| )?about ([\d,]+) \|$", page, re.MULTILINE)
        assert is_about(written, count), f"{part}: {count}"
    (lesson,) = re.findall(r"in about ([\d,]+) lines", page)
    assert is_about(lesson, lines_of_code(ROOT / "lessons" / "18_fast" / "server.py"))
    (all_of_it,) = re.findall(r"\[About ([\d,]+) lines\]", read(ROOT / "docs" / "reference" / "compare.md"))
    assert is_about(all_of_it, sum(list(parts.values())[:3]))
    (editor,) = re.findall(r"About ([\d,]+) lines", read(DECISIONS / "a-line-editor-of-our-own.md"))
    assert is_about(editor, sum(counted(f"screen/{name}") for name in ("editor", "keys", "line", "keyboard")))


def test_the_numbers_that_are_no_limits() -> None:
    rows = re.findall(
        r"^\| ([^|]+) \| (`\w+\.\w+`[^|]*) \|", read(DECISIONS / "numbers-that-are-no-limits.md"), re.MULTILINE
    )
    assert rows
    for written, where in rows:
        shown = [
            float(number.replace(",", "")) * UNITS[unit] for number, unit in re.findall(r"([\d.,]+) ?(s|KiB|)", written)
        ]
        names = [found.split(".") for found in re.findall(r"`(\w+\.\w+)`", where)]
        values = [getattr(importlib.import_module(f"chatcore.{module}"), name) for module, name in names]
        values = [
            value / 1000 if name.endswith("_MS") else value for value, (_, name) in zip(values, names, strict=True)
        ]
        assert shown == values, where
