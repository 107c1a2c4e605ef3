"""docs/teach.md: its plan covers the ladder, its minutes are those of the lessons, its commands are there."""

import re
from pathlib import Path

import pytest

from lessons.catalog import Catalog
from lessons.cli import parser

ROOT = Path(__file__).parent.parent
CATALOG = Catalog()
PAGE = (ROOT / "docs" / "teach.md").read_text(encoding="utf-8")
LABS = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11], [12, 13], [14, 16]]
PROJECTS = [15, 17, 18, 19]
ONE_WEEK = {0, 1, 2, 3, 4, 5, 7, 8, 10, 16}
LESSON = re.compile(r"\[(\d+)\]\(lessons/(\w+)/README\.md\)")


def rows(heading: str) -> list[list[str]]:
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [re.split(r" *\| *", line)[1:-1] for line in table]


def numbers(text: str) -> list[int]:
    return [int(number) for number, _ in LESSON.findall(text)]


def test_a_link_leads_to_the_lesson_of_its_number() -> None:
    for number, slug in LESSON.findall(PAGE):
        assert CATALOG[int(number)].slug == slug


def test_the_plan_covers_the_ladder() -> None:
    assert [numbers(row[1]) for row in rows("lab")] == LABS
    assert [int(row[0]) for row in rows("lab")] == list(range(1, len(LABS) + 1))
    assert numbers(re.findall(r"^Projects: .*(?:\n.*)?$", PAGE, re.MULTILINE)[0]) == PROJECTS
    assert sorted([*(number for lab in LABS for number in lab), *PROJECTS]) == sorted(CATALOG.folders)


def test_the_week_has_the_lessons_that_it_has_days_for() -> None:
    (first, last, others) = re.findall(r"hours: lessons (\d+) to (\d+), (.*), two on each day", PAGE)[0]
    week = {*range(int(first), int(last) + 1), *map(int, re.findall(r"\d+", others))}
    assert week == ONE_WEEK
    assert len(week) == 2 * 5


def test_the_minutes_are_those_of_the_lessons() -> None:
    shown = {numbers(row[0])[0]: (int(row[1]), int(row[3])) for row in rows("lesson")}
    assert shown == {number: CATALOG[number].lesson.minutes for number in sorted(CATALOG.folders)}
    for row in rows("lesson"):
        assert all(int(cell) > 0 for cell in row[1:5])
        assert row[5]


def test_a_lesson_of_fifty_minutes_has_fifty() -> None:
    assert sum(int(row[0]) for row in rows("minutes")) == 50


def test_the_points_of_the_rubric_make_a_hundred() -> None:
    points = {row[0]: int(row[1]) for row in rows("part")}
    assert sum(count for part, count in points.items() if not part.startswith("extra")) == 100


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`python3 -m lessons (.+?)`", PAGE))))
def test_every_command_is_one_that_the_runner_knows(command: str) -> None:
    words = command.replace("N+1", "5").replace("N", "4").split()
    parser().parse_args([*words, *(["127.0.0.1", "14532"] if words == ["nc"] else [])])
