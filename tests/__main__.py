"""python3 tests [PYTEST ARGUMENTS]

Without arguments: makes .venv once, installs what the tests need, and checks everything: format,
lint, types, layers, tests, and that each pure module is covered whole by its own test file. Runs
to the end whatever fails; the exit status is 0 when nothing did.

With arguments: runs pytest alone, with them.

    python3 tests                          everything
    python3 tests tests/test_names.py      one file
    python3 tests -k timers -x             what pytest takes

HYPOTHESIS_PROFILE chooses how examples are made: ci (here the default: the same ones every time),
dev (new ones every time), nightly (many).
"""

# This file runs before anything is installed, and must say a clear sentence on an old Python:
# the standard library only, and no syntax or import at the top that is newer than Python 3.7.

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "chatcore-tests.txt"
SLOWEST = ["--durations=8", "--durations-min=2"]
# These say nothing about coverage, and are faster without it. The lessons' run beside all others.
LESSONS = ("tests/test_lessons_*.py",)
UNMEASURED = ("tests/test_site*.py", "tests/test_docs_*.py", "tests/test_simulation.py", "tests/test_seeded_bugs.py")
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"  # it has no __main__


def main(arguments: list[str]) -> int:
    """What the module's docstring says; returns the exit status."""
    if arguments in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    require_python()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    settings = read_settings()
    make_environment(settings)
    with tempfile.TemporaryDirectory(prefix="chatcore-tests-") as scratch:
        if arguments:
            pytest = Pytest(Path(scratch))
            status = pytest.run([from_root(argument) for argument in arguments])
            print(pytest.closing())
            return status
        return check_everything(settings, Path(scratch))


# ---------------------------------------------------------------- the environment, once


def require_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 (it may well be)
        give_up(f"chatcore needs Python 3.11 or newer, and this is {sys.version.split()[0]} ({sys.executable})")


def give_up(sentence: str) -> NoReturn:
    sys.exit(f"python3 tests: {sentence}")


def read_settings() -> dict[str, object]:
    import tomllib

    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def make_environment(settings: dict[str, object]) -> None:
    """Make .venv and install the `test` group into it, unless the stamp says that this is done."""
    # Read here and not with `pip install --group`, which came with pip 25.1.
    requirements = lookup(settings, "dependency-groups", "test")
    if STAMP.exists() and STAMP.read_text() == stamp_for(requirements):
        return
    started = time.monotonic()
    heading(f"making {VENV}, once")
    if run_quietly([PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]) != 0:
        missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if missing:
            names = " and no ".join(missing)
            give_up(f"this Python has no {names}; on Debian or Ubuntu: apt install python3-venv")
        run([sys.executable, "-m", "venv", "--clear", VENV])
    if run_quietly([PYTHON, "-m", "pip", "--version"]) != 0:  # uv makes a .venv without it
        run([PYTHON, "-m", "ensurepip"])
    # Where packages come from is the business of the user's pip configuration.
    if run([PYTHON, "-m", "pip", "install", "--upgrade", *requirements]) != 0:
        give_up(f"could not make {VENV}; what pip or venv said stands above")
    STAMP.write_text(stamp_for(requirements))
    print(f"ready after {time.monotonic() - started:.0f} s")


def stamp_for(requirements: list[str]) -> str:
    """What .venv is made of: an upgrade may put another Python behind its link, a folder may be moved."""
    version = capture([PYTHON, "-c", "import sys; print(sys.version)"])
    return hashlib.sha256(json.dumps([version, str(ROOT), requirements]).encode()).hexdigest()


def lookup(settings: dict[str, object], *path: str) -> list[str]:
    value: object = settings
    for key in path:
        assert isinstance(value, dict)
        value = value[key]
    assert isinstance(value, list)
    return value


# ---------------------------------------------------------------- the steps


class Outcome(NamedTuple):
    """One line of the table at the end."""

    step: str
    passed: bool
    seconds: float
    remark: str


def check_everything(settings: dict[str, object], scratch: Path) -> int:
    """Run all steps, also after one failed; print the table and the numbers of pytest; return the status."""
    pytest = Pytest(scratch)
    steps: list[tuple[str, Callable[[], tuple[bool, str]]]] = [
        ("format", tool("-m", "ruff", "format", "--check", "--output-format=concise", ".")),
        ("lint", tool("-m", "ruff", "check", "--output-format=concise", ".")),
        ("types", tool("-m", "mypy")),
        ("layers", tool("-c", LINT_IMPORTS, "--no-logo")),
        ("tests", lambda: (pytest.run_all() == 0, pytest.remark())),
        ("coverage", lambda: own_coverage(pure_modules(settings), pytest.data, scratch)),
    ]
    outcomes = [timed(name, step) for name, step in steps]
    heading("summary")
    for outcome in outcomes:
        verdict = "ok" if outcome.passed else "FAILED"
        print(f"{outcome.step:<9} {verdict:<6} {outcome.seconds:6.1f} s  {outcome.remark}".rstrip())
    print(pytest.closing())
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def timed(name: str, step: Callable[[], tuple[bool, str]]) -> Outcome:
    heading(name)
    started = time.monotonic()
    passed, remark = step()
    seconds = time.monotonic() - started
    print(f"{name}: {'ok' if passed else 'FAILED'}, {seconds:.1f} s")
    return Outcome(name, passed, seconds, remark)


def tool(*arguments: str) -> Callable[[], tuple[bool, str]]:
    return lambda: (run([PYTHON, *arguments]) == 0, "")


class Pytest:
    """Runs of pytest, and the numbers that they left in their XML reports."""

    def __init__(self, scratch: Path) -> None:
        self.data = scratch / "coverage"  # not in the project: two runs may go on at once
        self._scratch = scratch
        self._reports: list[Path] = []

    def run(self, arguments: list[str]) -> int:
        """Run it once and return its exit status."""
        return run(self._command(arguments), HYPOTHESIS_PROFILE=PROFILE)

    def run_all(self) -> int:
        """Run all tests in two processes: those under coverage and then the unmeasured; the lessons beside them."""
        lessons, unmeasured = found(LESSONS), found(UNMEASURED)
        coverage = ["coverage", "run", f"--data-file={self.data}", "-m"]
        runs = [
            self._command([*SLOWEST, *(f"--ignore={path}" for path in (*lessons, *unmeasured))], coverage),
            self._command([*SLOWEST, *unmeasured]),
        ]
        with (self._scratch / "lessons.txt").open("w+", encoding="utf-8") as output:
            beside = start(self._command([*SLOWEST, *lessons]), output, HYPOTHESIS_PROFILE=PROFILE)
            failed = [run(each, HYPOTHESIS_PROFILE=PROFILE) != 0 for each in runs]
            print("\nthe lessons:", flush=True)
            failed.append(beside.wait() != 0)
            output.seek(0)
            print(output.read())
        return int(any(failed))

    def _command(self, arguments: list[str], prefix: Sequence[str] = ()) -> list[object]:
        self._reports.append(self._scratch / f"pytest-{len(self._reports)}.xml")
        return [PYTHON, "-m", *prefix, "pytest", f"--junit-xml={self._reports[-1]}", *arguments]

    def counts(self) -> dict[str, int]:
        """Tests that passed, failed (errors included) and were skipped. A run that broke off failed once."""
        totals = {"passed": 0, "failed": 0, "skipped": 0}
        for report in self._reports:
            if not report.exists():
                totals["failed"] += 1
                continue
            for suite in ET.parse(report).getroot().iter("testsuite"):
                total, failures, errors, skipped = (
                    int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")
                )
                totals["failed"] += failures + errors
                totals["skipped"] += skipped
                totals["passed"] += max(0, total - failures - errors - skipped)
        return totals

    def remark(self) -> str:
        """The numbers for the table."""
        return ", ".join(f"{count} {name}" for name, count in self.counts().items() if count)

    def closing(self) -> str:
        """The last line of the output."""
        counts = self.counts()
        return f"tests: {counts['passed']} passed, {counts['failed']} failed"


# ---------------------------------------------------------------- a pure module and its own tests


def pure_modules(settings: dict[str, object]) -> list[str]:
    """The modules that the import-linter contract `pure` lists, as `buffers` or `sim.clock`."""
    contracts = lookup(settings, "tool", "importlinter", "contracts")
    pure = next(contract for contract in contracts if contract["id"] == "pure")  # type: ignore[index]
    return [module.partition(".")[2] for module in pure["source_modules"]]  # type: ignore[index]


def own_coverage(modules: list[str], data: Path, scratch: Path) -> tuple[bool, str]:
    """Each module is covered whole by tests/test_MODULE.py, and by what happens when it is imported.

    conftest.py names the running test file to coverage as the context; nothing runs twice.
    """
    covered = sum(is_covered(module, data, scratch) for module in modules)
    remark = f"{covered} of {len(modules)} pure modules covered whole by their own tests"
    print(remark)
    if data.exists():
        shutil.copyfile(data, ROOT / ".coverage")  # for `coverage html` and the like
    return covered == len(modules), remark


def is_covered(module: str, data: Path, scratch: Path) -> bool:
    """True when the module's own tests run every line and branch of it; else print what they leave out."""
    source = f"chatcore/{module.replace('.', '/')}.py"
    context = f"test_{module.replace('.', '_')}"
    own = f"tests/{context}.py"
    if not (ROOT / own).exists():
        print(f"{source} has no {own}")
        return False
    report = scratch / "coverage.json"
    report.unlink(missing_ok=True)
    command = [PYTHON, "-m", "coverage", "json", f"--data-file={data}", f"--contexts=^$,^{context}$"]
    run_quietly([*command, "-q", "-o", report, source])
    if not report.exists():
        print(f"{source}: {own} runs nothing of it")
        return False
    (found,) = json.loads(report.read_text())["files"].values()
    lines = (ROOT / source).read_text(encoding="utf-8").split("\n")
    missing = [(line, "never runs") for line in found["missing_lines"]]
    missing += [
        (start, f"never goes to line {end}" if end > 0 else "never leaves from here")
        for start, end in found["missing_branches"]
        if start not in found["missing_lines"]
    ]
    if missing:
        print(f"{source}, as far as {own} runs it:")
    for line, what in sorted(missing):
        print(f"    line {line} {what}: {lines[line - 1].strip()}")
    return not missing


# ---------------------------------------------------------------- small tools


def found(globs: Sequence[str]) -> list[str]:
    """The files that these globs name, as seen from the project's root."""
    return sorted(path.relative_to(ROOT).as_posix() for glob in globs for path in ROOT.glob(glob))


def heading(text: str) -> None:
    print(f"\n--- {text} {'-' * max(0, 74 - len(text))}")


def run(command: Sequence[object], **environment: str) -> int:
    """Run `command` in the project's root, its output to ours; return its status."""
    sys.stdout.flush()
    words = [str(word) for word in command]
    try:
        return subprocess.run(words, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode
    except OSError as error:
        print(f"cannot run {words[0]}: {error.strerror}")
        return 1


def start(command: Sequence[object], output: TextIO, **environment: str) -> subprocess.Popen[str]:
    """Start `command` in the project's root, its output into a file."""
    words = [str(word) for word in command]
    return subprocess.Popen(
        words, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT, text=True
    )


def run_quietly(command: Sequence[object]) -> int:
    """The status of `command`; nothing that it prints is shown."""
    words = [str(word) for word in command]
    try:
        return subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode
    except OSError:
        return 1


def capture(command: Sequence[object]) -> str:
    """The output of `command`, without the newline at its end; empty when it cannot run."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return ""
    return done.stdout[:-1]


def from_root(argument: str) -> str:
    """`argument`, as seen from the project's root, where pytest runs, when it names a file here."""
    path, separator, rest = argument.partition("::")
    is_path = path[:1] != "-" and (os.sep in path or path.endswith(".py")) and Path(path).exists()
    return os.path.relpath(Path(path).resolve(), ROOT) + separator + rest if is_path else argument


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
