"""a server and a few people -> what each of them hears, and what the kernel knows about the server.

The people are non-blocking sockets in one select(). Whoever `reads` receives whatever comes; what
somebody says waits in an outbox until the kernel takes it. To wait is always to let this small loop
turn until something is true, so nobody's silence stops the others.
"""

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench_server import PEERS, ROOT, BenchError, Server, Subject, running

PATIENCE = 10.0  # seconds for what must happen; only a failure takes this long
LITTLE = 0.3  # seconds for what should not happen
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
LIMITED = ("sh", "-c", 'ulimit -n "$0"; exec "$@"')  # then the number of files, and the command
KEEPALIVE_TIMER = 2  # /proc/net/tcp: the timer of an idle connection; Linux uses it for keep-alive alone


@dataclass(frozen=True)
class Column:
    """A server of the comparison, and how one speaks to it."""

    subject: Subject
    end: bytes = b"\n"  # what its clients put behind a text
    greeting: bytes = b"* you are "  # what a newcomer reads; nothing: nobody tells him
    history: str = ""  # the name of a file, if it keeps any
    limits: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its short name."""
        return self.subject.key

    @property
    def is_chatcore(self) -> bool:
        """True when it knows limits, and speaks JSON too."""
        return self.subject.is_chatcore


def _python(key: str, title: str, path: Path, *arguments: str) -> Subject:
    return Subject(key, title, (sys.executable, str(path), *arguments))


CHATCORE = Subject("chatcore", "chatcore", (sys.executable, "-m", "chatcore", "serve", "--port", "0"))
COLUMNS = (
    Column(_python("lesson0", "threads, lesson 0", ROOT / "lessons/00_autopsy/server.py", "0"), end=b"", greeting=b""),
    Column(_python("threads", "threads and a lock", PEERS / "threads.py")),
    Column(_python("streams", "asyncio streams", PEERS / "asyncio_streams.py")),
    Column(_python("protocol", "asyncio callbacks", PEERS / "asyncio_protocol.py")),
    Column(CHATCORE, history="chat.db", limits=("rate=0",)),
)


class Caller:
    """One person's end of a connection."""

    def __init__(self, address: tuple[str, int], end: bytes, receive_buffer: int) -> None:
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.reads = True
        self.heard = bytearray()
        self.ended = False  # by the server
        self.outbox = b""
        self._end = end
        self._mark = 0

    def fileno(self) -> int:
        """For select()."""
        return self.sock.fileno()

    def say(self, *texts: str) -> None:
        """Each text with the end that the clients of this server use."""
        self.send(b"".join(text.encode() + self._end for text in texts))

    def object(self, **fields: str | int) -> None:
        """A JSON object in a line: for chatcore's programs."""
        self.send(json.dumps(fields).encode() + b"\n")

    def send(self, data: bytes) -> None:
        """Bytes as they are. What the kernel does not take waits."""
        self.outbox += data
        self.on_writable()

    def on_writable(self) -> int:
        """Send what waits; what cannot be sent any more is given up. Returns the number of bytes."""
        try:
            count = self.sock.send(self.outbox)
        except BlockingIOError:
            return 0
        except OSError:
            self.outbox = b""  # whether it has ended is for recv to say
            return 0
        self.outbox = self.outbox[count:]
        return count

    def on_readable(self) -> int:
        """Receive once; at the end hang up, as clients do. Returns the number of bytes."""
        try:
            data = self.sock.recv(1 << 18)
        except BlockingIOError:
            return 0
        except OSError:
            data = b""
        self.heard += data
        if not data:
            self.ended = True
            self.outbox = b""
            self.sock.close()
        return len(data)

    def forget(self) -> None:
        """From here on, `hears` means: since now."""
        self._mark = len(self.heard)

    def hears(self, wanted: bytes) -> bool:
        """True when `wanted` has come since `forget`."""
        return self.heard.find(wanted, self._mark) >= 0

    def last_line(self) -> str:
        """What was read last."""
        return self.heard[-200:].decode(errors="replace").rstrip("\n").rpartition("\n")[2]

    def reset(self) -> None:
        """End the connection by a reset."""
        if not self.ended:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.hang_up()

    def hang_up(self) -> None:
        """Close this end."""
        self.ended = True
        self.outbox = b""
        self.sock.close()


class Stage:
    """One running server and its callers."""

    def __init__(self, server: Server, column: Column) -> None:
        self.server = server
        self._column = column
        self._callers: list[Caller] = []

    # --- people

    def connect(self, receive_buffer: int = 0) -> Caller:
        """Somebody who has said nothing yet."""
        caller = Caller(("127.0.0.1", self.server.port), self._column.end, receive_buffer)
        self._callers.append(caller)
        return caller

    def enter(self, *names: str, receive_buffer: int = 0) -> list[Caller]:
        """People whom the server has let in, one after the other."""
        return [self._let_in(name, receive_buffer) for name in names]

    def _let_in(self, name: str, receive_buffer: int) -> Caller:
        caller = self.connect(receive_buffer)
        caller.say(name)
        greeting = self._column.greeting
        if greeting:
            self.expect(lambda: caller.hears(greeting), f"{name} was not let in")
        else:
            self.expect(lambda: self._hears_of_a_visitor(caller), f"{name} was not let in")
        return caller

    def _hears_of_a_visitor(self, caller: Caller) -> bool:
        """Where newcomers read nothing, they are in when they hear of the next one."""
        visitor = self.connect()
        visitor.say("visitor")
        is_in = self.until(lambda: caller.hears(b"visitor entered"), LITTLE)
        visitor.reset()
        return is_in

    # --- time

    def turn(self, wait: float) -> int:
        """Wait at most so many seconds in select(), then send and receive. Returns the number of bytes."""
        here = [caller for caller in self._callers if not caller.ended]
        readers = [caller for caller in here if caller.reads]
        writers = [caller for caller in here if caller.outbox]
        readable, writable, _ = select.select(readers, writers, [], wait)
        moved = sum(caller.on_writable() for caller in writable)
        return moved + sum(caller.on_readable() for caller in readable if not caller.ended)

    def until(self, is_so: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        """Let things happen until `is_so()`. False when that took too long."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                return False
            self.turn(0.01)
        return True

    def expect(self, is_so: Callable[[], bool], otherwise: str) -> None:
        """Let things happen until `is_so()`; BenchError, with what did not happen, when that takes too long."""
        if not self.until(is_so, 2 * PATIENCE):
            raise BenchError(otherwise)

    def settle(self, quiet: float, at_most: float = 2 * PATIENCE) -> None:
        """Let things happen until nothing has moved for `quiet` seconds."""
        now = time.monotonic()
        end, moved_at = now + at_most, now
        while now < min(moved_at + quiet, end):
            moved = self.turn(0.05)
            now = time.monotonic()
            moved_at = now if moved else moved_at

    # --- the server

    def cpu_share(self, seconds: float) -> float:
        """The part of one core that the server uses during the next `seconds`."""
        start, used = time.monotonic(), self.server.cpu_seconds()
        self.until(lambda: False, seconds)
        return (self.server.cpu_seconds() - used) / (time.monotonic() - start)

    def log_bytes(self) -> int:
        """How much the server has written to standard error, which is a file."""
        return os.stat(f"/proc/{self.server.pid}/fd/2").st_size

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Stop the process for a moment: what happens meanwhile it finds all at once."""
        os.kill(self.server.pid, signal.SIGSTOP)
        os.waitpid(self.server.pid, os.WUNTRACED)
        try:
            yield
        finally:
            os.kill(self.server.pid, signal.SIGCONT)

    def has_exited(self) -> bool:
        """True when the process has ended. Its status is left for whoever started it."""
        return os.waitid(os.P_PID, self.server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    # --- the kernel's list of connections

    def unread(self, caller: Caller) -> int:
        """Bytes from this caller that the server has not taken from the kernel."""
        return len(caller.outbox) + sum(row.waiting_in for row in _connections(self.server.port, caller.port))

    def on_the_way(self, caller: Caller) -> int:
        """Bytes to this caller that are with the kernel, at either end."""
        server_end = _connections(self.server.port, caller.port)
        own_end = _connections(caller.port, self.server.port)
        return sum(row.waiting_out for row in server_end) + sum(row.waiting_in for row in own_end)

    def asks_when_idle(self, caller: Caller) -> bool:
        """True when TCP keep-alive is on for the server's end of this connection."""
        return any(row.timer == KEEPALIVE_TIMER for row in _connections(self.server.port, caller.port))

    def close(self) -> None:
        """Everybody goes, by a reset: no server has to wait for anybody."""
        for caller in self._callers:
            caller.reset()


@dataclass(frozen=True)
class Connection:
    """A row of /proc/net/tcp."""

    waiting_out: int
    waiting_in: int
    timer: int


def _connections(local: int, remote: int) -> list[Connection]:
    ends = [f"0100007F:{port:04X}" for port in (local, remote)]  # 127.0.0.1, as the kernel writes it
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().split("\n")[1:] if line]
    return [_connection(row) for row in rows if row[1:3] == ends]


def _connection(row: list[str]) -> Connection:
    waiting_out, waiting_in = row[4].split(":")
    return Connection(int(waiting_out, 16), int(waiting_in, 16), timer=int(row[5].partition(":")[0], 16))


@contextlib.contextmanager
def staged(column: Column, folder: str = "{folder}", limits: Sequence[str] = (), files: int = 0) -> Iterator[Stage]:
    """Start the server; end it when done. `folder` is where it keeps its history, `files` how many it may open."""
    command = column.subject.command
    if column.history:
        command += ("--history", f"{folder}/{column.history}")
    for limit in (*column.limits, *limits):
        command += ("--limit", limit)
    if files:
        command = (*LIMITED, str(files), *command)
    with running(replace(column.subject, command=command)) as server:
        stage = Stage(server, column)
        try:
            yield stage
        finally:
            stage.close()
