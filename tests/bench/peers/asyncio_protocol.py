"""The same chat with callbacks, `asyncio.Protocol` and `transport.write`: asyncio without its streams.

    python3 asyncio_protocol.py [asyncio|uvloop]

Under uvloop the same code runs on libuv, an event loop written in C.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import cast


def event_loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """The event loop of the standard library, or uvloop's, which must be installed."""
    if name == "asyncio":
        return asyncio.new_event_loop
    import uvloop

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


class Client(asyncio.Protocol):
    """One client: bytes in, whole lines out to every other member."""

    def __init__(self, members: dict[asyncio.Transport, str]) -> None:
        self._members = members
        self._unfinished = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; it is a member once it has a name."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but inheritance

    def data_received(self, data: bytes) -> None:
        """Cut lines; the rest waits for more bytes."""
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            self._line(line.decode().strip())

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the member."""
        self._members.pop(self._transport, None)

    def _line(self, line: str) -> None:
        name = self._members.get(self._transport)
        if name is None:
            self._members[self._transport] = line
            self._transport.write(f"* you are {line}\n".encode())
        else:
            self._broadcast(f"{name}: {line}\n".encode())

    def _broadcast(self, line: bytes) -> None:
        for member in self._members:
            if member is not self._transport:
                member.write(line)


async def main() -> None:
    """Serve until killed."""
    members: dict[asyncio.Transport, str] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(members), "127.0.0.1", 0, backlog=1024)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


with asyncio.Runner(loop_factory=event_loop_factory(sys.argv[1] if sys.argv[1:] else "asyncio")) as runner:
    runner.run(main())
