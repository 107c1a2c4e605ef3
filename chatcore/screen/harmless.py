"""text from strangers -> text that a terminal shows and does not obey.

A terminal takes orders from what is printed: an escape sequence moves the cursor, renames the
window, even types an answer on the reader's behalf. So whatever came over the network passes
`harmless()` on its way to a screen. Only colours that we chose ourselves are added afterwards,
with `paint()`.
"""

import re
import unicodedata
import zlib
from typing import NewType

# The parameters of one "select graphic rendition" sequence (ECMA-48, 8.3.117): ESC [ 38;5;28 m.
SGR = NewType("SGR", str)
BOLD, DIM, ALARM = SGR("1"), SGR("2"), SGR("1;38;5;161")
_PAINT = re.compile(r"\x1b\[[0-9;]*m")

# Each contrasts with white and with black by at least 4 : 1, so a name can be read on any
# background; a test computes it (WCAG 2.2, relative luminance).
PALETTE = tuple(SGR(f"38;5;{number}") for number in (27, 28, 30, 64, 97, 130, 131, 132, 161, 163))

# A tab stop depends on the column, which nobody knows here, and a terminal jumps over the cells
# of a tab without erasing them. Four spaces keep the indentation of pasted code.
TAB = "    "

# Written languages put up to five marks on a letter (Hebrew with vowels and accents). Hundreds of
# them ("zalgo") would cover the lines above. What exceeds five says nothing: it is left out.
MARKS = 5

ZWNJ, ZWJ, NOTHING = "\u200c", "\u200d", "\0"


def harmless(text: str) -> str:
    r"""Return `text` with all that could steer a terminal turned into `\x1b` or `<U+202E>`.

    Never raises. Ordinary writing of any language stays as it is, and what passed once passes again.
    """
    return "".join(shown(text))


def shown(text: str) -> list[str]:
    """Return what a screen shows for each character of `text`: itself, an escape, or nothing."""
    result: list[str] = []
    base = last = NOTHING  # the letter that carries the marks; the character shown before this one
    marks = 0
    for char, following in zip(text, text[1:] + NOTHING, strict=False):
        if _is_mark(char) or (char in (ZWNJ, ZWJ) and _joins(base, last, char, following)):
            marks += 1
            result.append(char if marks <= MARKS else "")
        else:
            result.append(_visible(char))
            base, marks = result[-1][-1], 0
        last = result[-1][-1:] or last
    return result


def _joins(base: str, last: str, joiner: str, following: str) -> bool:
    """True where an invisible joiner changes what is seen; elsewhere it could only hide something.

    Persian needs one between two letters, Indic scripts after a virama (RFC 5892, appendix A),
    and an emoji of several people is pictures joined by ZWJ.
    """
    if unicodedata.combining(last) == 9:
        return True
    if _is_picture(base) and _is_picture(following):
        return joiner == ZWJ
    return unicodedata.bidirectional(base) == unicodedata.bidirectional(following) == "AL"


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Me")


def _is_picture(char: str) -> bool:
    """Arrows and symbols, which emoji are composed of, and the emoji themselves."""
    return "\u2190" <= char < "\u2c00" or _is_emoji(char)


def _is_emoji(char: str) -> bool:
    """By number, because emoji are added each year and this Python's tables may be older."""
    return "\U0001f300" <= char < "\U0001fb00"


def _visible(char: str) -> str:
    """Return `char`, or an escape for a kind of character that orders, hides or means nothing.

    Cc: controls, that is C0, DEL and C1. Cf: what reorders the line or has no width. Zl, Zp: line
    ends to some programs. Cs: half a character. Co, Cn: private, unassigned.
    """
    category = unicodedata.category(char)
    if char == "\t":
        return TAB
    if category == "Cc":
        return f"\\x{ord(char):02x}"
    if category in ("Cf", "Zl", "Zp", "Cs", "Co") or (category == "Cn" and not _is_emoji(char)):
        return f"<U+{ord(char):04X}>"
    return char


def width(text: str) -> int:
    """Return how many cells of a terminal `text` takes. Colours take none."""
    return sum(map(_cells, unpaint(text)))


def _cells(char: str) -> int:
    """2 for East Asian wide characters and emoji (UAX 11), 0 for marks and joiners, else 1."""
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" or category == "Cn" else 1


def paint(text: str, sgr: SGR) -> str:
    """Return `text` in a colour. `text` must be harmless already."""
    return f"\x1b[{sgr}m{text}\x1b[0m"


def unpaint(text: str) -> str:
    """Return `text` without its colours, for files, pipes and people who set NO_COLOR."""
    return _PAINT.sub("", text)


def name_colour(name: str) -> SGR:
    """Return the colour of a name: the same on every screen and every day, unlike `hash()`.

    Two names may share one. The high bits of the checksum choose: by the low ones `ana` and `bia` did.
    """
    return PALETTE[zlib.crc32(name.encode("utf-8", "replace")) * len(PALETTE) >> 32]
