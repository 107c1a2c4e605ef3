"""What README.md and the pages of docs/ show is what happens: each block is run, or says why not.

The lessons' pages are made by the programs that they show; tests/test_lessons_pages.py looks after them.
"""

import os
import re
from pathlib import Path

import pytest

from tests.blocks import PLAIN, ROOT, blocks, execute, matches

# How many blocks of a page are not run. The page says why, before each of them.
NOT_EXECUTED = {
    "README.md": 5,
    "docs/contributing.md": 2,
    "docs/how-it-works/index.md": 1,
    "docs/index.md": 2,
    "docs/reference/compare.md": 1,
    "docs/run/classroom.md": 1,
    "docs/run/clients.md": 3,
    "docs/run/history.md": 2,
    "docs/run/index.md": 2,
    "docs/run/service.md": 1,
}
# Blocks in which there is nothing to run, and who looks after them.
PLAIN_BLOCKS = {
    "README.md": "tests/test_readme.py",
    "docs/reference/protocol.md": "tests/test_docs_protocol.py",
    "docs/run/index.md": "tests/test_serve.py",
    "docs/run/service.md": "",  # a file for systemd, which is not there
}


def pages() -> list[str]:
    """All pages but the lessons'; glob does not follow the link that leads to them."""
    found = [Path("README.md")]
    for folder, folders, names in os.walk(ROOT / "docs"):
        folders.sort()
        found += [Path(folder).relative_to(ROOT) / name for name in sorted(names) if name.endswith(".md")]
    return [path.as_posix() for path in found]


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/index.md", "docs/run/options.md", "docs/how-it-works/framing-properties.md"} <= set(
        pages()
    )
    assert not [page for page in pages() if "lessons" in page]


@pytest.mark.parametrize("page", [page for page in pages() if blocks(text(page))])
def test_a_page_is_true(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a page may write files
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # and start programs, as if it stood in the project's folder
    execute(text(page), page, tmp_path)


def test_what_is_not_executed_is_known() -> None:
    reasons = {page: [block.reason for block in blocks(text(page)) if block.reason] for page in pages()}
    for page, why in reasons.items():
        print(page, *why, sep="\n    ")
    assert {page: len(why) for page, why in reasons.items() if why} == NOT_EXECUTED


def test_what_has_nothing_to_run_is_known() -> None:
    plain = {page for page in pages() for block in blocks(text(page)) if block.language in PLAIN}
    assert plain == set(PLAIN_BLOCKS)
    assert all((ROOT / test).exists() for test in PLAIN_BLOCKS.values())


@pytest.mark.parametrize("page", pages())
def test_every_fence_of_a_page_belongs_to_a_block(page: str) -> None:
    """One in a quotation, or with tildes, would be overlooked."""
    assert len(re.findall(r"^[ >]*(?:```|~~~)", text(page), re.MULTILINE)) == 2 * len(blocks(text(page)))


# ---------------------------------------------------------------- what runs the blocks


@pytest.mark.parametrize(
    ("page", "error", "complaint"),
    [
        ("```pycon\n>>> 1 + 1\n3\n```\n", AssertionError, "Got:\n    2"),
        ("```python\nx = 1\n```\n\n```pycon\n>>> x\n2\n```\n", AssertionError, "Got:\n    1"),
        ("```pycon\n1 + 1\n```\n", AssertionError, "nothing to run"),
        ("```python\nassert False, 'no'\n```\n", AssertionError, "no"),
        ("```\n>>> 1\n```\n", ValueError, "cannot be run"),
        ("```ruby\n1\n```\n", ValueError, "cannot be run"),
        ("```console\n$ false\n```\n", AssertionError, "status 1"),
        ("```console\n$ echo oi\noi!\n```\n", AssertionError, "and not\noi!"),
        ("```console\n$ true\n$ echo oi; echo oi\noi\n```\n", AssertionError, "prints\noi\noi"),
        ("```console\noi\n```\n", AssertionError, "output before"),
        ("```console\n```\n", AssertionError, "nothing to run"),
        ("```json\n{oi}\n```\n", AssertionError, "no JSON"),
        ('```json\n{"a": 1}\n{"a": 1,}\n```\n', AssertionError, "no JSON"),
        ("1. a\n\n   ```pycon\n   >>> 1\n   2\n   ```\n", AssertionError, "Got:\n    1"),
        ("<!-- not executed: why -->\n\n```console\n$ false\n```\n", AssertionError, "before no block"),
        ("<!-- not executed -->\n```console\n$ false\n```\n", AssertionError, "before no block"),
    ],
)
def test_a_page_that_is_not_true_is_refused(page: str, error: type[Exception], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=re.escape(complaint)):
        execute(page, "a page", tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        "```pycon\n>>> 1 + 1\n2\n```\n",
        "```python\nx = 1\n```\n\ntext\n\n```pycon\n>>> x\n1\n```\n",
        "```console\n$ echo oi; echo tudo; echo bem\noi\n…\n$ true\n```\n",
        "```console\n$ python3 -c 'import chatcore, os; print(os.environ[\"COLUMNS\"])'\n80\n```\n",
        '```json\n{"a": 1}\n{"b": 2}\n```\n',
        '```json\n{\n  "a": 1\n}\n```\n',
        '```ini title="x"\n[oi]\n```\n',
        "<!-- not executed: why -->\n```console\n$ false\n```\n",
        "1. a\n\n    ```pycon\n    >>> 1\n    1\n    ```\n",
    ],
)
def test_a_page_that_is_true_is_accepted(page: str, tmp_path: Path) -> None:
    execute(page, "a page", tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n…\nc", "a\nb\nb\nc", True),
        ("a\n…", "a", True),
        ("…\nc", "b\nc", True),
        ("a\n…\nc", "a\nb", False),
        ("a", "a\nb", False),
        ("a.c", "abc", False),
        ("a…", "ab", False),
    ],
)
def test_dots_stand_for_lines(shown: str, printed: str, same: bool) -> None:
    assert matches(shown, printed) is same
