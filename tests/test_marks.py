"""Who is too slow, judged by what the kernel did not take: docs/how-it-works/backpressure.md."""

from typing import Any

import pytest

from tests.pure_chat import LENGTHS, LINES, TEXT, Driver, Peer, SlowLog

# In the proportions of the defaults, sixteen times smaller.
SMALL: dict[str, Any] = {
    "frame": 2048, "text": 512, "high_water": 4096, "low_water": 1024, "ceiling": 16384, "total_queue": 65536,
    "turn_bytes": 2048, "rate": 0.0,
}  # fmt: skip
LONG = "x" * 500


def stalled(driver: Driver, name: str, *rooms: str, kind: str = LINES) -> Peer:
    """A member of `rooms` that from now on reads nothing."""
    peer = driver.program(name, *rooms, kind=kind) if kind != TEXT else driver.person(name, *rooms)
    peer.takes = 0
    return peer


def talk(driver: Driver, speaker: Peer, room: str, bytes_of_text: int) -> None:
    """`speaker` says so much, one text of 500 bytes in each turn."""
    for _ in range(bytes_of_text // len(LONG)):
        speaker.says(type="send", room=room, cid=driver._new_id(), text=LONG)
        driver.settle()


def is_reading(driver: Driver, peer: Peer) -> bool:
    return peer.connection.wants_read


# ---------------------------------------------------------------- each peer


def test_above_high_water_we_stop_reading_from_that_peer_and_at_low_water_all_is_normal_again() -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala")
    talk(driver, ana, "sala", 3000)
    assert bia.connection.queue.size <= driver.limits.high_water
    assert is_reading(driver, bia)
    talk(driver, ana, "sala", 2000)
    assert bia.connection.queue.size > driver.limits.high_water
    assert not is_reading(driver, bia)
    assert is_reading(driver, ana)

    bia.takes = bia.connection.queue.size - driver.limits.low_water - 1  # one byte too few
    driver.turn()
    assert not is_reading(driver, bia)
    bia.takes = 1
    driver.turn()
    assert is_reading(driver, bia)
    bia.takes = None
    driver.pass_time(60)  # the clock of the stall has been stopped; pings tell nothing here
    assert "slow_consumer" not in [event["reason"] for event in bia.of("bye")]


def test_what_a_slow_reader_asked_for_waits_until_it_has_read() -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala")
    talk(driver, ana, "sala", 5000)
    bia.says(type="ping", data="late")
    driver.settle()
    assert bia.on_its_way  # not even received
    bia.takes = None
    driver.settle()
    assert bia.events[-1] == {"type": "pong", "data": "late"}


def test_a_stall_is_no_silence_and_after_it_the_clocks_begin_anew() -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala")
    driver.pass_time(25)
    ana.says(type="pong")
    talk(driver, ana, "sala", 5000)
    driver.pass_time(9)
    bia.takes = None
    driver.settle()
    driver.pass_time(29.9)
    assert not bia.of("ping")
    driver.pass_time(0.2)
    assert bia.of("ping")


def test_above_the_marks_for_too_long_is_too_slow() -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala")
    driver.pass_time(15)  # no other clock of theirs is up when this one is
    talk(driver, ana, "sala", 5000)
    driver.pass_time(driver.limits.drain_seconds - 0.01)
    assert not ana.of("left")
    driver.pass_time(0.02)
    assert ana.told("left") == {"type": "left", "room": "sala", "name": "bia", "reason": "slow_consumer"}
    bia.takes = None
    driver.settle()
    assert bia.events[-1] == {"type": "bye", "reason": "slow_consumer"}


def test_below_the_high_water_mark_one_may_sleep_as_long_as_one_is_alive() -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala")
    talk(driver, ana, "sala", 2000)
    for _ in range(20):
        bia.says(type="pong")
        ana.says(type="pong")
        driver.pass_time(15)
    assert not ana.of("left")


def test_above_the_ceiling_it_is_over_at_once() -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala")
    while not ana.of("left"):
        assert bia.connection.queue.size <= driver.limits.ceiling
        talk(driver, ana, "sala", 500)
    assert ana.told("left")["reason"] == "slow_consumer"
    assert len(ana.of("message")) > driver.limits.ceiling / 700


@pytest.mark.parametrize(
    ("left", "is_read_from", "is_open"),
    [(4096, True, True), (4097, False, True), (16384, False, True), (16385, True, False)],
    ids=["high water", "above it", "the ceiling", "above that: it is read to its end"],
)
def test_a_mark_is_passed_by_one_byte_more(left: int, is_read_from: bool, is_open: bool) -> None:
    """The total is as high as the ceiling here: at that mark, too, nobody has to go."""
    driver = Driver(**{**SMALL, "total_queue": SMALL["ceiling"]})
    connection = stalled(driver, "bia", "sala").connection
    connection.queue.push(b"x" * (left - connection.queue.size))
    driver.chat.judge([connection])
    assert (connection.wants_read, connection.is_open) == (is_read_from, is_open)


def test_the_marks_are_judged_after_the_flush_and_never_before_it() -> None:
    """What was said to a reader in one turn may be more than its marks: its kernel takes it."""
    driver = Driver(**{**SMALL, "turn_bytes": 4096, "high_water": 1100, "low_water": 1000})
    bia = driver.program("bia", "sala")
    for speaker in [driver.program(f"p{number}", "sala") for number in range(8)]:
        speaker.says(type="send", room="sala", cid="1", text=LONG)
    biggest = 0
    while driver.has_work:
        before = len(bia.heard)
        driver.turn()
        biggest = max(biggest, len(bia.heard) - before)
        assert bia.connection.slow_since is None
    assert biggest > driver.limits.high_water
    assert not bia.of("bye")


@pytest.mark.parametrize("kind", [LINES, LENGTHS, TEXT])
def test_the_frame_that_is_half_sent_is_finished_the_others_are_dropped_and_bye_is_appended(kind: str) -> None:
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), stalled(driver, "bia", "sala", kind=kind)
    ana.says(type="send", room="sala", cid="first", text="half")
    driver.settle()
    bia.takes = 5
    driver.turn()
    bia.takes = 0
    ana.sends("sala", "never")
    driver.settle()
    driver.chat.close(bia.connection, "slow_consumer")
    bia.takes = None
    driver.settle()
    if kind == TEXT:
        assert bia.lines[-2:] == ["ana: half", "! you read more slowly than the others write: bye"]
    else:
        assert [event.get("text", event.get("reason")) for event in bia.events[-2:]] == ["half", "slow_consumer"]
    assert b"never" not in bia.heard


def test_single_messages_are_never_dropped() -> None:
    """A slow reader gets a run of what was said, and then the end."""
    driver = Driver(**SMALL)
    ana, bia = driver.program("ana", "sala"), driver.program("bia", "sala")
    bia.takes = 150
    while not ana.of("left"):
        ana.says(type="send", room="sala", cid=driver._new_id(), text=LONG)
        driver.turn()
    bia.takes = None
    driver.settle()
    assert bia.seqs("sala") == list(range(1, len(bia.seqs("sala")) + 1))
    assert bia.events[-1] == {"type": "bye", "reason": "slow_consumer"}


# ---------------------------------------------------------------- all together


def test_queued_bytes_are_those_of_all_queues() -> None:
    driver = Driver(**SMALL)
    ana = driver.program("ana", "sala")
    slow = [stalled(driver, name, "sala") for name in ("bia", "caio")]
    talk(driver, ana, "sala", 2000)
    assert driver.queued == sum(peer.connection.queue.size for peer in slow) > 4000
    slow[0].resets()
    driver.settle()
    assert driver.queued == slow[1].connection.queue.size
    slow[1].takes = None
    driver.settle()
    assert driver.queued == 0
    assert not driver.chat._marks._backlog  # who owes nothing is not remembered, above all if it has gone


def test_above_the_total_the_largest_queue_goes() -> None:
    driver = Driver(**{**SMALL, "total_queue": 16384, "high_water": 10000})
    ana = driver.program("ana", "sala")
    slow = {name: stalled(driver, name, "sala") for name in ("small", "large", "middle")}
    ana.says(type="direct", to="large", cid="1", text="a little more than the others")
    ana.says(type="direct", to="middle", cid="2", text="a little")
    talk(driver, ana, "sala", 4000)
    assert 16384 - 3 * 1000 < driver.queued <= 16384
    talk(driver, ana, "sala", 500)
    assert ana.told("left") == {"type": "left", "room": "sala", "name": "large", "reason": "slow_consumer"}
    assert driver.queued == sum(peer.connection.queue.size for peer in slow.values()) <= 16384


def test_when_all_who_could_go_have_gone_the_total_is_what_it_is() -> None:
    """Those who are closing keep their half-sent frame and the bye, and are not closed twice."""
    driver = Driver(**{**SMALL, "total_queue": 16384})
    ana = driver.program("ana", "sala")
    slow = [stalled(driver, f"p{number}", "sala") for number in range(30)]
    talk(driver, ana, "sala", 2500)
    assert driver.queued <= driver.limits.total_queue
    assert 0 < len(ana.of("left")) < 30
    driver.chat._marks.queued += 1_000_000  # as if there were more, and none to be blamed
    driver.chat.judge([])
    assert all(not peer.connection.is_open for peer in slow)  # at once, not one in each turn
    driver.settle()
    assert len(ana.of("left")) == 30
    driver.chat._marks.queued -= 1_000_000


def test_who_is_over_the_ceiling_does_not_take_others_down() -> None:
    """Once the first is closed, its queue is gone, and there is room for all: nobody else has to go."""
    driver = Driver(**{**SMALL, "total_queue": 16384 + 2048, "high_water": 14000})
    bia, caio = stalled(driver, "bia", "big"), stalled(driver, "caio", "little")
    ana = driver.program("ana", "big", "little")
    talk(driver, ana, "little", 1500)
    while bia.connection.is_open:
        talk(driver, ana, "big", 500)
    assert bia.connection.queue.size + caio.connection.queue.size < driver.limits.total_queue
    assert [event["name"] for event in ana.of("left")] == ["bia"]


# ---------------------------------------------------------------- catching up


@pytest.mark.parametrize("make_log", [lambda: None, SlowLog], ids=["log here", "slow log"])
def test_who_catches_up_pulls_pages_while_its_queue_is_low(make_log: Any) -> None:
    driver = Driver(make_log(), **SMALL)
    log = driver.log

    def settle() -> None:
        driver.settle()
        while isinstance(log, SlowLog) and log.owes:
            log.answer()
            driver.settle()

    ana = driver.connect().says(type="hello", name="ana").says(type="join", room="sala")
    settle()
    for number in range(40):
        ana.says(type="send", room="sala", cid=str(number), text=LONG)
        settle()
    bia = driver.connect().says(type="hello", name="bia")
    settle()
    bia.takes = 0
    bia.says(type="join", room="sala", after=0)
    settle()
    assert driver.limits.low_water <= bia.connection.queue.size <= driver.limits.low_water + 1024
    bia.takes = 300
    while driver.has_work or (isinstance(log, SlowLog) and log.owes):
        driver.turn()
        if isinstance(log, SlowLog):
            log.answer(1)
        assert bia.connection.queue.size <= driver.limits.low_water + 1024
    assert bia.seqs("sala") == list(range(1, 41))
    assert driver.chat.stats().figures["catching_up"] == 0
