"""The chat that asyncio tutorials write: one coroutine per client, `write` and `drain` for every member.

It frames by line, takes the first line as the name and says `NAME: TEXT` to everybody else. It has
no limits, no history and no deadlines: it does less than chatcore, so the comparison favours it.
"""

import asyncio


class Room:
    """Everybody who is connected, and what it takes to be heard by them."""

    def __init__(self) -> None:
        self._members: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its first line to its last."""
        try:
            name = (await reader.readline()).decode().strip()
            if name:
                await self._converse(name, reader, writer)
        except ConnectionError:
            pass  # the client went away; there is nobody left to tell
        finally:
            writer.close()

    async def _converse(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"* you are {name}\n".encode())
        self._members.append(writer)
        try:
            while line := await reader.readline():
                await self._broadcast(writer, f"{name}: {line.decode().strip()}\n".encode())
        finally:
            self._members.remove(writer)

    async def _broadcast(self, speaker: asyncio.StreamWriter, line: bytes) -> None:
        for member in list(self._members):
            if member is not speaker:
                member.write(line)
                await member.drain()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(Room().serve, "127.0.0.1", 0, backlog=1024)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
