"""Real servers on real sockets, for tests: our loop and asyncio, both driving the same Chat.

Each runs in a thread of its own so that a test can be a plain script with blocking sockets. Port 0
is bound and the address handed on; every wait is a recv with a deadline that only a failure meets.
"""

import asyncio
import json
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chatcore.aio import AsyncioDriver
from chatcore.commands import Outside
from chatcore.limits import Limits
from chatcore.log import Log, MemoryLog
from chatcore.loop import READ
from chatcore.server import Server
from chatcore.sockets import listen

SECONDS = 30.0  # only a failure takes this long
Address = tuple[str, int]


class Mistakes(list[str]):
    """What the server reported about itself; a test that ends with some has failed."""

    def report(self, where: str, error: Exception) -> None:
        self.append(f"{where}: {error!r}")


def _outside(mistakes: Mistakes) -> Outside:
    return Outside(time.time, lambda: secrets.token_hex(16), mistakes.report)


@contextmanager
def our_loop(limits: Limits, log: Log | None = None) -> Iterator[Address]:
    """chatcore's own server."""
    mistakes = Mistakes()
    listener = listen("127.0.0.1", 0)
    server = Server(
        listener, selectors.DefaultSelector(), time.monotonic, limits, log or MemoryLog("log"), _outside(mistakes)
    )
    stop_here, stop_there = socket.socketpair()
    server.loop.set_interest(stop_there, 0, READ, Stopper(server, stop_there))
    thread = threading.Thread(target=server.loop.run)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        stop_here.close()
        thread.join(SECONDS)
        server.close()
        stop_there.close()
    assert not thread.is_alive()
    assert mistakes == []


class Stopper:
    """A socket that, closed from outside, stops the server from inside its own thread."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self._server = server
        self._sock = sock

    def ready(self, events: int) -> None:
        self._server.loop.set_interest(self._sock, READ, 0, self)
        self._server.stop()


@contextmanager
def asyncio_loop(limits: Limits, log: Log | None = None) -> Iterator[Address]:
    """The same Chat under asyncio."""
    mistakes = Mistakes()
    addresses: list[Address] = []
    is_listening = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main() -> None:
        driver = AsyncioDriver(limits, log or MemoryLog("log"), _outside(mistakes))
        listener = await driver.listen("127.0.0.1", 0)
        addresses.append(listener.sockets[0].getsockname())
        is_listening.set()
        await stop.wait()
        listener.close()
        await driver.stop()

    def run() -> None:
        loop.set_exception_handler(lambda _, context: mistakes.append(str(context)))
        loop.run_until_complete(main())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert is_listening.wait(SECONDS)
    try:
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(SECONDS)
    assert not thread.is_alive()
    assert mistakes == []


class Peer:
    """A client that speaks bytes and waits for what it expects."""

    def __init__(self, address: Address) -> None:
        self._sock = socket.create_connection(address)
        self._sock.settimeout(SECONDS)
        self._rest = b""

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def say(self, **command: Any) -> None:
        """Send one JSON command in a line."""
        self.send(json.dumps(command).encode() + b"\n")

    def line(self) -> str:
        """The next line that comes."""
        while b"\n" not in self._rest:
            data = self._sock.recv(65536)
            assert data, f"the stream ended behind {self._rest!r}"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def lines(self, count: int) -> list[str]:
        return [self.line() for _ in range(count)]

    def event(self) -> dict[str, Any]:
        """The next line as a JSON object."""
        event: dict[str, Any] = json.loads(self.line())
        return event

    def events(self, count: int) -> list[dict[str, Any]]:
        return [self.event() for _ in range(count)]

    def rest(self) -> bytes:
        """Everything until the server shuts its side."""
        while data := self._sock.recv(65536):
            self._rest += data
        rest, self._rest = self._rest, b""
        return rest

    def end(self) -> None:
        """Shut our side only."""
        self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._sock.close()
