"""The log in memory keeps the contract of all logs, for as many messages as it may keep."""

from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import settings

from chatcore.log import Committed, Duplicate, Log, MemoryLog, NotKept, Span
from tests.log_contract import LOBBY, PORTO, Contract, Model, append_all, committed, draft, name, read, rooms, span


class TestContract(Contract):
    @pytest.fixture
    def log(self) -> Log:
        return MemoryLog("identity")


class AgainstAModel(Model):
    def open_log(self) -> AbstractContextManager[Log]:
        return nullcontext(MemoryLog("identity", self.most))


class KeepingThree(AgainstAModel):
    most = 3


class KeepingNothing(AgainstAModel):
    most = 0


TestAgainstAModel = AgainstAModel.TestCase
TestKeepingThree = KeepingThree.TestCase
TestKeepingNothing = KeepingNothing.TestCase
TestAgainstAModel.settings = TestKeepingThree.settings = TestKeepingNothing.settings = settings(stateful_step_count=20)


def test_its_identity_is_the_one_it_was_given() -> None:
    """A new process has a new identity: the old messages are gone."""
    assert MemoryLog("f00d").identity == "f00d"


def test_closing_it_is_nothing() -> None:
    MemoryLog("f00d").close()


def test_the_oldest_message_of_all_is_forgotten_first() -> None:
    log = MemoryLog("identity", most=3)
    committed(log, draft(cid="1"), draft(cid="2", room=PORTO), draft(cid="3"), draft(cid="4"))
    assert span(log) == Span(LOBBY, first=2, head=3)
    assert [[message.seq for message in read(log, after=after)] for after in range(4)] == [[2, 3], [2, 3], [3], []]
    committed(log, draft(cid="5"))
    assert span(log, PORTO) == Span(PORTO, first=2, head=1)  # nothing to replay: first = seq + 1
    assert read(log, PORTO) == []


def test_a_number_is_given_once_even_when_the_message_is_forgotten() -> None:
    log = MemoryLog("identity", most=1)
    assert [message.seq for message in committed(log, draft(cid="1"), draft(cid="2", room=PORTO))] == [1, 1]
    assert [message.seq for message in committed(log, draft(cid="3"))] == [2]
    assert log.count == 3


def test_an_id_is_remembered_as_long_as_its_message() -> None:
    log = MemoryLog("identity", most=2)
    committed(log, draft(cid="1"), draft(cid="2"))
    assert isinstance(append_all(log, draft(cid="1"))[0], Duplicate)
    committed(log, draft(cid="3"))
    assert isinstance(append_all(log, draft(cid="1"))[0], Committed)


def test_rooms_are_bounded_too() -> None:
    """Without a bound, somebody who says one word in each of a million rooms fills the memory."""
    log = MemoryLog("identity", most_rooms=2)
    committed(log, draft(cid="1"), draft(cid="2", room=PORTO))
    outcomes = append_all(log, draft(cid="3", room=name("one-more")), draft(cid="4", room=PORTO))
    assert outcomes[0] == NotKept("storage_full")
    assert isinstance(outcomes[1], Committed)
    assert [each.room.fold for each in rooms(log)] == ["lobby", "porto"]
    assert isinstance(append_all(log, draft(cid="3"))[0], Committed)  # the id is free: nothing was kept
