"""Every limit has its documented default and unit, and what cannot work is refused with a sentence."""

from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore.limits import EVENT_OVERHEAD, KIB, LARGEST, MAY_BE_ZERO, Limits, describe

NAMES = [limit.name for limit in fields(Limits)]
# What users rely on: the names and defaults that docs/reference/limits.md prints.
DOCUMENTED = (
    "frame text hello_seconds typing_seconds half_frame_seconds ping_seconds idle_seconds high_water "
    "low_water ceiling drain_seconds linger_seconds total_queue send_buffer turn_bytes burst rate "
    "per_address new_per_minute rooms_per_connection presence connections shutdown_seconds recent"
)


def changed(**settings: float) -> Limits:
    return replace(Limits(), **settings)  # type: ignore[arg-type]


def test_the_names_are_those_of_the_protocol() -> None:
    assert DOCUMENTED.split() == NAMES


def test_the_defaults_are_those_of_the_design() -> None:
    limits = Limits()
    assert limits.frame == 16 * KIB
    assert limits.text == 4 * KIB
    assert (limits.low_water, limits.high_water, limits.ceiling) == (16 * KIB, 64 * KIB, 256 * KIB)
    assert limits.total_queue == 64 * KIB * KIB
    assert (limits.send_buffer, limits.turn_bytes) == (64 * KIB, 32 * KIB)
    assert (limits.hello_seconds, limits.typing_seconds, limits.half_frame_seconds) == (10, 60, 30)
    assert (limits.ping_seconds, limits.idle_seconds, limits.drain_seconds) == (30, 60, 10)
    assert (limits.shutdown_seconds, limits.burst, limits.rate) == (5, 20, 5)
    assert (limits.per_address, limits.new_per_minute, limits.rooms_per_connection) == (100, 300, 50)
    assert (limits.presence, limits.connections, limits.recent) == (200, 0, 20)


def test_limits_do_not_change_behind_your_back() -> None:
    with pytest.raises(FrozenInstanceError):
        Limits().frame = 1  # type: ignore[misc]


def test_a_limit_is_never_set_by_position() -> None:
    with pytest.raises(TypeError):
        Limits(16 * KIB)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_negative(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be (above 0|0 or more), not -1$"):
        changed(**{name: -1})


@pytest.mark.parametrize("name", NAMES)
def test_zero_is_allowed_where_it_means_something(name: str) -> None:
    if name in MAY_BE_ZERO:
        assert getattr(changed(**{name: 0}), name) == 0
    else:
        with pytest.raises(ValueError, match=f"^{name} must be above 0, not 0$"):
            changed(**{name: 0})


@pytest.mark.parametrize("name", ["rate", "per_address", "new_per_minute"])
def test_what_the_protocol_lets_you_switch_off_can_be(name: str) -> None:
    assert getattr(Limits().with_settings([f"{name}=0"]), name) == 0


EDGES = [
    # (the sentence, what just works, what just does not)
    ("frame must be below 16 MiB", {"ceiling": 1 << 25, "frame": (1 << 24) - 1}, {"frame": 1 << 24}),
    (f"frame must be at least {EVENT_OVERHEAD} bytes", {"text": 1, "frame": KIB + 2}, {"frame": KIB - 1}),
    ("frame must hold a text with every character escaped", {"frame": 9 * KIB}, {"frame": 9 * KIB - 1}),
    ("low_water must be below high_water", {"low_water": 64 * KIB - 1}, {"low_water": 64 * KIB}),
    ("high_water and one frame must", {"high_water": 240 * KIB}, {"high_water": 240 * KIB + 1}),
    ("two turn_bytes and one frame must", {"turn_bytes": 120 * KIB}, {"turn_bytes": 120 * KIB + 1}),
    ("total_queue must hold at least", {"total_queue": 256 * KIB}, {"total_queue": 256 * KIB - 1}),
    ("ping_seconds must be below idle_seconds", {"ping_seconds": 59.9}, {"ping_seconds": 60}),
    ("burst must be at least 1", {"burst": 1}, {"burst": 0.5}),
]


@pytest.mark.parametrize(("sentence", "works", "does_not"), EDGES, ids=[edge[0] for edge in EDGES])
def test_values_that_cannot_work_together(sentence: str, works: dict[str, float], does_not: dict[str, float]) -> None:
    changed(**works)
    with pytest.raises(ValueError, match=f"^{sentence}"):
        changed(**{**works, **does_not})


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_changes_one_limit_and_keeps_its_type(name: str) -> None:
    before = Limits()
    value = getattr(before, name)
    after = before.with_settings([f"{name}={value + 1 if name != 'high_water' else value}"])
    assert type(getattr(after, name)) is type(value)
    assert getattr(after, name) in (value, value + 1)
    assert replace(after, **{name: value}) == before


def test_settings_are_judged_together_in_any_order() -> None:
    """Each alone would be refused: 4 MiB do not fit below the default ceiling, and the ceiling not into the total."""
    settings = ["high_water=4194304", "ceiling=134217728", "total_queue=268435456"]
    assert Limits().with_settings(settings) == Limits().with_settings(reversed(settings))
    with pytest.raises(ValueError, match="ceiling"):
        Limits().with_settings(settings[:1])


@pytest.mark.parametrize("setting", ["", "frame", "=5", "frames=5", "Frame=5", "__class__=5", " frame=5"])
def test_an_unknown_limit_is_answered_with_the_known_ones(setting: str) -> None:
    with pytest.raises(ValueError, match="is not NAME=VALUE with one of: frame, text, hello_seconds,"):
        Limits().with_settings([setting])


@pytest.mark.parametrize("value", ["", "x", "1.5", "0x10", "1=2", "nan", "inf"])
def test_a_whole_number_is_asked_for_where_one_is_needed(value: str) -> None:
    with pytest.raises(ValueError, match=f"^frame needs a whole number, not '{value}'$"):
        Limits().with_settings([f"frame={value}"])


@pytest.mark.parametrize("value", ["", "x", "1,5"])
def test_a_number_is_asked_for_where_one_is_needed(value: str) -> None:
    with pytest.raises(ValueError, match=f"^rate needs a number, not '{value}'$"):
        Limits().with_settings([f"rate={value}"])


@pytest.mark.parametrize("value", ["nan", "inf", "1e999"])
def test_what_cannot_be_counted_is_no_number(value: str) -> None:
    """NaN is neither above nor below anything, and no call of the system waits for infinity."""
    for name in [name for name in NAMES if isinstance(getattr(Limits(), name), float)]:
        with pytest.raises(ValueError, match=name):
            Limits().with_settings([f"{name}={value}"])


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(getattr(Limits(), name), int)])
def test_a_number_with_hundreds_of_digits_is_refused_and_not_repeated(name: str) -> None:
    """A whole number may be greater than any float, and nobody wants to read it."""
    for value in (LARGEST + 1, 10**400):
        with pytest.raises(ValueError, match=f"^{name} must be at most {LARGEST}$"):
            Limits().with_settings([f"{name}={value}"])


@example("frame", "9" * 400)
@given(
    st.sampled_from(NAMES),
    st.text() | st.integers().map(str) | st.floats(allow_nan=False, allow_infinity=False).map(str),
)
def test_a_setting_gives_limits_that_work_or_one_sentence(name: str, value: str) -> None:
    try:
        after = Limits().with_settings([f"{name}={value}"])
    except ValueError as refused:
        sentence = str(refused)
        assert sentence.isprintable()
    else:
        assert getattr(after, name) >= 0


def test_the_description_names_every_limit_with_default_unit_and_meaning() -> None:
    described = describe()
    assert [name for name, *_ in described] == NAMES
    for name, default, unit, meaning in described:
        assert float(default) == getattr(Limits(), name)
        assert unit
        assert meaning == meaning.strip() != ""
        assert Limits().with_settings([f"{name}={default}"]) == Limits()
