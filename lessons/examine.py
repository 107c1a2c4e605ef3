"""a program, in a process of its own -> verdicts, as JSON on the last line of standard output.

python3 -m lessons.examine check LESSON STATE FILE      LESSON's checks on a program in the state of STATE
python3 -m lessons.examine fail LESSON STATE FILE       LESSON's failure on that program
python3 -m lessons.examine score 0 STATE FILE           lesson 0's scoreboard for that program
"""

import json
import sys
from pathlib import Path

from lessons import failures, scoreboard
from lessons.catalog import Catalog
from lessons.kit import program
from lessons.kit.checks import Check, Examiner, LiveCheck
from lessons.kit.stage import Stage
from lessons.kit.story import indented, told

Answer = dict[str, object]


def check(catalog: Catalog, number: int, state: int, path: Path) -> Answer:
    """Every check of a lesson, up to the first that fails."""
    module = catalog[number].module("check.py")
    checks: tuple[Check | LiveCheck, ...] = () if module is None else module.CHECKS
    source = program.read(path, catalog[state].lesson.allows)
    stage = Stage(source, catalog[state].lesson.may_spin)
    verdicts: list[Answer] = []
    for one in checks:
        if isinstance(one, LiveCheck):
            verdicts.append(live(one, path))
        else:
            verdict = Examiner(stage, one, catalog.dialect(state), later=state != number).verdict()
            verdicts.append(answered(one.title, verdict.passed, verdict.cause, told(verdict)))
        if not verdicts[-1]["passed"]:
            break
    return {"verdicts": verdicts}


def live(one: LiveCheck, path: Path) -> Answer:
    """A check that starts the program itself."""
    trouble = one.judge(path)
    if trouble is None:
        return answered(one.title, True, "", [f"  ok      {one.title}"])
    cause, story = trouble
    lines = [f"  FAILED  {one.title}", "", *indented(story), "", f"  Likely cause: {cause}"]
    return answered(one.title, False, cause, lines)


def answered(title: str, passed: bool, cause: str, story: list[str]) -> Answer:
    """One verdict as JSON."""
    return {"title": title, "passed": passed, "cause": cause, "story": story}


def fail(catalog: Catalog, number: int, state: int, path: Path) -> Answer:
    """The failure's performance."""
    seen = failures.perform(failures.load(catalog, number), path, state, catalog.dialect(state))
    return {"appeared": seen.appeared, "transcript": seen.transcript, "where": seen.where}


def score(catalog: Catalog, number: int, state: int, path: Path) -> Answer:
    """The green lines."""
    return {"green": scoreboard.green(catalog, state, path)}


def limit_work(seconds: int) -> None:
    """End this process with SIGXCPU after so much work. Windows has no such limit: there the time is real."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def main(argv: list[str]) -> int:
    """Print one line of JSON."""
    command, number, state, path, *more = argv
    catalog = Catalog(Path(more[0])) if more else Catalog()
    if command == "check" and more[1:]:
        limit_work(int(more[1]))
    act = {"check": check, "fail": fail, "score": score}[command]
    try:
        answer = act(catalog, int(number), int(state), Path(path).absolute())
    except program.Unusable as error:
        answer = {"unusable": str(error)}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
