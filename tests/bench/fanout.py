"""How much CPU time does a server spend to bring one line to one member of a room?

    python3 tests/bench/fanout.py [--receivers 500] [--senders 10] [--rounds 5] [--mode paced]

Every server gets the same clients, the same lines and the same pace, and the servers take turns
(A B C A B C …), so what the machine does meanwhile hits them all. The claim is the ratio within a
round; microseconds are only true for this machine. A run in which one line is missing, or comes
twice, is not a result but an error.

    paced    every sender says one line at the same moment, every `--interval` milliseconds
    spread   the same number of lines, but evenly in time: the server can rarely join two
    burst    the next lines are said as soon as all have heard the last ones
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench_load import JSON, TEXT, Crowd, Member
from bench_server import SUBJECTS, BenchError, Subject, chosen, raise_descriptor_limit, running

BASELINE = "streams"
WARM_UP = 3  # unmeasured: Python specialises its bytecode while it runs, and buffers reach their size


@dataclass(frozen=True)
class Load:
    """What every server has to do."""

    receivers: int
    senders: int
    messages: int  # per sender
    length: int  # characters of each text
    mode: str
    interval: float  # seconds between two lines of one sender
    batch: int  # lines that a sender says at once

    @property
    def planned_seconds(self) -> float:
        """How long the measured part takes when the server keeps up; 0 when it sets the pace itself."""
        return 0.0 if self.mode == "burst" else self.messages * self.interval


@dataclass(frozen=True)
class Run:
    """What one server did in one round."""

    server: str
    round: int
    deliveries: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def cost(self) -> float:
        """CPU microseconds per delivery."""
        return self.cpu_seconds / self.deliveries * 1e6


class Conversation:
    """The senders of a crowd say numbered lines; everybody else, and the witness, checks them."""

    def __init__(self, crowd: Crowd, senders: Sequence[Member], load: Load) -> None:
        self._crowd = crowd
        self._senders = senders
        self._load = load
        self._said = 0  # lines per sender, ever: the numbers in the texts

    def hold(self, messages: int) -> float:
        """Say `messages` lines per sender; return the seconds until all was heard. Checks every count."""
        crowd, first = self._crowd, self._said
        crowd.forget()
        witness = crowd.members[0]
        witness.kept = bytearray()
        start = time.monotonic()
        PACES[self._load.mode](self, messages)
        self._wait_for(messages)
        wall = time.monotonic() - start
        crowd.listen_for(0.1)  # a line that comes twice would come now
        self._check(messages, range(first, self._said))
        witness.kept = None
        return wall

    def paced(self, messages: int) -> None:
        """All senders together, at a fixed pace, whether or not the server keeps up."""
        start = time.monotonic()
        for number in range(0, messages, self._load.batch):
            self._say(self._senders, min(self._load.batch, messages - number))
            self._crowd.listen_for(start + (number + self._load.batch) * self._load.interval - time.monotonic())

    def spread(self, messages: int) -> None:
        """The same pace, one sender after the other."""
        start, step = time.monotonic(), self._load.interval / len(self._senders)
        for number in range(messages):
            for place, sender in enumerate(self._senders):
                turn = number * len(self._senders) + place
                self._crowd.listen_for(start + turn * step - time.monotonic())
                sender.tell(self._line(sender, self._said))
            self._said += 1

    def burst(self, messages: int) -> None:
        """As fast as the slowest member hears."""
        for number in range(0, messages, self._load.batch):
            count = min(self._load.batch, messages - number)
            self._say(self._senders, count)
            self._wait_for(number + count)

    def _say(self, senders: Sequence[Member], count: int) -> None:
        for sender in senders:
            sender.tell(b"".join(self._line(sender, self._said + more) for more in range(count)))
        self._said += count

    def _line(self, sender: Member, number: int) -> bytes:
        cid = f"{sender.name}.{number}"
        return self._crowd.dialect.say(sender.room, cid, self._text(sender, number))

    def _text(self, sender: Member, number: int) -> str:
        return f"<{sender.name}.{number}>".ljust(self._load.length, "x")

    def _wait_for(self, messages: int) -> None:
        expected = self.deliveries(messages)
        self._crowd.listen_until(
            lambda: self._crowd.heard >= expected, f"a delivery is missing: {expected} were due by now"
        )

    def deliveries(self, messages: int) -> int:
        """Lines that must arrive when each sender says `messages`."""
        hearers = len(self._crowd.members) - (not self._crowd.dialect.hears_itself)
        return messages * len(self._senders) * hearers

    def _check(self, messages: int, numbers: range) -> None:
        """Everybody heard exactly the lines due to him; the witness heard each of them once."""
        for member in self._crowd.members:
            own = member in self._senders and not self._crowd.dialect.hears_itself
            due = messages * (len(self._senders) - own)
            if member.heard != due:
                raise BenchError(f"{member.name} heard {member.heard} lines, and {due} were due")
        heard = self._crowd.members[0].kept or b""
        for sender in self._senders:
            for number in numbers:
                if heard.count(self._text(sender, number).encode()) != 1:
                    raise BenchError(f"line {number} of {sender.name} did not arrive exactly once")


PACES = {"paced": Conversation.paced, "spread": Conversation.spread, "burst": Conversation.burst}


def measure(subject: Subject, round_number: int, load: Load) -> Run:
    """One fresh server, one fresh crowd, one measured conversation."""
    with running(subject) as server:
        crowd = Crowd(server.port, JSON if subject.json else TEXT)
        try:
            receivers = [f"r{number}" for number in range(load.receivers)]
            senders = [f"s{number}" for number in range(load.senders)]
            members = crowd.populate(receivers + senders)
            conversation = Conversation(crowd, members[load.receivers :], load)
            conversation.hold(max(WARM_UP, load.batch))
            before = server.cpu_seconds()
            wall = conversation.hold(load.messages)
            cpu = server.cpu_seconds() - before
            return Run(subject.key, round_number, conversation.deliveries(load.messages), cpu, wall)
        finally:
            crowd.close()


@dataclass(frozen=True)
class Row:
    """A server's runs, condensed. `ratios`: how many times cheaper than the baseline, round by round."""

    title: str
    deliveries: int
    costs: list[float]
    walls: list[float]
    busy: float  # the largest share of a core in any round; near 1.0 the server was saturated
    ratios: list[float]


def condense(runs: list[Run]) -> list[Row]:
    """One row per server, in the order in which they ran."""
    baseline = {run.round: run.cost for run in runs if run.server == BASELINE}
    rows = []
    for key in dict.fromkeys(run.server for run in runs):
        own = [run for run in runs if run.server == key]
        rows.append(
            Row(
                title=SUBJECTS[key].title,
                deliveries=own[0].deliveries,
                costs=[run.cost for run in own],
                walls=[run.wall_seconds for run in own],
                busy=max(run.cpu_seconds / run.wall_seconds for run in own),
                ratios=[baseline[run.round] / run.cost for run in own if run.round in baseline],
            )
        )
    return rows


def table(rows: list[Row]) -> str:
    """For people: medians, and in brackets the smallest and the largest."""
    header = ("server", "deliveries", "CPU µs per delivery", "wall s", "deliv./s", "busy")
    layout = "{:<24} {:>10}  {:<22} {:>7} {:>9} {:>5}  {}"
    lines = [layout.format(*header, f"times cheaper than {SUBJECTS[BASELINE].title}")]
    for row in rows:
        wall = statistics.median(row.walls)
        figures = (row.deliveries, spread_of(row.costs, 2), f"{wall:.2f}", f"{row.deliveries / wall:.0f}")
        lines.append(layout.format(row.title, *figures, f"{row.busy:.0%}", spread_of(row.ratios, 1)))
    return "\n".join(lines)


def spread_of(values: list[float], digits: int) -> str:
    """`median (smallest - largest)`, or a dash when there is nothing to say."""
    if not values:
        return "-"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} - {max(values):.{digits}f})"


def remarks(rows: list[Row], load: Load) -> list[str]:
    """What a reader must know before believing the table."""
    found = []
    waiting, cores = os.getloadavg()[0], os.cpu_count() or 1
    if waiting > cores + 1:
        found.append(f"The machine was busy with other things too: load {waiting:.1f} on {cores} cores.")
    late = [row.title for row in rows if row.busy > 0.9 or statistics.median(row.walls) > 1.1 * load.planned_seconds]
    if load.planned_seconds and late:
        found.append(f"Did not keep the pace: {', '.join(late)}. A longer --interval gives all of them time.")
    return found


def report(runs: list[Run], load: Load) -> dict[str, object]:
    """For programs: the settings, the machine and every single run."""
    machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
    rows = [asdict(row) for row in condense(runs)]
    return {"load": asdict(load), "machine": machine, "runs": [asdict(run) for run in runs], "rows": rows}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add = parser.add_argument
    add("--receivers", type=int, default=500, help="members who only listen (500)")
    add("--senders", type=int, default=10, help="members who speak, and listen too (10)")
    add("--rounds", type=int, default=5, help="how often each server has its turn (5)")
    add("--messages", type=int, default=30, help="measured lines per sender and round (30)")
    add("--length", type=int, default=60, help="characters per line (60)")
    add("--mode", choices=PACES, default="paced", help="see above (paced)")
    add("--interval", type=float, default=100, help="milliseconds between two lines of a sender (100)")
    add("--batch", type=int, default=1, help="lines a sender says at once, paced and burst (1)")
    add("--servers", default="chatcore,disk,json,streams,protocol,uvloop", help=f"of {','.join(SUBJECTS)}")
    add("--json", type=Path, metavar="FILE", help="also write every run to FILE")
    return parser.parse_args()


def main() -> None:
    """Run all rounds, then print the table."""
    options = arguments()
    load = Load(
        receivers=options.receivers,
        senders=options.senders,
        messages=options.messages,
        length=options.length,
        mode=options.mode,
        interval=options.interval / 1000,
        batch=options.batch,
    )
    if min(load.receivers, load.senders, load.messages, load.batch, options.rounds) < 1:
        raise BenchError("receivers, senders, messages, batch and rounds must each be at least 1")
    raise_descriptor_limit(load.receivers + load.senders + 100)
    subjects = chosen(options.servers)
    runs: list[Run] = []
    for round_number in range(1, options.rounds + 1):
        for subject in subjects:
            run = measure(subject, round_number, load)
            runs.append(run)
            print(f"round {round_number}/{options.rounds}  {subject.title:<24} {run.cost:7.2f} µs", flush=True)
    rows = condense(runs)
    print(f"\n{load.receivers} receivers, {load.senders} senders, {load.length} characters, {load.mode}")
    print(table(rows))
    print(*remarks(rows, load), sep="\n")
    if options.json is not None:
        options.json.write_text(json.dumps(report(runs, load), indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"fanout: {error}")
