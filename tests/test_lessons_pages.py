"""The pages of the lessons: nothing is stale, nothing is left out, and they stay short. And what writes them."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lessons import figure, pages
from lessons.catalog import Catalog
from lessons.cli import parser
from lessons.hunks import Diff
from lessons.kit import Connect, Dialect, Reset, Send
from lessons.kit.steps import Step
from lessons.pages import PAGE, Page
from lessons.trace import record
from tests.examined import here_and_once

CATALOG = Catalog()
WRITTEN = [folder.number for folder in CATALOG if folder.has(PAGE)]
ALL_WRITTEN = len(WRITTEN) == len(CATALOG.folders)
WITHOUT_A_FAILURE = (0, 11, 19)
MOST_WORDS = 1_400
SECTIONS = [
    "After this lesson you can",
    "Predict",
    "The failure",
    "What happened",
    "The idea",
    "The change",
    "Run it again",
    "Exercise",
    "Hints",
    "Summary",
    "Next",
]
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    here_and_once(monkeypatch)


@cache
def rendered(number: int) -> tuple[str, list[tuple[str, str]]]:
    """A page as it should be, and the hunks that it shows."""
    page = Page(CATALOG, number)
    return page.rendered(), page.hunks_shown


def text_of(number: int) -> str:
    return (CATALOG[number].path / PAGE).read_text(encoding="utf-8")


def headings(text: str, level: int = 2) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", pages.FENCE.sub("", text), re.MULTILINE)


# ---------------------------------------------------------------- every page


@pytest.mark.parametrize("number", WRITTEN)
def test_nothing_is_stale(number: int) -> None:
    assert text_of(number) == rendered(number)[0], f"python3 -m lessons.pages {number}"


@pytest.mark.parametrize("number", WRITTEN)
def test_every_hunk_is_shown_once(number: int) -> None:
    if number in WITHOUT_A_FAILURE:
        return
    assert sorted(rendered(number)[1]) == sorted(pages.needed(Page(CATALOG, number)))


@pytest.mark.parametrize("number", WRITTEN)
def test_the_sections_are_there_in_order(number: int) -> None:
    text = text_of(number)
    assert headings(text, 1) == [f"{number}. {CATALOG[number].lesson.title}"]
    found = headings(text)
    if number in WITHOUT_A_FAILURE:
        assert [title for title in SECTIONS if title in found] == found
        assert {"After this lesson you can", "The idea", "Summary", "Next"} <= set(found)
    else:
        assert found == SECTIONS


@pytest.mark.parametrize("number", WRITTEN)
def test_a_page_is_short(number: int) -> None:
    assert len(pages.prose(text_of(number)).split()) <= MOST_WORDS


@pytest.mark.parametrize("number", WRITTEN)
def test_transcripts_come_from_runs(number: int) -> None:
    """What looks like a transcript or a diff and stands outside of a block was typed by hand."""
    by_hand = pages.FENCE.findall(pages.BLOCK.sub("", text_of(number)))
    for block in by_hand:
        language, *lines = block.splitlines()
        assert language.removeprefix("```") in ("console", "python", "text")
        assert language != "```console" or all(line.startswith(("$ ", "```")) for line in lines), block


@pytest.mark.parametrize("number", WRITTEN)
def test_a_page_is_the_same_on_every_computer(number: int) -> None:
    text = text_of(number)
    for foreign in (str(pages.ROOT), str(Path.home()) + "/", "/tmp/", "\\Users\\", "\r"):
        assert foreign not in text
    assert not re.search(r"127\.0\.0\.1:\d", text)


@pytest.mark.parametrize("number", WRITTEN)
def test_no_link_is_broken(number: int) -> None:
    for target in LINK.findall(pages.FENCE.sub("", text_of(number))):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (CATALOG[number].path / path).resolve() if path else CATALOG[number].path / PAGE
        if not ALL_WRITTEN and not file.exists() and file in (folder.path / PAGE for folder in CATALOG):
            continue
        assert file.exists(), target
        if anchor:
            titles = (title for level in (1, 2, 3) for title in headings(file.read_text(encoding="utf-8"), level))
            assert anchor in [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles], target


# ---------------------------------------------------------------- the tool


def diff(tmp_path: Path, old: str, new: str) -> Diff:
    before, after = tmp_path / "old.py", tmp_path / "server.py"
    before.write_text(old, encoding="utf-8")
    after.write_text(new, encoding="utf-8")
    return Diff(before, after)


OLD = '''"""A."""
import os


class Room:
    """Everybody."""

    def enter(self, name):
        if name:
            return 1
        else:
            return 2

    def leave(self, name):
        first = 1
        second = 2
        third = 3
        return first


def main():
    return 1
'''
NEW = '''"""B."""
import os


class Hall:
    """A way in."""

    def open(self):
        return 3


class Room:
    """Everybody."""

    def enter(self, name):
        return 5

    def greet(self, name):
        if name:
            return 6
        else:
            return 2

    def leave(self, name):
        first = 1
        second = 2
        third = 3
        return third


def main():
    return 1
'''


def test_hunks_have_the_names_of_functions(tmp_path: Path) -> None:
    found = diff(tmp_path, OLD, NEW)
    assert [(hunk.name, hunk.size) for hunk in found.hunks] == [
        ("top", 1),
        ("Hall.open", 4),
        ("Room.enter", 4),
        ("Room.greet", 5),
        ("Room.leave", 1),
    ]


def test_a_hunk_says_where_it_stands(tmp_path: Path) -> None:
    found = diff(tmp_path, OLD, NEW)
    assert found.shown(["Room.leave"]) == [
        "@@ server.py: Room.leave @@",
        "     def leave(self, name):",
        "         …",
        "         second = 2",
        "         third = 3",
        "-        return first",
        "+        return third",
    ]
    assert found.shown(["Hall.open"])[0] == "@@ server.py: Hall.open (new), above Room @@"
    assert found.shown(["Room.greet"])[0] == "@@ server.py: Room.greet (new), after Room.enter @@"
    assert found.shown(["top"]) == ["@@ server.py: outside of functions @@", '-"""A."""', '+"""B."""', " import os"]


def test_only_a_function_that_was_not_there_is_new(tmp_path: Path) -> None:
    """One whose first line changes is the same function, and a second hunk of it shows that line without a mark."""
    middle = "".join(f"        line({n})\n" for n in range(9))
    before = f"class Room:\n    def enter(self):\n{middle}        end()\n"
    after = (
        f"class Room:\n    def enter(self, name):\n{middle}        finish()\n\n    def leave(self):\n        end()\n"
    )
    found = diff(tmp_path, before, after)
    assert [hunk.name for hunk in found.hunks] == ["Room.enter", "Room.enter#2", "Room.leave"]
    assert found.shown(["Room.enter"])[:3] == [
        "@@ server.py: Room.enter @@",
        "-    def enter(self):",
        "+    def enter(self, name):",
    ]
    assert found.shown(["Room.enter#2"])[:3] == [
        "@@ server.py: Room.enter @@",
        "     def enter(self, name):",
        "         …",
    ]
    assert found.shown(["Room.leave"])[0] == "@@ server.py: Room.leave (new), after Room.enter @@"


def test_an_unknown_hunk_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"server\.py has no hunk Room\.sing; it has top, Hall\.open, Room\.enter"):
        diff(tmp_path, OLD, NEW).shown(["Room.sing"])


def test_a_renamed_function_is_not_told_line_by_line(tmp_path: Path) -> None:
    body = "".join(f"    line({n})\n" for n in range(20))
    found = diff(tmp_path, f"def old():\n{body}", f"def new():\n{body}")
    assert [(hunk.name, hunk.size) for hunk in found.hunks] == [("old", 1), ("new", 1)]
    assert found.size == 1


def test_two_changes_far_apart_are_two_hunks(tmp_path: Path) -> None:
    lines = [f"    line({n})\n" for n in range(9)]
    changed = ["    begin()\n", *lines, "    end()\n"]
    found = diff(tmp_path, "def main():\n" + "".join(lines), "def main():\n" + "".join(changed))
    assert [hunk.name for hunk in found.hunks] == ["main", "main#2"]
    near = diff(tmp_path, "def main():\n" + "".join(lines[:2]), "def main():\n" + "".join(changed[:3] + changed[-1:]))
    assert [hunk.name for hunk in near.hunks] == ["main"]


BLOCKING = """
import socket
listener = socket.create_server(("127.0.0.1", 1))
while True:
    sock, address = listener.accept()
    while data := sock.recv(4096):
        sock.sendall(data)
"""


def table(tmp_path: Path, text: str, *steps: Step, **options: Any) -> list[str]:
    file = tmp_path / "server.py"
    file.write_text(text, encoding="utf-8")
    return figure.drawn(record(file, steps, Dialect()), **options)[2:]


def test_a_figure_says_where_a_program_waits(tmp_path: Path) -> None:
    steps = (Connect("ana"), Connect("bia"), Send("bia", b"ola\n"), Send("ana", b"x" * 100))
    assert table(tmp_path, BLOCKING, *steps) == [
        "   >  connect ana",
        "   1  listener      accept() → ana",
        "   >  connect bia",
        "   -  nobody        it waits in recv(ana)          bia, not accepted",
        "   >  send bia 'ola\\n'",
        "   -  nobody        it waits in recv(ana)          bia, not accepted",
        "                                                   from bia: 'ola\\n'",
        "   >  send ana 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'…'xxxxxxxx' (100 bytes)",
        "   2  ana           recv(ana) → 'xxxxxxxx…' 100 B  for ana: 'xxxxxxxxxxx…' 100 B",
        "                    sendall(ana, 'xxxxxx…' 100 B)  bia, not accepted",
        "                                                   from bia: 'ola\\n'",
    ]


def test_a_figure_is_as_wide_as_a_terminal(tmp_path: Path) -> None:
    lines = table(tmp_path, BLOCKING, Connect("ana"), Send("ana", b"\n" * 100))
    assert max(map(len, lines)) == 80
    assert lines[2].endswith("…")


def test_a_figure_of_some_turns(tmp_path: Path) -> None:
    steps = (Connect("ana"), Send("ana", b"a"), Send("ana", b"b"))
    assert table(tmp_path, BLOCKING, *steps, first=2, last=2)[0] == "   >  send ana 'a'"
    assert len(table(tmp_path, BLOCKING, *steps, first=2, last=2)) == 3


def test_a_figure_of_a_crash(tmp_path: Path) -> None:
    assert table(tmp_path, BLOCKING, Connect("ana"), Reset("ana"), Connect("bia"), Send("ana", b"x"))[2:] == [
        "   >  reset ana",
        "   2  ana           recv(ana) → ECONNRESET",
    ]


def test_no_line_of_a_figure_is_wider_than_a_terminal() -> None:
    for number in WRITTEN:
        for block in re.findall(r"^```text\nturn .*?^```$", text_of(number), re.MULTILINE | re.DOTALL):
            assert max(map(len, block.splitlines())) <= 80


def test_paths_are_those_of_a_clone_on_a_unix() -> None:
    assert pages.portable(f"That was {pages.ROOT}/lessons/03_room/server.py.") == "That was lessons/03_room/server.py."
    assert pages.portable("edit my-lessons\\04_framing\\server.py") == "edit my-lessons/04_framing/server.py"


def test_the_command_writes_and_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(CATALOG, 4)
    page.path = tmp_path / PAGE
    page.path.write_text("a\n\n<!-- [[[cog nav() ]]] -->\n<!-- [[[end]]] -->\nb\n", encoding="utf-8")
    assert pages.refreshed(page, write=False)
    assert pages.refreshed(page, write=True)
    assert not pages.refreshed(page, write=True)
    assert "← [3. A room](../03_room/README.md) · [5. " in page.path.read_text(encoding="utf-8")
    assert pages.main(["4", "--hunks"]) == 0
    assert '<!-- [[[cog hunk("Framing.next_frame", step="step1.py") ]]] -->' in capsys.readouterr().out
    monkeypatch.setattr(pages, "refreshed", lambda page, write: True)
    assert pages.main(["4", "--check"]) == 1
    assert capsys.readouterr().out == "04_framing/README.md is stale\n"
    assert pages.main(["4"]) == 0


def test_too_much_at_once_is_refused() -> None:
    page = Page(CATALOG, 4)
    with pytest.raises(ValueError, match="more than 10 lines at once"):
        page.hunk("Framing.next_frame", "Framing.take", "top", step="server.py")


# ---------------------------------------------------------------- the ladder


def test_the_ladder_is_not_stale_and_lists_every_command() -> None:
    index = pages.Index(CATALOG)
    text = index.path.read_text(encoding="utf-8")
    assert index.rendered() == text, "python3 -m lessons.pages writes it anew"
    known = set(re.findall(r"^    (\w+)  ", parser().format_help(), re.MULTILINE))
    assert set(re.findall(r"^\| `python3 -m lessons (\w+)", text, re.MULTILINE)) == known - {"list"}
