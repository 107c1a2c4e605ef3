"""the same Chat, driven by asyncio. For comparison: what a driver has to do, and nothing else.

asyncio calls us back whenever something arrives; the turn is ours all the same: everything that
came since the last one is decoded, committed and flushed together. asyncio keeps what the kernel
refuses in a buffer of its own, so we hand it more only after it says that this buffer is empty.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from chatcore.chat import Chat
from chatcore.commands import Outside
from chatcore.connection import Connection, State
from chatcore.limits import Limits
from chatcore.log import Log


class AsyncioDriver:
    """Drives one Chat on the running asyncio loop, and is the chat's scheduler."""

    def __init__(self, limits: Limits, log: Log, outside: Outside) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_turn_due = False
        self.chat = Chat(limits, log, self, outside)
        self.links: dict[Connection, AsyncioLink] = {}
        self.all_closed = asyncio.Event()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Accept connections at `host` and `port`."""
        return await self._loop.create_server(lambda: AsyncioLink(self), host, port)

    async def stop(self) -> None:
        """Say bye to everybody and wait until they are gone."""
        self.chat.stop()
        self.turn_soon()
        await self.all_closed.wait()

    def time(self) -> float:
        """Seconds, monotonic."""
        return self._loop.time()

    def call_later(self, delay: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """What a deadline does has to be flushed too: a turn follows."""

        def run() -> None:
            call()
            self.turn_soon()

        return self._loop.call_later(delay, run)

    def turn_soon(self) -> None:
        """However much arrives before it, one turn."""
        if not self._is_turn_due:
            self._is_turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_turn_due = False
        self.chat.decode()
        self.chat.commit()
        dirty = self.chat.take_dirty()
        for connection in dirty:
            self.links[connection].flush(connection)
        self.chat.judge(dirty)
        if self.chat.is_busy:
            self.turn_soon()
        if self.chat.is_stopping and not self.links:
            self.all_closed.set()


class AsyncioLink(asyncio.Protocol):
    """One transport and its connection."""

    def __init__(self, driver: AsyncioDriver) -> None:
        self._driver = driver
        self._connection: Connection | None = None
        self._is_writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A new caller."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)  # tell us as soon as the kernel refuses a byte
        self._connection = self._driver.chat.connect(str(transport.get_extra_info("peername")[0]))
        if self._connection is None:
            self._transport.abort()
            return
        self._driver.links[self._connection] = self
        self._driver.turn_soon()

    def data_received(self, data: bytes) -> None:
        """Bytes came; b"" when the peer shut its side."""
        if self._connection is not None:
            self._driver.chat.receive(self._connection, data)
            self._driver.turn_soon()

    def eof_received(self) -> bool:
        """Keep our side open: the answers are still to be sent."""
        self.data_received(b"")
        return True

    def pause_writing(self) -> None:
        """The kernel is full."""
        self._is_writable = False

    def resume_writing(self) -> None:
        """All we handed over is with the kernel."""
        self._is_writable = True
        if self._connection is not None:
            self._driver.chat.touch(self._connection)
            self._driver.turn_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is closed, by us or by the network."""
        if self._connection is not None:
            self._driver.chat.lost(self._connection)
            self._driver.turn_soon()

    def flush(self, connection: Connection) -> None:
        """Step 5 for one connection."""
        if connection.wants_write and self._is_writable:
            data = connection.queue.unsent()
            self._transport.write(data)
            connection.queue.sent(len(data))
        if connection.state is State.DRAINING and not connection.queue.size and self._is_writable:
            self._transport.write_eof()
            self._driver.chat.drained(connection)
        if connection.is_closed:
            self._transport.abort()
            del self._driver.links[connection]
            self._driver.chat.released(connection)
        elif connection.wants_read:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
