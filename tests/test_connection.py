"""One peer without its socket: any cut of its bytes means the same, and its clocks are those of the table."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatcore import dialects, protocol
from chatcore.connection import OPEN, REFUSED_WAIT, TRANSITIONS, Connection, Due, Signal, State
from chatcore.limits import EVENT_OVERHEAD, Limits
from chatcore.names import Name
from chatcore.protocol import Broken, Command, End, Refused

LIMITS = Limits()
SMALL = Limits(frame=EVENT_OVERHEAD + 2, text=1)  # the smallest frames there may be
ANA = Name("ana", "ana")
HELLO = b'{"type":"hello","name":"ana"}'
PING, BYE = b'{"type":"ping"}', b'{"type":"bye"}'


def connect(limits: Limits = LIMITS, now: float = 0.0) -> Connection:
    return Connection(1, "192.0.2.1", limits, now, dirty={})


def framed(*payloads: bytes) -> bytes:
    return b"".join(len(payload).to_bytes(4, "big") + payload for payload in payloads)


def take_all(peer: Connection, now: float = 0.0) -> list[Command]:
    """Every command that is there; as the chat would, greet the peer when it says hello."""
    taken: list[Command] = []
    while (command := peer.next_command(now)) is not None:
        taken.append(command)
        if isinstance(command, protocol.Hello) and peer.name is None:
            peer.name = ANA
        if isinstance(command, End | Broken):
            break  # they come again and again: nothing can follow
    return taken


def commands_of(pieces: Iterable[bytes], ends: bool, limits: Limits = LIMITS) -> list[Command]:
    """What a peer said whose bytes came in these pieces."""
    peer = connect(limits)
    taken = []
    for piece in [*(piece for piece in pieces if piece), *([b""] if ends else [])]:
        peer.receive(piece, 0.0)
        taken += take_all(peer)
        if taken and isinstance(taken[-1], End | Broken):  # a stranger's `sair` is an end too
            break
    return taken


def in_state(state: State, opening: bytes = b"{", now: float = 0.0) -> Connection:
    """A peer that came to `state` on the shortest way, and entered it at `now`."""
    peer = connect(now=now)
    if state is State.OPENING:
        return peer
    peer.receive(opening, now)
    ways = {
        State.GREETING: [],
        State.CHATTING: [Signal.HELLO],
        State.DRAINING: [Signal.FINISH],
        State.LINGERING: [Signal.FINISH, Signal.DRAINED],
        State.CLOSED: [Signal.GONE],
    }
    for signal in ways[state]:
        peer.go(signal, now)
    assert peer.state is state
    return peer


# ---------------------------------------------------------------- the states

# The life of a connection, as docs/how-it-works/one-connection.md tells it: row by row what each signal leads to.
LIFE = {
    State.OPENING: {Signal.DIALECT: State.GREETING, Signal.FINISH: State.DRAINING, Signal.GONE: State.CLOSED},
    State.GREETING: {Signal.HELLO: State.CHATTING, Signal.FINISH: State.DRAINING, Signal.GONE: State.CLOSED},
    State.CHATTING: {Signal.FINISH: State.DRAINING, Signal.GONE: State.CLOSED},
    State.DRAINING: {Signal.DRAINED: State.LINGERING, Signal.GONE: State.CLOSED},
    State.LINGERING: {Signal.GONE: State.CLOSED},
    State.CLOSED: {},
}


@pytest.mark.parametrize(("state", "signal"), [*product(State, Signal)])
def test_each_signal_in_each_state_leads_somewhere_or_is_a_mistake(state: State, signal: Signal) -> None:
    peer = in_state(state)
    if signal in LIFE[state]:
        peer.go(signal, 5.0)
        assert (peer.state, peer.since) == (LIFE[state][signal], 5.0)
    else:
        with pytest.raises(KeyError):
            peer.go(signal, 5.0)
        assert peer.state is state


def test_every_life_ends() -> None:
    """From every state the socket can be closed, and nothing leads back."""
    order = list(State)
    for (state, _), following in TRANSITIONS.items():
        assert order.index(following) > order.index(state)
    assert {state for state, signal in TRANSITIONS if signal is Signal.GONE} == set(State) - {State.CLOSED}


@pytest.mark.parametrize("state", State)
def test_open_until_we_begin_to_close(state: State) -> None:
    peer = in_state(state)
    assert peer.is_open is (state in OPEN) is (state in (State.OPENING, State.GREETING, State.CHATTING))
    assert peer.is_closed is (state is State.CLOSED)


def test_a_change_of_state_is_looked_at_in_the_flush() -> None:
    dirty: dict[Connection, None] = {}
    peer = Connection(1, "192.0.2.1", LIMITS, 0.0, dirty)
    assert peer not in dirty
    peer.receive(b"{", 1.0)
    assert peer in dirty
    assert peer.since == 1.0


# ---------------------------------------------------------------- in: bytes -> commands


def test_a_conversation_in_text() -> None:
    said = b"ana\r\noi\n\n/who\n//x\nsair\n"
    assert commands_of([said], ends=False) == [
        protocol.Hello("ana"),
        protocol.Say("oi"),
        protocol.Blank(),
        protocol.AskWho(),
        protocol.Say("/x"),
        protocol.Quit(),
    ]


@pytest.mark.parametrize(
    "data", [HELLO + b"\n" + PING + b"\r\n" + BYE + b"\n", framed(HELLO, PING, BYE)], ids=["lines", "lengths"]
)
def test_a_conversation_in_json(data: bytes) -> None:
    assert commands_of([data], ends=True) == [
        protocol.Hello("ana"), protocol.Ping(), protocol.Quit(), End()
    ]  # fmt: skip


def test_what_is_wrong_waits_for_its_turn_like_any_command() -> None:
    commands = commands_of([b'{"type":"ping"}\n{"cid":"c1"}\n{\n{"type":"bye"}\n'], ends=False)
    assert [type(command) for command in commands] == [protocol.Ping, Refused, Refused, protocol.Quit]
    assert commands[1] == Refused("bad_field", "type must be a string", "c1")
    assert isinstance(commands[2], Refused)
    assert (commands[2].code, commands[2].cid) == ("bad_json", None)


TEXT_WORDS = "ana oi é /who //x /join sair GET NICK"
TEXT_PIECES = [
    *TEXT_WORDS.encode().split(),
    b"\n",
    b"\r\n",
    b" ",
    b"\xff",
    b"\x08",
    dialects.BYTE_ORDER_MARK,
    b"x" * 600,
]
LINE_PIECES = [b"\n", b"\r\n", HELLO, PING, BYE, b"{", b"}", b'{"type":"pong"}', b"\xff", b"x" * 600]
LENGTH_PIECES = [framed(HELLO), framed(PING, BYE), framed(b""), framed(b"{"), b"\0", b"\0\0\0", PING, b"x" * 600]
conversations = st.one_of(
    st.lists(st.sampled_from(TEXT_PIECES), max_size=10).map(b"".join),
    st.lists(st.sampled_from(LINE_PIECES), max_size=8).map(lambda pieces: b"{" + b"".join(pieces)),
    st.lists(st.sampled_from(LINE_PIECES), max_size=8).map(lambda pieces: HELLO + b"\n" + b"".join(pieces)),
    st.lists(st.sampled_from(LENGTH_PIECES), max_size=6).map(lambda pieces: framed(HELLO) + b"".join(pieces)),
    st.binary(max_size=20),
)


@given(conversations, st.lists(st.integers(0, 2_000)), st.booleans())
@example(b"GET\noi\n", [1, 2, 3, 4], True)
@example(framed(HELLO) + b"\x00\x00", [1, 2, 3, 33, 34], True)
def test_any_cut_of_the_bytes_means_the_same(data: bytes, cuts: list[int], ends: bool) -> None:
    """Where the network cuts is nobody's business: byte by byte, all at once, or in any pieces."""
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(borders)]
    at_once = commands_of([data], ends, SMALL)
    assert commands_of(pieces, ends, SMALL) == at_once
    assert commands_of([data[index : index + 1] for index in range(len(data))], ends, SMALL) == at_once


@given(conversations)
@example(b"sair\n\nana")
def test_nothing_that_came_is_lost_when_the_stream_ends(data: bytes) -> None:
    """Half-close: the commands before the end stay what they were, then at most one more, then the end."""
    before, after = commands_of([data], False, SMALL), commands_of([data], True, SMALL)
    if before and isinstance(before[-1], End | Broken):
        assert after == before
    else:
        assert after[: len(before)] == before
        assert len(after) - len(before) in (1, 2)
        assert isinstance(after[-1], End | Broken)


@given(conversations)
@example(b"ana\noi\n\ntudo bem?")
def test_the_end_may_be_known_before_anything_was_taken(data: bytes) -> None:
    peer = connect(SMALL)
    for piece in (data, b"") if data else (b"",):
        peer.receive(piece, 0.0)
    assert take_all(peer) == commands_of([data], True, SMALL)


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (b"ana", protocol.Hello("ana")),
        (b"GET", protocol.Hello("GET")),
        (b"ana\noi", protocol.Say("oi")),
        (b"ana\nsair\r", protocol.Quit()),
        (HELLO + b"\n" + PING, protocol.Ping()),
    ],
)
def test_the_end_of_the_stream_ends_a_line(data: bytes, last: Command) -> None:
    assert commands_of([data], ends=True)[-2:] == [last, End()]


@pytest.mark.parametrize("cut", [b"\x00", b"\x00\x00\x00\x0f", framed(PING)[:-1]])
def test_the_end_of_the_stream_breaks_a_frame_with_a_length(cut: bytes) -> None:
    command = commands_of([framed(HELLO) + cut], ends=True)[-1]
    assert isinstance(command, Broken)
    assert command.code == "bad_frame"


@pytest.mark.parametrize("data", [b"ana\n", HELLO + b"\n", framed(HELLO)], ids=["text", "lines", "lengths"])
def test_a_byte_order_mark_is_not_part_of_the_first_frame(data: bytes) -> None:
    assert commands_of([dialects.BYTE_ORDER_MARK + data], ends=False) == [protocol.Hello("ana")]


def test_a_peer_that_says_nothing_and_ends() -> None:
    assert commands_of([], ends=True) == [End()]


@pytest.mark.parametrize(
    "data",
    [
        b"ana\n" + b"x" * (SMALL.frame + 2),
        HELLO + b"\n" + b"x" * (SMALL.frame + 2),
        framed(HELLO) + b"\x00\xff\xff\xff",
    ],
    ids=["text", "lines", "lengths"],
)
def test_too_long_a_frame_breaks_the_stream_for_good(data: bytes) -> None:
    """Refused before its end came, and however often one asks."""
    peer = connect(SMALL)
    peer.receive(data, 0.0)
    first, broken = take_all(peer)
    assert first == protocol.Hello("ana")
    assert isinstance(broken, Broken)
    assert broken.code == "too_big"
    peer.receive(b"\n" + PING + b"\n", 0.0)
    assert peer.next_command(0.0) == broken


def test_a_held_command_comes_again_before_all_others() -> None:
    peer = connect()
    peer.receive(b"ana\noi\n", 0.0)
    peer.held = peer.next_command(0.0)
    assert peer.next_command(0.0) == protocol.Hello("ana")
    peer.name = ANA
    assert take_all(peer) == [protocol.Say("oi")]


def test_while_nothing_is_decided_there_is_no_command() -> None:
    peer = connect()
    peer.receive(b"NIC", 0.0)
    assert peer.next_command(0.0) is None
    assert (peer.state, peer.dialect, peer.is_program) == (State.OPENING, None, False)


@pytest.mark.parametrize(("opening", "is_program"), [(b"{", True), (b"\0", True), (b"GET ", True), (b"ana", False)])
def test_the_first_bytes_show_a_program(opening: bytes, is_program: bool) -> None:
    assert in_state(State.GREETING, opening).is_program is is_program


def test_the_last_line_of_a_person_is_kept_for_the_error_that_quotes_it() -> None:
    peer = connect()
    peer.receive(b"ana\noi\n/nope\n", 0.0)
    lines = [peer.line for _ in range(3) if peer.next_command(0.0)]
    assert lines == [b"ana", b"oi", b"/nope"]
    program = connect()
    program.receive(HELLO + b"\n", 0.0)
    program.next_command(0.0)
    assert program.line == b""  # a program knows what it said by its cid


def test_each_frame_is_traced() -> None:
    traced: list[tuple[str, dict[str, object]]] = []
    peer = Connection(7, "", LIMITS, 0.0, {}, trace=lambda hook, /, **facts: traced.append((hook, facts)))
    peer.receive(b"ana\noi\nh", 0.0)
    take_all(peer)
    assert traced == [("frame", {"peer": 7, "bytes": 3}), ("frame", {"peer": 7, "bytes": 2})]


# ---------------------------------------------------------------- the rate


class Bucket:
    """The reference: a bucket of `burst` coins, into which `rate` coins fall each second."""

    def __init__(self, burst: int, rate: Fraction) -> None:
        self.burst, self.rate = burst, rate
        self.coins, self.then = Fraction(burst), Fraction(0)

    def pay(self, now: Fraction) -> bool:
        self.coins = min(Fraction(self.burst), self.coins + (now - self.then) * self.rate)
        self.then = now
        if self.coins < 1:
            return False
        self.coins -= 1
        return True

    def next_coin(self) -> Fraction:
        return self.then + (1 - self.coins) / self.rate


# Binary fractions, so that floats count them without an error and the two may be compared exactly.
@given(
    st.integers(1, 5),
    st.sampled_from([Fraction(1, 4), Fraction(1), Fraction(4)]),
    st.lists(st.sampled_from([Fraction(0), Fraction(1, 16), Fraction(1, 4), Fraction(1), Fraction(100)]), max_size=60),
)
def test_the_rate_is_that_of_a_bucket_of_coins(burst: int, rate: Fraction, pauses: list[Fraction]) -> None:
    peer = connect(replace(LIMITS, burst=burst, rate=float(rate)))
    bucket = Bucket(burst, rate)
    now = Fraction(0)
    for pause in pauses:
        now += pause
        may = bucket.pay(now)
        assert peer.pay(float(now)) is may
        if not may:
            assert peer.resume_at == bucket.next_coin()


def test_20_at_once_then_5_a_second() -> None:
    peer = connect()
    assert [peer.pay(0.0) for _ in range(21)] == [True] * 20 + [False]
    assert peer.resume_at == pytest.approx(0.2)
    assert sum(peer.pay(second / 10) for second in range(101)) == 50
    assert [peer.pay(1_000.0) for _ in range(21)] == [True] * 20 + [False]  # a rest fills it, and not more


def when_paid(peer: Connection, now: float) -> float:
    """Pay, waiting as long as the peer is told to; the moment at which that worked."""
    for _ in range(4):
        if peer.pay(now):
            return now
        assert peer.resume_at is not None
        assert peer.resume_at > now  # else the timer would fire for ever
        now = peer.resume_at
    pytest.fail("told four times to wait")


@given(st.floats(0.001, 1_000), st.integers(1, 100), st.floats(0, 1e7))
def test_when_it_says_it_may_go_on_it_may(rate: float, burst: int, now: float) -> None:
    """Whatever floats do: a server that runs for months counts as well as a new one, to a microsecond."""
    peer = connect(replace(LIMITS, burst=burst, rate=rate), now)
    for count in range(burst + 3):
        paid = when_paid(peer, now)
        earliest = now + max(0, count + 1 - burst) / rate
        assert abs(paid - earliest) < 1e-6


def test_a_rate_of_0_is_none() -> None:
    peer = connect(replace(LIMITS, rate=0.0))
    assert all(peer.pay(0.0) for _ in range(10_000))
    assert peer.resume_at is None


# ---------------------------------------------------------------- out: events -> bytes


@pytest.mark.parametrize(
    ("opening", "sent"),
    [
        (b"{", b'{"type":"bye","reason":"quit"}\n'),
        (b"\x00", framed(b'{"type":"bye","reason":"quit"}')),
        (b"ana", b"* bye\n"),
    ],
)
def test_an_event_is_queued_in_the_dialect_of_the_peer(opening: bytes, sent: bytes) -> None:
    peer = in_state(State.GREETING, opening)
    peer.send(protocol.Bye("quit"))
    assert peer.queue.unsent() == sent


def test_text_is_written_for_the_one_who_reads_it() -> None:
    peer = in_state(State.GREETING, b"ana\n")
    peer.send(protocol.Left("lobby", "ana", "leave"))
    assert peer.queue.size
    named = in_state(State.GREETING, b"ana\n")
    named.name = ANA
    named.send(protocol.Left("lobby", "ana", "leave"))
    assert not named.queue.size


def test_what_is_sent_is_flushed() -> None:
    dirty: dict[Connection, None] = {}
    peer = Connection(1, "192.0.2.1", LIMITS, 0.0, dirty)
    peer.receive(b"{", 0.0)
    dirty.clear()
    peer.send(protocol.Ping())
    assert peer in dirty


def test_before_there_is_a_dialect_nothing_can_be_said() -> None:
    """The server never speaks first."""
    peer = connect()
    peer.send(protocol.Bye("shutting_down"))
    assert peer.queue.size == 0


# ---------------------------------------------------------------- what it wants


@pytest.mark.parametrize(
    ("state", "is_held_up", "is_slow", "ended"), [*product(State, [False, True], [False, True], [False, True])]
)
def test_interest_is_computed_from_the_state(state: State, is_held_up: bool, is_slow: bool, ended: bool) -> None:
    """Backpressure is not reading. But while we close we read on, to discard: unread input would reset."""
    peer = in_state(state)
    peer.is_held_up, peer.ended = is_held_up, ended
    peer.slow_since = 0.0 if is_slow else None
    if ended or state is State.CLOSED:
        assert not peer.wants_read
    elif state in (State.DRAINING, State.LINGERING):
        assert peer.wants_read
    else:
        assert peer.wants_read is not (is_held_up or is_slow)
    assert not peer.wants_write
    peer.queue.push(b"x")
    assert peer.wants_write is (state is not State.CLOSED)


# ---------------------------------------------------------------- its clocks

T = 1_000.0  # when the state began; nothing depends on where a clock starts

CLOCKS: list[tuple[str, State, bytes, list[tuple[float, Due]]]] = [
    ("nothing came", State.OPENING, b"", [(60, Due.TIMEOUT)]),
    ("a person types a name", State.GREETING, b"ana", [(60, Due.TIMEOUT)]),
    ("a program has to say hello", State.GREETING, b"{", [(10, Due.TIMEOUT)]),
    ("a program with lengths", State.GREETING, b"\x00", [(10, Due.TIMEOUT)]),
    ("a person may be silent for hours", State.CHATTING, b"ana", []),
    ("a program may not: first it is asked", State.CHATTING, b"{", [(30, Due.PING)]),
    ("what is queued goes out", State.DRAINING, b"{", [(10, Due.GIVE_UP)]),
    ("also to people", State.DRAINING, b"ana", [(10, Due.GIVE_UP)]),
    ("we wait for the end", State.LINGERING, b"{", [(2, Due.GIVE_UP)]),
    ("nothing to wait for", State.CLOSED, b"{", []),
]  # fmt: skip


@pytest.mark.parametrize(("why", "state", "opening", "clocks"), CLOCKS, ids=[row[0] for row in CLOCKS])
def test_the_deadlines_of_each_state(why: str, state: State, opening: bytes, clocks: list[tuple[float, Due]]) -> None:
    """The table of limits: seconds after the state began, and what they mean."""
    peer = in_state(state, opening, now=T)
    assert sorted(when - T for when, _ in peer.deadlines()) == sorted(when for when, _ in clocks)
    assert {(when - T, due) for when, due in peer.deadlines()} == set(clocks)


def test_the_limits_are_those_that_were_set() -> None:
    limits = replace(LIMITS, hello_seconds=1, typing_seconds=2, ping_seconds=3, idle_seconds=4, drain_seconds=5)
    peer = connect(limits)
    assert list(peer.deadlines()) == [(2, Due.TIMEOUT)]
    peer.receive(b"{", 0.0)
    assert list(peer.deadlines()) == [(1, Due.TIMEOUT)]
    peer.go(Signal.HELLO, 0.0)
    assert list(peer.deadlines()) == [(3, Due.PING)]
    peer.pinged_at = 3.0
    assert list(peer.deadlines()) == [(4, Due.TIMEOUT)]
    peer.go(Signal.FINISH, 0.0)
    assert list(peer.deadlines()) == [(5, Due.GIVE_UP)]


def test_hello_is_absolute() -> None:
    """Ten seconds, however many bytes drip in meanwhile."""
    peer = in_state(State.GREETING, b"{", now=T)
    peer.receive(b'"type":', T + 9)
    peer.next_command(T + 9)
    assert list(peer.deadlines()) == [(T + 10, Due.TIMEOUT)]


def test_a_refused_one_has_a_second() -> None:
    peer = connect(now=T)
    peer.is_refused = True
    assert REFUSED_WAIT == 1.0
    assert list(peer.deadlines()) == [(T + 1, Due.GIVE_UP)]


def test_any_byte_is_a_sign_of_life() -> None:
    peer = in_state(State.CHATTING, b"{", now=T)
    peer.pinged_at = T + 30
    assert list(peer.deadlines()) == [(T + 60, Due.TIMEOUT)]  # one ping is enough
    peer.receive(b" ", T + 59)
    assert list(peer.deadlines()) == [(T + 89, Due.PING)]


def test_a_server_that_was_itself_asleep_asks_before_it_drops() -> None:
    """A machine that was suspended has heard nothing, and nobody is to blame for it."""
    peer = in_state(State.CHATTING, b"{", now=T)
    assert list(peer.deadlines()) == [(T + 30, Due.PING)]  # an hour later it is this one that is up
    peer.pinged_at = T + 3600
    assert list(peer.deadlines()) == [(T + 3630, Due.TIMEOUT)]


def test_half_a_frame_has_30_seconds_from_its_first_byte_on() -> None:
    """However slowly it drips: each byte is a sign of life, but not of a frame."""
    peer = connect(now=T)
    peer.receive(HELLO + b"\n", T)
    take_all(peer, T)
    peer.go(Signal.HELLO, T)
    for second in range(5, 30, 5):
        peer.receive(b"{", T + second)
        assert peer.next_command(T + second) is None
    assert (T + 5 + 30, Due.TIMEOUT) in list(peer.deadlines())
    peer.receive(b"}\n" + PING[:-1], T + 31)
    assert len(take_all(peer, T + 31)) == 1
    assert (T + 31 + 30, Due.TIMEOUT) in list(peer.deadlines())  # the next half
    peer.receive(b"}\n", T + 32)
    assert take_all(peer, T + 32) == [protocol.Ping()]
    assert list(peer.deadlines()) == [(T + 62, Due.PING)]


def test_a_person_may_type_slowly() -> None:
    peer = in_state(State.CHATTING, b"ana\no", now=T)
    peer.name = ANA
    take_all(peer, T)
    assert peer.partial_since == T
    assert list(peer.deadlines()) == []


def test_while_we_do_not_listen_silence_proves_nothing() -> None:
    peer = in_state(State.CHATTING, b"{", now=T)
    peer.next_command(T)
    peer.is_held_up = True
    assert list(peer.deadlines()) == []
    peer.resume_at = T + 0.2
    assert list(peer.deadlines()) == [(T + 0.2, Due.RESUME)]


@pytest.mark.parametrize("state", State)
def test_who_reads_too_slowly_has_10_seconds_while_open(state: State) -> None:
    peer = in_state(state, now=T)
    peer.slow_since = T + 3
    assert ((T + 13, Due.TOO_SLOW) in list(peer.deadlines())) is peer.is_open


@pytest.mark.parametrize("is_partial", [False, True])
def test_when_we_listen_again_the_clocks_start_anew(is_partial: bool) -> None:
    peer = in_state(State.CHATTING)
    peer.receive(b'{"ty' if is_partial else PING + b"\n", 1.0)
    take_all(peer, 1.0)
    peer.pinged_at = 31.0
    peer.restart_clocks(100.0)
    expected = [(100.0 + LIMITS.ping_seconds, Due.PING)]
    assert list(peer.deadlines()) == expected + [(100.0 + LIMITS.half_frame_seconds, Due.TIMEOUT)] * is_partial
