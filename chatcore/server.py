"""sockets <-> the chat. The only file of the server that calls accept, recv and send.

Each connection is a Link: a socket, and the `Connection` that knows nothing of sockets. The loop
calls `ready`, then `decode`, `commit` and `flush`. Sockets are closed in the flush and nowhere
else, so an event can never be for a socket that was closed, and its number reused, in this turn.
"""

import errno
import logging
import selectors
import socket
from collections.abc import Callable

from chatcore.chat import Chat
from chatcore.commands import Outside
from chatcore.connection import Connection, State
from chatcore.errors import LogError
from chatcore.limits import Limits
from chatcore.log import Log
from chatcore.loop import READ, WRITE, Loop
from chatcore.sockets import Socket, tune
from chatcore.trace import Trace

RECEIVE_BYTES = 64 * 1024
ACCEPTS_PER_TURN = 64
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds the listener rests when accept fails
PASSING = frozenset({errno.ECONNABORTED, errno.EINTR, errno.EPROTO})  # one caller hung up: go on

records = logging.getLogger("chatcore")


class Link:
    """One socket and its connection. `interest` is what the selector has been told."""

    __slots__ = ("connection", "interest", "server", "sock")

    def __init__(self, server: "Server", sock: Socket, connection: Connection) -> None:
        self.server = server
        self.sock = sock
        self.connection = connection
        self.interest = 0

    def ready(self, events: int) -> None:
        """The selector reports this socket."""
        self.server.on_ready(self, events)


class Server:
    """Runs a Chat on `listener`. `selector` and `clock` may be simulated; `outside` is the chat's."""

    def __init__(
        self,
        listener: Socket,
        selector: selectors.BaseSelector,
        clock: Callable[[], float],
        limits: Limits,
        log: Log,
        outside: Outside,
        trace: Trace | None = None,
    ) -> None:
        self.loop = Loop(selector, clock, self, trace)
        self.chat = Chat(limits, log, self.loop, outside, trace)
        self.failure: LogError | None = None  # why the server had to stop, if it had to
        self._limits = limits
        self._report = outside.report
        self._trace = trace
        self._links: dict[Connection, Link] = {}
        self._listener: Socket | None = listener
        self._pause = SHORTEST_PAUSE
        self._is_resting = False
        self._last_accept_record = -1.0
        self.loop.set_interest(listener, 0, READ, self)

    @property
    def busy(self) -> bool:
        """True when the next turn has work even if no socket becomes ready."""
        return self.chat.is_busy

    # --- 2. accept and receive

    def ready(self, events: int) -> None:
        """The listener is ready: take a bounded number of callers, so that they cannot starve the others."""
        for _ in range(ACCEPTS_PER_TURN):
            if self._listener is None:
                return
            try:
                sock, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in PASSING:
                    continue
                self._rest(error)
                return
            self._pause = SHORTEST_PAUSE
            self._admit(sock, str(address[0]))

    def _rest(self, error: OSError) -> None:
        """No descriptor or memory for another caller: rest, or select would report the listener for ever."""
        if self.loop.time() - self._last_accept_record >= 1.0 or self._last_accept_record < 0:
            self._last_accept_record = self.loop.time()
            records.warning("cannot accept a connection: %s; resting %.1f s", error, self._pause)
        if self._listener is not None:
            self.loop.set_interest(self._listener, READ, 0, self)
            self.loop.call_later(self._pause, self._listen_again)
            self._is_resting = True
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _listen_again(self) -> None:
        self._is_resting = False
        if self._listener is not None:
            self.loop.set_interest(self._listener, 0, READ, self)

    def _admit(self, sock: Socket, address: str) -> None:
        connection = self.chat.connect(address)
        if connection is None:
            sock.close()  # never registered, so no event can be for it
            return
        link = self._links[connection] = Link(self, sock, connection)
        if self._trace is not None:
            self._trace("accept", peer=connection.number, address=address)
        try:
            tune(sock, self._limits.send_buffer)
        except OSError as error:  # it hung up already
            self._lost(link, error)
        except Exception as error:
            self._report("accept", error)
            self.chat.lost(connection)

    def on_ready(self, link: Link, events: int) -> None:
        """A connection is ready: receive once. What can be sent is sent in the flush."""
        try:
            if events & WRITE:
                self.chat.touch(link.connection)
            if events & READ and link.connection.wants_read:
                data = link.sock.recv(RECEIVE_BYTES)
                if self._trace is not None:
                    self._trace("recv", peer=link.connection.number, bytes=len(data))
                self.chat.receive(link.connection, data)
        except BlockingIOError:
            pass  # readiness is a hint, not a promise
        except OSError as error:
            self._lost(link, error)
        except Exception as error:
            self._report("receive", error)
            self.chat.lost(link.connection)

    def _lost(self, link: Link, error: OSError) -> None:
        """The network took the connection away: it costs this peer, and nobody else."""
        if self._trace is not None:
            self._trace("error", peer=link.connection.number, what=error.strerror)
        self.chat.lost(link.connection)

    def decode(self) -> bool:
        """End of step 2. When something was said, one more message in this turn costs no more sends."""
        self._step(self.chat.decode)
        return self.chat.is_gathering

    # --- 4. commit

    def commit(self) -> None:
        """Step 4."""
        self._step(self.chat.commit)

    def _step(self, step: Callable[[], None]) -> None:
        """Run one step of the chat. Mistakes of ours are reported; a log that failed ends the server."""
        try:
            step()
        except LogError as error:
            records.critical("%s", error)
            self.failure = error
            if not self.chat.is_stopping:  # a second call would leave at once
                self.stop()
            self.chat.abandon()
        except Exception as error:
            self._report(step.__name__, error)

    # --- 5. flush

    def flush(self) -> None:
        """Step 5: one send for each connection that has something to say, then judge who reads too slowly."""
        self._step(self._flush)

    def _flush(self) -> None:
        dirty = self.chat.take_dirty()
        for connection in dirty:
            link = self._links.get(connection)
            if link is None:
                continue  # refused before it had a link
            if connection.wants_write:
                self._send(link)
            if not connection.is_open:
                self._go_on_closing(link)
            if not connection.is_closed:
                self._update_interest(link)
        self.chat.judge(dirty)
        if self.chat.is_stopping and not self._links:
            self.loop.stop()

    def _send(self, link: Link) -> None:
        queue = link.connection.queue
        if self._trace is not None:
            self._trace("queue", peer=link.connection.number, bytes=queue.size)
        try:
            count = link.sock.send(queue.unsent())
        except BlockingIOError:
            count = 0
        except OSError as error:
            self._lost(link, error)
            return
        queue.sent(count)
        if self._trace is not None:
            self._trace("send", peer=link.connection.number, bytes=count, left=queue.size)

    def _go_on_closing(self, link: Link) -> None:
        if link.connection.state is State.DRAINING and not link.connection.queue.size:
            self._shut_down(link)
        if link.connection.is_closed:
            self._close(link)

    def _shut_down(self, link: Link) -> None:
        """Tell the peer that no more comes, and go on reading.

        A close with unread input would reset the connection: the peer would lose what it has not read.
        """
        try:
            link.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._lost(link, error)
            return
        self.chat.drained(link.connection)

    def _update_interest(self, link: Link) -> None:
        connection = link.connection
        wanted = READ * connection.wants_read | WRITE * connection.wants_write
        if wanted != link.interest:
            if self._trace is not None:
                self._trace("interest", peer=connection.number, wants=INTERESTS[wanted])
            self.loop.set_interest(link.sock, link.interest, wanted, link)
            link.interest = wanted

    def _close(self, link: Link) -> None:
        if link.interest:
            self.loop.set_interest(link.sock, link.interest, 0, link)
        link.sock.close()
        del self._links[link.connection]
        self.chat.released(link.connection)
        if self._trace is not None:
            self._trace("close", peer=link.connection.number)

    # --- stopping

    def stop(self) -> None:
        """Stop accepting and reading; say bye, drain, and leave the loop. A second call leaves at once."""
        if self._listener is None:
            self.loop.stop()
            return
        if not self._is_resting:
            self.loop.set_interest(self._listener, READ, 0, self)
        self._listener.close()
        self._listener = None
        self.chat.stop()
        self.loop.call_later(self._limits.shutdown_seconds, self.loop.stop)

    def close(self) -> None:
        """Close what is still open, after the loop has ended."""
        for link in list(self._links.values()):
            self._close(link)
        self.chat.log.close()


INTERESTS = {0: "nothing", READ: "READ", WRITE: "WRITE", READ | WRITE: "READ|WRITE"}
