"""segments sent -> segments delivered. Everything that is under way between sockets.

Nothing here happens by itself. The world asks which moves are possible now (`moves()`) and makes
one of them: a piece of somebody's bytes takes off, or a segment lands. Between them a program may
run, which is how every interleaving that a real network can produce comes about.
"""

import errno
import itertools
import random
from collections.abc import Callable, Iterator
from functools import partial

from chatcore.sim.clock import SimClock
from chatcore.sim.faults import Dice, Faults
from chatcore.sim.links import Address, Link, Listener
from chatcore.sim.options import BUFFER, Options
from chatcore.sim.pipe import Kind, Pipe
from chatcore.sim.tcp import End, State

Wait = Callable[[Callable[[], bool], float | None, str], None]


class Wire:
    """All connections and listeners. `rng` decides what moves how far, `clock` says when segments arrive."""

    def __init__(self, rng: random.Random, clock: SimClock, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.dice = Dice(rng)
        self.trace: list[str] = []
        self.links: list[Link] = []
        self.listeners: dict[Address, Listener] = {}
        self.wait: Wait = cannot_wait
        self.blocked = 0
        self._ports = itertools.cycle(range(32768, 61000))

    def note(self, what: str) -> None:
        """Add one line to the trace."""
        self.trace.append(f"{self.clock.time():.6f} {what}")

    def free_port(self) -> int:
        """An ephemeral port; like Linux it does not give one again soon."""
        return next(self._ports)

    def listener_at(self, target: Address) -> Listener | None:
        """Who accepts connections to `target`; 0.0.0.0 and "" listen at every address."""
        host, port = target
        found = (self.listeners.get((name, port)) for name in (host, "0.0.0.0", ""))
        return next((listener for listener in found if listener is not None), None)

    def dial(self, source: Address, target: Address, options: Options) -> Link:
        """Send SYN. The connection is made, or refused, when it arrives."""
        there, back = self._pipe(), self._pipe()
        ends = End(there, back, State.CONNECTING), End(back, there, State.CONNECTING)
        link = Link(*ends, source, target)
        link.caller.use(options)
        link.callee.orphan = True  # until a listener queues it
        self.links.append(link)
        there.fly(Kind.SYN, b"", self._arrival())
        return link

    def established(self) -> list[Link]:
        """Connections that packets can still travel along."""
        alive = (link for link in self.links if not link.lost)
        return [link for link in alive if {end.state for end in link.ends} == {State.CONNECTED}]

    def moves(self) -> list[Callable[[], None]]:
        """Everything that can happen now without any program: take-offs, landings, time-outs."""
        now = self.clock.time()
        self.links = [link for link in self.links if not link.forgotten]
        return [move for link in self.links for move in self._moves_of(link, now)]

    def next_deadline(self) -> float | None:
        """When, if nobody acts before, a segment arrives or a kernel gives a lost peer up."""
        times: list[float] = []
        for link in self.links:
            if link.lost:
                times += [when for end in link.ends if (when := self._gives_up(end)) is not None]
            else:
                flying = (end.out for end in link.ends if end.out.flying and not end.out.dead)
                times += [pipe.flying[0].arrives for pipe in flying]
        return min((when for when in times if when > self.clock.time()), default=None)

    def reset(self, link: Link) -> None:
        """Somebody in the middle resets a connection at both ends."""
        self.note(f"net {link} is reset")
        for end in link.ends:
            end.reset()

    def lose(self, link: Link) -> None:
        """From now on packets vanish, in both directions, and nobody is told."""
        self.note(f"net {link} is lost")
        link.lost = True

    def _pipe(self) -> Pipe:
        tiny = self.dice.strikes(self.faults.tiny_buffers)
        send_size, recv_size = (self.dice.rng.randint(1, 64) if tiny else BUFFER for _ in range(2))
        return Pipe(send_size, recv_size, tiny=tiny, since=self.clock.time())

    def _arrival(self) -> float:
        delay = self.faults.delay
        return self.clock.time() + (self.dice.rng.uniform(0, delay) if delay else 0)

    def _moves_of(self, link: Link, now: float) -> Iterator[Callable[[], None]]:
        if link.lost:
            for end in link.ends:
                when = self._gives_up(end)
                if when is not None and when <= now:
                    yield partial(self._give_up, link, end)
            return
        for end in link.ends:
            if end.out.can_transmit:
                yield partial(self._take_off, link, end)
            if self._can_land(link, end.out, now):
                yield partial(self._land, link, end)

    def _can_land(self, link: Link, pipe: Pipe, now: float) -> bool:
        if pipe.dead or not pipe.flying or pipe.flying[0].arrives > now:
            return False
        listener = self.listener_at(link.target) if pipe.flying[0].kind is Kind.SYN else None
        # Linux queues one more than the backlog, then ignores SYNs; the caller goes on trying.
        return listener is None or len(listener.queue) <= listener.backlog

    def _take_off(self, link: Link, end: End) -> None:
        before = len(end.out.unsent)
        kind = end.out.transmit(self.dice.piece(before) if before else 0, self._arrival())
        self.note(f"net {link.way(end)} sends {kind.name} {before - len(end.out.unsent)}")

    def _land(self, link: Link, sender: End) -> None:
        segment = sender.out.land()
        self.note(f"net {link.way(sender)} delivers {segment.kind.name} {len(segment.data)}")
        sender.out.since = self.clock.time()
        if segment.kind is Kind.SYN:
            self._meet(link)
        else:
            receiver = link.callee if sender is link.caller else link.caller
            receiver.arrive(segment, self.clock.time())

    def _meet(self, link: Link) -> None:
        listener = self.listener_at(link.target)
        if listener is None:
            link.caller.die(errno.ECONNREFUSED)
            link.callee.die(0)
            return
        link.caller.state = link.callee.state = State.CONNECTED
        link.callee.use(listener.options.copy())
        link.callee.orphan = False
        listener.queue.append(link)

    def _gives_up(self, end: End) -> float | None:
        """When the kernel of `end` declares its lost peer dead (monotonic seconds), None for never."""
        if end.state is State.DEAD or end.orphan:
            return None
        seconds = end.patience()
        return None if seconds is None else end.waiting_since + seconds

    def _give_up(self, link: Link, end: End) -> None:
        self.note(f"net {link.way(end)} gives up")
        end.die(errno.ETIMEDOUT)


def cannot_wait(can: Callable[[], bool], timeout: float | None, who: str) -> None:
    """What `Wire.wait` is until a world replaces it: there is nobody to let run."""
    if not can() and timeout != 0:
        raise RuntimeError(f"{who} would wait, but this wire belongs to no world")
