"""The tables of the page about the framing's properties are true. Its code is run by tests/test_docs_blocks.py."""

from pathlib import Path

from tests.framing_properties import PROPERTIES
from tests.wrong_decoders import NO_OTHER_CATCHES, WRONG_LENGTHS, WRONG_LINES

PAGE = Path(__file__).parent.parent / "docs" / "how-it-works" / "framing-properties.md"


def rows(text: str, columns: int) -> list[list[str]]:
    """The cells of each row of each table with so many columns, headings and rulers left out."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip(" `") for cell in line] for line in lines]
    return [line for line in cells if len(line) == columns and line[-1] not in {"caught by", HEADING}]


HEADING = "only this one catches"


def test_the_tables_name_every_property_and_every_wrong_decoder() -> None:
    properties = [row for row in rows(PAGE.read_text(encoding="utf-8"), 3) if row[1] in PROPERTIES]
    assert [row[1] for row in properties] == list(PROPERTIES)
    assert {row[1]: row[2] for row in properties} == {name: wrong.__name__ for name, wrong in NO_OTHER_CATCHES.items()}
    decoders = {row[0]: row[2] for row in rows(PAGE.read_text(encoding="utf-8"), 3) if row[1] not in PROPERTIES}
    assert decoders == {wrong.__name__: name for wrong, name in [*WRONG_LINES.items(), *WRONG_LENGTHS.items()]}
