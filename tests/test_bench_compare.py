"""tests/bench/compare.py, and that docs/reference/compare.md still shows what it finds."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "compare.md"
QUICK = ("glued", "in_pieces", "half_a_letter", "not_utf8", "steering")  # nothing in them is about time
on_linux = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the benchmarks read Linux's /proc")


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tests" / "bench"))
        import compare

        yield compare
    for name in ("compare", "compare_rows", "compare_stage", "bench_server"):
        del sys.modules[name]


@pytest.fixture(scope="module")
def shown() -> dict[str, list[str]]:
    """The cells of the page's table, by the title of their row."""
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    start = next(number for number, line in enumerate(lines) if line.startswith("| what happens |"))
    rows = [line.strip("| ").split(" | ") for line in lines[start : lines.index("", start)]]
    return {row[0]: row[1:] for row in rows if not row[0].startswith("---")}


def test_the_page_has_the_rows_and_columns_of_the_script(script: ModuleType, shown: dict[str, list[str]]) -> None:
    assert shown.pop("what happens") == [*(column.subject.title for column in script.COLUMNS), "lesson"]
    rows = [row for scene in script.SCENES.values() for row in scene.rows]
    assert {title: cells[-1] for title, cells in shown.items()} == {row.title: str(row.lesson) for row in rows}
    assert list(shown) == [row.title for row in rows]


def test_the_page_links_every_lesson_it_names(shown: dict[str, list[str]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for number in {cells[-1] for title, cells in shown.items() if title != "what happens"}:
        (folder,) = (ROOT / "lessons").glob(f"{int(number):02}_*")
        assert f"[Lesson {number}](../lessons/{folder.name}/README.md)" in text


@on_linux
@pytest.mark.parametrize("name", QUICK)
def test_what_the_page_says_happens(script: ModuleType, shown: dict[str, list[str]], name: str) -> None:
    (line,) = script.play([(name, script.SCENES[name])], script.COLUMNS)
    words = [line.cells[column.key].words for column in script.COLUMNS]
    assert [cell.partition(" (")[0] for cell in shown[line.row.title][:-1]] == words


def test_the_table_has_words_and_then_figures(script: ModuleType) -> None:
    columns = script.COLUMNS[:2]
    cells = {columns[0].key: script.Cell("spins", "99% of a core"), columns[1].key: script.Cell("sleeps")}
    assert script.table([script.Line(script.Row("ana hangs up", 1), cells)], columns).split("\n") == [
        "| what happens | threads, lesson 0 | threads and a lock | lesson |",
        "| --- | --- | --- | --- |",
        "| ana hangs up | spins (99% of a core) | sleeps | 1 |",
    ]


def test_choosing_keeps_the_order_of_the_table_and_refuses_what_is_not_there(script: ModuleType) -> None:
    assert list(script.chosen("b,a", {"a": 1, "b": 2, "c": 3})) == ["a", "b"]
    with pytest.raises(script.BenchError, match=r"there is no d; there are a, b, c"):
        script.chosen("a,d", {"a": 1, "b": 2, "c": 3})


def test_the_page_says_how_long_the_programs_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (least, most) = map(int, re.findall(r"The first four are (\d+) to (\d+) lines long", text)[0])
    peers = [ROOT / "lessons" / "00_autopsy" / "server.py", *(ROOT / "tests" / "bench" / "peers").glob("*.py")]
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in peers]
    assert len(sizes) == 4
    assert least <= min(sizes) <= max(sizes) <= most
    (driver,) = re.findall(r"`chatcore/aio.py` runs chatcore's own rules on asyncio, in (\d+) lines", text)
    assert int(driver) == len((ROOT / "chatcore" / "aio.py").read_text(encoding="utf-8").splitlines())
