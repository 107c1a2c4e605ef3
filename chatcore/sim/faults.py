"""a seed -> bad luck. What may go wrong in a simulated world, and how often.

Everything here is something a real kernel or network may do to a correct program: readiness is
a hint, send takes what it likes, peers vanish. Rates are probabilities from 0 to 1; all are 0 at
first, so a world without faults is a friendly one, and `world.faults = Faults()` makes it so again.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates per system call, per new connection, or per step of the world."""

    short_recv: float = 0.0  # per recv: fewer bytes than are there
    short_send: float = 0.0  # per send: the kernel takes fewer bytes than fit
    spurious: float = 0.0  # per recv, send or accept: BlockingIOError although select said ready
    accept_error: float = 0.0  # per accept: ECONNABORTED (that connection is gone) or EMFILE
    tiny_buffers: float = 0.0  # per new connection: its kernel buffers hold 1 to 64 bytes
    delay: float = 0.0  # seconds, not a rate: each segment travels for 0 to this long
    reset: float = 0.0  # per step: some connection is reset at both ends
    lost: float = 0.0  # per step: some connection's packets vanish from now on, both ways
    wall_jump: float = 0.0  # per step: the wall clock jumps by up to an hour either way
    stall: float = 0.0  # per step: some raw client stops reading
    half_close: float = 0.0  # per step: some raw client says that it will send no more


class Dice:
    """Draws from the world's one random source. A rate of 0 draws nothing at all."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def strikes(self, rate: float) -> bool:
        """True with probability `rate`."""
        return rate > 0 and self.rng.random() < rate

    def piece(self, most: int) -> int:
        """1 to `most`: often tiny, sometimes a packet's worth, sometimes all of it."""
        return self.rng.randint(1, min(most, self.rng.choice((4, 1460, 1 << 20))))

    def piece_if(self, rate: float, most: int) -> int:
        """All of it, but a piece with probability `rate`."""
        return self.piece(most) if self.strikes(rate) else most
