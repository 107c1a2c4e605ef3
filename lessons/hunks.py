"""two programs -> the hunks between them, each with the name of the function in which it lies.

A hunk is what a page shows at once: changed lines of one function, and what stands right above and
below. Outside of functions its name is `top`; the second one of a function is `main#2`.
"""

import ast
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

TOP = "top"
AT_ONCE = 10  # changed lines that a reader takes in at once
AROUND = 2  # unchanged lines shown above and below
NEAR = 2  # so many unchanged lines between two changes of a function are shown, and make them one hunk
MOVED = 5  # a diff by functions may be so many lines longer; if it is longer still, a function was renamed
SAME, OLD, NEW = " ", "-", "+"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the diff. `scope` is the innermost function or class; a blank line between two has none."""

    mark: str
    text: str
    scope: str

    @property
    def counts(self) -> bool:
        """True for a changed line that is not blank."""
        return self.mark != SAME and bool(self.text.strip())


@dataclass(frozen=True, slots=True)
class Hunk:
    """Rows `start` to `stop` of a diff. `size` is the number of lines the reader has to change."""

    name: str
    scope: str
    start: int
    stop: int
    size: int


class Diff:
    """What changes from one program to the next."""

    def __init__(self, old: Path, new: Path) -> None:
        self.file = new.name
        before, after = (scoped(path.read_text(encoding="utf-8")) for path in (old, new))
        self.existed = {scope for scope, _ in before}
        self.rows, self.size = compared(before, after)
        self.hunks = named(self.rows, merged(self.rows, list(runs(self.rows))))

    def shown(self, names: Sequence[str]) -> list[str]:
        """Lines of a ```diff block. KeyError with the names that there are."""
        known = {hunk.name: hunk for hunk in self.hunks}
        missing = [name for name in names if name not in known]
        if missing or not names:
            raise KeyError(f"{self.file} has no hunk {', '.join(missing)}; it has {', '.join(known)}")
        lines: list[str] = []
        end = -1
        for hunk in sorted((known[name] for name in names), key=lambda hunk: hunk.start):
            if end < 0 or any(row.text.strip() for row in self.rows[end : hunk.start]):
                lines += self._head(hunk)
            else:
                lines += map(printed, self.rows[end : hunk.start])
            lines += map(printed, self._trimmed(hunk))
            end = hunk.stop
            if not self._continued(end, names):
                lines += map(printed, self._after(end, hunk.scope))
        return lines

    def _continued(self, end: int, names: Sequence[str]) -> bool:
        following = next((hunk for hunk in self.hunks if hunk.start >= end), None)
        return (
            following is not None
            and following.name in names
            and not any(row.text.strip() for row in self.rows[end : following.start])
        )

    def _trimmed(self, hunk: Hunk) -> list[Row]:
        rows = self.rows[hunk.start : hunk.stop]
        while not rows[0].text.strip():
            rows.pop(0)
        while not rows[-1].text.strip():
            rows.pop()
        return rows

    def _head(self, hunk: Hunk) -> list[str]:
        """Where it is: the function's first line, and what stands right above the change."""
        header = next((i for i, row in enumerate(self.rows) if row.mark != OLD and row.scope == hunk.scope), hunk.start)
        title = f"@@ {self.file}: {hunk.scope}"
        if hunk.scope == TOP:
            return [f"@@ {self.file}: outside of functions @@", *map(printed, self._before(hunk, 0))]
        if hunk.start <= header and hunk.scope not in self.existed:
            return [f"{title} (new), {self._place(hunk)} @@"]
        if header >= hunk.start:
            return [f"{title} @@"]
        before = self._before(hunk, header)
        skipped = hunk.start - len(before) - header
        text = self.rows[header].text
        first = [] if skipped <= 0 else [f"{SAME}{text}"]  # as it is now: that it changes, an earlier hunk has shown
        dots = [f"{SAME}{' ' * indent(text)}    …"] if skipped > 1 else []
        return [f"{title} @@", *first, *dots, *map(printed, before)]

    def _before(self, hunk: Hunk, first: int) -> list[Row]:
        start = hunk.start
        while (
            start > first
            and hunk.start - start < AROUND
            and (row := self.rows[start - 1]).mark == SAME
            and row.scope in (hunk.scope, "")
        ):
            start -= 1
        rows = self.rows[start : hunk.start]
        return rows[1:] if rows and not rows[0].text.strip() else rows

    def _after(self, end: int, scope: str) -> list[Row]:
        rows: list[Row] = []
        for row in self.rows[end : end + AROUND]:
            if row.mark != SAME or row.scope != scope:
                break
            rows.append(row)
        return rows

    def _place(self, hunk: Hunk) -> str:
        """After which function a new one stands, or above which."""
        earlier = [row.scope for row in self.rows[: hunk.start] if row.mark != OLD and row.scope]
        later = [row.scope for row in self.rows[hunk.stop :] if row.mark != OLD and row.scope in self.existed - {""}]
        if earlier and earlier[-1] != TOP:
            return f"after {earlier[-1]}"
        owner = hunk.scope.partition(".")[0]
        following = (scope for scope in later if scope != TOP and scope.partition(".")[0] != owner)
        return f"above {next(following, 'the rest')}"


def scoped(text: str) -> list[tuple[str, str]]:
    """Each line with the innermost function or class in which it stands."""
    lines = text.splitlines()
    scopes = [TOP] * len(lines)
    for name, first, last in definitions(ast.parse(text)):
        scopes[first - 1 : last] = [name] * (last - first + 1)
    return [
        (scope if line.strip() or is_inside(scopes, i) else "", line)
        for i, (scope, line) in enumerate(zip(scopes, lines, strict=True))
    ]


def is_inside(scopes: list[str], index: int) -> bool:
    """True when the line after this one, too, is of the same function."""
    return scopes[index] not in ("", TOP) and scopes[index + 1 : index + 2] == [scopes[index]]


def definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """Qualified name, first and last line of each class, method and function; the outer ones first."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield prefix + node.name, first, node.end_lineno or first
            if isinstance(node, ast.ClassDef):
                yield from definitions(node, f"{prefix}{node.name}.")


def compared(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> tuple[list[Row], int]:
    """The diff, and how many lines change.

    A line counts as the same only within the same function, so that no `else:` of another one is taken for it.
    But where a function was renamed or moved that would say too much: then by the text alone.
    """
    by_function = list(rows_of(old, new, old, new))
    plain = list(rows_of(old, new, [text for _, text in old], [text for _, text in new]))
    least = length(plain)
    return plain if length(by_function) > least + MOVED else by_function, least


def rows_of(
    old: list[tuple[str, str]], new: list[tuple[str, str]], old_keys: Sequence[object], new_keys: Sequence[object]
) -> Iterator[Row]:
    """The diff, lines being the same when their keys are."""
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old_keys, new_keys, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Row(SAME, text, scope) for scope, text in new[c:d])
        else:
            yield from (Row(OLD, text, scope) for scope, text in old[a:b])
            yield from (Row(NEW, text, scope) for scope, text in new[c:d])


def length(rows: Sequence[Row]) -> int:
    """How many lines change; one that is replaced counts once."""
    changed = (list(run) for same, run in groupby(rows, lambda row: row.mark == SAME) if not same)
    return sum(size(run) for run in changed)


def size(rows: Sequence[Row]) -> int:
    """The same for a part."""
    marks = Counter(row.mark for row in rows if row.counts)
    return max(marks[OLD], marks[NEW])


def runs(rows: Sequence[Row]) -> Iterator[tuple[str, int, int]]:
    """Scope, start and stop of changed lines that stand together in one function."""
    scope, start, stop = "", 0, 0
    for index, row in enumerate(rows):
        if not row.counts:
            continue
        if scope and (row.scope != scope or any(other.mark == SAME for other in rows[stop:index])):
            yield scope, start, stop
            start = index
        elif not scope:
            start = index
        scope, stop = row.scope, index + 1
    if scope:
        yield scope, start, stop


def merged(rows: Sequence[Row], found: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Small ones that are near each other in a function are one; the head of a new class goes with what follows."""
    result: list[tuple[str, int, int]] = []
    for scope, start, stop in found:
        if result:
            before, first, end = result[-1]
            near = (
                before == scope and sum(row.mark == SAME and bool(row.text.strip()) for row in rows[end:start]) <= NEAR
            )
            is_head = scope.startswith(f"{before}.") and all(row.mark == NEW for row in rows[first:stop])
            if (near or is_head) and size(rows[first:stop]) <= AT_ONCE:
                result[-1] = (scope, first, stop)
                continue
        result.append((scope, start, stop))
    return result


def named(rows: Sequence[Row], found: Sequence[tuple[str, int, int]]) -> list[Hunk]:
    """The second one in a function is `name#2`."""
    seen: Counter[str] = Counter()
    hunks = []
    for scope, start, stop in found:
        seen[scope] += 1
        name = scope if seen[scope] == 1 else f"{scope}#{seen[scope]}"
        hunks.append(Hunk(name, scope, start, stop, size(rows[start:stop])))
    return hunks


def printed(row: Row) -> str:
    """As a diff has it."""
    return (row.mark + row.text).rstrip()


def indent(text: str) -> int:
    """Spaces in front."""
    return len(text) - len(text.lstrip())
