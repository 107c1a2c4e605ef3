"""One timer for each peer: it fires, looks which deadline is up, if any, and is armed for the next."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatcore.clocks import Clocks
from chatcore.connection import Connection, Due, Signal
from chatcore.limits import Limits
from chatcore.timers import Timer, Timers

LIMITS = Limits()


class FakeLoop:
    """A clock that only tests move, and real timers on it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers = Timers()
        self.made: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None], /) -> Timer:
        assert delay >= 0
        timer = self.timers.add(self.now + delay, call)
        self.made.append(timer)
        return timer

    @property
    def live(self) -> list[Timer]:
        """Those that are still to fire."""
        return [timer for timer in self.made if timer.call is not None]

    def run(self, seconds: float) -> None:
        """Let time pass, from deadline to deadline as a loop would; a thousand timers are too many."""
        end = self.now + seconds
        for _ in range(1_000):
            when = self.timers.next_deadline()
            if when is None or when > end:
                self.now = end
                return
            self.now = max(self.now, when)
            self.fire()
        pytest.fail("the timers do not come to rest")

    def fire(self) -> None:
        """What is due now."""
        for timer in self.timers.take_due(self.now):
            call, timer.call = timer.call, None
            if call is not None:
                call()


class Scene:
    """A loop, its clocks, one peer, and what was reported about it."""

    def __init__(self, opening: bytes = b"{") -> None:
        self.loop = FakeLoop()
        self.reached: list[tuple[float, Due]] = []
        self.clocks = Clocks(self.loop, self.note)
        self.peer = Connection(1, "192.0.2.1", LIMITS, self.loop.now, dirty={})
        self.began = self.loop.now
        if opening:
            self.peer.receive(opening, self.loop.now)
        self.react: Callable[[Due], None] = self.as_the_chat_would

    def note(self, peer: Connection, due: Due) -> None:
        assert peer is self.peer
        self.reached.append((self.loop.now - self.began, due))
        self.react(due)

    def as_the_chat_would(self, due: Due) -> None:
        match due:
            case Due.PING:
                self.peer.pinged_at = self.loop.now
            case Due.RESUME:
                self.peer.resume_at = None
            case Due.TIMEOUT | Due.TOO_SLOW:
                self.peer.go(Signal.FINISH, self.loop.now)
            case Due.GIVE_UP:
                self.peer.go(Signal.GONE, self.loop.now)

    def greet(self) -> None:
        self.peer.next_command(self.loop.now)
        self.peer.go(Signal.HELLO, self.loop.now)


def test_the_time_is_that_of_the_loop() -> None:
    scene = Scene()
    scene.loop.now = 7.5
    assert scene.clocks.now() == 7.5


def test_a_silent_program_is_pinged_dropped_and_given_up() -> None:
    scene = Scene(b"")
    scene.peer.receive(b"{}\n", scene.began)
    scene.greet()
    scene.clocks.arm(scene.peer)
    scene.loop.run(1_000)
    assert scene.reached == [(30, Due.PING), (60, Due.TIMEOUT), (70, Due.GIVE_UP)]
    assert scene.loop.live == []
    assert scene.peer.is_closed


def test_one_that_never_says_hello() -> None:
    scene = Scene()
    scene.clocks.arm(scene.peer)
    scene.loop.run(1_000)
    assert scene.reached == [(10, Due.TIMEOUT), (20, Due.GIVE_UP)]


def test_without_a_deadline_there_is_no_timer() -> None:
    """A person who chats in text may be silent for hours."""
    scene = Scene(b"ana\n")
    scene.greet()
    scene.clocks.arm(scene.peer)
    assert scene.loop.made == []
    assert scene.peer.timer is None


def test_arming_again_makes_no_second_timer() -> None:
    scene = Scene()
    for _ in range(10):
        scene.clocks.arm(scene.peer)
    assert len(scene.loop.made) == 1


def test_an_earlier_deadline_replaces_the_timer() -> None:
    scene = Scene(b"")
    scene.clocks.arm(scene.peer)  # 60 seconds, as for a person
    first = scene.peer.timer
    scene.peer.receive(b"{", scene.began)
    scene.clocks.arm(scene.peer)  # 10 seconds, as for a program
    assert scene.peer.timer is not first
    assert [timer.when for timer in scene.loop.live] == [scene.began + 10]


def test_a_timer_is_not_moved_when_something_arrives() -> None:
    """200,000 messages must not leave 200,000 tombstones: the old timer fires early and looks again."""
    scene = Scene(b"{}\n")
    scene.greet()
    scene.clocks.arm(scene.peer)
    for second in range(1, 101):
        scene.loop.run(1)
        scene.peer.receive(b" ", scene.began + second)
        scene.clocks.arm(scene.peer)
    assert scene.reached == []
    assert len(scene.loop.made) < 8  # one at the start, and one in each 30 seconds or so


def test_firing_early_means_nothing() -> None:
    """asyncio's clock is coarse: a call may come a moment before its time."""
    scene = Scene()
    scene.clocks.arm(scene.peer)
    (early,) = scene.loop.live
    call, early.call = early.call, None
    scene.loop.now = scene.began + 10 - 1e-6
    assert call is not None
    call()
    assert scene.reached == []
    assert [timer.when for timer in scene.loop.live] == [scene.began + 10]
    scene.loop.run(1)
    assert scene.reached == [(10, Due.TIMEOUT)]


def test_a_late_timer_fires_at_once() -> None:
    scene = Scene()
    scene.loop.now += 1_000
    scene.clocks.arm(scene.peer)
    assert [timer.when for timer in scene.loop.live] == [scene.loop.now]


def test_one_deadline_at_a_time() -> None:
    """After the first, the others may mean nothing any more: here the peer is closing already."""
    scene = Scene(b"{}\n")
    scene.greet()
    scene.peer.slow_since = scene.began
    scene.peer.resume_at = scene.began + 1
    scene.clocks.arm(scene.peer)
    scene.loop.now += 5_000  # the loop was busy: everything is up
    scene.loop.fire()
    assert len(scene.reached) == 1
    scene.loop.fire()
    assert len(scene.reached) == 2
    assert len(set(scene.reached)) == 2


def test_what_a_deadline_does_may_arm_the_clock_itself() -> None:
    scene = Scene()

    def close(due: Due) -> None:
        scene.as_the_chat_would(due)
        scene.clocks.arm(scene.peer)

    scene.react = close
    scene.clocks.arm(scene.peer)
    scene.loop.run(10)
    assert len(scene.loop.live) == 1
    scene.loop.run(1_000)
    assert scene.reached == [(10, Due.TIMEOUT), (20, Due.GIVE_UP)]


def test_after_we_listen_again_silence_counts_anew() -> None:
    scene = Scene(b"{}\n")
    scene.greet()
    scene.clocks.arm(scene.peer)
    scene.peer.is_held_up = True
    scene.loop.run(500)
    assert scene.reached == []
    scene.peer.is_held_up = False
    scene.clocks.listen_again(scene.peer)
    scene.loop.run(500)
    assert scene.reached == [(530, Due.PING), (560, Due.TIMEOUT), (570, Due.GIVE_UP)]


def test_after_we_listen_again_half_a_frame_has_its_time_anew() -> None:
    """It could not go on while we did not read: the idle and half-frame clocks stand still."""
    scene = Scene(b'{}\n{"type":')
    scene.greet()
    scene.peer.next_command(scene.began)  # half a frame waits for the rest
    scene.clocks.arm(scene.peer)
    scene.loop.run(25)
    scene.peer.slow_since = scene.loop.now  # it reads too slowly, so we do not read either
    scene.loop.run(9)
    scene.peer.slow_since = None
    scene.clocks.listen_again(scene.peer)
    scene.loop.run(5)
    assert scene.reached == []  # 39 seconds after it began, 9 of which do not count


class Model(RuleBasedStateMachine):
    """Whatever happens to a peer, in any order: one timer at most, and no deadline is missed."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(b"")
        self.scene.clocks.arm(self.scene.peer)

    @property
    def peer(self) -> Connection:
        return self.scene.peer

    @rule(seconds=st.sampled_from([0.0, 0.2, 1.0, 9.0, 29.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        self.scene.loop.run(seconds)

    @rule(data=st.sampled_from([b"{}\n", b"{", b"ana\n"]))
    def bytes_come(self, data: bytes) -> None:
        if self.peer.is_open:
            self.peer.receive(data, self.scene.loop.now)
            while self.peer.next_command(self.scene.loop.now) is not None:
                pass
            if self.peer.dialect is not None and self.peer.state.value == "greeting":
                self.peer.go(Signal.HELLO, self.scene.loop.now)
            self.scene.clocks.arm(self.peer)

    @rule()
    def it_spends_its_rate(self) -> None:
        if self.peer.is_open:
            while self.peer.pay(self.scene.loop.now):
                pass
            self.scene.clocks.arm(self.peer)

    @rule()
    def it_becomes_slow_or_quick(self) -> None:
        if self.peer.slow_since is None:
            self.peer.slow_since = self.scene.loop.now
            self.scene.clocks.arm(self.peer)
        else:
            self.peer.slow_since = None
            self.scene.clocks.listen_again(self.peer)

    @rule()
    def it_is_held_up_or_goes_on(self) -> None:
        self.peer.is_held_up = not self.peer.is_held_up
        if not self.peer.is_held_up:
            self.scene.clocks.listen_again(self.peer)

    @invariant()
    def there_is_one_timer_at_most(self) -> None:
        live = self.scene.loop.live
        assert len(live) <= 1
        assert live == ([self.peer.timer] if self.peer.timer is not None else [])

    @invariant()
    def no_deadline_is_missed(self) -> None:
        """The timer fires no later than the earliest deadline that runs."""
        earliest = min((when for when, _ in self.peer.deadlines()), default=None)
        if earliest is not None:
            (timer,) = self.scene.loop.live
            assert timer.when <= max(earliest, self.scene.loop.now) + 1e-6


TestClocks = Model.TestCase
TestClocks.settings = settings(stateful_step_count=30)
