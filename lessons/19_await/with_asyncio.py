"""A polite guest on asyncio: the same story, and the loop of the standard library."""

import asyncio
import sys


async def next_line(reader: asyncio.StreamReader) -> str | None:
    line = (await reader.readline()).decode().removesuffix("\n")
    if line:
        print(line, flush=True)
    return line or None


async def guest(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"guest\n")
    await next_line(reader)
    writer.write(b"hello, who is there?\n")
    answer = await next_line(reader) or ""
    await asyncio.sleep(0.2)
    writer.write(f"goodbye, {answer.partition(':')[0]}\nsair\n".encode())
    while await next_line(reader) is not None:
        pass
    writer.close()


def main() -> None:
    asyncio.run(guest(int(sys.argv[1]) if len(sys.argv) > 1 else 14532))


if __name__ == "__main__":
    main()
