"""asyncio as a guest in our loop: one thread, one selector, one wait.

prompt_toolkit needs asyncio; the client does not. An asyncio loop waits in `select()` of whatever
selector it is given. It gets one whose `select()` is a turn of our loop: our sockets and timers are
handled inside it, and what happened to asyncio's own descriptors is handed back.

    asyncio ── select(timeout) ──▶ Guest ── turn(at_most=timeout) ──▶ Loop ──▶ the one real selector
    asyncio ◀── what happened ──── Guest ◀── ready(events) ────────── Loop
"""

import asyncio
import contextlib
import selectors
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from selectors import SelectorKey
from typing import TYPE_CHECKING

from chatcore.loop import Loop

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


def host(loop: Loop, guest: Coroutine[None, None, None]) -> None:
    """Run `loop` until it is stopped, and `guest` beside it; then cancel `guest` and let it tidy up."""
    loop.running = True
    selector = Guest(loop)
    aio = GuestLoop(selector)
    selector.on_stop = aio.stop
    task = aio.create_task(guest)
    try:
        aio.run_forever()
    finally:
        loop.stop()  # after an exception; no turn may happen from here on
        selector.on_stop = lambda: None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            aio.run_until_complete(task)
        aio.close()


@dataclass(frozen=True)
class Watch:
    """Stands in our selector for a descriptor of asyncio's, and only notes what happened to it."""

    key: SelectorKey
    happened: list[tuple[SelectorKey, int]]

    def ready(self, events: int) -> None:
        """Note it: `Guest.select` returns it when the turn is over."""
        self.happened.append((self.key, events))


class Guest(selectors.BaseSelector):
    """The selector that asyncio gets. It calls `on_stop` when it finds our loop stopped."""

    def __init__(self, loop: Loop) -> None:
        self.on_stop: Callable[[], None] = lambda: None
        self._loop = loop
        self._keys: dict[FileDescriptorLike, SelectorKey] = {}  # asyncio names them by number
        self._happened: list[tuple[SelectorKey, int]] = []

    def register(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> SelectorKey:
        """Watch a descriptor of asyncio's in our selector."""
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = SelectorKey(fileobj, fd, events, data)
        self._loop.selector.register(fd, events, Watch(key, self._happened))
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: "FileDescriptorLike") -> SelectorKey:
        """Stop watching it."""
        key = self._keys.pop(fileobj)
        self._loop.selector.unregister(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Where asyncio waits, and we work. Nothing can be waited for once our loop has stopped."""
        self._happened.clear()
        if self._loop.running:
            self._loop.turn(at_most=timeout)
        if not self._loop.running:
            self.on_stop()
        return self._happened.copy()

    def get_map(self) -> Mapping["FileDescriptorLike", SelectorKey]:
        """Return what asyncio watches; ours is none of its business."""
        return self._keys


class GuestLoop(asyncio.SelectorEventLoop):
    """asyncio's loop, but it leaves `signal.set_wakeup_fd` to its one owner, the client's Wakeup."""

    def add_signal_handler(self, sig: int, callback: Callable[..., object], *args: object) -> None:
        """Let a plain handler call `callback` in the loop. Only SIGWINCH is asked for."""

        def handler(*_: object) -> None:
            self.call_soon_threadsafe(callback, *args)

        signal.signal(sig, handler)

    def remove_signal_handler(self, sig: int) -> bool:
        """Give the signal back to the system."""
        signal.signal(sig, signal.SIG_DFL)
        return True
