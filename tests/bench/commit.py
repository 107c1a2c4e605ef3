"""How many messages per second does chatcore acknowledge, with and without a disk?

    python3 tests/bench/commit.py [--senders 1,10,100] [--seconds 3] [--rounds 3]

Every sender waits for the echo of its line, which is the acknowledgement, before it says the next.
Each has a room of its own, so commits are measured and not fan-out. One sender pays a whole commit
for each message. Many senders share one commit per turn of the loop: that is group commit, and it
shows as messages per second that grow with the senders although the disk is not faster.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench_load import JSON, PATIENCE, Crowd, Member
from bench_server import SUBJECTS, BenchError, Subject, raise_descriptor_limit, running

WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """What one server acknowledged to so many senders in one round."""

    server: str
    senders: int
    round: int
    per_second: float
    cpu_microseconds: float  # of the server, per message
    median_ms: float  # from saying a line to its acknowledgement
    worst_ms: float  # 99 of 100 were faster


class Senders:
    """Clients that each have one message under way, always."""

    def __init__(self, crowd: Crowd, length: int) -> None:
        self._crowd = crowd
        self._text = "x" * length
        self._said = 0
        self._pending: dict[Member, tuple[bytes, float]] = {}  # the cid under way, and since when
        self._unfinished = dict.fromkeys(crowd.members, b"")
        self._delays: list[float] = []

    def talk(self, seconds: float) -> list[float]:
        """Talk for so long; return the delay of every message acknowledged in that time, in seconds."""
        self._delays = []
        for member in self._crowd.members:
            self._say(member)
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            for member in self._acknowledged(rest):
                self._say(member)
        acknowledged = self._delays.copy()
        self._await_the_rest()
        return acknowledged

    def _say(self, member: Member) -> None:
        self._said += 1
        cid = f"c{self._said}"
        self._pending[member] = f'"{cid}"'.encode(), time.monotonic()
        member.tell(self._crowd.dialect.say(member.room, cid, self._text))

    def _acknowledged(self, wait: float) -> list[Member]:
        """Receive once; whose message came back?"""
        return [member for member, data in self._crowd.receive(wait) if self._settles(member, data)]

    def _settles(self, member: Member, data: bytes) -> bool:
        lines, _, self._unfinished[member] = (self._unfinished[member] + data).rpartition(b"\n")
        if member not in self._pending or self._pending[member][0] not in lines:
            return False
        _, since = self._pending.pop(member)
        self._delays.append(time.monotonic() - since)
        return True

    def _await_the_rest(self) -> None:
        patience = time.monotonic() + PATIENCE
        while self._pending:
            self._acknowledged(0.5)
            if time.monotonic() > patience:
                raise BenchError(f"{len(self._pending)} messages were never acknowledged")


def measure(subject: Subject, senders: int, round_number: int, seconds: float, length: int) -> Run:
    """One fresh server, with a fresh history."""
    with running(subject) as server:
        crowd = Crowd(server.port, JSON)
        try:
            crowd.populate([f"s{number}" for number in range(senders)], room=lambda name: f"of-{name}")
            talking = Senders(crowd, length)
            talking.talk(WARM_UP_SECONDS)
            before = server.cpu_seconds()
            delays = talking.talk(seconds)
            cpu = server.cpu_seconds() - before
        finally:
            crowd.close()
    if len(delays) < 2:
        raise BenchError(f"{subject.title} acknowledged {len(delays)} messages in {seconds} seconds")
    return Run(
        server=subject.title,
        senders=senders,
        round=round_number,
        per_second=len(delays) / seconds,
        cpu_microseconds=cpu / len(delays) * 1e6,
        median_ms=statistics.median(delays) * 1000,
        worst_ms=statistics.quantiles(delays, n=100)[-1] * 1000,
    )


def syncs_per_second(seconds: float = 1.0) -> float:
    """What the disk itself can do: append 4 KiB and fdatasync, again and again, in the same folder."""
    with tempfile.NamedTemporaryFile() as file:
        start, count = time.monotonic(), 0
        while time.monotonic() - start < seconds:
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.monotonic() - start)


def file_system(folder: str) -> str:
    """The type of the file system that holds `folder`; on tmpfs a commit costs nothing and means nothing."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().split("\n") if line]
    above = [(len(place), kind) for place, kind in mounts if Path(folder).is_relative_to(place)]
    return max(above)[1] if above else "unknown"


def table(runs: list[Run]) -> str:
    """For people: medians over the rounds, and in brackets the smallest and the largest."""
    lines = [f"{'server':<24} {'senders':>7}  {'messages/s':<24} {'CPU µs':>7} {'median ms':>10} {'99 % ms':>8}"]
    for title, senders in dict.fromkeys((run.server, run.senders) for run in runs):
        own = [run for run in runs if (run.server, run.senders) == (title, senders)]
        rates = [run.per_second for run in own]
        shown = f"{statistics.median(rates):.0f} ({min(rates):.0f} - {max(rates):.0f})"
        cpu, median, worst = (
            statistics.median(values)
            for values in zip(*((run.cpu_microseconds, run.median_ms, run.worst_ms) for run in own), strict=True)
        )
        lines.append(f"{title:<24} {senders:>7}  {shown:<24} {cpu:>7.0f} {median:>10.2f} {worst:>8.2f}")
    return "\n".join(lines)


def numbers(text: str) -> list[int]:
    """`1,10` as numbers."""
    if not all(count.isdecimal() for count in text.split(",")):
        raise BenchError(f"{text!r} is no list of numbers, like 1,10,100")
    return [int(count) for count in text.split(",")]


def main() -> None:
    """Run all rounds, disk and no disk in turn, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--senders", default="1,10,100", help="numbers of senders (1,10,100)")
    parser.add_argument("--seconds", type=float, default=3, help="measured time per run (3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each pair has its turn (3)")
    parser.add_argument("--length", type=int, default=60, help="characters per message (60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every run to FILE")
    options = parser.parse_args()
    counts = numbers(options.senders)
    if min(*counts, options.rounds, options.length) < 1 or options.seconds <= 0:
        raise BenchError("senders, rounds and length must each be at least 1, and seconds above 0")
    raise_descriptor_limit(max(counts) + 100)
    folder = tempfile.gettempdir()
    print(f"history in {folder} ({file_system(folder)}; TMPDIR moves it): {syncs_per_second():.0f} fdatasync/s")
    runs = []
    for round_number in range(1, options.rounds + 1):
        for count in counts:
            for subject in (SUBJECTS["json"], SUBJECTS["json-disk"]):
                run = measure(subject, count, round_number, options.seconds, options.length)
                runs.append(run)
                print(f"round {round_number}  {run.server:<24} {count:>4} senders {run.per_second:8.0f}/s", flush=True)
    print(f"\n{table(sorted(runs, key=lambda run: (run.server, run.senders)))}")
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(run) for run in runs], indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"commit: {error}")
