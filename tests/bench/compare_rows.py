"""a server -> what it does when one thing goes wrong. One function for each failure of the lessons.

Each starts the server, lets a few people do what happens on any day, and says in words what became
of it. The words are the result; a figure in brackets belongs to one machine and one kernel.
"""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from bench_server import BenchError
from compare_stage import LITTLE, Caller, Column, Stage, staged

LINE = "x" * 999 + "."  # the dot is counted
BATCH = 128 * len(LINE)  # what is said before we look whether a member has heard it
MUCH = 10_000_000  # bytes: more than the kernels hold for one stalled client, 4.2 MB here
UNREAD_LINES = 200  # lines that no kernel has to refuse
SMALL_BUFFER = 32 * 1024  # SO_RCVBUF of somebody who will not read, so that less has to be said
A_LOT = 0.1  # of a core, for a server that has nothing to do
RESETS = 6
ENOUGH = 4_000_000  # bytes: no server needs more memory than this because of one caller
FILES = 128
STUCK = 1.5  # seconds after which a line will not come any more
KEPT_LINES = 20


@dataclass(frozen=True)
class Cell:
    """What happened: the words, and a figure that another machine would change."""

    words: str
    figure: str = ""

    def __str__(self) -> str:
        return f"{self.words} ({self.figure})" if self.figure else self.words


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    title: str
    lesson: int


@dataclass(frozen=True)
class Scene:
    """A failure, and the rows that it fills."""

    rows: tuple[Row, ...]
    play: Callable[[Column], tuple[Cell, ...]]


# --- what is a message?


def glued(column: Column) -> tuple[Cell, ...]:
    """ana says two things in one send()."""
    with staged(column) as stage:
        ana, bia = stage.enter("ana", "bia")
        ana.say("oi", "tudo bem?")
        stage.expect(lambda: bia.hears(b"tudo bem?"), "bia hears nothing")
        return (Cell("two messages" if bia.hears(b"ana: tudo bem?") else "one message: `oitudo bem?`"),)


def in_pieces(column: Column) -> tuple[Cell, ...]:
    """ana says one thing in two send()s."""
    with staged(column) as stage:
        ana, bia = stage.enter("ana", "bia")
        _and_then(stage, ana, b"tudo ")
        ana.say("bem?")
        stage.expect(lambda: bia.hears(b"bem?"), "bia hears nothing")
        return (Cell("one message" if bia.hears(b"ana: tudo bem?") else "two messages"),)


def half_a_letter(column: Column) -> tuple[Cell, ...]:
    """The two bytes of an é do not arrive together."""
    letter = "é".encode()
    with staged(column) as stage:
        ana, bia = stage.enter("ana", "bia")
        _and_then(stage, ana, b"caf" + letter[:1])
        ana.send(letter[1:])
        ana.say("")
        stage.expect(lambda: ana.ended or bia.hears("ana: café".encode()), "bia hears nothing")
        return (Cell("ana is thrown out" if ana.ended else "arrives whole"),)


def _and_then(stage: Stage, caller: Caller, data: bytes) -> None:
    """Send, and go on when the server has taken it: what is sent next comes in a piece of its own."""
    caller.send(data)
    stage.expect(lambda: caller.ended or not stage.unread(caller), "the server does not read")


# --- what strangers send


def not_utf8(column: Column) -> tuple[Cell, ...]:
    """ana's program writes Latin-1."""
    with staged(column) as stage:
        ana, bia = stage.enter("ana", "bia")
        ana.forget()
        ana.send("café".encode("latin-1"))
        ana.say("")
        stage.expect(lambda: ana.ended or ana.hears(b"UTF-8"), "nothing becomes of the line")
        ana.say("oi")
        stage.expect(lambda: ana.ended or bia.hears(b"ana: oi"), "ana stays, and nobody hears her")
        return (_fate(ana, stays="ana is told, and stays"),)


def steering(column: Column) -> tuple[Cell, ...]:
    """ana's line has a sequence in it that clears a screen."""
    with staged(column) as stage:
        ana, bia = stage.enter("ana", "bia")
        ana.forget()
        ana.say("\x1b[2J")
        stage.expect(lambda: bia.hears(b"\x1b[2J") or ana.hears(b"!"), "nothing becomes of the line")
        return (Cell("passed on" if bia.hears(b"\x1b[2J") else "refused, and ana is told"),)


def without_an_end(column: Column) -> tuple[Cell, ...]:
    """ana's line goes on and on."""
    with staged(column) as stage:
        ana, bia = stage.enter("ana", "bia")
        before = stage.server.resident_bytes()
        ana.forget()
        ana.send(b"x" * MUCH)
        stage.expect(lambda: ana.ended or not stage.unread(ana), "the server does not read")
        stage.settle(LITTLE)
        grown = stage.server.resident_bytes() - before
        if ana.ended:
            return (_fate(ana, stays=""),)
        if len(bia.heard) >= MUCH:
            return (Cell("passed on at once, in pieces"),)
        return (_memory(grown, "kept: memory "),)


def _fate(ana: Caller, stays: str) -> Cell:
    """What became of somebody who sent what cannot be read."""
    if not ana.ended:
        return Cell(stays)
    return Cell("ana is thrown out, " + ("and told why" if ana.hears(b"! ") else "and not told"))


def _memory(grown: int, about: str) -> Cell:
    sign = ">" if grown > ENOUGH else "<"
    return Cell(f"{about}grows by {sign} {ENOUGH // 1_000_000} MB", f"{max(0, grown) / 1_000_000:.1f} MB")


# --- who goes, and how


def spin_after_eof(column: Column) -> tuple[Cell, ...]:
    """ana hangs up. How busy is the server then?"""
    with staged(column) as stage:
        ana, _ = stage.enter("ana", "bia")
        ana.hang_up()
        stage.settle(LITTLE)
        share = stage.cpu_share(0.5)
        return (Cell("spins" if share > A_LOT else "sleeps", _percent(share)),)


def _percent(share: float) -> str:
    return f"{share:.0%} of a core"


def reset(column: Column) -> tuple[Cell, ...]:
    """ana's connection is reset at the moment in which bia speaks."""
    with staged(column) as stage:
        thrown_out = sum(_is_thrown_out_too(stage, number) for number in range(RESETS))
        share = stage.cpu_share(LITTLE)
    if not thrown_out:
        return (Cell("the others go on; it spins", _percent(share)) if share > A_LOT else Cell("the others go on"),)
    return (Cell("bia is thrown out, too", f"{thrown_out} of {RESETS} times"),)


def _is_thrown_out_too(stage: Stage, number: int) -> bool:
    """Does it cost bia, who spoke, her own connection?"""
    ana, bia, caio = stage.enter(f"ana{number}", f"bia{number}", f"caio{number}")
    with stage.held():
        ana.reset()
        bia.say("oi")
    stage.expect(lambda: bia.ended or caio.hears(b": oi"), "caio hears nothing, and bia is still there")
    is_out = stage.until(lambda: bia.ended, LITTLE / 3)
    bia.reset()
    caio.reset()
    return is_out


def last_words(column: Column) -> tuple[Cell, ...]:
    """The server ends ana's connection before she has read everything. What does she still read?"""
    with staged(column) as stage:
        (ana,) = stage.enter("ana", receive_buffer=SMALL_BUFFER)
        bia, caio = stage.enter("bia", "caio")
        ana.reads = False
        bia.say(*[LINE] * UNREAD_LINES)
        stage.expect(partial(_has_lines, caio, UNREAD_LINES), "caio does not hear everything")
        ana.send(b"\xff\n" + b"x" * 1_000_000)  # nobody can read this
        stage.settle(LITTLE)
        ana.reads = True
        stage.expect(lambda: ana.ended, "the server does not end the connection")
        lines = ana.heard.count(b".")
        words = "everything" if lines == UNREAD_LINES else "a part"
        words += ", and why" if ana.last_line().startswith("!") else ", and not why"
        return (Cell(words, f"{lines} of {UNREAD_LINES} lines"),)


def vanished(column: Column) -> tuple[Cell, ...]:
    """ana's computer is gone without a word. Does anybody ask after her?"""
    with staged(column) as stage:
        (ana,) = stage.enter("ana")
        if not stage.asks_when_idle(ana):
            return (Cell("nobody asks"),)
        words = "TCP keep-alive asks"
    if not column.is_chatcore:
        return (Cell(words),)
    with staged(column, limits=("ping_seconds=1", "idle_seconds=2")) as stage:
        start = time.monotonic()
        ana = _program(stage, "ana")
        stage.expect(lambda: ana.hears(b'"timeout"'), "a program that does not answer is not dropped")
        seconds = time.monotonic() - start
        _program(stage, "ana")  # BenchError when the name is not free
        return (Cell(words + "; a silent program is dropped", f"after {seconds:.1f} s, with idle_seconds=2"),)


def _program(stage: Stage, name: str) -> Caller:
    """Somebody who speaks chatcore's JSON."""
    caller = stage.connect()
    caller.object(type="hello", name=name)
    stage.expect(lambda: caller.hears(b'"welcome"'), f"{name} is not welcome")
    return caller


# --- who reads slowly, and who says that she is somebody else


def slow_reader(column: Column) -> tuple[Cell, ...]:
    """ana does not read; bia says very much; dora asks something."""
    with staged(column) as stage:
        (ana,) = stage.enter("ana", receive_buffer=SMALL_BUFFER)
        bia, caio, dora = stage.enter("bia", "caio", "dora")
        before = stage.server.resident_bytes()
        ana.reads = False
        for said in range(0, MUCH, BATCH):
            if not _says(stage, bia, caio, said + BATCH):
                break
            # She comes back when she is let go: a goodbye waits for ten seconds, and bia may need more for the rest.
            ana.reads = ana.reads or caio.hears(b"* ana left")
        caio.forget()
        dora.say("is anybody there?")
        heard = stage.until(lambda: caio.hears(b"is anybody there?"), 2)
        memory = _memory(stage.server.resident_bytes() - before, "")
        ana.reads = True
        stage.until(lambda: ana.ended, LITTLE)
        if ana.ended:
            told = "and told why" if ana.last_line().startswith("!") else "and not told"
            memory = Cell(f"{memory.words}; ana is disconnected, {told}", memory.figure)
        return Cell("hears her" if heard else "hears nothing more"), memory


def two_of_one_name(column: Column) -> tuple[Cell, ...]:
    """Somebody else says that she is bia."""
    with staged(column) as stage:
        _, caio = stage.enter("bia", "caio")
        other = stage.connect()
        _and_then(stage, other, b"bia" + column.end)
        stage.until(lambda: other.hears(b"! "), LITTLE)  # a refusal, or nothing
        if other.hears(b"! "):
            return (Cell("the second is refused, and told"),)
        other.say("I am bia")
        stage.expect(lambda: caio.hears(b"bia: I am bia"), "caio hears nothing")
        return (Cell("caio reads `bia: I am bia`"),)


# --- when the server ends


def ctrl_c(column: Column) -> tuple[Cell, ...]:
    """Ctrl-C at the server, while text waits for ana."""
    with staged(column) as stage:
        (caio,) = stage.enter("caio")
        (ana,) = stage.enter("ana", receive_buffer=SMALL_BUFFER)
        (bia,) = stage.enter("bia")
        ana.reads = False
        _talk_until_the_kernel_is_full(stage, bia, caio, ana)
        heard = caio.heard.count(b".")
        os.kill(stage.server.pid, signal.SIGINT)
        stage.until(stage.has_exited, LITTLE)
        ana.reads = True
        stage.until(stage.has_exited, 2)
        stage.until(lambda: ana.ended, LITTLE)
        if not stage.has_exited():
            return (Cell("it does not end"),)
        missing = heard - ana.heard.count(b".")
        words = "ana loses lines" if missing > 0 else "ana reads every line"
        words += ", then a goodbye" if ana.last_line().startswith("!") else ", no goodbye"
        return (Cell(words, f"{missing} lost" if missing > 0 else ""),)


def _talk_until_the_kernel_is_full(stage: Stage, bia: Caller, caio: Caller, ana: Caller) -> None:
    """bia talks; caio reads; ana does not. Ends when what is said no longer reaches ana's kernels."""
    on_the_way = 0
    for said in range(0, MUCH, BATCH):
        before, on_the_way = on_the_way, stage.on_the_way(ana)
        is_full = said and on_the_way < before + BATCH // 4
        if is_full or not _says(stage, bia, caio, said + BATCH):
            return
    raise BenchError(f"the kernel holds more than {MUCH} bytes for one client")


def _says(stage: Stage, bia: Caller, caio: Caller, size: int) -> bool:
    """bia says one batch, which makes `size` bytes. False when caio does not hear it.

    Only that much at once: whoever reads is to be in time, however busy this machine is.
    """
    bia.say(*[LINE] * (BATCH // len(LINE)))
    return stage.until(partial(_has_lines, caio, size // len(LINE)), STUCK)


def _has_lines(caller: Caller, count: int) -> bool:
    return caller.heard.count(b".") >= count


def after_a_restart(column: Column) -> tuple[Cell, ...]:
    """The server is stopped and started again."""
    with _restarted(column, signal.SIGTERM) as stage:
        (bia,) = stage.enter("bia")
        stage.until(lambda: bia.hears(b"ana: oi"), LITTLE)
        return (Cell("bia is shown what was said" if bia.hears(b"ana: oi") else "nothing is known any more"),)


def after_a_kill(column: Column) -> tuple[Cell, ...]:
    """The server is killed just when somebody has read a line."""
    with _restarted(column, signal.SIGKILL) as stage:
        if not column.is_chatcore:
            (bia,) = stage.enter("bia")
            stage.until(lambda: bia.hears(b"ana: oi"), LITTLE)
        else:
            bia = _program(stage, "bia")
            bia.object(type="join", room="lobby", after=0)
            stage.expect(lambda: bia.hears(b'"joined"'), "bia is not in the room")
            stage.settle(LITTLE)
        kept = bia.heard.count(b"ana: oi") + bia.heard.count(b'"message"')
        return (
            Cell("all lines are there" if kept == KEPT_LINES else "lines are lost", f"{kept} of {KEPT_LINES} kept"),
        )


@contextmanager
def _restarted(column: Column, how: signal.Signals) -> Iterator[Stage]:
    """A server that was ended just when bia, or ana's program, had read the last of ana's lines."""
    with tempfile.TemporaryDirectory(prefix="chatcore-compare-") as folder:
        with staged(column, folder) as stage:
            _say_and_hear(stage, as_program=column.is_chatcore and how is signal.SIGKILL)
            os.kill(stage.server.pid, how)
            stage.expect(stage.has_exited, "the server does not end")
        with staged(column, folder) as stage:
            yield stage


def _say_and_hear(stage: Stage, as_program: bool) -> None:
    """ana's lines, one after the other. For a program its own echo is the acknowledgement."""
    if as_program:
        ana = reader = _program(stage, "ana")
        ana.object(type="join", room="lobby")
    else:
        ana, reader = stage.enter("ana", "bia")
    wanted = b'"message"' if as_program else b"ana: oi"
    for number in range(KEPT_LINES):
        reader.forget()
        if as_program:
            ana.object(type="send", room="lobby", cid=str(number), text="oi")
        else:
            ana.say("oi")
        stage.expect(partial(reader.hears, wanted), "a line is not heard")


def descriptors(column: Column) -> tuple[Cell, ...]:
    """More callers than the server may have files open."""
    with staged(column, files=FILES) as stage:
        ana, bia = stage.enter("ana", "bia")
        guests = _crowd(stage, FILES + 32)
        stage.settle(LITTLE, at_most=2)
        if stage.has_exited():
            return (Cell("the process ends"),)
        log = stage.log_bytes()
        stage.until(lambda: False, 1)
        log = stage.log_bytes() - log
        ana.say("oi")
        words = "goes on" if stage.until(lambda: bia.hears(b"ana: oi")) else "stands still"
        is_told = b"! there are too many" in guests[-1].heard
        for guest in guests:
            guest.hang_up()
        words += "; callers are told" if is_told else ""
        words += "; newcomers are let in later" if _is_let_in(stage, bia) else "; nobody new is let in"
        return (Cell(words, f"{log / 1000:.0f} KB of log in a second"),)


def _crowd(stage: Stage, size: int) -> list[Caller]:
    guests: list[Caller] = []
    while len(guests) < size:
        try:
            guests.append(stage.connect())
        except OSError:  # nobody listens any more
            break
        guests[-1].say(f"guest{len(guests)}")
    return guests


def _is_let_in(stage: Stage, bia: Caller) -> bool:
    """Does bia hear of a newcomer within some seconds? One who is refused tries again."""
    deadline = time.monotonic() + 2
    while not bia.hears(b"zoe") and time.monotonic() < deadline:
        _try_to_enter(stage, bia)
    return bia.hears(b"zoe")


def _try_to_enter(stage: Stage, bia: Caller) -> None:
    with suppress(OSError):  # nobody listens any more
        zoe = stage.connect()
        zoe.say("zoe")
        zoe.say("oi")
        stage.until(lambda: zoe.ended or bia.hears(b"zoe"), 2.5)
    stage.until(lambda: bia.hears(b"zoe"), LITTLE)


SCENES = {
    "glued": Scene((Row("two messages in one `send()`", 4),), glued),
    "in_pieces": Scene((Row("one message in two `send()`s", 4),), in_pieces),
    "half_a_letter": Scene((Row("an `é` in two pieces", 5),), half_a_letter),
    "not_utf8": Scene((Row("a line that is not UTF-8", 5),), not_utf8),
    "steering": Scene((Row("a line that clears screens", 5),), steering),
    "without_an_end": Scene((Row("10 MB without a line end", 5),), without_an_end),
    "spin_after_eof": Scene((Row("ana hangs up: the processor", 1),), spin_after_eof),
    "reset": Scene((Row("ana's connection is reset while bia speaks", 6),), reset),
    "slow_reader": Scene(
        (Row("ana does not read, bia says 10 MB, dora asks: caio", 7), Row("the same: the server's memory", 9)),
        slow_reader,
    ),
    "two_of_one_name": Scene((Row("a second bia comes", 10),), two_of_one_name),
    "last_words": Scene((Row("the server ends ana's connection: she reads", 12),), last_words),
    "vanished": Scene((Row("ana's computer is gone without a word", 13),), vanished),
    "ctrl_c": Scene((Row("Ctrl-C while text waits for ana", 14),), ctrl_c),
    "descriptors": Scene((Row("more callers than files", 15),), descriptors),
    "after_a_restart": Scene((Row("after a restart", 17),), after_a_restart),
    "after_a_kill": Scene((Row("20 lines were read, then `kill -9`", 17),), after_a_kill),
}
