"""Who was not there gets what it missed, once and in order, and then hears what is live.

Most tests run three times: with a log that answers within the turn, and with a log on another machine
whose answers, or whose requests, are late.
"""

import pytest

from chatcore.log import MemoryLog
from chatcore.replay import PAGE_MESSAGES, PAGES_PER_TURN
from tests.house import LOGS, House
from tests.pure_chat import TEXT, SlowLog


@pytest.fixture(params=LOGS)
def house(request: pytest.FixtureRequest) -> House:
    return House(LOGS[request.param]())


# ---------------------------------------------------------------- where a replay begins


@pytest.mark.parametrize(("after", "first"), [(0, 1), (1, 2), (29, 30), (30, 31), (31, 31), (10**30, 31), (None, 11)])
def test_after(house: House, after: int | None, first: int) -> None:
    house.past("sala", 30)
    ana = house.program("ana")
    ana.says(type="join", room="sala", **({} if after is None else {"after": after}))
    house.settle()
    joined = ana.told("joined")
    assert (joined["first"], joined["seq"]) == (first, 30)
    assert ana.seqs("sala") == list(range(first, 31))
    assert house.driver.chat.stats().figures["catching_up"] == 0


def test_left_out_in_a_short_history_is_all_of_it(house: House) -> None:
    house.past("sala", 3)
    assert house.program("ana", "sala").seqs("sala") == [1, 2, 3]


def test_in_a_room_without_history_first_is_one_and_seq_zero(house: House) -> None:
    joined = house.program("ana", "sala").told("joined")
    assert (joined["first"], joined["seq"]) == (1, 0)


@pytest.mark.parametrize("slow", [False, True])
def test_first_is_where_the_replay_really_starts_when_older_messages_are_gone(slow: bool) -> None:
    log = MemoryLog("log-1", most=5)
    house = House(SlowLog(log) if slow else log)
    house.past("sala", 12)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=3)
    house.settle()
    assert (ana.told("joined")["first"], ana.told("joined")["seq"]) == (8, 12)
    assert ana.seqs("sala") == [8, 9, 10, 11, 12]


def test_a_room_all_of_whose_messages_are_gone_goes_on_counting() -> None:
    house = House(MemoryLog("log-1", most=2))
    house.past("sala", 5)
    house.past("outra", 3)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0)
    house.settle()
    assert (ana.told("joined")["first"], ana.told("joined")["seq"]) == (6, 5)
    ana.sends("sala", "next")
    house.settle()
    assert ana.seqs("sala") == [6]


def test_messages_that_are_trimmed_while_one_catches_up_leave_no_gap() -> None:
    """What was promised by `first` may be gone before it is pulled: then the client is told anew where it is."""
    house = House(MemoryLog("log-1", most=100), low_water=1024)
    house.past("sala", 100)
    ana, bia = house.program("ana"), house.program("bia", "other")
    ana.takes = 0
    ana.says(type="join", room="sala", after=0)
    house.wait()
    bia.sends("other", *(f"o{number}" for number in range(90)))  # the oldest of `sala` go
    house.wait()
    ana.takes = None
    house.settle()
    last = 0
    for event in ana.of("joined", "message"):
        if event["type"] == "joined":
            last = event["first"] - 1
        else:
            assert event["seq"] == last + 1, f"{event['seq']} comes behind {last}"
            last += 1
    assert last == 100


@pytest.mark.parametrize("is_person", [False, True])
def test_when_all_that_was_promised_is_trimmed_one_is_told_so_and_is_at_the_head(is_person: bool) -> None:
    """A person was told no numbers, and need not be told anew where he is."""
    house = House(MemoryLog("log-1", most=100), low_water=100)
    house.past("lobby", 100)
    bia = house.program("bia", "other")
    ana = house.driver.connect(TEXT).says("ana") if is_person else house.program("ana")
    ana.takes = 0
    if not is_person:
        ana.says(type="join", room="lobby", after=0)
    house.wait()
    bia.sends("other", *(f"o{number}" for number in range(100)))
    house.wait()
    ana.takes = None
    house.settle()
    house.program("caio", "lobby").sends("lobby", "next")
    house.settle()
    if is_person:
        assert [line for line in ana.lines if line.startswith("* you are")] == ["* you are ana, in lobby (/help)"]
        assert ana.lines[-2:] == ["* caio entered", "caio: next"]
    else:
        assert [(event["first"], event["seq"]) for event in ana.of("joined")] == [(1, 100), (101, 100)]
        assert ana.seqs("lobby")[-1] == 101


# ---------------------------------------------------------------- replay and live


def test_replay_and_live_meet_without_gap_or_repeat(house: House) -> None:
    """While one pulls page after page, others go on talking."""
    house.past("sala", 3 * PAGE_MESSAGES)
    bia = house.program("bia", "sala")
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0)
    for number in range(100):
        bia.sends("sala", f"live {number}")
        house.driver.turn()
        if house.slow:
            house.slow.answer(1 + number % 3)
    house.settle()
    assert ana.seqs("sala") == list(range(1, 3 * PAGE_MESSAGES + 101))
    assert bia.seqs("sala")[20:] == list(range(3 * PAGE_MESSAGES + 1, 3 * PAGE_MESSAGES + 101))


def test_a_slow_reader_catches_up_page_by_page_and_what_is_live_waits_in_the_log(house: House) -> None:
    house.past("sala", 400)
    bia, ana = house.program("bia", "sala"), house.program("ana")
    ana.takes = 500
    ana.says(type="join", room="sala", after=0)
    most = 0
    for number in range(150):
        bia.sends("sala", f"live {number} " + "x" * 200)
        house.driver.turn()
        if house.slow:
            house.slow.answer()
        most = max(most, ana.connection.queue.size)
    assert most < house.driver.limits.low_water + 1024
    ana.takes = None
    house.settle()
    assert ana.seqs("sala") == list(range(1, 551))


def test_catching_up_in_two_rooms_at_once(house: House) -> None:
    house.past("sala", 100)
    house.past("outra", 100)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0).says(type="join", room="outra", after=50)
    house.settle()
    assert ana.seqs("sala") == list(range(1, 101))
    assert ana.seqs("outra") == list(range(51, 101))


def test_who_leaves_or_joins_anew_while_a_page_is_on_its_way_gets_no_stale_one() -> None:
    log = SlowLog(is_early=True)
    house = House(log)
    house.past("sala", 100)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0)
    house.wait()
    log.answer()
    house.wait()  # the page is on its way
    ana.says(type="join", room="sala", after=98)
    house.wait()
    log.answer()
    house.settle()
    joined = [index for index, event in enumerate(ana.events) if event["type"] == "joined"]
    assert [event["seq"] for event in ana.events[joined[-1] + 1 :]] == [99, 100]


def test_who_leaves_while_catching_up_hears_first_what_was_promised() -> None:
    """`joined` announced it, and the answer to a retry may be in it."""
    log = SlowLog(is_early=True)
    house = House(log)
    house.past("sala", 100)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0)
    house.wait()
    log.answer()
    house.wait()
    ana.says(type="leave", room="sala")
    house.wait()
    assert ana.events[-1]["type"] == "joined"
    house.settle()
    assert ana.seqs("sala") == list(range(1, 101))
    assert ana.events[-1]["type"] == "left"


@pytest.mark.parametrize("is_early", [False, True])
def test_a_page_may_hold_what_was_not_delivered_yet(is_early: bool) -> None:
    """The log's answers, "it is kept" and the page that has it already, arrive in one turn: it is heard once."""
    log = SlowLog(is_early=is_early)
    house = House(log)
    house.past("sala", 3)
    ana, bia = house.program("ana"), house.program("bia", "sala")
    ana.says(type="join", room="sala", after=0)
    house.wait()
    bia.sends("sala", "live")
    log.answer(1)  # ana is let in, and pulls in the turn in which bia speaks
    house.driver.turn()
    assert log.owes == 2
    log.answer(2)
    house.settle()
    assert ana.seqs("sala") == [1, 2, 3, 4]
    assert bia.seqs("sala") == [1, 2, 3, 4]


def test_what_the_speaker_says_while_catching_up_comes_in_its_place(house: House) -> None:
    house.past("sala", 200)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0).sends("sala", "mine")
    house.settle()
    assert ana.seqs("sala") == list(range(1, 202))


def test_who_comes_while_one_catches_up_is_known_before_he_speaks(house: House) -> None:
    """Live events are not queued for who catches up; but nobody may speak before it was said that he is there."""
    house.past("sala", 300)
    ana, bia = house.program("ana"), house.program("bia")
    ana.takes = 0
    ana.says(type="join", room="sala", after=0)
    house.settle()
    bia.says(type="join", room="sala")
    house.settle()
    ana.takes = None
    house.settle()
    bia.sends("sala", "here I am")
    house.settle()
    known = {name for event in ana.of("joined") for name in event["members"]}
    known |= {event["name"] for event in ana.of("entered")}
    assert ana.of("message")[-1]["from"] == "bia"
    assert "bia" in known


def test_many_who_catch_up_take_turns() -> None:
    house = House(MemoryLog("log-1"))
    house.past("sala", 100)
    peers = [house.program(f"p{number}") for number in range(PAGES_PER_TURN + 5)]
    for peer in peers:
        peer.says(type="join", room="sala", after=0)
    house.driver.turn()
    assert sum(bool(peer.of("message")) for peer in peers) == PAGES_PER_TURN
    house.settle()
    assert all(peer.seqs("sala") == list(range(1, 101)) for peer in peers)


def test_a_page_for_a_place_that_was_given_up_is_not_used() -> None:
    """It was asked after the new place, and comes when that is known."""
    log = SlowLog(is_early=True)
    house = House(log, low_water=1024)
    house.past("sala", 300)
    ana = house.program("ana")
    ana.takes = 0
    ana.says(type="join", room="sala", after=0)
    house.settle()
    ana.takes = None
    ana.says(type="join", room="sala", after=298)
    house.settle()
    ana.forget()
    assert not ana.connection.rooms["sala"]
    for after in (290, 299):  # the second asks for its place before the page for the first is asked
        ana.says(type="join", room="sala", after=after)
    house.settle()
    assert [event["first"] for event in ana.of("joined")] == [291, 300]
    assert ana.seqs("sala") == [300]


def test_a_page_that_is_on_its_way_is_not_asked_again() -> None:
    log = SlowLog()
    house = House(log)
    house.past("sala", 100)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0)
    house.wait()
    log.answer()
    house.wait()
    assert log.owes == 1
    ana.says(type="ping")  # its queue is looked at, and is low
    house.wait()
    assert log.owes == 1


def test_a_page_for_one_who_is_gone_is_not_used() -> None:
    log = SlowLog(is_early=True)
    house = House(log)
    house.past("sala", 100)
    ana = house.program("ana")
    ana.says(type="join", room="sala", after=0)
    house.wait()
    log.answer()
    house.wait()
    assert log.owes, "the page is on its way"
    ana.resets()
    house.settle()
    assert not ana.of("message")
    assert not house.driver.chat.is_busy


def test_who_is_lost_while_catching_up_is_forgotten() -> None:
    """One does not read, one has its first page still to pull."""
    house = House(MemoryLog("log-1"))
    house.past("sala", 300)
    peers = [house.program(f"p{number}") for number in range(PAGES_PER_TURN + 1)]
    for peer in peers:
        peer.takes = 0
        peer.says(type="join", room="sala", after=0)
    house.driver.turn()
    assert house.driver.chat.stats().figures["catching_up"] == len(peers)
    for peer in peers:
        peer.resets()
    house.settle()
    assert house.driver.chat.stats().figures["catching_up"] == 0


def test_who_goes_back_in_a_room_hears_what_is_said_meanwhile_in_its_place(house: House) -> None:
    """A member that was live, asks for the past and reads it slowly, is live no more until it is at the head."""
    house.past("sala", 300)
    bia, ana = house.program("bia", "sala"), house.program("ana", "sala")
    ana.forget()
    ana.takes = 0
    ana.says(type="join", room="sala", after=0)
    house.settle()
    bia.sends("sala", "meanwhile")
    house.settle()
    ana.takes = None
    house.settle()
    assert ana.seqs("sala") == list(range(1, 302))


def test_who_goes_while_one_catches_up_is_told_at_the_head_after_the_last_word(house: House) -> None:
    house.past("sala", 300)
    bia, caio = house.program("bia", "sala"), house.program("caio", "sala")
    ana = house.program("ana")
    ana.takes = 0
    ana.says(type="join", room="sala", after=0)
    house.settle()
    bia.sends("sala", "my last word").says(type="leave", room="sala")
    caio.says(type="leave", room="sala")
    house.settle()
    caio.says(type="join", room="sala")  # nothing has happened, as far as ana can see
    house.settle()
    ana.takes = None
    house.settle()
    told = [f"{event['type']} {event.get('from', event.get('name'))}" for event in ana.events[-2:]]
    assert told == ["message bia", "left bia"]
    assert not ana.of("entered")


def test_who_goes_and_comes_again_under_another_spelling_has_not_gone(house: House) -> None:
    house.past("sala", 300)
    joao, ana = house.program("João", "sala"), house.program("ana")
    ana.takes = 0
    ana.says(type="join", room="sala", after=0)
    house.settle()
    joao.says(type="bye")
    house.settle()
    house.program("joao", "sala")
    ana.takes = None
    house.settle()
    assert not ana.of("entered", "left")
