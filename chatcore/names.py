"""what somebody typed -> the name that is shown, and the fold by which it is compared.

`João` and `joao` are one name, and no other script can imitate one: the fold must be plain ASCII.
The rules are those of docs/reference/protocol.md, "Names, rooms and text".
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

LONGEST_NAME = 32
LONGEST_TYPED = 4 * LONGEST_NAME  # an accented letter may be typed as several characters
RESERVED = "server"
FOLD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
# Latin letters that Unicode does not take apart into a plain letter and a mark.
SPELLED_OUT = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ŧ": "t", "ŋ": "n"}
)
# Tab is allowed: people paste it. Line and paragraph separators would forge a second line;
# bidirectional overrides and isolates make a line read differently from what it says.
FORBIDDEN_IN_TEXT = frozenset(
    [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x09]
    + ["\u2028", "\u2029", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"]
)


@dataclass(frozen=True, slots=True)
class Name:
    """A valid name of a person or a room: `shown` to people, compared by `fold`."""

    shown: str
    fold: str


def fold(text: str) -> str:
    """What `text` is compared by: NFKD, casefold, NFKD again, marks dropped, special letters spelled out.

    What is too long to be a name is returned as it is: it equals no fold of a name.
    """
    return _fold(text) if len(text) <= LONGEST_TYPED else text


@lru_cache(maxsize=256)  # the rooms and people of the moment
def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in folded if not unicodedata.combining(char)).translate(SPELLED_OUT)


def parse_name(text: str) -> Name | None:
    """The name that `text` means, or None when it is not a valid one."""
    return _parse_name(text) if len(text) <= LONGEST_TYPED else None


@lru_cache(maxsize=256)  # the rooms and people of the moment
def _parse_name(text: str) -> Name | None:
    shown = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text))
    folded = _fold(shown)
    if not (len(shown) <= LONGEST_NAME and 1 <= len(folded) <= LONGEST_NAME):
        return None
    if not FOLD_CHARACTERS.issuperset(folded) or not _has_only_accents(shown):
        return None
    return Name(shown, shown if shown == folded else folded)  # one string where one will do


def _has_only_accents(shown: str) -> bool:
    """True when every combining mark is an accent of the letter before it, and no letter has two.

    Other marks belong to other scripts; a mark without a letter, or a pile of them, spills over the line.
    """
    is_letter = False
    for char in shown:
        is_mark = unicodedata.combining(char) > 0
        if is_mark and not (is_letter and "\u0300" <= char <= "\u036f"):
            return False
        is_letter = char.isalpha()
    return True


def text_is_valid(text: str, limit: int) -> bool:
    """True when `text` may be said: at most `limit` bytes of UTF-8 and nothing forbidden in it."""
    if len(text) > limit or not FORBIDDEN_IN_TEXT.isdisjoint(text):
        return False
    try:
        return len(text.encode()) <= limit
    except UnicodeEncodeError:  # half of a surrogate pair, escaped in JSON
        return False
