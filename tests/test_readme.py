"""What the README shows is what happens: its transcript, its commands, its files, its links, its promises."""

import re
import subprocess
import sys

import pytest

from chatcore.sockets import DEFAULT_PORT
from tests.terminal import ROOT
from tests.test_serve import run

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_transcript_is_part_of_a_real_run() -> None:
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown in run("demo").stdout


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python3 -m chatcore[^`\n|]*", README))))
def test_every_command_is_one_that_the_program_knows(command: str) -> None:
    """Parsed to the end with --help, which starts nothing."""
    arguments = command.split()[3:]
    result = run(*(arguments or ["serve"]), "--help")
    assert result.returncode == 0, result.stderr


def test_every_file_that_is_named_is_there() -> None:
    for name in re.findall(r"^\| ((?:`[\w/]+` ?)+)\|", README, re.MULTILINE):
        for module in re.findall(r"`([\w/]+)`", name):
            path = ROOT / "chatcore" / module
            assert path.is_dir() or path.with_suffix(".py").is_file(), module
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_port_is_the_one_that_the_server_uses() -> None:
    assert f"nc 127.0.0.1 {DEFAULT_PORT}" in README


def test_the_help_of_the_tests_is_there() -> None:
    result = subprocess.run([sys.executable, "tests", "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0
