"""A chat whose log may be late: for the tests that run with each kind of log."""

from collections.abc import Callable
from typing import Any

from chatcore.log import Log, MemoryLog
from tests.pure_chat import LINES, TEXT, Driver, Peer, SlowLog

LOGS: dict[str, Callable[[], Log]] = {
    "log here": lambda: MemoryLog("log-1"),
    "late answers": lambda: SlowLog(is_early=True),
    "late requests": lambda: SlowLog(is_early=False),
}


class House:
    """A driver whose log answers when `settle` is called, and not when `wait` is."""

    def __init__(self, log: Log, **settings: Any) -> None:
        self.driver = Driver(log, rate=0.0, **settings)
        self.slow = log if isinstance(log, SlowLog) else None

    def wait(self) -> None:
        self.driver.settle()

    def settle(self) -> None:
        self.driver.settle()
        while self.slow and self.slow.owes:
            self.slow.answer(1)
            self.driver.settle()

    def program(self, name: str, *rooms: str, kind: str = LINES) -> Peer:
        peer = self.driver.connect(kind).says(type="hello", name=name)
        for room in rooms:
            peer.says(type="join", room=room)
        self.settle()
        return peer

    def person(self, name: str) -> Peer:
        peer = self.driver.connect(TEXT).says(name)
        self.settle()
        return peer

    def past(self, room: str, count: int) -> None:
        """Somebody says `count` things in a room and goes."""
        peer = self.program("past", room)
        peer.sends(room, *(f"{room} {number}" for number in range(1, count + 1))).says(type="bye")
        self.settle()
