"""Every lesson that is there, held to the rules of the ladder: failures, checks, wrong programs, sizes.

Each rule is tested from the moment on when a lesson's folder holds what it is about.
"""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from lessons import failures, prove, scoreboard, trace
from lessons.catalog import OUTSIDE, Catalog
from lessons.kit.simnet import NotSimulated
from lessons.sizes import steps, too_big
from tests.examined import here_and_once

CATALOG = Catalog()
NUMBERS = sorted(CATALOG.folders)
GOLDEN = "# golden: "
AT_LEAST, IN_ALL = 4, 80


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    here_and_once(monkeypatch)


def program_of(number: int) -> Path:
    return CATALOG[number].path / "server.py"


def is_new(path: Path, number: int) -> bool:
    """False for a program that is the one of the lesson before, and is spoken to in the same way."""
    earlier = [CATALOG[n].path / path.name for n in NUMBERS if n < number and CATALOG[n].has(path.name)]
    same = bool(earlier) and earlier[-1].read_bytes() == path.read_bytes()
    return not same or CATALOG.dialect(number) != CATALOG.dialect(number - 1)


def failing() -> list[tuple[int, int]]:
    """A failure, and a program on which it must be seen or gone."""
    found = [failures.load(CATALOG, number) for number in NUMBERS if CATALOG[number].has("fail.py")]
    return [
        (failure.number, number)
        for failure in found
        for number in ([failure.number] if failure.number in OUTSIDE else NUMBERS)
        if program_of(number).exists() and (number == failure.number - 1 or failure.applies_to(number))
        if number <= failure.number or is_new(program_of(number), number)
    ]


def checked() -> list[tuple[int, int]]:
    """A check, and a program that must pass it."""
    return [
        (folder.number, number)
        for number in NUMBERS
        for folder in CATALOG.checks_for(number)
        if (path := CATALOG[number].path / folder.lesson.program).exists()
        if number == folder.number or is_new(path, number)
    ]


def wrong() -> list[Path]:
    return [path for number in NUMBERS for path in CATALOG[number].wrong()]


def name(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.stem}"


def numbers_with(file: str) -> list[int]:
    return [number for number in NUMBERS if CATALOG[number].has(file)]


@pytest.mark.parametrize(("number", "on"), failing())
def test_the_failure_is_seen_before_and_gone_after(number: int, on: int) -> None:
    if os.name == "nt" and number in (0, 16, 19):
        pytest.skip("needs a Unix: signals that hold a program, or a pty")
    path = CATALOG.failing(number)[0] if on < number else program_of(on)
    appeared, transcript = prove.fail(CATALOG, number, path, on)
    assert appeared == (on < number or on == 0), "\n".join(transcript)
    assert transcript


@pytest.mark.parametrize("number", numbers_with("fail.py"))
def test_the_failure_is_the_same_every_time(number: int) -> None:
    path, state = CATALOG.failing(number)
    failure = failures.load(CATALOG, number)
    try:
        first, second = (failures.simulate(failure, path, state, CATALOG.dialect(state)) for _ in range(2))
    except NotSimulated:
        pytest.skip("on real loopback: seen above")
    assert first == second


@pytest.mark.parametrize(("number", "on"), checked())
def test_the_reference_passes(number: int, on: int) -> None:
    path = CATALOG[on].path / CATALOG[number].lesson.program
    for result in prove.check(CATALOG, number, path, on):
        assert result.passed, "\n".join(result.story)


@pytest.mark.parametrize("path", wrong(), ids=name)
def test_a_wrong_program_is_rejected_for_the_right_reason(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith(GOLDEN)
    result = prove.check(CATALOG, int(path.parent.parent.name[:2]), path)[-1]
    assert not result.passed
    assert result.cause == first.removeprefix(GOLDEN), "\n".join(result.story)


@pytest.mark.parametrize("number", numbers_with("check.py"))
def test_there_are_enough_wrong_programs(number: int) -> None:
    assert len(CATALOG[number].wrong()) >= AT_LEAST


def test_all_twenty_lessons_are_there_with_their_pages() -> None:
    assert NUMBERS == numbers_with("README.md") == list(range(20))


def test_there_are_enough_wrong_programs_in_all() -> None:
    assert len(wrong()) >= IN_ALL


@pytest.mark.parametrize("number", [n for n in numbers_with("README.md") if 0 < n < 19])
def test_a_lesson_is_small(number: int) -> None:
    assert too_big(CATALOG, number) == []


@pytest.mark.parametrize("number", numbers_with("README.md"))
def test_a_lesson_says_what_it_has_to_say(number: int) -> None:
    lesson = CATALOG[number].lesson
    assert lesson.number == number
    assert lesson.idea
    assert lesson.term
    assert lesson.explanation.strip()
    assert len(lesson.hints) == 3
    reading, doing = lesson.minutes
    assert reading <= 10
    assert doing <= 30


def test_the_scoreboard_turns_green_once_each() -> None:
    assert sorted(line for number in NUMBERS for line in CATALOG[number].lesson.green) == list(range(1, 9))


@pytest.mark.parametrize("number", NUMBERS[1:])
def test_a_line_of_the_scoreboard_is_green_from_its_lesson_on(number: int) -> None:
    """For lesson 0 the failure above has shown that all eight are red; for the client see below."""
    owners = {line: folder.number for folder in CATALOG for line in folder.lesson.green}
    lines = [line for line in scoreboard.SIMULATED if line in owners]
    server = scoreboard.newest(CATALOG, number, "server.py")
    green = [line for line in lines if scoreboard.line_is_green(CATALOG, line, number, server)]
    assert green == [line for line in lines if owners[line] <= number]


@pytest.mark.skipif(os.name == "nt", reason="needs a pty")
@pytest.mark.parametrize("number", [n for n in NUMBERS if CATALOG[n].has("client.py")])
def test_the_line_of_the_client_is_green_from_its_lesson_on(number: int) -> None:
    is_quiet = scoreboard.client_is_quiet(CATALOG[number].path / "client.py")
    assert is_quiet == any(
        scoreboard.THE_CLIENT in folder.lesson.green for folder in CATALOG if folder.number <= number
    )


@pytest.mark.parametrize("number", [n for n in NUMBERS if CATALOG[n].lesson.refactoring])
def test_a_refactoring_changes_no_trace(number: int) -> None:
    folder = CATALOG[number]
    programs = steps(CATALOG, number)
    old, new = next((a, b) for a, b in pairwise(programs) if b.name == folder.lesson.refactoring)
    scene = folder.module("scene.py")
    assert scene is not None
    traces = [trace.record(path, scene.STEPS, CATALOG.dialect(number - 1)) for path in (old, new)]
    assert trace.without_lines(traces[0]) == trace.without_lines(traces[1])


@pytest.mark.parametrize("number", numbers_with("scene.py"))
def test_the_scene_can_be_recorded(number: int) -> None:
    folder = CATALOG[number]
    scene = folder.module("scene.py")
    assert scene is not None
    facts = trace.record(folder.on_stage, scene.STEPS, CATALOG.dialect(number), number)
    assert facts["steps"] == list(map(str, scene.STEPS))
    assert facts["turns"]
