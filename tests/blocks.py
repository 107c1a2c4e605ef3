"""The fenced blocks of a page, and what makes them true: they are run, and what they print is compared.

Blocks of Python share one namespace, in the order of the page. In a `console` block a line that begins with `$ ` is a
command; what stands below it is its output, where a line `…` stands for any lines. A command without output below it
must only succeed. A block that cannot be run has `<!-- not executed: REASON -->` on the line before it.
"""

import doctest
import gc
import json
import os
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(?:<!-- not executed: (.+) -->\n)?( *)```(\S*).*\n((?:.*\n)*?)\2```$", re.MULTILINE)
SECONDS = 60  # only a failure takes this long
PLAIN = {"text", "ini", "diff"}  # nothing to run


class Block(NamedTuple):
    """One block: its language, its code, the line on which that begins (from 0), and why it is not run."""

    language: str
    code: str
    line: int
    reason: str | None


def blocks(text: str) -> list[Block]:
    return [
        Block(each[3], textwrap.dedent(each[4]), text[: each.start(4)].count("\n"), each[1])
        for each in FENCE.finditer(text)
    ]


def execute(text: str, name: str, folder: Path) -> None:
    """Run the blocks of a page; commands run in the folder. What is not true is an AssertionError."""
    names: dict[str, Any] = {"__name__": "__main__"}
    marks = text.count("<!-- not executed")
    found = blocks(text)
    assert marks == sum(block.reason is not None for block in found), f"{name}: a mark stands before no block"
    try:
        for block in found:
            if block.reason is None:
                execute_block(block, f"{name}:{block.line}", names, folder)
    finally:
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            names.clear()  # a short example leaves its files open
            gc.collect()


def execute_block(block: Block, name: str, names: dict[str, Any], folder: Path) -> None:
    match block.language:
        case "python":
            exec(compile("\n" * block.line + block.code, name, "exec"), names)
        case "pycon":
            compare(block, name, names)
        case "console":
            for command, expected in commands(block, name):
                run(command, expected, name, folder)
        case "json":
            parse(block, name)
        case language if language not in PLAIN:
            raise ValueError(f"{name}: a block of language {language!r} cannot be run")


def compare(block: Block, name: str, names: dict[str, Any]) -> None:
    """Run what follows `>>>` and compare what it prints; the complaint shows both."""
    test = doctest.DocTestParser().get_doctest(block.code, names, name, name, block.line)
    assert test.examples, f"{name}: nothing to run"
    complaint: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=complaint.append, clear_globs=False)
    names.update(test.globs)
    if complaint:
        raise AssertionError("".join(complaint))


def commands(block: Block, name: str) -> list[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it shall print."""
    found: list[tuple[str, list[str]]] = []
    for line in block.code.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            assert found, f"{name}: output before the first command"
            found[-1][1].append(line)
    assert found, f"{name}: nothing to run"
    return found


def run(command: str, expected: list[str], name: str, folder: Path) -> None:
    """Run a command in a shell, where `python3` is the Python that runs the tests."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{name}: $ {command}\nends with status {done.returncode}:\n{done.stdout}"
    if expected:
        shown = "\n".join(expected).rstrip("\n")
        assert matches(shown, done.stdout.rstrip("\n")), f"{name}: $ {command}\nprints\n{done.stdout}\nand not\n{shown}"


def matches(shown: str, printed: str) -> bool:
    """True when these are the same lines; `…` alone on a line stands for any lines, none included."""
    pieces = [re.escape(line + "\n") if line != "…" else "(?:.*\n)*" for line in shown.split("\n")]
    return re.fullmatch("".join(pieces), printed + "\n") is not None


def parse(block: Block, name: str) -> None:
    """A block of JSON holds one value, or one on each line."""
    try:
        json.loads(block.code)
    except ValueError:
        for line in block.code.splitlines():
            try:
                json.loads(line)
            except ValueError as error:
                raise AssertionError(f"{name}: {line!r} is no JSON: {error}") from None
