"""The error codes are those of docs/reference/protocol.md, and each says something a person can read."""

import pytest

from chatcore.errors import COMMAND_ERRORS, STREAM_ERRORS, CommandError, LogError, StreamError

# docs/reference/protocol.md, "Errors".
USABLE_AFTER = (
    "bad_json bad_utf8 unknown_type bad_field hello_first name_invalid name_taken wrong_password "
    "room_invalid too_many_rooms not_in_room no_such_user text_invalid muted storage_full"
)
ENDS_AFTER = "too_big bad_frame too_many_connections"


def test_the_codes_are_those_of_the_protocol() -> None:
    assert list(COMMAND_ERRORS) == USABLE_AFTER.split()
    assert list(STREAM_ERRORS) == ENDS_AFTER.split()


@pytest.mark.parametrize("sentence", [*COMMAND_ERRORS.values(), *STREAM_ERRORS.values()])
def test_every_sentence_is_one_short_printable_line(sentence: str) -> None:
    assert sentence.isprintable()
    assert 0 < len(sentence) <= 80
    assert sentence == sentence.strip()


@pytest.mark.parametrize("code", COMMAND_ERRORS)
def test_a_command_error_has_a_code_a_sentence_and_perhaps_a_cid(code: str) -> None:
    plain = CommandError(code)
    assert (str(plain), plain.code, plain.text, plain.cid) == (code, code, COMMAND_ERRORS[code], None)
    special = CommandError(code, "more is known", "c1")
    assert (special.code, special.text, special.cid) == (code, "more is known", "c1")


@pytest.mark.parametrize("code", STREAM_ERRORS)
def test_a_stream_error_has_a_code_and_a_sentence(code: str) -> None:
    plain = StreamError(code)
    assert (str(plain), plain.code, plain.text) == (code, code, STREAM_ERRORS[code])
    assert StreamError(code, "more is known").text == "more is known"


@pytest.mark.parametrize("error", [CommandError, StreamError])
def test_a_code_that_does_not_exist_cannot_be_raised(error: type[CommandError | StreamError]) -> None:
    with pytest.raises(KeyError):
        error("no_such_code")


def test_the_families_are_apart() -> None:
    """Whoever answers one family must not catch another by accident."""
    families = [CommandError, StreamError, LogError, OSError]
    for one in families:
        assert [other for other in families if issubclass(one, other)] == [one]
