"""packets -> what a socket reports. One side of a TCP connection, as its kernel keeps it.

An End outlives the socket that closes it: it goes on sending what was accepted. What it does in
each situation, down to which errno comes first, is what Linux does; tests/test_sim.py runs the
same scripts on real sockets and compares.
"""

import errno
import os
import socket
from enum import Enum, auto
from selectors import EVENT_READ, EVENT_WRITE

from chatcore.sim.options import RECV_SIZE, SEND_SIZE, Options
from chatcore.sim.pipe import Kind, Pipe, Segment

CONNECT_SECONDS = 127.0  # Linux, tcp_syn_retries = 6


def failure(code: int) -> OSError:
    """The OSError (BlockingIOError, ConnectionResetError…) that Python raises for this errno."""
    return OSError(code, os.strerror(code))


class State(Enum):
    """Of one End. DEAD: reset, refused, timed out; nothing moves any more."""

    CONNECTING = auto()
    CONNECTED = auto()
    DEAD = auto()


class End:
    """One side of a connection, as its kernel sees it."""

    def __init__(self, out: Pipe, into: Pipe, state: State) -> None:
        self.out = out
        self.into = into
        self.state = state
        self.error = 0
        self.read_shut = False
        self.orphan = False
        self.options = Options()

    def use(self, options: Options) -> None:
        """Take over socket options; tiny buffers (a fault) stay tiny whatever the program asks for."""
        self.options = options
        if not self.out.tiny:
            self.out.send_size = options.get(*SEND_SIZE)
        if not self.into.tiny:
            self.into.recv_size = options.get(*RECV_SIZE)

    def patience(self) -> float | None:
        """How many seconds of silence after `waiting_since` make this kernel give its peer up; None: any."""
        if self.state is State.CONNECTING:
            return CONNECT_SECONDS
        if self.out.held or (self.out.fin_wanted and not self.out.fin_arrived):
            return self.options.retry_seconds
        return self.options.keepalive_seconds

    @property
    def waiting_since(self) -> float:
        """When this side last had a sign of life, or began to wait for one."""
        return self.out.since if self.out.held else max(self.out.since, self.into.since)

    @property
    def over(self) -> bool:
        """True when the kernel no longer calls this connected: dead, or closed by both sides."""
        return self.state is State.DEAD or (self.out.fin_arrived and self.into.fin_arrived)

    def readiness(self) -> int:
        """EVENT_READ, EVENT_WRITE or both, as epoll and `selectors` report it (see tcp_poll)."""
        if self.state is State.CONNECTING:
            return 0
        if self.state is State.DEAD:
            return EVENT_READ | EVENT_WRITE
        ended = self.read_shut or self.into.fin_arrived
        # Linux calls a socket writable once a third of its buffer is free, not for one free byte.
        writable = self.out.fin_wanted or self.out.room * 2 >= self.out.held
        return (EVENT_READ if self.into.received or ended else 0) | (EVENT_WRITE if writable else 0)

    def send(self, data: bytes, now: float) -> int:
        """Take what fits. Raises the pending error, else EPIPE or EAGAIN."""
        if self.state is State.CONNECTING:
            raise failure(errno.EAGAIN)
        if self.state is State.DEAD or self.out.fin_wanted:
            raise failure(self.take_error() or errno.EPIPE)
        if data and not self.out.room:
            raise failure(errno.EAGAIN)
        return self.out.put(data, now)

    def recv(self, most: int) -> bytes:
        """What arrived, b"" after the end. Linux hands out what arrived even after an RST."""
        data = bytes(self.into.received[:most])
        del self.into.received[:most]
        if data or not most or self.into.fin_arrived:
            return data
        if error := self.take_error():
            raise failure(error)
        if self.read_shut or self.state is State.DEAD:
            return b""
        raise failure(errno.EAGAIN)

    def take_error(self) -> int:
        """The pending error, which is reported once: by recv, by send, or by SO_ERROR."""
        error, self.error = self.error, 0
        return error

    def shutdown(self, how: int, now: float) -> None:
        """Half-close. ENOTCONN before the connection and after it."""
        if self.over or self.state is State.CONNECTING:
            raise failure(errno.ENOTCONN)
        if not self.out.held:
            self.out.since = now
        self.read_shut |= how != socket.SHUT_WR
        self.out.fin_wanted |= how != socket.SHUT_RD

    def close(self, now: float, abort: bool = False) -> None:
        """The socket is gone. Unread input makes Linux send RST instead of FIN: unsent data are lost."""
        self.orphan = True
        if self.state is State.CONNECTING:
            self.die(0)
        elif abort or self.options.hard_close or self.into.received:
            self.abort(now)
        self.out.fin_wanted = True
        self.into.received.clear()

    def abort(self, now: float, error: int = 0) -> None:
        """Send RST behind what is in flight, and forget the rest. `error` is for this side."""
        if not self.over:
            self.out.unsent.clear()
            self.out.fly(Kind.RST, b"", now)
            self.into.dead = self.out.fin_flies = True
            self.state, self.error = State.DEAD, error

    def die(self, error: int) -> None:
        """Nothing moves any more, and the program hears `error` once."""
        if self.state is not State.DEAD:
            self.state, self.error = State.DEAD, error
            self.out.forget()

    def reset(self) -> None:
        """An RST came. What arrived before it can still be read."""
        self.die(errno.EPIPE if self.into.fin_arrived else errno.ECONNRESET)
        self.into.dead = True

    def arrive(self, segment: Segment, now: float) -> None:
        """Take in what the network brings (anything but SYN, which is for listeners)."""
        if segment.kind is Kind.RST:
            self.reset()
        elif segment.kind is Kind.FIN:
            self.into.fin_arrived = True
        elif self.orphan or (self.read_shut and self.out.fin_wanted):
            self.abort(now, errno.ECONNRESET)
        else:
            self.into.received += segment.data
        self.into.since = now
