"""how long to wait for a server: before saying that it is slow, before leaving without its goodbye.

A line that was entered vanishes from the editor, and its echo is what shows it again. When the echo
is late, somebody has to say so: a connection that stands still looks like one on which nobody talks.
"""

from collections.abc import Callable

from chatcore.client.session import Notice, Session
from chatcore.loop import Loop

SLOW_SECONDS = 3.0  # for a confirmation; the time to wonder what became of the line
LEAVE_SECONDS = 10.0  # somebody who is done waits for confirmations, but not longer than this for the next


class Patience:
    """Watches `session` for as long as it waits for something. Acts in step 3 of a turn of `loop`."""

    def __init__(self, loop: Loop, session: Session, show: Callable[[Notice], None]) -> None:
        self.is_at_end = False  # nothing more can be typed
        self._loop = loop
        self._session = session
        self._show = show
        self._is_waiting = self._is_leaving = False

    def watch(self) -> None:
        """To be called when the person has typed something, or is done."""
        if self._session.is_leaving and not self._is_leaving:
            self._is_leaving = True
            self._watch_leaving()
        if not self._is_waiting:
            self._watch_oldest()

    def _watch_oldest(self) -> None:
        oldest = next(iter(self._session.unconfirmed), None)  # None: not even said yet
        self._is_waiting = bool(self._session.waiting())
        if self._is_waiting:
            self._loop.call_later(SLOW_SECONDS, lambda: self._look_at(oldest))

    def _look_at(self, oldest: str | None) -> None:
        """Say so if it still waits. While others get their confirmations nothing is wrong, however many wait."""
        waiting = self._session.waiting()
        is_slow = bool(waiting) and oldest == next(iter(self._session.unconfirmed), None)
        is_news = self._session.is_connected or self._session.is_leaving  # "will be sent when connected" was said
        if not (is_slow and is_news):
            self._watch_oldest()
            return
        self._is_waiting = False
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        hint = "; Ctrl-C leaves at once" if self._session.is_leaving else ""
        self._show(Notice(f'not confirmed yet: "{waiting[0]}"{more}{hint}'))

    def _watch_leaving(self) -> None:
        """Stop when nothing was confirmed for a while. Who said `sair` waits longer, for all but the goodbye."""
        before = len(self._session.waiting())

        def look() -> None:
            now = len(self._session.waiting())
            if now == before and (self.is_at_end or not now):
                self._loop.stop()
            else:
                self._watch_leaving()

        self._loop.call_later(LEAVE_SECONDS, look)
