"""one socket <-> the session, on the server's own loop. The only file of the client that calls recv and send.

When the connection is lost it waits, longer each time, and connects again; the session knows what
to say then. The pauses are stretched by chance, so that a thousand clients of a restarted server
do not all come back in the same second.
"""

import errno
import os
import selectors
import socket
from collections.abc import Callable

from chatcore import json_codec
from chatcore.buffers import SendQueue
from chatcore.client.patience import Patience
from chatcore.client.session import Notice, Session
from chatcore.client.words import Words
from chatcore.errors import CommandError, StreamError
from chatcore.framing import LineFraming
from chatcore.loop import READ, WRITE, Loop
from chatcore.protocol import Event, Ping, WireCommand
from chatcore.screen import Screen
from chatcore.sockets import Socket, tune
from chatcore.trace import Trace

RECEIVE_BYTES = 64 * 1024
LONGEST_EVENT = 1 << 24  # a server may be configured to send longer frames than ours
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between attempts
CONNECT_SECONDS = 10.0
PING_SECONDS, SILENCE_SECONDS = 30.0, 60.0


class Client:
    """`dial()` starts a connection; `chance()` is a number from 0 to 1. The others may be simulated too."""

    def __init__(
        self,
        dial: Callable[[], Socket],
        selector: selectors.BaseSelector,
        clock: Callable[[], float],
        screen: Screen,
        words: Words,
        name: str | None,
        room: str,
        new_id: Callable[[], str],
        chance: Callable[[], float],
        asks_for_name: bool,
        trace: Trace | None = None,
    ) -> None:
        self.loop = Loop(selector, clock, self, trace)
        self.session = Session(name, room, self._queue_command, new_id)
        self.failure = ""  # why it ended, when that was not what the person wanted
        self._patience = Patience(self.loop, self.session, self._show)
        self._dial = dial
        self._screen = screen
        self._words = words
        self._chance = chance
        self._asks_for_name = asks_for_name
        self._sock: Socket | None = None
        self._interest = 0
        self._is_connecting = False
        self._is_resting = False  # no connection, and no name to come back with
        self.was_connected = False
        self._was_understood = False  # an event has come, so it is a chat server
        self._broken = ""  # why the connection has to be closed in this turn's flush
        self._framing = LineFraming(LONGEST_EVENT)
        self._queue = SendQueue()
        self._pause = FIRST_PAUSE
        self._heard_at = 0.0

    def run(self) -> int:
        """Chat until the person leaves. Returns the exit status."""
        self._screen.start(self.loop, self._typed, self._end)
        self.loop.call_later(0, self._connect)  # in a turn: what fails there can stop the loop
        try:
            self._screen.run(self.loop)
        finally:
            for notice in self.session.unsent():
                self._show(notice)
            self.close()
            self._screen.close()
        return 1 if self.failure or self.session.was_refused or self.session.waiting() else 0

    def close(self) -> None:
        """Let go of the socket."""
        if self._sock is not None:
            self._close_socket()

    # --- connecting

    def _connect(self) -> None:
        if self.session.is_over:
            return
        try:
            self._sock = self._dial()
        except OSError as error:  # the name of the host cannot be resolved, or there is no way to it
            self._failed(_why(error))
            return
        self._is_connecting = True
        self._update_interest()
        self.loop.call_later(CONNECT_SECONDS, lambda sock=self._sock: self._too_long(sock))  # type: ignore[misc]

    def _too_long(self, sock: Socket) -> None:
        if self._is_connecting and self._sock is sock:
            self._broken = "no answer"

    def _finish_connecting(self, sock: Socket) -> None:
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._broken = _why(OSError(error, os.strerror(error)))
            return
        tune(sock)
        self._is_connecting = False
        self.was_connected = True
        self._heard_at = self.loop.time()
        self._watch_silence(sock)
        self.session.connected()
        if self.session.name is None:
            self._show(Notice("who are you? type a name"))

    def _failed(self, why: str) -> None:
        """No connection: the first time that is the end, later there is something to come back to."""
        if not self.was_connected:
            self.failure = f"cannot connect: {why}"
            self.loop.stop()
            return
        if self.session.name is None:
            self._is_resting = True
            return
        pause = self._pause * (1 + self._chance())
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._show(Notice(f"trying again in {pause:.0f} s ({why})"))
        self.loop.call_later(pause, self._connect)

    def _watch_silence(self, sock: Socket) -> None:
        """A server that is gone without a word is found by asking it."""
        if self._sock is not sock:
            return
        silence = self.loop.time() - self._heard_at
        if silence >= SILENCE_SECONDS:
            self._broken = "the server is silent"
        elif silence >= PING_SECONDS and self.session.is_welcome:
            self._queue_command(Ping())
        self.loop.call_later(PING_SECONDS / 2, lambda: self._watch_silence(sock))

    # --- the turn

    @property
    def busy(self) -> bool:
        """True when there is something to send, or to close, that no socket will report."""
        return bool(self._broken) or (self._queue.size > 0 and not self._interest & WRITE)

    def ready(self, events: int) -> None:
        """The socket is connected, or readable; what can be sent is sent in the flush."""
        sock = self._sock
        if sock is None:
            return
        try:
            if self._is_connecting:
                self._finish_connecting(sock)
            elif events & READ:
                data = sock.recv(RECEIVE_BYTES)
                self._heard_at = self.loop.time()
                self._framing.receive(data)
                self._broken = self._broken or ("" if data else "the server closed the connection")
        except BlockingIOError:
            pass
        except OSError as error:
            self._broken = _why(error)

    def decode(self) -> None:
        """End of step 2: every whole frame is an event. One that cannot be understood is shown and skipped."""
        try:
            while (frame := self._framing.next_frame()) is not None:
                self._handle(frame)
        except StreamError as error:
            self._broken = error.text

    def _handle(self, frame: bytes) -> None:
        try:
            event = json_codec.decode_event(frame)
        except CommandError as error:
            if not self._was_understood:  # a wrong port, with something else behind it: no use in coming back
                self._give_up("what answers there is no chatcore server")
                return
            self._show(Notice(f"the server sent something that is no event ({error.code})", is_wrong=True))
            return
        self._was_understood = True
        for shown in self.session.handle(event):
            self._show(shown)
        if self.session.is_welcome:
            self._pause = FIRST_PAUSE
        if self.session.name is None and (self.session.is_leaving or not self._asks_for_name):
            self._give_up("the name was refused")

    def _give_up(self, why: str) -> None:
        self.failure = why
        self.session.is_over = True

    def commit(self) -> None:
        """Step 4: a client keeps nothing."""

    def flush(self) -> None:
        """Step 5: one send; the socket is closed here only."""
        if self._sock is not None and not self._is_connecting and self._queue.size and not self._broken:
            self._send(self._sock)
        if self._broken:
            why, self._broken = self._broken, ""
            self.close()
            for notice in self.session.lost():
                self._show(notice)
            if not self.session.is_over:
                self._failed(why)
        if self.session.is_over and not self._queue.size:
            self.loop.stop()
        self._update_interest()

    def _send(self, sock: Socket) -> None:
        try:
            self._queue.sent(sock.send(self._queue.unsent()))
        except BlockingIOError:
            pass
        except OSError as error:
            self._broken = _why(error)

    def _update_interest(self) -> None:
        if self._sock is None:
            return
        wanted = WRITE if self._is_connecting else READ | WRITE * (self._queue.size > 0)
        if wanted != self._interest:
            self.loop.set_interest(self._sock, self._interest, wanted, self)
            self._interest = wanted

    def _close_socket(self) -> None:
        if self._sock is not None:
            if self._interest:
                self.loop.set_interest(self._sock, self._interest, 0, self)
            self._sock.close()
        self._sock = None
        self._interest = 0
        self._is_connecting = False
        self._framing = LineFraming(LONGEST_EVENT)
        self._queue = SendQueue()

    # --- the person

    def _typed(self, line: str) -> None:
        for shown in self.session.typed(line):
            self._show(shown)
        if self._is_resting and self.session.name is not None:
            self._is_resting = False
            self._connect()
        self._patience.watch()

    def _end(self) -> None:
        """The input has ended: go when everything is confirmed."""
        if not self.session.is_leaving:
            self.session.leave_when_confirmed()
        self._patience.is_at_end = True
        self._patience.watch()

    def leave(self) -> None:
        """Ctrl-C: the same. Who is leaving already goes at once, whatever is not sent."""
        if self.session.is_leaving:
            self.session.is_over = True
            self.loop.stop()
        else:
            self._end()

    def _queue_command(self, command: WireCommand) -> None:
        self._queue.push(LineFraming.encode(json_codec.to_payload(command)))

    def _show(self, event: Event | Notice) -> None:
        for line in self._words.lines(event, self.session.here):
            self._screen.show(line)


def _why(error: OSError) -> str:
    return "nobody listens there" if error.errno == errno.ECONNREFUSED else error.strerror or str(error)
