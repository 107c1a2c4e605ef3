"""What the README shows is what happens: its transcript, its commands, its files, its links, its promises."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chatcore.sockets import DEFAULT_PORT
from tests.terminal import ROOT
from tests.test_serve import run

CHATCORE = ROOT / "chatcore"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_transcript_is_part_of_a_real_run() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown in run("demo").stdout


# People rely on these words: do not change them in passing. docs/reference/promises.md is made from the README.
PROMISED = """
- **Accepted means kept.** A room message that you saw echoed back (JSON clients) is on disk.
- **One order.** Every member of a room sees that room's messages in the same order, numbered without gaps.
- **Once.** A room message retried with the same client id appears once.
- **Told, not guessed.** A refused message gets an error with its id; a lost connection means
  "unknown: retry with the same id". Text clients hear of failures only.
- Not promised: direct messages (they may be lost), presence, order across rooms, survival of the disk itself.
"""


def test_the_promises_are_made_word_for_word() -> None:
    (shown,) = re.findall(r"## What is promised\n\n(.*?)\n\n## ", README, re.DOTALL)
    assert shown.split() == PROMISED.split()


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python3 -m chatcore[^`\n|]*", README))))
def test_every_command_is_one_that_the_program_knows(command: str) -> None:
    """Parsed to the end with --help, which starts nothing."""
    arguments = command.split()[3:]
    result = run(*(arguments or ["serve"]), "--help")
    assert result.returncode == 0, result.stderr


def imported(path: Path) -> set[str]:
    """The parts of chatcore that a file uses, wherever in it."""
    froms = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
    whole = {alias.name for node in froms if node.module == "chatcore" for alias in node.names}
    return whole | {str(node.module).split(".")[1] for node in froms if str(node.module).startswith("chatcore.")}


def test_every_file_is_named_and_uses_only_those_before_it() -> None:
    rows = re.findall(r"^\| ((?:`[\w/]+` ?)+)\|", README, re.MULTILINE)
    named = [module.rstrip("/") for row in rows for module in re.findall(r"`([\w/]+)`", row)]
    files = {path.stem for path in CHATCORE.glob("*.py")} - {"__init__", "__main__"}
    assert sorted(named) == sorted(files | {path.parent.name for path in CHATCORE.glob("*/__init__.py")})
    for place, module in enumerate(named):
        paths = [CHATCORE / f"{module}.py"] if module in files else (CHATCORE / module).glob("*.py")
        used = set().union(*map(imported, paths)) - {module}
        assert used <= set(named[:place]), module


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_port_is_the_one_that_the_server_uses() -> None:
    assert f"nc 127.0.0.1 {DEFAULT_PORT}" in README


def test_the_help_of_the_tests_is_there() -> None:
    result = subprocess.run([sys.executable, "tests", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0
