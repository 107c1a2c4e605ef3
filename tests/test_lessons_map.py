"""The last page says where in chatcore each lesson lives; and the server of lesson 18 has chatcore's architecture."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lessons.catalog import HERE, Catalog

CATALOG = Catalog()
CHATCORE = HERE.parent / "chatcore"
PAGE = CATALOG[19].path / "README.md"
ROW = re.compile(r"^\| \[?(\d+)\W.*?\| (.*?) \| (.*?) \|$", re.MULTILINE)
MAP = PAGE.read_text(encoding="utf-8").partition("## Next")[2]
ROWS = {int(number): (where, names) for number, where, names in ROW.findall(MAP)}
STEPS = ("select", "take_due", "commit", "flush")


def names_in(path: Path) -> set[str]:
    """Classes, functions, methods and constants that a module defines."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def in_chatcore(name: str) -> set[str]:
    return {path.stem for path in CHATCORE.glob("*.py") if name in names_in(path)}


def turn(path: Path, owner: str) -> list[str]:
    """The steps of a turn in the order in which they are called."""
    classes = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef))
    methods = (node for one in classes if one.name == owner for node in one.body if isinstance(node, ast.FunctionDef))
    calls = (node for one in methods if one.name == "turn" for node in ast.walk(one) if isinstance(node, ast.Call))
    places = sorted((call.lineno, name) for call in calls for name in called(call) if name in STEPS)
    return [name for _, name in places]


def called(call: ast.Call) -> Iterator[str]:
    if isinstance(call.func, ast.Attribute):
        yield call.func.attr


def test_each_lesson_has_a_row() -> None:
    assert list(ROWS) == [number for number in CATALOG.folders if number]


@pytest.mark.parametrize("number", ROWS)
def test_a_row_names_what_is_there(number: int) -> None:
    where, names = ROWS[number]
    modules = re.findall(r"\[([\w/]+)\]\(\.\./\.\./chatcore/([\w/]+)\.py\)", where)
    assert modules
    assert all(title == path for title, path in modules)
    files = [CHATCORE / f"{path}.py" for _, path in modules]
    for name in re.findall(r"`(\w+)`", names):
        assert any(name in names_in(file) for file in files), f"{name} is in none of {where}"
    assert len(re.findall(r"`(\w+)`", names)) >= len(modules), "each module has something to look for"


def test_the_server_of_lesson_18_has_the_names_of_chatcore() -> None:
    program = CATALOG[18].path / "server.py"
    classes = {
        node.name for node in ast.parse(program.read_text(encoding="utf-8")).body if isinstance(node, ast.ClassDef)
    }
    assert classes == {"StreamError", "Framing", "Log", "Chat", "Timers", "SendQueue", "State", "Connection", "Server"}
    assert all(map(in_chatcore, classes))
    shared = {"DRAINING", "LINGERING", "CLOSED", "push", "unsent", "sent", "receive", "next_frame", "next_deadline"}
    shared |= {"take_due", "commit", "timeout", "call_later", "ready", "flush", "stop", "READ", "WRITE"}
    assert shared <= names_in(program)
    assert all(map(in_chatcore, shared))


def test_the_server_of_lesson_18_has_the_turn_of_chatcore() -> None:
    assert turn(CATALOG[18].path / "server.py", "Server") == list(STEPS)
    assert turn(CHATCORE / "loop.py", "Loop") == list(STEPS)
