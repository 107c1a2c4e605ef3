"""Commands and events are plain values: they compare by content, never change, and never show a secret."""

from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass, replace
from typing import get_args

import pytest

from chatcore import protocol
from chatcore.errors import STREAM_ERRORS

VALUES = [*get_args(protocol.Command), *get_args(protocol.Event), protocol.RoomEntry]
# docs/reference/protocol.md, "JSON: events".
REASONS = "quit shutting_down timeout slow_consumer too_big bad_frame replaced kicked"


def test_the_numbers_are_those_of_the_protocol() -> None:
    assert protocol.VERSION == 1
    assert (protocol.LONGEST_CID, protocol.LONGEST_PING) == (64, 64)
    assert protocol.MOST_IN_A_LIST == 200
    assert protocol.LOBBY == "lobby"


def test_the_reasons_of_a_bye_are_those_of_the_protocol() -> None:
    assert list(protocol.BYE_REASONS) == REASONS.split()


def test_each_reason_is_one_printable_sentence() -> None:
    for sentence in protocol.BYE_REASONS.values():
        assert sentence
        assert sentence.isprintable()


def test_a_stream_error_that_ends_a_conversation_is_also_a_reason() -> None:
    """The third one comes before there is a conversation: nobody is told bye who was never let in."""
    assert set(STREAM_ERRORS) - set(protocol.BYE_REASONS) == {"too_many_connections"}


@pytest.mark.parametrize("cls", VALUES)
def test_a_value_does_not_change_behind_your_back(cls: type) -> None:
    assert is_dataclass(cls)
    value = cls(*(each.name for each in fields(cls)))
    assert value == replace(value)
    assert value is not replace(value)
    with pytest.raises((FrozenInstanceError, TypeError)):  # TypeError: there is no such field at all
        value.room = "another"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "value",
    [
        protocol.Hello("ana", token="5ec4e7", password="hunter2"),
        protocol.Welcome("ana", "5ec4e7", 1, "chatcore/1", "1d", {"frame": 16384}),
    ],
)
def test_a_secret_is_never_shown(value: object) -> None:
    """Values end up in traces and in reports of mistakes; docs/reference/protocol.md: the token is never logged."""
    assert "ana" in repr(value)
    assert "5ec4e7" not in repr(value)
    assert "hunter2" not in repr(value)


def test_what_may_be_left_out() -> None:
    """The question marks in the table of docs/reference/protocol.md."""
    optional = {
        (cls.__name__, each.name)
        for cls in (*get_args(protocol.WireCommand), *get_args(protocol.WireEvent))
        for each in fields(cls)
        if each.default is not MISSING
    }
    assert optional == {
        ("Hello", "token"),
        ("Hello", "password"),
        ("Join", "after"),
        ("AskMembers", "after"),
        ("AskRooms", "after"),
        ("Ping", "data"),
        ("Pong", "data"),
        ("Members", "next"),
        ("Rooms", "next"),
        ("Error", "cid"),
        ("Error", "about"),
    }
