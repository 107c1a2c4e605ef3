"""interest -> readiness. A `selectors.BaseSelector` that waits in simulated time.

Level-triggered, as epoll is used by `selectors`: what is ready is reported until somebody deals
with it. Two liberties that a real kernel takes as well: the order is arbitrary, and not
everything that is ready need be reported at once. Readiness is a hint.
"""

import errno
import selectors
from collections.abc import Callable, Iterator, Mapping
from selectors import EVENT_READ, EVENT_WRITE, SelectorKey
from typing import Protocol

from chatcore.sim.network import Network
from chatcore.sim.process import Descriptor, Process
from chatcore.sim.tcp import failure

SOME_ONLY = 0.25  # how often select reports only a part of what is ready


class HasFileno(Protocol):
    """What may be registered, besides a bare descriptor."""

    def fileno(self) -> int:
        """Its descriptor."""


class SimSelector(selectors.BaseSelector):
    """Watches the descriptors of one process.

    `calls` counts select(). `unproductive` counts those that reported sockets of which none was then
    read, written, accepted from or closed, and after which no interest changed: the program was
    woken for nothing. `longest_spin` is the longest run of them: many in a row are a busy loop.
    """

    def __init__(self, network: Network, process: Process | None = None) -> None:
        self.calls = 0
        self.unproductive = 0
        self.longest_spin = 0
        self._spin = 0
        self._reported: list[tuple[Descriptor, int]] = []
        self._changed = False
        self._wire = network.wire
        self._process = process or network.process
        self._keys: dict[int, SelectorKey] = {}
        self._watched: dict[int, Descriptor] = {}

    def register(self, fileobj: int | HasFileno, events: int, data: object = None) -> SelectorKey:
        """ValueError for an empty interest or a closed file, KeyError if it is registered already."""
        check_events(events)
        key = SelectorKey(fileobj, self._lookup(fileobj), events, data)
        if key.fd in self._keys:
            raise KeyError(f"{fileobj!r} (FD {key.fd}) is already registered")
        if key.fd not in self._process.fds:
            raise failure(errno.EBADF)
        self._keys[key.fd] = key
        self._watched[key.fd] = self._process.fds[key.fd]
        self._changed = True
        return key

    def unregister(self, fileobj: int | HasFileno) -> SelectorKey:
        """KeyError if it is not registered. A closed socket must be unregistered as well."""
        key = self.get_key(fileobj)
        del self._keys[key.fd], self._watched[key.fd]
        self._changed = True
        return key

    def modify(self, fileobj: int | HasFileno, events: int, data: object = None) -> SelectorKey:
        """Replace interest and data. ValueError for an empty interest, KeyError if it is not registered."""
        key = self.get_key(fileobj)
        check_events(events)
        if events != key.events:
            self._changed = True
            self._check_same_file(key)
        self._keys[key.fd] = key._replace(events=events, data=data)
        return self._keys[key.fd]

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready, in any order; waits `timeout` simulated seconds for it, None for ever.

        Raises Deadlock when it would wait for ever and nobody is left who could end that.
        """
        self._judge()
        self.calls += 1
        self._wire.wait(self.any_ready, timeout, f"{self._process.name} select")
        found = [(key, mask) for key in self._keys.values() if (mask := self._mask(key))]
        self._wire.dice.rng.shuffle(found)
        if len(found) > 1 and self._wire.dice.strikes(SOME_ONLY):
            del found[self._wire.dice.rng.randrange(1, len(found)) :]
        self._reported = [(self._watched[key.fd], self._watched[key.fd].progress) for key, _ in found]
        self._wire.note(f"{self._process.name} select: {' '.join(map(shown, found)) or 'nothing'}")
        return found

    def any_ready(self) -> bool:
        """True when select() would return at once."""
        return any(self._mask(key) for key in self._keys.values())

    def close(self) -> None:
        """Forget all registrations."""
        self._keys.clear()
        self._watched.clear()

    def get_key(self, fileobj: int | HasFileno) -> SelectorKey:
        """The registration of a descriptor or a file, which may be closed by now. KeyError."""
        fd = self._lookup(fileobj)
        if fd not in self._keys:
            raise KeyError(f"{fileobj!r} is not registered")
        return self._keys[fd]

    def get_map(self) -> Mapping[int | HasFileno, SelectorKey]:
        """All registrations, by descriptor or by file."""
        return Registrations(self._keys, self.get_key)

    def _check_same_file(self, key: SelectorKey) -> None:
        """epoll watches files, not numbers: a closed one is forgotten, whoever has its number now."""
        if self._process.fds.get(key.fd) is not self._watched[key.fd]:
            self.unregister(key.fd)
            raise failure(errno.ENOENT if key.fd in self._process.fds else errno.EBADF)

    def _lookup(self, fileobj: int | HasFileno) -> int:
        """The descriptor under which a file is, or would be, registered, also when it is closed by now."""
        try:
            return number_of(fileobj)
        except ValueError:
            for key in self._keys.values():
                if key.fileobj is fileobj:
                    return key.fd
            raise

    def _mask(self, key: SelectorKey) -> int:
        return self._watched[key.fd].readiness() & key.events

    def _judge(self) -> None:
        idle = all(sock.progress == before for sock, before in self._reported)
        if self._reported and idle and not self._changed:
            self.unproductive += 1
            self._spin += 1
            self.longest_spin = max(self.longest_spin, self._spin)
        elif self._reported:
            self._spin = 0
        self._reported, self._changed = [], False


class Registrations(Mapping[int | HasFileno, SelectorKey]):
    """A view: iterates over descriptors, and finds files too."""

    def __init__(self, keys: dict[int, SelectorKey], find: Callable[[int | HasFileno], SelectorKey]) -> None:
        self._keys = keys
        self._find = find

    def __getitem__(self, fileobj: int | HasFileno) -> SelectorKey:
        return self._find(fileobj)

    def __iter__(self) -> Iterator[int | HasFileno]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def number_of(fileobj: int | HasFileno) -> int:
    """The descriptor of a file or of itself. ValueError if there is none (closed, or not a file)."""
    if isinstance(fileobj, int):
        fd = fileobj
    else:
        try:
            fd = int(fileobj.fileno())
        except (AttributeError, TypeError, ValueError):
            raise ValueError(f"Invalid file object: {fileobj!r}") from None
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return fd


def check_events(events: int) -> None:
    """ValueError unless it is EVENT_READ, EVENT_WRITE or both."""
    if not events or events & ~(EVENT_READ | EVENT_WRITE):
        raise ValueError(f"Invalid events: {events!r}")


def shown(found: tuple[SelectorKey, int]) -> str:
    """As in 5rw."""
    key, mask = found
    return f"{key.fd}{'r' * bool(mask & EVENT_READ)}{'w' * bool(mask & EVENT_WRITE)}"
