"""Who is in a room, in order, and how many of them fit one event. What stands in line is in test_delivery.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.json_codec import to_payload
from chatcore.names import Name, parse_name
from chatcore.protocol import MOST_IN_A_LIST, Members
from chatcore.rooms import LIST_OVERHEAD, Roll, Room, as_many_as_fit, size_of_name
from tests.pure_chat import Driver

SHORTEST_FRAME = 1024
letters = st.sampled_from("abÁéßæ")
names = st.text(letters, min_size=1, max_size=4).map(parse_name)
distinct_names = st.lists(names.filter(bool), unique_by=lambda name: name.fold if name else "", max_size=12)


def called(text: str) -> Name:
    name = parse_name(text)
    assert name is not None
    return name


# ---------------------------------------------------------------- the roll


def test_names_stand_in_the_order_of_their_folds_and_are_shown_as_written() -> None:
    roll = Roll()
    for name in ("Zoe", "ana", "Édith", "bia"):
        roll.add(called(name))
    assert roll.page() == ["ana", "bia", "Édith", "Zoe"]
    assert len(roll) == 4


def test_removing_takes_out_that_name_alone() -> None:
    roll = Roll()
    for name in ("ana", "anab", "an"):
        roll.add(called(name))
    roll.remove(called("ana"))
    assert roll.page() == ["an", "anab"]


def test_a_page_begins_behind_a_fold_whether_somebody_has_it_or_not() -> None:
    roll = Roll()
    for name in ("ana", "bia", "caio"):
        roll.add(called(name))
    assert roll.page("bia") == ["caio"]
    assert roll.page("b") == ["bia", "caio"]
    assert roll.page("caio") == []
    assert roll.page(most=2) == ["ana", "bia"]


def test_a_page_is_at_most_200_names_long() -> None:
    roll = Roll()
    for number in range(MOST_IN_A_LIST + 1):
        roll.add(called(f"p{number:03}"))
    assert len(roll.page()) == MOST_IN_A_LIST == 200


@given(distinct_names, st.data())
def test_a_roll_is_a_sorted_list(coming: list[Name], data: st.DataObject) -> None:
    roll = Roll()
    for name in coming:
        roll.add(name)
    going = data.draw(st.lists(st.sampled_from(coming), unique=True)) if coming else []
    for name in going:
        roll.remove(name)
    staying = sorted(set(coming) - set(going), key=lambda name: name.fold)
    assert roll.page() == [name.shown for name in staying]
    after = data.draw(st.text(st.sampled_from("abe"), max_size=3))
    assert roll.page(after) == [name.shown for name in staying if name.fold > after]


# ---------------------------------------------------------------- what fits one event


def test_as_many_rows_as_fit_behind_the_overhead() -> None:
    frame = LIST_OVERHEAD + 10
    assert as_many_as_fit([4, 4, 2, 1], lambda row: row, frame) == [4, 4, 2]
    assert as_many_as_fit([4, 4, 3, 1], lambda row: row, frame) == [4, 4]  # in order: no later row slips in
    assert as_many_as_fit([], lambda row: row, frame) == []


@given(st.lists(st.text(st.sampled_from("aßếÁ"), min_size=1, max_size=32), max_size=60))
def test_a_list_of_names_is_never_longer_than_the_frame(given_names: list[str]) -> None:
    longest = "ế" * 32  # of any name: 96 bytes
    fitting = as_many_as_fit(given_names, size_of_name, SHORTEST_FRAME)
    assert len(to_payload(Members(longest, tuple(fitting), longest))) <= SHORTEST_FRAME
    assert bool(fitting) == bool(given_names)  # one always fits, so that asking again makes progress


# ---------------------------------------------------------------- a room


def test_a_new_room_is_empty_and_knows_how_far_its_history_goes() -> None:
    room = Room(Name("Sala", "sala"), 7)
    assert (room.name.shown, room.head, len(room.roll), room.live, len(room.line), room.batch) == (
        "Sala", 7, 0, {}, 0, []
    )  # fmt: skip


def test_a_room_exists_while_somebody_is_in_it_or_it_has_history() -> None:
    driver = Driver()
    ana, bia = driver.program("ana", "quiet", "loud"), driver.program("bia")
    ana.sends("loud", "oi")
    for _ in range(2):
        driver.settle()
        bia.says(type="rooms")
        driver.settle()
        ana.says(type="leave", room="quiet").says(type="leave", room="loud")
    assert [event["rooms"] for event in bia.of("rooms")] == [
        [{"room": "loud", "members": 1, "seq": 1}, {"room": "quiet", "members": 1, "seq": 0}],
        [{"room": "loud", "members": 0, "seq": 1}],
    ]
    assert not driver.chat.delivery.rooms  # and an empty one takes no memory


@pytest.mark.parametrize(("first", "second"), [("Sala", "sala"), ("João", "joao")])
def test_a_room_is_called_as_it_was_first_written(first: str, second: str) -> None:
    driver = Driver()
    ana = driver.program("ana", first).sends(first, "oi")
    driver.settle()
    bia = driver.program("bia", second)
    assert bia.told("joined")["room"] == first
    assert bia.told("message")["room"] == first
    ana.says(type="bye")
    bia.says(type="leave", room=second)
    driver.settle()
    assert driver.program("caio", second).told("joined")["room"] == first  # the log remembers
