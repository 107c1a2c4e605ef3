"""What a stranger writes is shown, never obeyed; what people write stays as it is."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.screen.harmless import (
    ALARM,
    BOLD,
    MARKS,
    PALETTE,
    ZWJ,
    ZWNJ,
    harmless,
    name_colour,
    paint,
    shown,
    unpaint,
    width,
)

# Everything that the rules treat differently, close together, so that the rules meet.
TRICKY = (
    "a \t\n\x1b\x7f\x9b\u0301\u05b0\u20dd\u200b\u200c\u200d\u200e\u202e\u2066\u2028\u061c\ufeff\u00ad"
    "\ud800\udc00\ue000\U000e0001\U000e0041\u0378\U0001faff☺👩💻🏽\ufe0fمیא\u094dक日"
)
anything = st.text(st.characters(), max_size=50) | st.text(st.characters(categories=["Cs"]), max_size=3)
tricky = st.text(st.sampled_from(TRICKY), max_size=30)
texts = anything | tricky

ORDINARY = [
    "Olá, João! Você já comeu pão-de-queijo às 15h? Não…",
    "Tiếng Việt có dấu, e\u0301 and ñ",
    "مرحبا بالعالم، كيف حالك؟",
    "بِسْمِ ٱللَّٰهِ",
    "می‌خواهم",  # Persian: the joiner between two letters makes another word
    "שלום עולם",
    "בְּרֵאשִׁ֖ית בָּרָ֣א",  # vowels and accents
    "क्षेत्र क्‍ष",  # the second with a joiner after the virama
    "ภาษาไทยที่นี่",
    "日本語と한국어和中文",
    "👍🏽 👩🏽‍💻 ❤️‍🔥 👨‍👩‍👧‍👦 🏳️‍🌈 🙂‍↔️ 🇧🇷 1️⃣",
    "\U0001fae8\U0001fa77",  # emoji of 2022: unassigned for Python 3.11
    "if x < 3:  # {}[]()|\\~^`'\"",
    "",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_writing_stays(text: str) -> None:
    assert harmless(text) == text


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_letters_digits_punctuation_and_symbols_stay(text: str) -> None:
    assert harmless(text) == text


@given(texts)
@example("ب" + "\u0301" * MARKS + ZWNJ + "ب")
@example("ब" + "\u094d" * MARKS + ZWJ + ZWJ)
@example("👩" + ZWJ + ZWJ + "💻")
def test_what_passed_once_passes_again(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)


@given(texts)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    for char in harmless(text):
        category = unicodedata.category(char)
        assert category not in ("Cc", "Cs", "Co", "Zl", "Zp")
        assert category != "Cf" or char in (ZWNJ, ZWJ)
        assert unicodedata.bidirectional(char) not in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_no_character_of_unicode_gets_through_that_should_not() -> None:
    wrong = [hex(code) for code in range(sys.maxunicode + 1) if not treated_well(chr(code))]
    assert wrong == []


def treated_well(char: str) -> bool:
    safe, category = harmless(char), unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return safe.isascii() and safe.isprintable()
    return safe == char or (category == "Cn" and safe == f"<U+{ord(char):04X}>")


@given(texts)
def test_marks_do_not_pile_up(text: str) -> None:
    pile = 0
    for char in harmless(text):
        pile = pile + 1 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 0
        assert pile <= MARKS


@given(texts)
def test_shown_has_one_entry_for_each_character(text: str) -> None:
    assert len(shown(text)) == len(text)
    assert "".join(shown(text)) == harmless(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[2J\x07", r"\x1b[2J\x07"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("one\r\ntwo", r"one\x0d\x0atwo"),
        ("\tdef", "    def"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
        ("a\u2028b\u200ec\u2066d", "a<U+2028>b<U+200E>c<U+2066>d"),
        ("\ud800\ue000\u0378\U000e0041", "<U+D800><U+E000><U+0378><U+E0041>"),
        (f"pass{ZWJ}word{ZWNJ}", "pass<U+200D>word<U+200C>"),
        (f"a{ZWJ}💻 م{ZWNJ}a", "a<U+200D>💻 م<U+200C>a"),
        (f"👩{ZWNJ}💻 👩{ZWJ}", "👩<U+200C>💻 👩<U+200D>"),
        ("Z" + "\u0301" * 300 + "!", "Z" + "\u0301" * MARKS + "!"),
    ],
)
def test_examples(text: str, safe: str) -> None:
    assert harmless(text) == safe


# ---------------------------------------------------------------- width


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("João", 4),
        ("Joa\u0303o", 4),
        ("日本", 4),
        ("👩", 2),
        ("\U0001fae8", 2),
        ("שְׁלוֹם", 4),
        ("می‌خ", 3),
        ("ｶ", 1),
    ],
)
def test_width(text: str, cells: int) -> None:
    assert width(text) == cells


@given(texts, st.sampled_from(PALETTE))
def test_colours_take_no_cells(text: str, colour: str) -> None:
    safe = harmless(text)
    painted = paint(safe, name_colour(text))
    assert unpaint(painted) == safe
    assert width(painted) == width(safe)
    assert unpaint(paint(safe, ALARM) + paint(safe, BOLD)) == safe * 2


# ---------------------------------------------------------------- the colours of names


def luminance(number: int) -> float:
    """Relative luminance (WCAG 2.2) of a colour of xterm's 6 x 6 x 6 cube."""
    levels = (0, 95, 135, 175, 215, 255)
    cube = number - 16
    channels = [levels[cube // 36] / 255, levels[cube // 6 % 6] / 255, levels[cube % 6] / 255]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("sgr", [*PALETTE, ALARM])
def test_names_can_be_read_on_white_and_on_black(sgr: str) -> None:
    found = re.search(r"38;5;(\d+)$", sgr)
    assert found
    light = luminance(int(found[1]))
    assert 1.05 / (light + 0.05) >= 4
    assert (light + 0.05) / 0.05 >= 4


@given(texts)
def test_every_name_has_a_colour(name: str) -> None:
    assert name_colour(name) in PALETTE


def test_colours_are_the_same_every_day() -> None:
    assert [name_colour(name) for name in ("ana", "bia", "caio")] == [PALETTE[4], PALETTE[2], PALETTE[1]]
    assert {name_colour(f"user{number}") for number in range(200)} == set(PALETTE)
