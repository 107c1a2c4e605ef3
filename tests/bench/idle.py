"""How much memory does a server keep for a connection on which nothing happens?

    python3 tests/bench/idle.py [--connections 10000]

Two figures for each server, both resident memory (VmRSS) divided by connections: connected and
silent, and then named and in one room. What the kernel keeps per socket is in neither. Counted are
the server's open descriptors, so that nothing is divided by connections that never were; chatcore
is also asked for its `stats`.
"""

import argparse
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bench_load import ENTER_AT_ONCE, JSON, PATIENCE, TEXT, Crowd
from bench_server import BenchError, Server, Subject, chosen, raise_descriptor_limit, running


@dataclass(frozen=True)
class Result:
    """Resident bytes per connection, and how long it took to get there."""

    server: str
    connections: int
    start_bytes: int  # resident when nobody but us was there
    silent_bytes: float
    named_bytes: float
    accept_seconds: float
    name_seconds: float


class Observer:
    """One JSON client in no room: wakes everything in chatcore that is loaded late, then asks for stats."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._lines = self._sock.makefile("rb")
        self._ask({"type": "hello", "name": "observer"}, "welcome")

    def connections(self) -> int:
        """How many connections the server believes it has, this one included."""
        return int(str(self._ask({"type": "stats"}, "stats")["connections"]))

    def _ask(self, command: dict[str, str], answer: str) -> dict[str, object]:
        self._sock.sendall(json.dumps(command).encode() + b"\n")
        line = self._lines.readline()
        event: dict[str, object] = json.loads(line or "{}")
        if event.get("type") != answer:
            raise BenchError(f"expected {answer!r} from the server, got {line!r}")
        return event

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._sock.close()


def measure(subject: Subject, connections: int) -> Result:
    """One server, from nobody to everybody silent to everybody named."""
    print(f"{subject.title}: ", end="", flush=True)
    with running(subject) as server:
        observer = Observer(server.port) if subject.is_chatcore else None
        crowd = Crowd(server.port, JSON if subject.json else TEXT)
        try:
            return measured(subject.title, server, crowd, observer, connections)
        finally:
            crowd.close()
            if observer is not None:
                observer.close()


def measured(title: str, server: Server, crowd: Crowd, observer: Observer | None, connections: int) -> Result:
    """The figures of one server."""
    start = server.resident_bytes()
    accept_seconds = timed(lambda: connect(server, crowd, connections))
    silent = server.resident_bytes()
    print(f"{connections} connected, ", end="", flush=True)
    name_seconds = timed(lambda: crowd.enter(crowd.members))
    crowd.listen_until_quiet()
    named = server.resident_bytes()
    believed = observer.connections() - 1 if observer is not None else connections
    if believed != connections:
        raise BenchError(f"stats says {believed} connections, and there are {connections}")
    print("all named", flush=True)
    return Result(
        server=title,
        connections=connections,
        start_bytes=start,
        silent_bytes=(silent - start) / connections,
        named_bytes=(named - start) / connections,
        accept_seconds=accept_seconds,
        name_seconds=name_seconds,
    )


def connect(server: Server, crowd: Crowd, connections: int) -> None:
    """Connect, and wait for the server every now and then, so that no listen backlog overflows."""
    before = server.descriptors()
    for first in range(0, connections, ENTER_AT_ONCE):
        crowd.connect(f"m{number}" for number in range(first, min(first + ENTER_AT_ONCE, connections)))
        wait_until_accepted(server, crowd, before + len(crowd.members))


def wait_until_accepted(server: Server, crowd: Crowd, descriptors: int) -> None:
    """Every connection that was accepted is one more open descriptor of the server."""
    patience = time.monotonic() + PATIENCE
    while server.descriptors() < descriptors:
        if time.monotonic() > patience:
            missing = descriptors - server.descriptors()
            raise BenchError(f"{missing} connections were not accepted within {PATIENCE:.0f} seconds")
        crowd.listen_for(0.001)


def timed(action: Callable[[], None]) -> float:
    """The seconds that `action` takes."""
    start = time.monotonic()
    action()
    return time.monotonic() - start


def table(results: list[Result]) -> str:
    """For people."""
    lines = [
        f"{'server':<24} {'at start':>9}  {'silent':>14} {'named':>14}  {'accepting':>9} {'naming':>8}",
        f"{'':<24} {'MiB':>9}  {'bytes per conn':>14} {'bytes per conn':>14}  {'s':>9} {'s':>8}",
    ]
    lines += [
        f"{result.server:<24} {result.start_bytes / 2**20:>9.1f}  {result.silent_bytes:>14.0f} "
        f"{result.named_bytes:>14.0f}  {result.accept_seconds:>9.2f} {result.name_seconds:>8.2f}"
        for result in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure one server after the other; they do not run together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000, help="how many clients (10000)")
    parser.add_argument("--servers", default="chatcore,json,streams", help="which servers, by key")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    options = parser.parse_args()
    if options.connections < 1:
        raise BenchError("connections must be at least 1")
    raise_descriptor_limit(options.connections + 100)
    results = [measure(subject, options.connections) for subject in chosen(options.servers)]
    print(f"\n{table(results)}")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"idle: {error}")
