"""rates -> misfortunes. The faults that strike between system calls, at whom they like.

Those that belong to one call (short, spurious) are drawn where the call is made, in `sockets`.
"""

from collections.abc import Callable

from chatcore.sim.actors import RawClient
from chatcore.sim.clock import SimClock
from chatcore.sim.wire import Wire

HOUR = 3600.0


class BadLuck:
    """Strikes links, raw clients and the wall clock at the rates of `wire.faults`."""

    def __init__(self, wire: Wire, clock: SimClock, clients: Callable[[], list[RawClient]]) -> None:
        self._wire = wire
        self._clock = clock
        self._clients = clients
        self._table: tuple[tuple[str, Callable[[], None]], ...] = (
            ("reset", self._reset),
            ("lost", self._lose),
            ("wall_jump", self._jump),
            ("stall", self._stall),
            ("half_close", self._half_close),
        )

    def draw(self) -> None:
        """Once per step of the world."""
        for rate, strike in self._table:
            if self._wire.dice.strikes(getattr(self._wire.faults, rate)):
                strike()

    def _reset(self) -> None:
        if links := self._wire.established():
            self._wire.reset(self._wire.dice.rng.choice(links))

    def _lose(self) -> None:
        if links := self._wire.established():
            self._wire.lose(self._wire.dice.rng.choice(links))

    def _jump(self) -> None:
        seconds = self._wire.dice.rng.uniform(-HOUR, HOUR)
        self._wire.note(f"wall clock jumps {seconds:+.0f} s")
        self._clock.jump_wall(seconds)

    def _stall(self) -> None:
        if client := self._someone():
            client.stall()

    def _half_close(self) -> None:
        if client := self._someone():
            client.half_close()

    def _someone(self) -> RawClient | None:
        clients = [client for client in self._clients() if not client.closed]
        return self._wire.dice.rng.choice(clients) if clients else None
