"""socket -> the simulated network. The socket of a program under test.

`Socket` puts what the program sees in front of `chatcore.sim.SimSocket`: timeouts, counting, names for
the trace, and a close when the program forgets its last reference, as Python does it.
"""

import errno
import operator
import socket as real
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, EVENT_WRITE
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from chatcore.sim.sockets import SimSocket
from lessons.kit.computer import Call, Computer

Address = tuple[str, int]
MOST_SENT = 1 << 20  # bytes that one send() looks at; no simulated kernel takes more
NO_WAIT, NO_SIGNAL = getattr(real, "MSG_DONTWAIT", 0x40), getattr(real, "MSG_NOSIGNAL", 0x4000)
Result = TypeVar("Result")


class Socket:
    """Stands for `socket.socket`. A subclass of it knows the computer."""

    computer: ClassVar[Computer]
    numbers: ClassVar[int] = 0

    def __init__(self, family: int = real.AF_INET, type: int = real.SOCK_STREAM, proto: int = 0) -> None:  # noqa: A002
        self.family, self.type, self.proto = family, type, proto
        self.who = "listener"
        self._timeout: float | None = None
        Socket.numbers += 1
        self._number = Socket.numbers
        self._sim = self.computer.world.network.socket(self.computer.process)

    @classmethod
    def around(cls, sim: SimSocket, who: str) -> Self:
        """A socket for a connection that exists already."""
        self = cls.__new__(cls)
        self.family, self.type, self.proto = real.AF_INET, real.SOCK_STREAM, 0
        self.who, self._timeout, self._sim = who, None, sim
        Socket.numbers += 1
        self._number = Socket.numbers
        self.computer.who_has[sim.fileno()] = who
        return self

    def __hash__(self) -> int:
        return self._number  # so that a set of sockets has the same order in every run

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"<socket fd={self.fileno()} {self.who}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if "_sim" in self.__dict__:  # not if the constructor failed
            self._sim.close()

    def __getattr__(self, name: str) -> object:
        raise AttributeError(f"the simulated socket of the checks has no {name!r}")

    def fileno(self) -> int:
        """The descriptor, -1 after close()."""
        return self._sim.fileno()

    def setblocking(self, flag: bool) -> None:
        """As settimeout(None) or settimeout(0)."""
        self.settimeout(None if flag else 0.0)

    def getblocking(self) -> bool:
        """False if the timeout is 0."""
        return self._timeout != 0

    def settimeout(self, seconds: float | None) -> None:
        """None: calls wait for ever; 0: never."""
        self._timeout = seconds
        self._sim.setblocking(seconds is None)

    def gettimeout(self) -> float | None:
        """What settimeout() was given."""
        return self._timeout

    def setsockopt(self, level: int, name: int, value: int | bytes) -> None:
        """Buffer sizes, SO_LINGER and keep-alive have an effect."""
        self._sim.setsockopt(level, name, value)

    def getsockopt(self, level: int, name: int) -> int:
        """What was set; SO_ERROR is the pending error."""
        return self._sim.getsockopt(level, name)

    def getsockname(self) -> Address:
        """This side's address."""
        return self._sim.getsockname()

    def getpeername(self) -> Address:
        """The other side's address."""
        return self._sim.getpeername()

    def bind(self, address: Address) -> None:
        """OSError EADDRINUSE; TypeError or OverflowError for what is no address, as the real one."""
        host, port = checked(address)
        self._sim.bind((host or "0.0.0.0", port))

    def listen(self, backlog: int = 128) -> None:
        """From now on clients can connect."""
        self.computer.who_has[self.fileno()] = self.who
        self._sim.listen(backlog)

    def accept(self) -> tuple["Socket", Address]:
        """The oldest connection in the queue."""
        sim, address = self._call("accept", None, self._sim.accept, EVENT_READ)
        who = self.computer.names.get(address, f"{address[0]}:{address[1]}")
        return type(self).around(sim, who), address

    def connect(self, address: Address) -> None:
        """To a server of the same computer."""
        self._call("connect", None, lambda: self._sim.connect(address), 0)

    def connect_ex(self, address: Address) -> int:
        """As connect(), but returns the errno."""
        return self._call("connect_ex", None, lambda: self._sim.connect_ex(address), 0)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """What has arrived, at most `bufsize` bytes."""
        most = min(bufsize, self.computer.recv_most)
        with self._flags(flags):
            data = self._call("recv", None, lambda: self._sim.recv(most), EVENT_READ, bufsize)
        if self.who in self.computer.connections:
            self._count_received(data)
        return data

    def recv_into(self, buffer: bytearray | memoryview, nbytes: int = 0, flags: int = 0) -> int:
        """As recv(), into a buffer."""
        data = self.recv(nbytes or len(buffer), flags)
        memoryview(buffer)[: len(data)] = data
        return len(data)

    def send(self, data: bytes | bytearray | memoryview, flags: int = 0) -> int:
        """How many bytes the kernel took."""
        piece = bytes(view(data)[: min(self.computer.send_most, MOST_SENT)])
        with self._flags(flags):
            sent = self._call("send", piece, lambda: self._sim.send(piece), EVENT_WRITE, len(data))
        if not piece:
            self._sim.progress -= 1  # to send nothing is to do nothing
        self._count_sent(sent)
        return sent

    def sendall(self, data: bytes | bytearray | memoryview, flags: int = 0) -> None:
        """send() until all is taken."""
        rest = memoryview(bytes(view(data)))
        while rest:
            piece = bytes(rest[:65536])
            with self._flags(flags):
                sent = self._call("sendall", piece, lambda piece=piece: self._sim.send(piece), EVENT_WRITE)  # type: ignore[misc]
            self._count_sent(sent)
            rest = rest[sent:]

    def shutdown(self, how: int) -> None:
        """Half-close."""
        self._call("shutdown", None, lambda: self._sim.shutdown(how), 0)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._sim.fileno() >= 0:
            self.computer.who_has.pop(self._sim.fileno(), None)
            self.computer.on_call(Call("close", self.who))
        self._sim.close()

    def readiness(self) -> int:
        """What select reports about it."""
        return self._sim.readiness()

    @contextmanager
    def _flags(self, flags: int) -> Iterator[None]:
        """MSG_DONTWAIT makes one call non-blocking. There are no signals here, so MSG_NOSIGNAL is known too."""
        if flags & ~(NO_WAIT | NO_SIGNAL):
            raise AttributeError("the simulated socket of the checks knows no flag but MSG_DONTWAIT and MSG_NOSIGNAL")
        timeout = self._timeout
        if flags & NO_WAIT:
            self.settimeout(0.0)
        try:
            yield
        finally:
            if flags & NO_WAIT:
                self.settimeout(timeout)

    def _call(
        self, name: str, data: bytes | None, action: Callable[[], Result], event: int, asked: int | None = None
    ) -> Result:
        computer = self.computer
        computer.enter(name, self.who)
        try:
            self._wait_until_timeout(event)
            result = action()
        except OSError as error:
            code = errno.errorcode.get(error.errno or 0, "timed out")
            computer.refused = Call(name, self.who, asked, data, code)
            if name.startswith("send") and code != "EAGAIN" and self.who in computer.connections:
                computer.connections[self.who].failed_sends += 1
            computer.leave(computer.refused, fruitful=code != "EAGAIN")
            raise
        computer.leave(Call(name, self.who, asked, data, result))
        return result

    def _wait_until_timeout(self, event: int) -> None:
        """Blocking sockets wait in the simulator; this is for a socket with a timeout."""
        if not self._timeout or not event:
            return
        self.computer.world.network.wire.wait(lambda: bool(self.readiness() & event), self._timeout, self.who)
        if not self.readiness() & event:
            raise TimeoutError("timed out")

    def _count_received(self, data: bytes) -> None:
        count = self.computer.connections[self.who]
        count.recvs += 1
        count.received += len(data)
        if not data:
            self.computer.read_end(self.who)

    def _count_sent(self, sent: int) -> None:
        if self.who in self.computer.connections:
            self.computer.connections[self.who].sends += 1
            self.computer.connections[self.who].sent += sent


def checked(address: object) -> Address:
    """A host and a port. What is no address raises what the real bind() raises, in its words."""
    if not isinstance(address, tuple):
        raise TypeError(f"bind(): AF_INET address must be tuple, not {type(address).__name__}")
    if len(address) != 2:
        raise TypeError("AF_INET address must be a pair (host, port)")
    host, port = address
    if not isinstance(host, str):
        raise TypeError(f"str, bytes or bytearray expected, not {type(host).__name__}")
    if not 0 <= operator.index(port) < 1 << 16:
        raise OverflowError("bind(): port must be 0-65535.")
    return host, port


def view(data: object) -> memoryview:
    """What send() is given, as bytes. TypeError in the words of the real one."""
    try:
        return memoryview(data).cast("B")  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"a bytes-like object is required, not {type(data).__name__!r}") from None
