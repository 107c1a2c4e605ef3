"""system calls -> the simulated kernel. A socket object with the methods of `socket.socket`.

The methods raise what the real ones raise, with the same precedence. A socket is blocking until
`setblocking(False)`, also one that `accept()` returned, as in Python. A call that has to block
lets the rest of the world run meanwhile and is counted in `wire.blocked`: an event loop whose
sockets ever block is broken, and its test should say so.
"""

import errno
import socket
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from types import TracebackType
from typing import Self, TypeVar

from chatcore.sim.links import Address, Link, Listener, numeric
from chatcore.sim.options import BUFFER, Options
from chatcore.sim.process import Process
from chatcore.sim.tcp import End, State, failure
from chatcore.sim.wire import Wire

Bytes = bytes | bytearray | memoryview
Result = TypeVar("Result")

FRUITLESS = {errno.EAGAIN, errno.EMFILE}  # errors after which the same call is still to be done


class SimSocket:
    """One descriptor of one process. `progress` counts the calls that achieved something."""

    def __init__(self, wire: Wire, process: Process) -> None:
        self.progress = 0
        self.link: Link | None = None
        self._wire = wire
        self._process = process
        self._fd = process.open(self)
        self._name = f"{process.name}#{self._fd}"
        self._blocking = True
        self._told_connected = False
        self._address: Address = ("0.0.0.0", 0)
        self._options = Options()
        self._listener: Listener | None = None
        self._end: End | None = None

    def __repr__(self) -> str:
        return f"<SimSocket {self._name}{' closed' if self._fd < 0 else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def fileno(self) -> int:
        """The descriptor, -1 after close()."""
        return self._fd

    def setblocking(self, flag: bool, /) -> None:
        """Whether calls may wait. Event loops say False."""
        self._check_open()
        self._blocking = flag

    def getblocking(self) -> bool:
        """Whether calls may wait."""
        return self._blocking

    def setsockopt(self, level: int, name: int, value: int | bytes, /) -> None:
        """SO_SNDBUF and SO_RCVBUF (in bytes, not doubled), SO_LINGER 0, keep-alive; others are remembered."""
        self._check_open()
        self._options.set(level, name, value)
        if self._end is not None:
            self._end.use(self._options)

    def getsockopt(self, level: int, name: int, /) -> int:
        """What was set, or 0. SO_ERROR is the pending error, and asking clears it."""
        self._check_open()
        if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR):
            self.progress += 1
            return self._end.take_error() if self._end is not None else 0
        return self._options.get(level, name)

    def getsockname(self) -> Address:
        """This side's address."""
        self._check_open()
        return self._address

    def getpeername(self) -> Address:
        """The other side's address. OSError ENOTCONN when there is none, or none any more."""
        self._check_open()
        if self.link is None or self._end is None or self._end.over or self._end.state is State.CONNECTING:
            raise failure(errno.ENOTCONN)
        return self.link.peer_of(self._end)

    def bind(self, address: Address, /) -> None:
        """Choose this side's address; port 0 picks one. OSError EADDRINUSE."""
        self._check_open()
        address = numeric(address)
        if address in self._wire.listeners:
            raise failure(errno.EADDRINUSE)
        self._address = (address[0], address[1] or self._wire.free_port())

    def listen(self, backlog: int = 128, /) -> None:
        """Queue up to `backlog` + 1 connections for accept(), as Linux does; more of them keep trying."""
        self._check_open()
        if not self._address[1]:
            self.bind(self._address)
        self._listener = Listener(backlog, self._options)
        self._wire.listeners[self._address] = self._listener
        self._did(f"listens at {self._address[0]}:{self._address[1]}")

    def accept(self) -> tuple["SimSocket", Address]:
        """The oldest connection in the queue, and its source. BlockingIOError when there is none."""
        self._check_open()
        if (listener := self._listener) is None:
            raise failure(errno.EINVAL)
        self._block("accept", lambda: bool(listener.queue))
        return self._attempt("accept", partial(self._accept, listener))

    def connect(self, address: Address, /) -> None:
        """Like connect_ex, but raises: BlockingIOError (EINPROGRESS) when non-blocking."""
        if code := self.connect_ex(address):
            raise failure(code)

    def connect_ex(self, address: Address, /) -> int:
        """Start to connect; returns an errno, EINPROGRESS when non-blocking."""
        if self._fd < 0:
            return errno.EBADF
        if (end := self._end) is None:
            if not self._address[1]:
                self.bind(("10.0.0.5", 0))
            self.link = self._wire.dial(self._address, numeric(address), self._options)
            end = self._end = self.link.caller
            self._did(f"connects {self.link}")
            self._block("connect", lambda: end.state is not State.CONNECTING)
            if not self._blocking:
                return errno.EINPROGRESS
        if end.state is State.CONNECTING:
            return errno.EALREADY
        if end.state is State.DEAD:
            return end.take_error() or errno.ECONNABORTED
        told, self._told_connected = self._told_connected, True
        return errno.EISCONN if told else 0

    def recv(self, bufsize: int, /) -> bytes:
        """1 to `bufsize` bytes, b"" at the end. BlockingIOError, ConnectionResetError, TimeoutError."""
        end = self._connected(errno.ENOTCONN)
        self._block("recv", lambda: bool(end.readiness() & EVENT_READ))
        return self._attempt("recv", partial(self._recv, end, bufsize))

    def send(self, data: Bytes, /) -> int:
        """How many bytes the kernel took. BlockingIOError, BrokenPipeError, ConnectionResetError."""
        end = self._connected(errno.EPIPE)
        self._block("send", lambda: bool(end.readiness() & EVENT_WRITE))
        return self._attempt("send", partial(self._send, end, bytes(data)))

    def sendall(self, data: Bytes, /) -> None:
        """send() until all is taken; for blocking sockets."""
        view = memoryview(bytes(data))
        while view:
            view = view[self.send(view[:BUFFER]) :]

    def shutdown(self, how: int, /) -> None:
        """Half-close (SHUT_WR): the peer reads to the end, and may go on sending. OSError ENOTCONN."""
        self._check_open()
        if self._listener is None:
            end = self._connected(errno.ENOTCONN)
            self._attempt(f"shutdown {how}", lambda: end.shutdown(how, self._wire.clock.time()))

    def close(self) -> None:
        """Give the descriptor back. With unread input it is a reset: what was sent may be lost."""
        if self._fd < 0:
            return
        self._did("close")
        self._process.release(self._fd)
        self._fd = -1
        if self._end is not None:
            self._end.close(self._wire.clock.time())
        if self._listener is not None:
            del self._wire.listeners[self._address]
            for link in self._listener.queue:
                link.callee.close(self._wire.clock.time(), abort=True)

    def readiness(self) -> int:
        """EVENT_READ, EVENT_WRITE, both or 0: what a selector reports about this socket."""
        if self._fd < 0:
            return 0
        if self._listener is not None:
            return EVENT_READ if self._listener.queue else 0
        return EVENT_READ | EVENT_WRITE if self._end is None else self._end.readiness()

    def _accept(self, listener: Listener) -> tuple["SimSocket", Address]:
        self._process.lowest_free()  # Linux finds the descriptor first: EMFILE even with an empty queue
        if not listener.queue:
            raise failure(errno.EAGAIN)
        self._spurious()
        if self._wire.dice.strikes(self._wire.faults.accept_error):
            raise failure(self._refuse(listener))
        sock = SimSocket(self._wire, self._process)
        sock.link = listener.queue.popleft()
        sock._end = sock.link.callee
        sock._options, sock._address = sock._end.options, sock.link.target
        return sock, sock.link.source

    def _refuse(self, listener: Listener) -> int:
        code = self._wire.dice.rng.choice((errno.ECONNABORTED, errno.EMFILE))
        if code == errno.ECONNABORTED:
            link = listener.queue.popleft()
            self._wire.reset(link)
            link.callee.orphan = True
        return code

    def _recv(self, end: End, bufsize: int) -> bytes:
        self._spurious()
        available = min(bufsize, len(end.into.received))
        if available:
            bufsize = self._wire.dice.piece_if(self._wire.faults.short_recv, available)
        return end.recv(bufsize)

    def _send(self, end: End, data: bytes) -> int:
        self._spurious()
        fits = min(len(data), end.out.room)
        if fits:
            data = data[: self._wire.dice.piece_if(self._wire.faults.short_send, fits)]
        return end.send(data, self._wire.clock.time())

    def _spurious(self) -> None:
        if not self._blocking and self._wire.dice.strikes(self._wire.faults.spurious):
            self.progress += 1  # the program did try
            raise failure(errno.EAGAIN)

    def _connected(self, otherwise: int) -> End:
        self._check_open()
        if self._end is None:
            raise failure(otherwise)
        return self._end

    def _check_open(self) -> None:
        if self._fd < 0:
            raise failure(errno.EBADF)

    def _block(self, call: str, can: Callable[[], bool]) -> None:
        if self._blocking and not can():
            self._wire.blocked += 1
            self._wire.note(f"{self._name} {call} blocks")
            self._wire.wait(can, None, f"{self._name} {call}")

    def _attempt(self, call: str, action: Callable[[], Result]) -> Result:
        try:
            result = action()
        except OSError as error:
            self._wire.note(f"{self._name} {call}: {errno.errorcode[error.errno or 0]}")
            self.progress += error.errno not in FRUITLESS
            raise
        self._did(f"{call} {summary(result)}")
        return result

    def _did(self, what: str) -> None:
        self.progress += 1
        self._wire.note(f"{self._name} {what}")


def summary(result: object) -> str:
    """What a call returned, for the trace."""
    match result:
        case bytes():
            return str(len(result))
        case (SimSocket() as sock, (host, port)):
            return f"{sock._name} from {host}:{port}"
        case _:
            return str(result)
