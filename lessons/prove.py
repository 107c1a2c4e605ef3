"""a file -> a process that examines it -> what it found. Twelve seconds of work each, then it is ended."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from lessons.catalog import Catalog, Unknown

SECONDS = 12  # of work: a busy machine must not make a right program wrong
LONGER = 60  # of waiting, and for failures on real sockets, where time is real
INSTALL = "python3 -m pip install hypothesis"


class NotRunnable(Exception):
    """The program cannot be examined. The text is for the learner."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one check. `story` is what the learner reads."""

    title: str
    passed: bool
    cause: str
    story: list[str] = field(default_factory=list)


def check(catalog: Catalog, number: int, path: Path, state: int | None = None) -> list[Checked]:
    """The checks of a lesson on a program of that lesson, or of a later one (`state`).

    The last one failed, or all passed. NotRunnable: missing, syntax, threads; Unknown: no check, or no Hypothesis.
    """
    if not catalog[number].has("check.py"):
        raise Unknown(f"lesson {number} has no check: read its page, and compare with what it shows")
    need_hypothesis()
    answer = examined(catalog, "check", number, state, path)
    verdicts = answer["verdicts"]
    assert isinstance(verdicts, list)
    return [Checked(**verdict) for verdict in verdicts]


def fail(catalog: Catalog, number: int, path: Path, state: int) -> tuple[bool, list[str]]:
    """Does the failure of a lesson appear on a program of the state of another one? And the transcript."""
    if not catalog[number].has("fail.py"):
        raise Unknown(f"lesson {number} opens with no failure: read its page")
    answer = examined(catalog, "fail", number, state, path)
    transcript = answer["transcript"]
    assert isinstance(transcript, list)
    return bool(answer["appeared"]), transcript


def score(catalog: Catalog, path: Path, state: int) -> list[int]:
    """The green lines of lesson 0's scoreboard, for a program of the state of a lesson."""
    green = examined(catalog, "score", 0, state, path)["green"]
    assert isinstance(green, list)
    return green


def need_hypothesis() -> None:
    """Raise Unknown, with the one command that helps."""
    if importlib.util.find_spec("hypothesis") is None:
        raise Unknown(
            f"the checks need Hypothesis, which writes their schedules. Install it with\n\n    {INSTALL}\n\n"
            "Where pip refuses that: python3 -m venv .venv, and write .venv/bin/python for python3 from then on "
            "(on Windows .venv\\Scripts\\python)"
        )


def examined(catalog: Catalog, command: str, number: int, state: int | None, path: Path) -> dict[str, object]:
    """One run of `lessons.examine`."""
    arguments = [command, number, number if state is None else state, path.absolute(), catalog.root, SECONDS]
    try:
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "lessons.examine", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS if command == "check" and os.name == "nt" else LONGER,
            env=environment(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotRunnable(f"{path.name} was not done after {error.timeout:.0f} seconds, and was ended") from None
    if command == "check" and done.returncode == -getattr(signal, "SIGXCPU", 0):
        raise NotRunnable(f"{path.name} was still busy after {SECONDS} seconds of work, and was ended")
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise NotRunnable(
            f"{path.name} ended the whole process (status {done.returncode})\n{done.stderr[-2000:]}"
        ) from None
    assert isinstance(answer, dict)
    if "unusable" in answer:
        raise NotRunnable(str(answer["unusable"]))
    return answer


def environment() -> dict[str, str]:
    """The same in every run, and this package can be imported from any folder."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
