"""Whole chats in a simulated network: everything that is promised holds, and would be missed if it did not.

When a seed fails, `python3 -m tests.simulate SEED` shows it again, with its trace.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatcore.connection import Connection
from chatcore.log import MemoryLog
from chatcore.loop import READ, WRITE
from chatcore.names import Name, fold
from chatcore.protocol import Entered, Error, Message
from tests.simulate import run
from tests.simulation import Invariant, Simulation, Violation

SEEDS = range(30)
ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_the_promises_hold(seed: int) -> None:
    run(seed)


# ---------------------------------------------------------------- same seed, same trace


def test_the_same_seed_gives_the_same_trace_and_the_same_bytes() -> None:
    first, again, other = run(1), run(1), run(2)
    assert first.world.trace == again.world.trace
    assert first.digest() == again.digest()
    assert first.digest() != other.digest()


def test_the_same_seed_gives_the_same_trace_in_a_process_that_hashes_otherwise() -> None:
    digests = {digest_in_process(seed=3, hash_seed=hash_seed) for hash_seed in (1, 2)}
    assert digests == {run(3).digest()}


def digest_in_process(seed: int, hash_seed: int) -> str:
    command = [sys.executable, "-m", "tests.simulate", "--digest", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, encoding="utf-8")
    return done.stdout.strip()


# ---------------------------------------------------------------- each invariant can fail


class Quiet:
    """A simulation in which all is well, until somebody tells a lie. `ana` is a program that listens."""

    def __init__(self) -> None:
        self.simulation = Simulation(seed=1)
        self.simulation.world.calm()
        self.ana = next(peer for peer in iter(self.simulation.actions.newcomer, None) if peer.kind == "lines")
        self.human = self.simulation.actions.new_human()
        self.ana.say("lobby", "m0 oi")
        self.simulation.settle()
        self.server = self.simulation.server.server
        self.log = self.simulation.ground.log

    @property
    def connection(self) -> Connection:
        """The server's end of ana's connection."""
        return self.server.chat.commands.people[fold(self.ana.name)]

    def go_on(self) -> None:
        """Until the lie comes out, or to the end."""
        self.ana.say("lobby", "m-last word")
        self.simulation.settle()
        self.simulation.rest()
        self.simulation.last_stop()


def lie_durable(quiet: Quiet) -> None:
    quiet.connection.send(Message("lobby", 1000, "ana", "nobody kept this", "", "c"))


def lie_run(quiet: Quiet) -> None:
    quiet.connection.send(quiet.log.durable["lobby", 1])


def lie_once(quiet: Quiet) -> None:
    quiet.log._inner = MemoryLog("log")  # it forgets all ids
    quiet.ana.say("lobby", "m0 oi")


def lie_told(quiet: Quiet) -> None:
    quiet.connection.send(Error("not_in_room", "you are"))


def lie_presence(quiet: Quiet) -> None:
    quiet.connection.send(Entered("elsewhere", "bia"))


def lie_stream(quiet: Quiet) -> None:
    push(quiet, b"half an event\n")


def lie_healthy(quiet: Quiet) -> None:
    quiet.server.chat.close(quiet.connection, "timeout")


def lie_members(quiet: Quiet) -> None:
    quiet.server.chat.delivery.rooms["lobby"].roll.add(Name("ghost", "ghost"))


def lie_bounded(quiet: Quiet) -> None:
    push(quiet, b'{"type":"news","text":"' + 2000 * b"x" + b'"}\n')


def lie_counted(quiet: Quiet) -> None:
    quiet.connection.counted += 1


def lie_interest(quiet: Quiet) -> None:
    link = quiet.server._links[quiet.connection]
    quiet.server.loop.set_interest(link.sock, READ, READ | WRITE, link)


def lie_deadlines(quiet: Quiet) -> None:
    assert quiet.connection.timer is not None
    quiet.connection.timer.cancel()
    quiet.connection.timer = None


def lie_spin(quiet: Quiet) -> None:
    quiet.server.loop.call_later(0, lambda: lie_spin(quiet))


def lie_escapes(quiet: Quiet) -> None:
    quiet.server.loop.call_later(0, lambda: void(1 / 0))


def lie_liveness(quiet: Quiet) -> None:
    quiet.ana.talk._pending.add("what the server never heard")


def lie_shutdown(quiet: Quiet) -> None:
    stop = quiet.server.loop.stop
    quiet.server.loop.stop = lambda: void(quiet.server.loop.call_later(20, stop))  # type: ignore[method-assign]


def lie_screen(quiet: Quiet) -> None:
    quiet.human.show(f"12:00 {quiet.ana.name}: m0 oi")


def push(quiet: Quiet, data: bytes) -> None:
    """Send what no server would send."""
    quiet.connection.queue.push(data)
    quiet.server.chat.touch(quiet.connection)


def void(result: object) -> None:
    """A call whose result is not wanted."""


LIES: dict[Invariant, Callable[[Quiet], None]] = {
    invariant: globals()[f"lie_{invariant.name.lower()}"] for invariant in Invariant
}


@pytest.mark.parametrize("invariant", Invariant)
def test_each_invariant_can_fail(invariant: Invariant) -> None:
    quiet = Quiet()
    with pytest.raises(Violation) as caught:
        lie(quiet, invariant)
    assert caught.value.invariant is invariant


def lie(quiet: Quiet, invariant: Invariant) -> None:
    LIES[invariant](quiet)
    quiet.go_on()


def test_without_a_lie_nothing_fails() -> None:
    Quiet().go_on()
