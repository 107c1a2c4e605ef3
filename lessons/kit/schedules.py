"""names and texts -> Hypothesis strategies of schedules. For `check.py`; this module needs Hypothesis.

Short schedules are written by Hypothesis step by step, long ones from a seed that it chooses: left to itself it
varies one step of a schedule at a time, and a hundred of those reach few states. Steps that are not
needed are left out again when something fails (see `Examiner.shortened`).
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

from hypothesis import strategies as st

from lessons.kit.steps import Close, Connect, HalfClose, Pass, Reset, Resume, Send, Stall, Step, Vanish

SEEDS = 2**32 - 1
LONG_ONES = 3  # of four schedules

KINDS = {
    "connect": Connect,
    "stall": Stall,
    "resume": Resume,
    "half-close": HalfClose,
    "close": Close,
    "reset": Reset,
    "vanish": Vanish,
}


def schedules(
    names: Sequence[str] = ("ana", "bia", "caio"),
    texts: Sequence[bytes] = (b"oi\n",),
    steps: Sequence[str] = ("connect", "send"),
    start: Sequence[Step] = (),
    seconds: Sequence[float] = (1.0,),
    most: int = 12,
) -> st.SearchStrategy[list[Step]]:
    """`start`, then up to `most` steps of the kinds named ("send" and "pass" besides those of KINDS)."""
    make: dict[str, Callable[[str, bytes, float], Step]] = {
        "send": lambda name, text, pause: Send(name, text),
        "pass": lambda name, text, pause: Pass(pause),
        **{kind: lambda name, text, pause, cls=cls: cls(name) for kind, cls in KINDS.items()},  # type: ignore[misc]
    }
    one = st.builds(
        lambda kind, name, text, pause: make[kind](name, text, pause),
        *map(st.sampled_from, (tuple(steps), tuple(names), tuple(texts), tuple(seconds))),
    )

    def long(seed: int) -> list[Step]:
        rng = Random(seed)
        count = rng.randint(min(most, 4), most)
        return [
            make[rng.choice(steps)](rng.choice(names), rng.choice(texts), rng.choice(seconds)) for _ in range(count)
        ]

    chosen = st.one_of(st.lists(one, max_size=most // 2), *[st.integers(0, SEEDS).map(long)] * LONG_ONES)
    texts_if_sent = tuple(texts) if "send" in steps else ()
    return chosen.map(lambda raw: [*start, *mended(start, raw, "connect" in steps, texts_if_sent)])


def mended(start: Sequence[Step], raw: Sequence[Step], may_connect: bool, texts: Sequence[bytes]) -> list[Step]:
    """Steps that would be in vain become others: whoever is not there connects, whoever is connected sends."""
    there = {step.name for step in start if isinstance(step, Connect)}
    stalled: set[str] = set()
    steps: list[Step] = []
    for step in raw:
        name = getattr(step, "name", "")
        vain = isinstance(step, Connect) or isinstance(step, Stall) == (name in stalled)
        if name and name not in there:
            step = Connect(name) if may_connect else step
        elif isinstance(step, Connect | Stall | Resume) and vain and texts:
            step = Send(name, texts[len(steps) % len(texts)])
        match step:
            case Connect():
                there.add(name)
            case Close() | Reset() | Vanish():
                there.discard(name)
                stalled.discard(name)
            case Stall():
                stalled.add(name)
            case Resume():
                stalled.discard(name)
        steps.append(step)
    return steps


@st.composite
def cut(draw: st.DrawFn, name: str, streams: st.SearchStrategy[bytes], most: int = 6) -> list[Step]:
    """One stream of bytes that `name` sends in pieces, cut anywhere."""
    stream = draw(streams)
    places = draw(st.lists(st.integers(0, len(stream)), max_size=most, unique=True))
    edges = [0, *sorted(places), len(stream)]
    pieces = (stream[a:b] for a, b in pairwise(edges))
    return [Send(name, piece) for piece in pieces if piece]
