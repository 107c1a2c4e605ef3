"""The page about the framing's properties is true: its code runs, and its outputs and tables hold."""

import doctest
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.framing_properties import PROPERTIES
from tests.wrong_decoders import NO_OTHER_CATCHES, WRONG_LENGTHS, WRONG_LINES

PAGE = Path(__file__).parent.parent / "docs" / "how-it-works" / "framing-properties.md"


class Block(NamedTuple):
    """One fenced block of a page: its language, its code, and the line on which that begins (from 0)."""

    language: str
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    found = re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
    return [Block(each[1], each[2], text[: each.start(2)].count("\n")) for each in found]


def execute(text: str, name: str) -> None:
    """Run all blocks of a page in order, in one namespace; one that cannot be run is an error."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(text):
        if block.language == "python":
            exec(compile("\n" * block.line + block.code, name, "exec"), names)
        elif block.language == "pycon":
            compare(block, name, names)
        else:
            raise ValueError(f"{name}:{block.line}: a block of language {block.language!r} cannot be run")


def compare(block: Block, name: str, names: dict[str, Any]) -> None:
    """Run what follows `>>>` and compare what it prints; the complaint shows both."""
    test = doctest.DocTestParser().get_doctest(block.code, names, name, name, block.line)
    assert test.examples, f"{name}:{block.line}: nothing to run"
    complaint: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=complaint.append, clear_globs=False)
    names.update(test.globs)
    if complaint:
        raise AssertionError("".join(complaint))


def rows(text: str, columns: int) -> list[list[str]]:
    """The cells of each row of each table with so many columns, headings and rulers left out."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip(" `") for cell in line] for line in lines]
    return [line for line in cells if len(line) == columns and line[-1] not in {"caught by", HEADING}]


HEADING = "only this one catches"


def test_everything_on_the_page_runs_and_prints_what_the_page_shows() -> None:
    execute(PAGE.read_text(encoding="utf-8"), str(PAGE))


def test_the_tables_name_every_property_and_every_wrong_decoder() -> None:
    properties = [row for row in rows(PAGE.read_text(encoding="utf-8"), 3) if row[1] in PROPERTIES]
    assert [row[1] for row in properties] == list(PROPERTIES)
    assert {row[1]: row[2] for row in properties} == {name: wrong.__name__ for name, wrong in NO_OTHER_CATCHES.items()}
    decoders = {row[0]: row[2] for row in rows(PAGE.read_text(encoding="utf-8"), 3) if row[1] not in PROPERTIES}
    assert decoders == {wrong.__name__: name for wrong, name in [*WRONG_LINES.items(), *WRONG_LENGTHS.items()]}


@pytest.mark.parametrize(
    ("page", "error", "complaint"),
    [
        ("```pycon\n>>> 1 + 1\n3\n```\n", AssertionError, "Got:\n    2"),
        ("```python\nx = 1\n```\n\n```pycon\n>>> x\n2\n```\n", AssertionError, "Got:\n    1"),
        ("```pycon\n1 + 1\n```\n", AssertionError, "nothing to run"),
        ("```python\nassert False, 'no'\n```\n", AssertionError, "no"),
        ("```\n>>> 1\n```\n", ValueError, "cannot be run"),
        ("```console\n$ true\n```\n", ValueError, "cannot be run"),
    ],
)
def test_a_page_that_is_not_true_is_refused(page: str, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=re.escape(complaint)):
        execute(page, "a page")
