"""One name for every way to write it, and no other script that imitates it: over the whole of Unicode."""

import re
import sys
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from chatcore.names import LONGEST_NAME, RESERVED, Name, fold, parse_name, text_is_valid

EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1)]
# The other 970,000 characters are not assigned or private; they are judged together, to save time.
ASSIGNED = [char for char in EVERY_CHARACTER if unicodedata.category(char) not in ("Cn", "Co")]
REST = "".join(char for char in EVERY_CHARACTER if unicodedata.category(char) in ("Cn", "Co"))
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
# What separates or joins in surprising ways, next to what is ordinary.
LETTERS = "aJoãÅøłıßæŋþ\u0301\u0303\u0327_-.09 Ａﬀ²Ⅷаοℓ\u200d\u00ad"
names = st.text(st.sampled_from(LETTERS), max_size=40)
# Four texts of five from there are no names. Most of these are, so that a test of names has enough of them.
likely = st.lists(
    st.sampled_from([*"aJoãÅøłıßæŋþ_-.09Ａﬀ²Ⅷℓ", "a\u0301", "o\u0303", "c\u0327"]), min_size=1, max_size=30
).map("".join)


def is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith("LATIN ")


# ---------------------------------------------------------------- the fold


@given(st.text() | names)
@example("ᾳ\u0345")  # its casefold is a letter where a mark was
@example("ŉ")
@example("İ")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_folding_twice_is_folding_once_for_every_character() -> None:
    folded = {char: fold(char) for char in ASSIGNED}
    assert [char for char, once in folded.items() if once != char and fold(once) != once] == []


def test_what_is_not_assigned_stays_what_it_is() -> None:
    assert len(REST) > 900_000
    assert min(REST) > "\x7f"
    assert REST == unicodedata.normalize("NFKD", REST) == unicodedata.normalize("NFKC", REST) == REST.casefold()
    assert not any(map(unicodedata.combining, REST))


@given(names)
def test_the_fold_does_not_depend_on_case_or_on_normal_form(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert fold(unicodedata.normalize(form, text)) == fold(text)
    assert fold(text.upper()) == fold(text.casefold()) == fold(text)


@pytest.mark.parametrize(
    "one_name",
    [
        ("João", "joao", "JOÃO", "Joa\u0303o", "ｊｏａｏ", "𝐉𝐨𝐚𝐨"),
        ("Łukasz", "lukasz", "łukasz"),
        ("Søren", "soren", "SØREN"),
        ("Đorđe", "dorde"),
        ("Straße", "strasse", "STRASSE", "STRAẞE"),
        ("Ægir", "aegir"),
        ("Œuvre", "oeuvre"),
        ("Þór", "thor"),
        ("ırmak", "irmak", "IRMAK", "İrmak"),
        ("Ħal", "hal"),
        ("Ŧe", "te"),
        ("Ŋa", "na"),
        ("Guðrún", "gudrun"),
    ],
    ids=lambda spellings: spellings[0],
)
def test_one_name_however_it_is_written(one_name: tuple[str, ...]) -> None:
    parsed = [parse_name(spelling) for spelling in one_name]
    assert {name.fold for name in parsed if name} == {fold(one_name[0])}
    assert None not in parsed


# ---------------------------------------------------------------- what is a name


@pytest.mark.parametrize("text", ["a", "ana", "João", "x_1.y-z", "...", "-", "a" * 32, "ã" * 32, RESERVED])
def test_a_plain_name_is_shown_as_it_was_typed(text: str) -> None:
    assert parse_name(text) == Name(text, fold(text))


def test_a_name_is_shown_composed_and_in_plain_letters() -> None:
    assert parse_name("Joa\u0303o") == Name("João", "joao")
    assert parse_name("ＡＮＡ") == Name("ANA", "ana")
    assert parse_name("ã" * 32) == parse_name("a\u0303" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        " ana",
        "ana\n",
        "a/b",
        "a\x00",
        "a" * 33,
        "ã" * 33,
        "a\u0303" * 33,
        "ß" * 17,  # 17 to see and 34 to compare
        "ﬃ" * 11,  # 11 typed and 33 to see
        "a" * 1_000_000,
        "аnа",  # Cyrillic
        "αna",  # Greek
        "ɑna",  # a Latin letter, but not one that folds
        "\u0303",  # a mark alone
        "\u0303a",  # a mark that has nothing to stand on
        "1\u0303",  # accents are for letters
        "a-\u0327",
        "_\u0301",
        "a.\u0323a",
        "²\u0308",
        "a" + "\u0303\u0327\u0308",  # marks that pile up beyond the letter
        "a" + "\u0303" * 31,
        "a\u200d",  # zero width
        "a\u00ad",
        "a\u202e",
        "a\ud800",  # half of a pair
        "a\U000e0061",  # a tag nobody sees
        "名前",
        "🙂",
    ],
)
def test_not_a_name(text: str) -> None:
    assert parse_name(text) is None


@pytest.fixture(scope="module")
def accepted() -> dict[str, Name]:
    """Every single character that is a name."""
    parsed = {char: parse_name(char) for char in ASSIGNED}
    return {char: name for char, name in parsed.items() if name is not None}


def test_no_single_character_of_another_script_is_a_name(accepted: dict[str, Name]) -> None:
    """Whatever is accepted is shown in plain ASCII or in letters that Unicode itself calls Latin."""
    assert len(accepted) > 1_000  # accents, full-width and mathematical letters…
    for char, name in accepted.items():
        assert PLAIN.issuperset(name.fold), char
        assert all(shown.lower() in PLAIN or is_latin(shown) for shown in name.shown), char


def test_a_latin_letter_with_accents_is_compared_as_the_letter(accepted: dict[str, Name]) -> None:
    """Unicode's own names are the witness: LATIN SMALL LETTER E WITH ACUTE must be an e."""
    plain_letter = re.compile(r"LATIN (?:SMALL|CAPITAL) LETTER ([A-Z])(?: WITH (?!.*LETTER).*)?")
    letters = {char: plain_letter.fullmatch(unicodedata.name(char)) for char in accepted}
    compared = {char: accepted[char].fold == letter[1].lower() for char, letter in letters.items() if letter}
    assert all(compared.values()), [char for char, same in compared.items() if not same]
    assert set("éÀçñõüÅøŁđħ") <= set(compared)


@given(st.text(max_size=40) | names | likely | likely)
def test_a_name_read_again_is_the_same_name(text: str) -> None:
    name = parse_name(text)
    assume(name is not None)
    assert name is not None
    assert parse_name(name.shown) == name
    assert 1 <= len(name.shown) <= LONGEST_NAME
    assert re.fullmatch(r"[a-z0-9_.-]{1,32}", name.fold)
    plain = parse_name(name.fold)
    assert plain is not None
    assert plain.fold == name.fold


@given(names | likely)
def test_a_mark_in_a_name_stands_on_a_letter_and_alone(text: str) -> None:
    name = parse_name(text)
    assume(name is not None)
    assert name is not None
    kinds = "".join("m" if unicodedata.combining(char) else "l" if char.isalpha() else "x" for char in name.shown)
    assert re.fullmatch(r"(?:lm?|x)+", kinds)


# ---------------------------------------------------------------- what may be said


def test_the_characters_that_may_not_be_said() -> None:
    """Unicode's own properties are the witness, over every character there is."""
    unsaid = {char for char in ASSIGNED if not text_is_valid(char, 4)}
    controls = {char for char in ASSIGNED if unicodedata.category(char) == "Cc"} - {"\t"}
    separators = {char for char in ASSIGNED if unicodedata.category(char) in ("Zl", "Zp")}
    overrides_and_isolates = {
        char for char in ASSIGNED if unicodedata.bidirectional(char) in ("LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
    }
    halves = {char for char in ASSIGNED if unicodedata.category(char) == "Cs"}
    assert (len(controls), len(separators), len(overrides_and_isolates), len(halves)) == (64, 2, 6, 2048)
    assert unsaid == controls | separators | overrides_and_isolates | halves
    assert text_is_valid(REST, 4 * len(REST))


@pytest.mark.parametrize("where", ["{}oi", "o{}i", "oi{}"])
@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\udc80"])
def test_what_may_not_be_said_may_stand_nowhere(char: str, where: str) -> None:
    assert text_is_valid(where.format(""), 100)
    assert not text_is_valid(where.format(char), 100)


@given(st.text(st.sampled_from("aé€🙂\t\n\ud800"), max_size=12), st.integers(0, 24))
def test_the_limit_counts_bytes_of_utf_8(text: str, limit: int) -> None:
    sayable = "\n" not in text and "\ud800" not in text
    assert text_is_valid(text, limit) is (sayable and len(text.encode("utf-8", "replace")) <= limit)
