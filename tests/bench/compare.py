"""What do five chats do when something goes wrong? The failures of the lessons, tried on each of them.

    python3 tests/bench/compare.py [--json FILE] [--servers chatcore,streams] [--scenes reset,ctrl_c]

Prints a Markdown table of what happened. The words are the result. What stands in brackets depends
on the machine and its kernel: how much a kernel holds for somebody who does not read, how busy the
machine was. Linux only, about a minute; docs/reference/compare.md explains the rows.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from bench_server import BenchError
from compare_rows import SCENES, Cell, Row, Scene
from compare_stage import COLUMNS, Column

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """A row, and what happened on each server."""

    row: Row
    cells: dict[str, Cell]  # by the key of the server


def play(scenes: Iterable[tuple[str, Scene]], columns: Sequence[Column]) -> list[Line]:
    """Every scene on every server, one after the other."""
    lines: list[Line] = []
    for name, scene in scenes:
        new = [Line(row, {}) for row in scene.rows]
        for column in columns:
            start = time.monotonic()
            for line, cell in zip(new, scene.play(column), strict=True):
                line.cells[column.key] = cell
            words = " | ".join(str(line.cells[column.key]) for line in new)
            print(f"{name:<16} {column.subject.title:<20} {time.monotonic() - start:4.1f} s  {words}", flush=True)
        lines += new
    return lines


def table(lines: Sequence[Line], columns: Sequence[Column]) -> str:
    """As Markdown."""
    titles = ["what happens", *(column.subject.title for column in columns), "lesson"]
    rows = [
        [line.row.title, *(str(line.cells[column.key]) for column in columns), str(line.row.lesson)] for line in lines
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [titles, ["---"] * len(titles), *rows])


def machine() -> dict[str, object]:
    """Where and when."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
    }


def report(lines: Sequence[Line]) -> dict[str, object]:
    """For programs."""
    return {"machine": machine(), "rows": [asdict(line) for line in lines]}


def chosen(keys: str, known: dict[str, T]) -> dict[str, T]:
    """Those named in `a,b,c`, in the order of the table."""
    unknown = set(keys.split(",")) - set(known)
    if unknown:
        raise BenchError(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return {key: value for key, value in known.items() if key in keys.split(",")}


def main() -> None:
    """Play all, then print the table."""
    servers = {column.key: column for column in COLUMNS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", default=",".join(servers), help="which servers (all)")
    parser.add_argument("--scenes", default=",".join(SCENES), help="which failures (all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    options = parser.parse_args()
    columns = list(chosen(options.servers, servers).values())
    start = time.monotonic()
    lines = play(chosen(options.scenes, SCENES).items(), columns)
    place = machine()
    print(f"\n{place['date']}, Python {place['python']}, {place['system']}, {time.monotonic() - start:.0f} s\n")
    print(table(lines, columns))
    if options.json is not None:
        options.json.write_text(json.dumps(report(lines), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"compare: {error}")
