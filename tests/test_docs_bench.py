"""tests/bench/README.md names the scripts, their settings and their servers as they are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BENCH = ROOT / "tests" / "bench"
PAGE = (BENCH / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^\| `python3 tests/bench/(\w+\.py)` \|", PAGE, re.MULTILINE)
TELL_KEYS = "import sys; sys.path.insert(0, 'tests/bench'); import bench_server; print(*bench_server.SUBJECTS)"


def run(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_script_has_a_row() -> None:
    programs = [path.name for path in BENCH.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    assert sorted(SCRIPTS) == sorted(programs)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_has_the_settings_of_the_page(script: str) -> None:
    known = run(f"tests/bench/{script}", "--help")
    assert "--json FILE" in known
    assert ("--servers" in known) == (script != "commit.py")


def test_the_settings_that_the_page_shows_are_those_of_fanout() -> None:
    known = run("tests/bench/fanout.py", "--help")
    for setting in set(re.findall(r"`(--\w+)", PAGE)) - {"--help"}:
        assert setting in known
    assert {"paced", "spread", "burst"} <= set(re.findall(r"`(\w+)`", PAGE))


def test_the_servers_of_the_page_are_those_of_the_scripts() -> None:
    table = PAGE.partition("| key |")[2].partition("\n\n")[0].splitlines()[2:]
    keys = [key for row in table for key in re.findall(r"`([\w-]+)`", row.split(" | ")[0])]
    assert sorted(keys) == sorted(run("-c", TELL_KEYS).split())


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read Linux's /proc")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("fanout.py --receivers 0", "fanout: receivers, senders, messages, batch and rounds must each be at least 1"),
        ("fanout.py --servers chatcore,no", "fanout: no server is called no; there are chatcore, "),
        ("idle.py --connections 0", "idle: connections must be at least 1"),
        ("commit.py --senders 1,x", "commit: '1,x' is no list of numbers, like 1,10,100"),
        ("commit.py --rounds 0", "commit: senders, rounds and length must each be at least 1, and seconds above 0"),
        ("compare.py --scenes no", "compare: there is no no; there are glued, "),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(arguments: str, sentence: str) -> None:
    script, *settings = arguments.split()
    command = [sys.executable, f"tests/bench/{script}", *settings]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


# What pages quote of the measurement. A new one has to reach them all.
QUOTED = {
    "docs/reference/compare.md": (
        "1.09",
        "4.41",
        "4.76",
        "6.25",
        "5.8",
        "1.5",
        "1.4",
        "1.3",
        "0.9",
        "1,921",
        "1,835",
        "2,999",
        "10,036",
    ),
    "docs/how-it-works/the-turn.md": ("5.8", "4.9", "8.0", "0.9", "1.1"),
    "docs/how-it-works/log-and-durability.md": ("2,999", "10,036"),
    "lessons/18_fast/README.md": ("1.09", "6.25"),
}


@pytest.mark.parametrize("page", QUOTED)
def test_what_a_page_quotes_is_what_was_measured(page: str) -> None:
    measured = PAGE.partition("## One measurement")[2]
    text = (ROOT / page).read_text(encoding="utf-8")
    for figure in QUOTED[page]:
        number = re.compile(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d)")
        assert number.search(text), f"{page} does not say {figure} any more"
        assert number.search(measured), f"{figure} was not measured"
