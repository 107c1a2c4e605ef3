"""a seed -> what kind of world this is: limits, faults, and which actions happen at all.

A run leaves some actions out (swarm testing): one in which nobody ever resets finds what a run full
of resets hides. Limits are drawn small enough to be hit.
"""

import random
from dataclasses import dataclass, replace

from chatcore.limits import Limits
from chatcore.sim import Faults

ALWAYS = {"arrive": 5, "talk": 8, "join": 6, "time": 6}  # methods of Actions, and how often each is drawn
OPTIONAL = {
    "roar": 4, "catch_up": 6, "go": 6, "cut": 10, "doze": 12, "strangers": 4,
    "human_talks": 6, "human_cut": 5, "disk": 3, "restart": 1, "crash": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """`is_fair`: everybody reads all there is between two turns of the server, so its marks may be small."""

    limits: Limits
    faults: Faults
    actions: dict[str, int]
    is_fair: bool
    is_late: bool  # the log answers in a later turn
    people: int  # scripted ones, at once
    humans: int  # at the real client
    buffer: int  # bytes that the kernel of a scripted one holds for him
    length: int  # actions


def draw_setting(rng: random.Random) -> Setting:
    """One of many worlds."""
    is_fair = rng.random() < 0.5
    return Setting(
        limits=draw_limits(rng, is_fair),
        faults=draw_faults(rng, is_fair),
        actions=ALWAYS | {action: weight for action, weight in OPTIONAL.items() if rng.random() < 0.7},
        is_fair=is_fair,
        is_late=rng.random() < 0.5,
        people=rng.randint(2, 6),
        humans=rng.randint(0, 2),
        buffer=512 if is_fair else rng.choice((65536, 1024)),
        length=rng.randint(15, 50),
    )


def draw_limits(rng: random.Random, is_fair: bool) -> Limits:
    """Limits that are hit within a run."""
    ping = rng.choice((30.0, 5.0))
    limits = Limits(
        recent=rng.choice((20, 3, 0)), presence=rng.choice((200, 200, 2)), linger_seconds=rng.choice((2.0, 0.5)),
        burst=rng.choice((100, 20, 3)), rate=rng.choice((0.0, 50.0, 5.0)), send_buffer=rng.choice((65536, 1024)),
        ping_seconds=ping, idle_seconds=ping + rng.choice((30, 3)), half_frame_seconds=rng.choice((30.0, 4.0)),
        hello_seconds=rng.choice((10.0, 2.0)), typing_seconds=rng.choice((60.0, 4.0)), per_address=4,
    )  # fmt: skip
    small = replace(
        limits, text=256, frame=1536, turn_bytes=1250, low_water=512, high_water=2048, ceiling=4096, send_buffer=4096,
        total_queue=rng.choice((4096, 16_000)), burst=100, drain_seconds=2.0,
    )  # fmt: skip
    return small if is_fair else limits


def draw_faults(rng: random.Random, is_fair: bool) -> Faults:
    """Short sends and long ways slow a reader down without his fault: not where marks are small."""
    faults = Faults(short_recv=rng.choice((0, 0.5)), accept_error=rng.choice((0, 0.2)), wall_jump=0.01)
    delay = rng.choice((0, rng.uniform(0.01, 0.1)))
    slow = replace(faults, short_send=rng.choice((0, 0.5)), spurious=rng.choice((0, 0.1)), delay=delay)
    return faults if is_fair else slow
