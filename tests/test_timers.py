"""The heap of timers against the simplest model: a list that is sorted when somebody asks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from chatcore.timers import Timer, Timers


class Model(RuleBasedStateMachine):
    """Adds, cancels and takes, in any order, with few distinct times so that ties are common."""

    armed = Bundle("armed")

    def __init__(self) -> None:
        super().__init__()
        self.timers = Timers()
        self.live: list[tuple[float, int, Timer]] = []  # in the order they were added
        self.added = 0
        self.now = 0.0
        self.fired: list[int] = []

    @rule(target=armed, when=st.integers(0, 8))
    def add(self, when: int) -> Timer:
        self.added += 1
        number = self.added
        timer = self.timers.add(float(when), lambda: self.fired.append(number))
        assert timer.when == when
        self.live.append((when, number, timer))
        return timer

    @rule(timer=armed)
    def cancel(self, timer: Timer) -> None:
        """Also one that has fired, and one that was cancelled before."""
        timer.cancel()
        self.live = [entry for entry in self.live if entry[2] is not timer]

    @rule(step=st.integers(0, 3))
    def time_passes(self, step: int) -> None:
        self.now += step

    @rule()
    def take_due(self) -> None:
        due = sorted(entry[:2] for entry in self.live if entry[0] <= self.now)
        self.live = [entry for entry in self.live if entry[0] > self.now]
        self.fired.clear()
        for timer in self.timers.take_due(self.now):
            assert timer.when <= self.now
            if timer.call is not None:
                timer.call()
        assert self.fired == [number for _, number in due]

    @invariant()
    def the_next_deadline_is_that_of_the_earliest_live_timer(self) -> None:
        assert self.timers.next_deadline() == min((when for when, *_ in self.live), default=None)


TestTimers = Model.TestCase
TestTimers.settings = settings(stateful_step_count=25)


def test_nothing_is_due_when_nothing_is_armed() -> None:
    timers = Timers()
    assert timers.next_deadline() is None
    assert timers.take_due(1e9) == []


@pytest.mark.parametrize(("now", "is_due"), [(0.999, False), (1.0, True), (1.001, True)])
def test_a_timer_is_due_from_its_moment_on(now: float, is_due: bool) -> None:
    timers = Timers()
    timer = timers.add(1.0, lambda: None)
    assert timers.take_due(now) == ([timer] if is_due else [])
    assert timers.take_due(now) == []


@given(st.lists(st.integers(0, 3)))
def test_the_earliest_is_first_and_equal_deadlines_keep_their_order(deadlines: list[int]) -> None:
    timers = Timers()
    added = [timers.add(when, lambda: None) for when in deadlines]
    assert timers.take_due(3) == sorted(added, key=lambda timer: timer.when)


def test_a_timer_that_arms_itself_again_for_now_is_not_in_the_same_batch() -> None:
    timers = Timers()

    def rearm() -> None:
        timers.add(0.0, rearm)

    rearm()
    for _ in range(3):
        (timer,) = timers.take_due(0.0)
        assert timer.call is not None
        timer.call()


def test_a_cancelled_timer_lets_go_of_what_it_would_have_called() -> None:
    """A tombstone may lie in the heap for long, and must not keep a connection alive."""
    timer = Timers().add(5.0, lambda: None)
    timer.cancel()
    assert timer.call is None


def test_tombstones_go_when_they_come_up() -> None:
    timers = Timers()
    for timer in [timers.add(float(when), lambda: None) for when in range(1_000)]:
        timer.cancel()
    last = timers.add(2_000.0, lambda: None)
    assert timers.next_deadline() == 2_000.0
    assert timers.take_due(2_000.0) == [last]  # and not the thousand
