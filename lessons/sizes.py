"""two programs -> how much changes. At most 40 lines in a step, in hunks of at most 10, unless declared."""

from itertools import pairwise
from pathlib import Path

from lessons.catalog import Catalog
from lessons.hunks import AT_ONCE, Diff

MOST = {"step": 40, "hunk": AT_ONCE}


def steps(catalog: Catalog, number: int) -> list[Path]:
    """The programs of a lesson in order: the one it begins with, those in between, the finished one."""
    folder = catalog[number]
    between = sorted(folder.path.glob("step[0-9].py"))
    return [catalog.before(number, folder.lesson.program), *between, folder.program]


def too_big(catalog: Catalog, number: int) -> list[str]:
    """What exceeds the rules and is not declared in `lesson.py`, in words."""
    diffs = [Diff(old, new) for old, new in pairwise(steps(catalog, number))]
    sizes = {"step": [diff.size for diff in diffs], "hunk": [hunk.size for diff in diffs for hunk in diff.hunks]}
    allowed = {(one.what, one.lines) for one in catalog[number].lesson.too_big}
    return [
        f"lesson {number}: a {what} of {size} lines (at most {most})"
        for what, most in MOST.items()
        for size in sizes[what]
        if size > most and (what, size) not in allowed
    ]
