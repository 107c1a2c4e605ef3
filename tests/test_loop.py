"""The five steps of a turn, on a real selector and real sockets, with a clock that the test turns."""

import selectors
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.loop import LONGEST_WAIT, MOST_LOOKS, READ, WRITE, Loop, Wakeup
from chatcore.timers import Timer


class Selector(selectors.DefaultSelector):
    """The system's selector. It notes how long it was asked to wait, and waits only when told so."""

    def __init__(self, diary: list[str]) -> None:
        super().__init__()
        self._diary = diary
        self.timeouts: list[float | None] = []
        self.waits = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._diary.append("select")
        self.timeouts.append(timeout)
        return super().select(timeout if self.waits else 0)


@dataclass
class Service:
    """Notes what the loop asked of it."""

    diary: list[str]
    busy: bool = False
    gathers: bool = False
    after_decode: Callable[[], object] = lambda: None

    def decode(self) -> bool:
        self.diary.append("decode")
        self.after_decode()
        return self.gathers

    def commit(self) -> None:
        self.diary.append("commit")

    def flush(self) -> None:
        self.diary.append("flush")


@dataclass
class Peer:
    """One end of a socket pair in the loop; the test holds the other."""

    diary: list[str]
    name: str
    ours: socket.socket
    theirs: socket.socket
    then: Callable[[], None] = lambda: None
    known: int = 0

    def ready(self, events: int) -> None:
        text = self.ours.recv(64).decode() if events & READ else ""
        self.diary.append(f"{self.name} {'r' * (events & READ)}{'w' * (events & WRITE > 0)} {text}".strip())
        self.then()


@dataclass
class Bench:
    """A loop with everything around it."""

    diary: list[str] = field(default_factory=list)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.selector = Selector(self.diary)
        self.service = Service(self.diary)
        self.loop = Loop(self.selector, lambda: self.now, self.service)
        self.sockets: list[socket.socket] = []

    def peer(self, name: str, interest: int = READ) -> Peer:
        ours, theirs = socket.socketpair()
        self.sockets += ours, theirs
        ours.setblocking(False)
        peer = Peer(self.diary, name, ours, theirs)
        self.want(peer, interest)
        return peer

    def want(self, peer: Peer, interest: int) -> None:
        self.loop.set_interest(peer.ours, peer.known, interest, peer)
        peer.known = interest

    def turn(self) -> list[str]:
        """What happened in one turn."""
        self.diary.clear()
        self.loop.turn()
        return self.diary[:]

    def note(self, what: str) -> Callable[[], None]:
        return lambda: self.diary.append(what)

    def close(self) -> None:
        self.selector.close()
        for sock in self.sockets:
            sock.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.close()


# ---------------------------------------------------------------- one turn


def test_the_five_steps_stand_in_order(bench: Bench) -> None:
    peer = bench.peer("ana")
    peer.theirs.send(b"oi")
    bench.loop.call_later(0.0, bench.note("timer"))
    assert bench.turn() == ["select", "ana r oi", "decode", "timer", "commit", "flush"]
    assert bench.turn() == ["select", "decode", "commit", "flush"]


def test_every_ready_socket_is_called_once_a_turn_before_anything_is_decoded(bench: Bench) -> None:
    peers = [bench.peer(name) for name in ("ana", "bia", "caio")]
    for peer in peers[:2]:
        peer.theirs.send(b"oi")
        peer.theirs.send(b"!")
    happened = bench.turn()
    assert sorted(happened[1:3]) == ["ana r oi!", "bia r oi!"]
    assert happened[3:] == ["decode", "commit", "flush"]


def test_reading_and_writing_are_reported_together(bench: Bench) -> None:
    peer = bench.peer("ana", READ | WRITE)
    assert bench.turn()[1] == "ana w"
    peer.theirs.send(b"oi")
    assert bench.turn()[1] == "ana rw oi"


def test_what_a_callback_sets_for_now_is_due_in_the_same_turn(bench: Bench) -> None:
    """Timers are step 3: a deadline that step 2 found to be over does not wait for another select."""
    peer = bench.peer("ana")

    def arm() -> None:
        bench.loop.call_later(0.0, bench.note("timer"))

    peer.then = arm
    peer.theirs.send(b"oi")
    assert bench.turn() == ["select", "ana r oi", "decode", "timer", "commit", "flush"]


def test_a_turn_is_counted_and_traced(bench: Bench) -> None:
    seen: list[tuple[str, dict[str, object]]] = []
    bench.loop.trace = lambda hook, /, **facts: seen.append((hook, facts))
    bench.peer("ana", WRITE)
    bench.turn()
    bench.loop.trace = None
    bench.turn()
    assert seen == [("turn", {"number": 1, "ready": 1})]
    assert bench.loop.turns == 2


# ---------------------------------------------------------------- a second look


def test_what_comes_while_a_room_is_to_be_told_shares_the_commit_and_the_flush(bench: Bench) -> None:
    peer = bench.peer("ana")
    peer.theirs.send(b"a")
    late = [b"b", b"c"]
    bench.service.gathers = True
    bench.service.after_decode = lambda: late and peer.theirs.send(late.pop(0))
    looks = ["select", "ana r a", "decode", "select", "ana r b", "decode", "select", "ana r c", "decode", "select"]
    assert bench.turn() == [*looks, "commit", "flush"]
    assert bench.selector.timeouts == [None, 0, 0, 0]  # only the first may wait
    assert bench.loop.turns == 1


def test_when_nobody_is_to_be_told_anything_there_is_no_second_look(bench: Bench) -> None:
    peer = bench.peer("ana")
    peer.theirs.send(b"a")
    bench.service.after_decode = lambda: peer.theirs.send(b"b")
    assert bench.turn() == ["select", "ana r a", "decode", "commit", "flush"]


def test_the_looks_of_a_turn_are_counted(bench: Bench) -> None:
    """Otherwise a room that never falls silent would wait for its first word for ever."""
    peer = bench.peer("ana")
    peer.theirs.send(b"a")
    bench.service.gathers = True
    bench.service.after_decode = lambda: bench.diary.count("decode") < 100 and peer.theirs.send(b"a")
    diary = bench.turn()
    assert diary.count("decode") == diary.count("select") == MOST_LOOKS
    assert diary[-3:] == ["decode", "commit", "flush"]


def test_room_to_write_is_not_input(bench: Bench) -> None:
    bench.peer("ana", READ | WRITE)
    bench.service.gathers = True
    assert bench.turn() == ["select", "ana w", "decode", "select", "commit", "flush"]


# ---------------------------------------------------------------- timers


def test_timers_that_renew_themselves_fire_once_a_turn_and_starve_nobody(bench: Bench) -> None:
    peer = bench.peer("ana")

    def renew() -> None:
        bench.diary.append("timer")
        bench.loop.call_later(0.0, renew)

    renew()
    for _ in range(3):
        peer.theirs.send(b"oi")
        assert bench.turn() == ["select", "ana r oi", "decode", "timer", "commit", "flush"]


def test_the_batch_is_taken_before_anything_is_called(bench: Bench) -> None:
    """Time that passes while timers run makes no further timer due in this turn."""

    def slow() -> None:
        bench.diary.append("slow")
        bench.now += 10.0

    bench.loop.call_later(1.0, slow)
    bench.loop.call_later(5.0, bench.note("next"))
    bench.now += 1.0
    assert bench.turn() == ["select", "decode", "slow", "commit", "flush"]
    assert bench.turn() == ["select", "decode", "next", "commit", "flush"]


def test_a_timer_may_cancel_another_of_the_same_batch(bench: Bench) -> None:
    timers: list[Timer] = []

    def cancel_all() -> None:
        for timer in timers:
            timer.cancel()

    timers += [bench.loop.call_later(0.0, cancel_all), bench.loop.call_later(0.0, bench.note("other"))]
    assert bench.turn() == ["select", "decode", "commit", "flush"]


def test_timers_fire_in_the_order_of_their_deadlines(bench: Bench) -> None:
    for delay in (3, 1, 2, 1):
        bench.loop.call_later(float(delay), bench.note(f"after {delay}"))
    bench.now += 3.0
    assert bench.turn()[2:-2] == ["after 1", "after 1", "after 2", "after 3"]


@pytest.mark.parametrize(("passed", "fires"), [(0.999, False), (1.0, True), (60.0, True)])
def test_a_timer_fires_at_its_delay_and_not_before(bench: Bench, passed: float, fires: bool) -> None:
    bench.loop.call_later(1.0, bench.note("timer"))
    bench.now += passed
    assert ("timer" in bench.turn()) is fires


# ---------------------------------------------------------------- how long select may wait


def test_with_nothing_to_do_only_a_socket_ends_the_wait(bench: Bench) -> None:
    bench.loop.call_later(1.0, bench.note("timer")).cancel()
    assert bench.loop.timeout() is None
    bench.turn()
    assert bench.selector.timeouts == [None]


def test_the_wait_ends_at_the_earliest_deadline(bench: Bench) -> None:
    bench.loop.call_later(8.0, bench.note("late"))
    early = bench.loop.call_later(2.0, bench.note("early"))
    assert bench.loop.timeout() == 2.0
    bench.now += 0.5
    assert bench.loop.timeout() == 1.5
    early.cancel()
    assert bench.loop.timeout() == 7.5


def test_an_overdue_timer_does_not_make_the_timeout_negative(bench: Bench) -> None:
    """A negative timeout means "for ever" to epoll."""
    bench.loop.call_later(1.0, bench.note("timer"))
    bench.now += 5.0
    assert bench.loop.timeout() == 0.0


def test_a_deadline_in_years_is_no_reason_to_fail(bench: Bench) -> None:
    """`--limit typing_seconds=1e10` means "never"; epoll takes 24 days at most and raises OverflowError for more."""
    bench.loop.call_later(1e10, bench.note("timer"))
    peer = bench.peer("ana")
    peer.theirs.send(b"oi")
    bench.selector.waits = True
    assert bench.turn() == ["select", "ana r oi", "decode", "commit", "flush"]
    assert bench.selector.timeouts == [LONGEST_WAIT]


def test_a_busy_service_is_not_kept_waiting(bench: Bench) -> None:
    bench.loop.call_later(2.0, bench.note("timer"))
    bench.service.busy = True
    assert bench.loop.timeout() == 0.0
    bench.turn()
    bench.service.busy = False
    bench.turn()
    assert bench.selector.timeouts == [0.0, 2.0]


durations = st.none() | st.integers(0, 5).map(float)


@given(timer=durations, at_most=durations, busy=st.booleans())
def test_the_shortest_of_all_waits_is_taken(timer: float | None, at_most: float | None, busy: bool) -> None:
    bench = Bench()
    if timer is not None:
        bench.loop.call_later(timer, bench.note("timer"))
    bench.service.busy = busy
    bench.loop.turn(at_most)
    waits = [wait for wait in (timer, at_most, 0.0 if busy else None) if wait is not None]
    assert bench.selector.timeouts == [min(waits, default=None)]
    bench.close()


# ---------------------------------------------------------------- run and stop


def test_stop_finishes_the_turn_in_progress(bench: Bench) -> None:
    peer = bench.peer("ana")
    peer.then = bench.loop.stop
    peer.theirs.send(b"sair")
    bench.loop.call_later(0.0, lambda: bench.diary.append(f"running: {bench.loop.running}"))
    bench.loop.run()
    assert bench.diary == ["select", "ana r sair", "decode", "running: False", "commit", "flush"]


def test_run_turns_until_it_is_stopped_and_may_run_again(bench: Bench) -> None:
    def count_down(left: int) -> None:
        if not left:
            bench.loop.stop()
        bench.loop.call_later(0.0, lambda: count_down(left - 1))

    count_down(3)
    bench.loop.run()
    assert (bench.loop.turns, bench.loop.running) == (3, False)
    count_down(2)
    bench.loop.run()
    assert (bench.loop.turns, bench.loop.running) == (5, False)


# ---------------------------------------------------------------- interest


@given(st.lists(st.sampled_from([0, READ, WRITE, READ | WRITE]), max_size=6))
def test_the_selector_knows_what_was_wanted_last(wishes: list[int]) -> None:
    bench = Bench()
    peer = bench.peer("ana")
    for wanted in wishes:
        if peer.known or wanted:
            bench.want(peer, wanted)
        registered = bench.selector.get_map().get(peer.ours)
        assert (registered.events if registered else 0) == wanted
        assert registered is None or registered.data is peer
    bench.close()


def test_who_wants_nothing_is_not_called(bench: Bench) -> None:
    """selectors refuse an empty interest set, so a paused peer is not registered at all."""
    peer = bench.peer("ana")
    peer.theirs.send(b"oi")
    bench.want(peer, 0)
    assert bench.turn() == ["select", "decode", "commit", "flush"]
    bench.want(peer, READ)
    assert bench.turn()[1] == "ana r oi"


# ---------------------------------------------------------------- signals

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def signals(bench: Bench) -> Iterator[list[int]]:
    """The numbers of the signals that arrived through a Wakeup."""
    arrived: list[int] = []
    wakeup = Wakeup(bench.loop, SIGNALS, arrived.append)
    yield arrived
    wakeup.close()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_one_more_readable_socket(bench: Bench, signals: list[int], number: signal.Signals) -> None:
    signal.raise_signal(number)  # SIGINT raises no KeyboardInterrupt, in the middle of whatever runs
    assert signals == []  # nothing happens outside of a turn
    bench.turn()
    assert signals == [number]
    bench.turn()
    assert signals == [number]


def test_signals_arrive_in_order_and_none_is_lost(bench: Bench, signals: list[int]) -> None:
    raised = [SIGNALS[index % 3 == 0] for index in range(100)]
    for number in raised:
        signal.raise_signal(number)
    bench.turn()
    bench.turn()  # one turn takes at most 64
    assert signals == raised


def test_more_signals_than_the_pair_can_hold_harm_nobody(bench: Bench, signals: list[int]) -> None:
    for _ in range(5_000):
        signal.raise_signal(signal.SIGTERM)
    bench.turn()
    assert set(signals) == {signal.SIGTERM}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
def test_a_signal_ends_a_select_that_is_waiting(bench: Bench) -> None:
    """A Python handler alone would not: PEP 475 restarts the system call."""
    arrived: list[int] = []
    wakeup = Wakeup(bench.loop, [signal.SIGALRM], arrived.append)
    bench.selector.waits = True
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    bench.loop.turn()  # without a wakeup this never returns
    wakeup.close()
    assert bench.selector.timeouts == [None]
    assert arrived == [signal.SIGALRM]


def test_close_gives_the_signals_back(bench: Bench) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    theirs, writer = socket.socketpair()
    writer.setblocking(False)
    outside = signal.set_wakeup_fd(writer.fileno())
    wakeup = Wakeup(bench.loop, SIGNALS, lambda number: None)
    assert [signal.getsignal(number) for number in SIGNALS] != before
    wakeup.close()
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert signal.set_wakeup_fd(outside) == writer.fileno()
    assert len(bench.selector.get_map()) == 0
    theirs.close()
    writer.close()
