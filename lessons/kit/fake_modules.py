"""selectors, select, time, signal -> the simulated computer. What a program under test imports instead.

The names and the behaviour are the standard library's; what the simulation does not have is
missing, and says so when a program asks for it.
"""

import selectors as real_selectors
import signal as real_signal
import time as real_time
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import ClassVar

from chatcore.sim import SimSelector
from chatcore.sim.selector import HasFileno, number_of, shown
from chatcore.sim.sockets import SimSocket
from lessons.kit.computer import Call, Computer, Killed
from lessons.kit.fake_socket import Socket
from lessons.kit.fake_sqlite import sqlite_module
from lessons.kit.socket_module import says_what_it_lacks, socket_module

READ, WRITE = real_selectors.EVENT_READ, real_selectors.EVENT_WRITE


class Selector(SimSelector):
    """Every selector of the `selectors` module. A subclass of it knows the computer."""

    computer: ClassVar[Computer]

    def __init__(self) -> None:
        super().__init__(self.computer.world.network, self.computer.process)
        self._streak = 0
        self.computer.selectors.append(self)

    def register(self, fileobj: int | HasFileno, events: int, data: object = None) -> real_selectors.SelectorKey:
        """As the real one. Notes who is registered a second time."""
        held = self._keys.get(fileobj if isinstance(fileobj, int) else fileobj.fileno())
        if held is not None and held.fileobj is fileobj:
            self.computer.refused = Call("register", self.computer.who_has.get(held.fd, ""), result="EEXIST")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[real_selectors.SelectorKey, int]]:
        """What is ready."""
        computer = self.computer
        computer.will_select({computer.who_has.get(key.fd, "?"): key.events for key in self._keys.values()}, timeout)
        if timeout is not None:
            timeout = max(0.0, timeout)
        before = self.unproductive
        found = super().select(timeout)
        if computer.all_at_once():
            found = [(key, mask) for key in self._keys.values() if (mask := self._mask(key))]
            self._reported = [(self._watched[key.fd], self._watched[key.fd].progress) for key, _ in found]
        self._streak = self._streak + 1 if self.unproductive > before else 0
        computer.begin_turn([(computer.who_has.get(key.fd, "?"), mask) for key, mask in found])
        computer.leave(Call("select", "", result=" ".join(map(shown, found))), bool(found) or timeout != 0)
        computer.spins(self._streak)
        return found

    def _mask(self, key: real_selectors.SelectorKey) -> int:
        who = self.computer.who_has.get(key.fd, "?")
        return super()._mask(key) | self.computer.false_alarm(who) & key.events


def selectors_module(computer: Computer) -> ModuleType:
    """`selectors`: one kind of selector under all its names."""
    module = ModuleType("selectors", "The simulated selectors of the lessons.")
    kind = type("DefaultSelector", (Selector,), {"computer": computer})
    names = ("DefaultSelector", "SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector")
    vars(module).update(dict.fromkeys(names, kind))
    for name in ("BaseSelector", "SelectorKey", "EVENT_READ", "EVENT_WRITE"):
        setattr(module, name, getattr(real_selectors, name))
    return says_what_it_lacks(module)


def select_module(computer: Computer) -> ModuleType:
    """`select.select` alone."""
    module = ModuleType("select", "The simulated select() of the lessons.")
    memory = Memory()

    def select(
        rlist: Iterable[Socket], wlist: Iterable[Socket], xlist: Iterable[Socket], timeout: float | None = None
    ) -> tuple[list[Socket], list[Socket], list[Socket]]:
        wanted = [(sock, READ) for sock in rlist] + [(sock, WRITE) for sock in wlist]
        asks: dict[str, int] = {}
        for sock, event in wanted:
            asks[sock.who] = asks.get(sock.who, 0) | event
        computer.will_select(asks, timeout)
        files = [computer.process.fds[number_of(sock)] for sock, _ in wanted]

        def ready(event: int) -> list[Socket]:
            return [
                sock
                for (sock, want), f in zip(wanted, files, strict=True)
                if want == event and (f.readiness() | computer.false_alarm(sock.who)) & event
            ]

        memory.judge(computer)
        computer.world.network.wire.wait(lambda: bool(ready(READ) or ready(WRITE)), timeout, "server select")
        computer.all_at_once()
        readable, writable = ready(READ), ready(WRITE)
        found = [(sock.who, READ) for sock in readable] + [(sock.who, WRITE) for sock in writable]
        computer.begin_turn(found)
        computer.interest = asks
        computer.leave(Call("select", "", result=len(found)), bool(found) or timeout != 0)
        memory.reported = [(sock._sim, sock._sim.progress) for sock in readable + writable]
        return readable, writable, []

    vars(module).update(select=select, error=OSError)
    return says_what_it_lacks(module)


class Memory:
    """What the last select() reported, and how often in a row nothing was done about it."""

    def __init__(self) -> None:
        self.reported: list[tuple[object, int]] = []
        self.spin = 0
        self.process: object = None

    def judge(self, computer: Computer) -> None:
        """Count one more, or begin again."""
        if self.process is not computer.process:
            self.process, self.reported = computer.process, []
        idle = all(getattr(sock, "progress", -1) == before for sock, before in self.reported)
        self.spin = self.spin + 1 if self.reported and idle else 0
        self.reported = []
        computer.spins(self.spin)


def time_module(computer: Computer) -> ModuleType:
    """`time`, by the clock of the simulated world."""
    module = ModuleType("time", "The simulated clock of the lessons.")
    vars(module).update({name: getattr(real_time, name) for name in dir(real_time) if not name.startswith("_")})

    def monotonic() -> float:
        return computer.world.clock.time()

    def wall() -> float:
        return computer.world.clock.utc().timestamp()

    def sleep(seconds: float) -> None:
        computer.enter("sleep", "")
        computer.world.network.wire.wait(lambda: False, seconds, "server sleep")
        computer.leave(Call("sleep", ""))

    def strftime(form: str, when: real_time.struct_time | None = None) -> str:
        return real_time.strftime(form, when or real_time.gmtime(wall()))

    def now_unless_given(call: Callable[..., object]) -> Callable[[float | None], object]:
        def at(seconds: float | None = None) -> object:
            return call(wall() if seconds is None else seconds)

        return at

    vars(module).update(
        monotonic=monotonic,
        perf_counter=monotonic,
        monotonic_ns=lambda: round(monotonic() * 1e9),
        perf_counter_ns=lambda: round(monotonic() * 1e9),
        time=wall,
        time_ns=lambda: round(wall() * 1e9),
        sleep=sleep,
        localtime=now_unless_given(real_time.gmtime),
        gmtime=now_unless_given(real_time.gmtime),
        strftime=strftime,
    )
    return module


def signal_module(computer: Computer) -> ModuleType:
    """`signal`: handlers and the wakeup descriptor."""
    module = ModuleType("signal", "The simulated signals of the lessons.")
    for name in dir(real_signal):
        if name.startswith("SIG") or name in ("Signals", "Handlers", "default_int_handler"):
            setattr(module, name, getattr(real_signal, name))

    def getsignal(number: int) -> object:
        default = real_signal.default_int_handler if number == real_signal.SIGINT else real_signal.SIG_DFL
        return computer.handlers.get(number, default)

    def signal(number: int, handler: object) -> object:
        before = getsignal(number)
        computer.handlers[number] = handler
        return before

    def set_wakeup_fd(fd: int, *, warn_on_full_buffer: bool = True) -> int:
        sim = computer.process.fds.get(fd)
        if isinstance(sim, SimSocket) and sim.getblocking():
            raise ValueError(f"the fd {fd} must be in non-blocking mode")
        before, computer.wakeup_fd = computer.wakeup_fd, fd
        return before

    def raise_signal(number: int) -> None:
        deliver(computer, number)

    vars(module).update(getsignal=getsignal, signal=signal, set_wakeup_fd=set_wakeup_fd, raise_signal=raise_signal)
    return says_what_it_lacks(module)


def deliver(computer: Computer, number: int) -> None:
    """What the kernel, and then Python, do with a signal. Raises what the handler raises."""
    default = real_signal.default_int_handler if number == real_signal.SIGINT else real_signal.SIG_DFL
    handler = computer.handlers.get(number, default)
    if handler is real_signal.SIG_IGN:
        return  # the kernel drops it: nothing is written
    if handler is real_signal.SIG_DFL:
        raise Killed
    if computer.wakeup_fd >= 0:
        sim = computer.process.fds.get(computer.wakeup_fd)
        getattr(sim, "send", len)(bytes([number]))
    if callable(handler):
        handler(number, None)


def modules_of(computer: Computer) -> dict[str, ModuleType]:
    """Everything that is replaced, by the name under which it is imported."""
    return {
        "socket": socket_module(computer),
        "selectors": selectors_module(computer),
        "select": select_module(computer),
        "time": time_module(computer),
        "signal": signal_module(computer),
        "sqlite3": sqlite_module(computer),
    }
