"""a seed -> everything that happens. Runs programs, peers and network, one small step at a time.

Each step picks at random one of those that can act now. Time passes only when nobody can: so a
slow test machine changes nothing, an hour costs nothing, and the same seed gives the same trace.

There are two ways to run a program. Several event loops of the shape of `chatcore.loop.Loop` are
added and turned by the world: `world.add_loop("server", loop)`, `world.run(until=...)`. One program
that wants to keep control, with its own `while True:`, is called as it is: its select() comes
here, and the rest of the world runs until that select can return: `world.run_program(main)`.
"""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from chatcore.sim.actors import Actor, Program, RawClient, Turns
from chatcore.sim.clock import SimClock
from chatcore.sim.faults import Faults
from chatcore.sim.links import Address
from chatcore.sim.luck import HOUR, BadLuck
from chatcore.sim.network import SOMEWHERE, Network
from chatcore.sim.process import Process
from chatcore.sim.selector import SimSelector

POLL_SECONDS = 0.001  # what a select() that may not wait costs a program of its own


class Deadlock(Exception):
    """Somebody waits, and nobody is left who could ever act."""


class TooLong(Exception):
    """More steps or more simulated time than the test allows."""


class Finished(BaseException):
    """Ends a program that never returns. Not an Exception, so that no program catches it by mistake."""


class World:
    """Everything that is simulated. All chance comes from `seed`."""

    def __init__(self, seed: int, faults: Faults | None = None) -> None:
        self.seed = seed
        self.steps = 0
        self.max_steps = 1_000_000
        self.rng = random.Random(seed)
        self.clock = SimClock()
        self.network = Network(self.rng, self.clock, faults)
        self.network.wire.wait = self.wait
        self.trace = self.network.wire.trace
        self._actors: dict[str, Actor] = {}
        self._luck = BadLuck(self.network.wire, self.clock, self._clients)
        self._acting: list[str] = []
        self._until: Callable[[], bool] = lambda: False

    @property
    def faults(self) -> Faults:
        """What may go wrong from now on."""
        return self.network.wire.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.network.wire.faults = faults

    def selector(self, process: Process | None = None) -> SimSelector:
        """A selector for the sockets of `process`."""
        return SimSelector(self.network, process)

    def add_loop(self, name: str, program: Program) -> None:
        """Let the world turn an event loop from now on."""
        self.add_actor(name, Turns(program, self.clock))

    def add_actor(self, name: str, actor: Actor) -> None:
        """Let anything else act. ValueError if the name is taken."""
        if name in self._actors:
            raise ValueError(f"there is a {name!r} already")
        self._actors[name] = actor

    def remove(self, name: str) -> None:
        """Its turns end here: it stopped, or crashed (then `Process.kill()` closes its sockets)."""
        del self._actors[name]

    def client(self, name: str, address: Address, source: Address = SOMEWHERE) -> RawClient:
        """A scripted peer that begins to connect now."""
        client = RawClient(self.network, name, address, source)
        self.add_actor(name, client)
        return client

    def calm(self) -> None:
        """No more faults, and every stalled peer reads again: from here on all must end well."""
        self.faults = Faults()
        for client in self._clients():
            client.resume()

    def step(self) -> bool:
        """Let one of those that can act now do so. False if nobody can, so that time may pass."""
        self._luck.draw()
        idle = [name for name in self._actors if name not in self._acting]
        able = [partial(self._act, name) for name in idle if self._actors[name].ready()]
        moves: list[Callable[[], None]] = [*able, *self.network.wire.moves()]
        if moves:
            self.steps += 1
            with self._where_it_happened():
                self.rng.choice(moves)()
        return bool(moves)

    def quiesce(self, max_steps: int = 1_000_000) -> None:
        """Step until nobody can act unless time passes. TooLong after `max_steps`."""
        last = self.steps + max_steps
        while self.step():
            self._check_steps(last)

    def run(self, until: Callable[[], bool] | None = None, max_steps: int = 1_000_000, max_time: float = HOUR) -> None:
        """Step, and let time pass when nobody can act, until `until()` is true.

        Raises TooLong after `max_steps`, or when `max_time` simulated seconds passed in vain; Deadlock
        when nobody can ever act again. Without `until` it returns when `max_time` seconds have passed.
        """
        last, end = self.steps + max_steps, self.clock.time() + max_time
        while not (until is not None and until()):
            self._check_steps(last)
            if self.step():
                continue
            if until is not None and self._next_deadline() == math.inf:
                raise Deadlock(self._report("nobody can ever act again"))
            if not self._pass_time(end):
                break
        if until is not None and not until():
            raise TooLong(self._report(f"not within {max_time} s"))

    def run_program(self, main: Callable[[], object], until: Callable[[], bool], max_time: float = HOUR) -> None:
        """Call `main()`, which runs on simulated sockets, and end it in its select() once `until()`.

        Raises like `run()`, and whatever `main` raises.
        """
        end = self.clock.time() + max_time
        self._until = lambda: until() or self.clock.time() >= end
        try:
            with self._where_it_happened():
                main()
        except Finished:
            pass
        finally:
            self._until = lambda: False
        if not until():
            raise TooLong(self._report(f"not within {max_time} s"))

    def wait(self, can: Callable[[], bool], timeout: float | None, who: str) -> None:
        """What a call that blocks does: the others act until `can()`, or until `timeout` seconds passed."""
        end = math.inf if timeout is None else self.clock.time() + timeout
        if not self._acting:
            self._meanwhile(timeout)
        while not can() and self.clock.time() < end:
            self._check_steps(self.max_steps)
            if not self.step() and not self._pass_time(end):
                raise Deadlock(self._report(f"{who} waits for ever"))
            self._check_finished()

    def _meanwhile(self, timeout: float | None) -> None:
        """A program that keeps control does not stop the others, even if it never waits."""
        self.steps += 1
        self._check_steps(self.max_steps)
        acted = [self.step() for _ in range(self.rng.randint(0, 3))]
        if timeout == 0 and not any(acted):
            self._pass_time(self.clock.time() + POLL_SECONDS)
        self._check_finished()

    def _act(self, name: str) -> None:
        self.network.wire.note(f"{name} acts")
        self._acting.append(name)
        try:
            self._actors[name].step()
        finally:
            self._acting.pop()

    def _next_deadline(self) -> float:
        """When somebody can act by himself, inf for never. Who waits in a call has no other deadline."""
        idle = [actor for name, actor in self._actors.items() if name not in self._acting]
        deadlines = [*(actor.deadline() for actor in idle), self.network.wire.next_deadline()]
        return min((when for when in deadlines if when is not None), default=math.inf)

    def _pass_time(self, end: float) -> bool:
        """Advance to the earliest deadline, at most to `end`. False when it is `end`, or would be never."""
        now = self.clock.time()
        when = min(self._next_deadline(), end)
        if when == math.inf or now >= end:
            return False
        self.steps += 1  # so that an actor whose deadline is past, and who is not ready, ends in TooLong
        self.clock.advance_to(max(when, now))
        return True

    def _clients(self) -> list[RawClient]:
        return [actor for actor in self._actors.values() if isinstance(actor, RawClient)]

    def _check_finished(self) -> None:
        if not self._acting and self._until():
            raise Finished

    def _check_steps(self, last: int) -> None:
        if self.steps >= last:
            raise TooLong(self._report(f"{self.steps} steps"))

    def _report(self, why: str) -> str:
        end = "\n    ".join(self.trace[-12:])
        return f"{why} (seed {self.seed}, step {self.steps}); the trace ends with\n    {end}"

    @contextmanager
    def _where_it_happened(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if not hasattr(error, "__notes__"):
                error.add_note(f"simulated with seed {self.seed}, step {self.steps}, at {self.clock.time()} s")
            raise
