"""a folder -> grades. Cumulative, and the same every time: no time, no path, no chance is in it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

from lessons import prove
from lessons.catalog import Folder
from lessons.desk import Desk

AT_ONCE = 2  # processes


class Result(TypedDict):
    """One lesson's check on one program."""

    lesson: int
    passed: bool
    failed: str
    cause: str


class Grade(TypedDict):
    """One of the learner's programs."""

    lesson: int
    title: str
    file: str
    present: bool
    passed: bool
    checks: list[Result]


class Report(TypedDict):
    """All of them."""

    format: int
    passed: int
    of: int
    lessons: list[Grade]


def of(desk: Desk) -> Report:
    """Check each program with the checks of its lesson and of all earlier ones that apply to it."""
    prove.need_hypothesis()
    folders = [folder for folder in desk.catalog if folder.has("check.py")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        lessons = list(pool.map(lambda folder: graded(desk, folder), folders))
    return Report(format=1, passed=sum(one["passed"] for one in lessons), of=len(lessons), lessons=lessons)


def graded(desk: Desk, folder: Folder) -> Grade:
    """One program. Missing is not passed."""
    file = desk.file(folder)
    results: list[Result] = []
    if file.exists():
        earlier = desk.catalog.checks_for(folder.number)
        of_its_kind = [one for one in earlier if one.lesson.program == folder.lesson.program]
        results = [result(desk, folder, one) for one in of_its_kind]
    return Grade(
        lesson=folder.number,
        title=folder.lesson.title,
        file=f"{folder.slug}/{folder.lesson.program}",
        present=file.exists(),
        passed=bool(results) and all(one["passed"] for one in results),
        checks=results,
    )


def result(desk: Desk, folder: Folder, earlier: Folder) -> Result:
    """The checks of `earlier` on the learner's program of `folder`, in a process of their own."""
    try:
        checks = prove.check(desk.catalog, earlier.number, desk.file(folder), folder.number)
    except prove.NotRunnable as error:
        return Result(lesson=earlier.number, passed=False, failed="the program cannot be run", cause=sentence(error))
    last = checks[-1]
    return Result(lesson=earlier.number, passed=last.passed, failed="" if last.passed else last.title, cause=last.cause)


def sentence(error: Exception) -> str:
    """The first line of what is wrong."""
    return str(error).partition("\n")[0]


def as_json(report: Report) -> str:
    """Sorted and indented, so that two reports can be compared as text."""
    return json.dumps(report, indent=2, sort_keys=True, ensure_ascii=False)


def as_text(report: Report) -> str:
    """One line for each lesson."""
    lines = []
    for one in report["lessons"]:
        wrong = next((check for check in one["checks"] if not check["passed"]), None)
        why = "not there" if not one["present"] else f"check {wrong['lesson']}: {wrong['cause']}" if wrong else ""
        lines.append(f" {'x' if one['passed'] else ' '} {one['lesson']:2}  {one['title']:<28}{why}".rstrip())
    return "\n".join([*lines, f"\n{report['passed']} of {report['of']}"])
