"""docs/reference/glossary.md explains every term that a page introduces, and names the lessons rightly."""

import re
from pathlib import Path

import pytest

from lessons.catalog import Catalog

ROOT = Path(__file__).parent.parent
CATALOG = Catalog()
PAGE = (ROOT / "docs" / "reference" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"^([^\n:]+)\n:   (.*(?:\n    .*)*)", PAGE, re.MULTILINE))
TERMS = {term.lower(): text for title, text in ENTRIES.items() for term in title.split(", ")}
LINK = re.compile(r"\[(\d+)\]\(\.\./lessons/(\w+)/README\.md\)")
BOLD = re.compile(r"\*\*([A-Za-z][A-Za-z/ -]+)\*\*")
# Bold for its weight, and no term.
EMPHASIS = {
    "exactly while", "compute it", "owns", "pause accepting", "one owner", "for every input",
    "down on the left", "at the bottom", "up on the right",
}  # fmt: skip
# How a page says it, and under what it stands.
STANDS_UNDER = {
    "blocking": "blocking call",
    "coalesced": "coalesce",
    "committed": "commit",
    "draining": "drain",
    "idempotent close": "idempotent",
    "kills": "mutant",
    "lingering": "linger",
    "ready": "readiness",
}
# One name for each concept, in the code as on the pages.
CONCEPTS = """
    turn, readiness, interest set, frame, payload, delimiter, length prefix, command, event, peer, connection, buffer,
    send queue, high-water mark, low-water mark, ceiling, backpressure, slow consumer, flush, drain, half-close, linger,
    short send, coalesce, fan-out, wakeup fd, timer, deadline, sans-I/O, driver
"""


def term(said: str) -> str:
    """The entry for what stands in bold on a page: small letters, singular."""
    found = STANDS_UNDER.get(said.lower(), said.lower())
    return found if found in TERMS else found.removesuffix("s")


def introduced(page: Path) -> set[str]:
    """What a page shows in bold because it is new, in small letters or at the beginning of a sentence."""
    return {term(said) for said in BOLD.findall(page.read_text(encoding="utf-8")) if said.lower() not in EMPHASIS}


def lesson_pages() -> dict[int, Path]:
    return {number: CATALOG[number].path / "README.md" for number in sorted(CATALOG.folders)}


def test_the_entries_stand_in_order_and_each_once() -> None:
    titles = [title.lower() for title in ENTRIES]
    assert titles == sorted(titles)
    assert len(TERMS) == sum(len(title.split(", ")) for title in ENTRIES)
    assert PAGE.count("\n:   ") == len(ENTRIES)


@pytest.mark.parametrize("number", sorted(CATALOG.folders))
def test_the_terms_of_a_lesson_are_there(number: int) -> None:
    new = introduced(lesson_pages()[number]) | {term(CATALOG[number].lesson.term)}
    assert new - set(TERMS) == set()


@pytest.mark.parametrize("number", sorted(CATALOG.folders))
def test_a_term_names_the_lesson_that_introduces_it(number: int) -> None:
    pages = lesson_pages()
    known = set().union(*(introduced(pages[earlier]) for earlier in pages if earlier < number))
    for new in introduced(pages[number]) - known:
        assert f"[{number}](" in TERMS[new], new


def test_a_lesson_that_is_named_has_the_term() -> None:
    for title, text in ENTRIES.items():
        for number, folder in LINK.findall(text):
            path = lesson_pages()[int(number)]
            assert path.parent.name == folder
            page = path.read_text(encoding="utf-8").lower()
            assert any(each.lower() in page for each in title.split(", ")), f"{title}: lesson {number}"


def test_the_terms_of_the_tour_are_there() -> None:
    for page in sorted((ROOT / "docs" / "how-it-works").glob("*.md")):
        assert introduced(page) - set(TERMS) == set(), page.name


def test_every_concept_has_its_one_name() -> None:
    assert {concept.strip().lower() for concept in CONCEPTS.split(",")} - set(TERMS) == set()
