"""The gate counts addresses: a whole class may come through one router, one program may not take it all."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatcore import gate
from chatcore.gate import Gate, group
from chatcore.limits import Limits

LIMITS = Limits()
HERE, THERE = "192.0.2.1", "198.51.100.7"


def open_gate(**limits: int) -> Gate:
    return Gate(replace(LIMITS, **limits))


def admitted(entrance: Gate, address: str, attempts: int, now: float = 0.0) -> int:
    """How many of so many are let in; those who are not leave at once."""
    count = 0
    for _ in range(attempts):
        if entrance.admit(address, now):
            count += 1
        else:
            entrance.release(address)
    return count


# ---------------------------------------------------------------- what counts as one address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),  # how an IPv6 socket shows an IPv4 peer
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::1", "fe80::/64"),
        ("127.0.0.1", None),
        ("127.255.0.9", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("a path, or something else", "a path, or something else"),
    ],
)
def test_what_counts_as_one_address(address: str, counted: str | None) -> None:
    assert group(address) == counted


def test_a_machine_with_many_ipv6_addresses_counts_once() -> None:
    entrance = open_gate(per_address=2)
    assert [entrance.admit(f"2001:db8::{number}", 0.0) for number in range(3)] == [True, True, False]
    assert entrance.admit("2001:db8:0:1::1", 0.0)  # the next network


def test_an_address_counts_once_however_it_is_written() -> None:
    entrance = open_gate(per_address=1)
    assert entrance.admit("192.0.2.1", 0.0)
    assert not entrance.admit("::ffff:192.0.2.1", 0.0)


# ---------------------------------------------------------------- how many


def test_100_at_once_from_one_address() -> None:
    """The default of 100, and another address has its own hundred."""
    entrance = open_gate()
    assert admitted(entrance, HERE, 150) == 100
    assert admitted(entrance, THERE, 150) == 100


def test_who_leaves_makes_room() -> None:
    entrance = open_gate(per_address=2)
    assert admitted(entrance, HERE, 3) == 2
    entrance.release(HERE)
    assert admitted(entrance, HERE, 3) == 1


def test_300_new_ones_a_minute_from_one_address() -> None:
    entrance = open_gate(per_address=0)
    assert admitted(entrance, HERE, 400) == 300
    assert admitted(entrance, HERE, 100, now=59.9) == 0
    assert admitted(entrance, THERE, 400, now=59.9) == 300
    assert admitted(entrance, HERE, 400, now=60.0) == 300  # a new minute


def test_coming_and_going_is_coming() -> None:
    entrance = open_gate(new_per_minute=3)
    for _ in range(3):
        assert entrance.admit(HERE, 0.0)
        entrance.release(HERE)
    assert not entrance.admit(HERE, 59.0)
    entrance.release(HERE)
    assert entrance.admit(HERE, 60.0)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_machine_itself_may_come_as_often_as_it_likes(address: str) -> None:
    entrance = open_gate(per_address=1, new_per_minute=1)
    assert admitted(entrance, address, 1_000) == 1_000


def test_0_switches_a_limit_off() -> None:
    assert admitted(open_gate(per_address=0, new_per_minute=0), HERE, 1_000) == 1_000
    assert admitted(open_gate(per_address=0, new_per_minute=50), HERE, 1_000) == 50
    assert admitted(open_gate(per_address=50, new_per_minute=0), HERE, 1_000) == 50


@pytest.mark.parametrize("address", [HERE, "127.0.0.1"])
def test_the_total_is_for_all_together(address: str) -> None:
    """Also for this machine itself: file descriptors end for everybody."""
    entrance = open_gate(connections=3)
    assert admitted(entrance, address, 2) == 2
    assert admitted(entrance, THERE, 5) == 1
    assert admitted(entrance, address, 5) == 0
    entrance.release(THERE)
    assert admitted(entrance, address, 5) == 1


def test_a_refused_one_counts_while_it_waits_for_its_answer() -> None:
    entrance = open_gate(per_address=1)
    assert entrance.admit(HERE, 0.0)
    assert not entrance.admit(HERE, 0.0)
    assert entrance.open == 2
    entrance.release(HERE)  # the admitted one leaves first
    assert not entrance.admit(HERE, 0.0)


def test_nothing_was_refused_yet() -> None:
    entrance = open_gate()
    assert (entrance.open, entrance.refused_total, entrance.refused_now) == (0, 0, 0)
    assert gate.MOST_REFUSED_AT_ONCE == 64  # as docs/decisions/numbers-that-are-no-limits.md says


# ---------------------------------------------------------------- the table is bounded


def addresses_known(entrance: Gate) -> int:
    return len(entrance._visits)


def test_the_table_of_addresses_is_bounded() -> None:
    entrance = open_gate()
    for number in range(gate.MOST_ADDRESSES + 100):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        assert entrance.admit(address, 0.0)
        entrance.release(address)
    assert addresses_known(entrance) == gate.MOST_ADDRESSES


def test_who_is_connected_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MOST_ADDRESSES", 2)
    entrance = open_gate(per_address=1)
    for address in (HERE, THERE, "10.0.0.1"):  # more than the table has room for, all connected
        assert entrance.admit(address, 0.0)
    assert addresses_known(entrance) == 3
    for address in (HERE, THERE, "10.0.0.1"):
        assert not entrance.admit(address, 0.0)
        entrance.release(address)
    entrance.release(THERE)
    assert entrance.admit("10.0.0.2", 0.0)  # takes the place of the one who left
    assert addresses_known(entrance) == 3
    assert entrance.admit(THERE, 0.0)


def test_an_address_without_a_name_is_not_forgotten_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Unix socket shows its peer as the empty string."""
    monkeypatch.setattr(gate, "MOST_ADDRESSES", 1)
    entrance = open_gate()
    assert entrance.admit("", 0.0)
    assert entrance.admit(HERE, 0.0)
    entrance.release("")
    entrance.release(HERE)
    assert entrance.open == 0


# ---------------------------------------------------------------- in any order

ADDRESSES = ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2", "127.0.0.1", "::1"]
SAME = {"::ffff:10.0.0.1": "10.0.0.1", "2001:db8::2": "2001:db8::1"}
LOOPBACK = {"127.0.0.1", "::1"}


class Model(RuleBasedStateMachine):
    """The gate against the plainest bookkeeping: lists of who is here and of who came when."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = open_gate(per_address=2, new_per_minute=4, connections=7)
        self.here: list[str] = []
        self.began: dict[str, float] = {}  # when the minute of an address began
        self.came: Counter[str] = Counter()  # in that minute
        self.now = 0.0

    @rule(seconds=st.sampled_from([0.5, 30.0, 59.5]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(address=st.sampled_from(ADDRESSES))
    def somebody_comes(self, address: str) -> None:
        one = SAME.get(address, address)
        if self.now - self.began.setdefault(one, self.now) >= 60:
            self.began[one], self.came[one] = self.now, 0
        self.here.append(address)
        self.came[one] += 1
        open_from_here = sum(SAME.get(other, other) == one for other in self.here)
        is_welcome = one in LOOPBACK or (open_from_here <= 2 and self.came[one] <= 4)
        assert self.gate.admit(address, self.now) is (is_welcome and len(self.here) <= 7)

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        address = data.draw(st.sampled_from(self.here))
        self.here.remove(address)
        self.gate.release(address)

    @invariant()
    def all_are_counted(self) -> None:
        assert self.gate.open == len(self.here)


TestGate = Model.TestCase
TestGate.settings = settings(stateful_step_count=30)
