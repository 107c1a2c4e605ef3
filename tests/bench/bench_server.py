"""command -> running server, and what it has cost so far: CPU, memory, open descriptors.

Every server of a benchmark is a child process that is started and ended here; nothing else is ever
ended. What it has cost is read from the kernel's books, so no server has to cooperate.
"""

import contextlib
import importlib.util
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PEERS = HERE / "peers"
START_SECONDS = 15
STOP_SECONDS = 10

# Nobody is slowed down by the rate limit, and nobody is asked for a sign of life while we measure.
LIMITS = ("rate=0", "typing_seconds=600", "hello_seconds=600", "idle_seconds=1200", "ping_seconds=600")
CHATCORE = (
    *(sys.executable, "-m", "chatcore", "serve", "--host", "127.0.0.1", "--port", "0"),
    *(word for limit in LIMITS for word in ("--limit", limit)),
)


class BenchError(Exception):
    """The measurement cannot be trusted, or could not start; says why in one sentence."""


@dataclass(frozen=True)
class Subject:
    """A server to measure. `{folder}` in the command becomes a temporary folder that is deleted after."""

    key: str
    title: str
    command: tuple[str, ...]
    json: bool = False  # its clients speak JSON; text lines otherwise

    @property
    def is_chatcore(self) -> bool:
        """True when it answers `stats`."""
        return "chatcore" in self.command


SUBJECTS = {
    subject.key: subject
    for subject in (
        Subject("chatcore", "chatcore", (*CHATCORE, "--history", "none")),
        Subject("disk", "chatcore, on disk", (*CHATCORE, "--history", "{folder}/chat.db")),
        Subject("json", "chatcore, JSON", (*CHATCORE, "--history", "none"), json=True),
        Subject("json-disk", "chatcore, JSON, on disk", (*CHATCORE, "--history", "{folder}/chat.db"), json=True),
        Subject("streams", "asyncio streams", (sys.executable, str(PEERS / "asyncio_streams.py"))),
        Subject("protocol", "asyncio protocol", (sys.executable, str(PEERS / "asyncio_protocol.py"))),
        Subject("uvloop", "uvloop protocol", (sys.executable, str(PEERS / "asyncio_protocol.py"), "uvloop")),
        Subject("threads", "a thread per client", (sys.executable, str(PEERS / "threads.py"))),
    )
}


def chosen(keys: str) -> list[Subject]:
    """The subjects named in `a,b,c`, less those that cannot run here, about which one line is printed."""
    unknown = set(keys.split(",")) - set(SUBJECTS)
    if unknown:
        raise BenchError(f"no server is called {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    subjects = [SUBJECTS[key] for key in keys.split(",")]
    if "uvloop" in keys and importlib.util.find_spec("uvloop") is None:
        print("uvloop is not installed for this Python, so its row is left out (pip install uvloop)")
        subjects = [subject for subject in subjects if subject.key != "uvloop"]
    return subjects


def raise_descriptor_limit(needed: int) -> None:
    """Let this process, and the servers that inherit from it, open as many sockets as allowed."""
    import resource  # not on Windows, where nothing of this runs

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(f"this needs {needed} descriptors per process, and the hard limit is {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else hard, hard))


class Server:
    """A running child process that accepts connections on `port` of 127.0.0.1."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def cpu_seconds(self) -> float:
        """User plus system time of all its threads since it started, in seconds.

        Linux gives every process a clock of its own that counts nanoseconds; its number is made from
        the pid (clock_getcpuclockid(3)). Where that fails, /proc/PID/stat counts in ticks of 10 ms.
        """
        try:
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """VmRSS: memory of the process itself. What the kernel keeps per socket is not in it."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        kibibytes = next(line.split()[1] for line in status.split("\n") if line.startswith("VmRSS:"))
        return int(kibibytes) * 1024

    def descriptors(self) -> int:
        """How many files and sockets it has open: tells what was accepted without asking the server."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


@contextlib.contextmanager
def running(subject: Subject) -> Iterator[Server]:
    """Start a server, wait until it listens, and stop it at the end, whatever happens in between."""
    with tempfile.TemporaryDirectory(prefix="chatcore-bench-") as folder, tempfile.TemporaryFile() as errors:
        command = [word.format(folder=folder) for word in subject.command]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        try:
            yield Server(process.pid, _wait_until_listening(process))
        except (BenchError, OSError) as error:
            raise BenchError(f"{subject.title}: {error}{_last_words(process, errors)}") from error
        finally:
            _stop(process)


def _wait_until_listening(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline().decode() if ready else ""
    if not line.startswith("listening on "):
        raise BenchError(f"the server did not start: expected 'listening on HOST:PORT', got {line!r}")
    return int(line.rpartition(":")[2])


def _last_words(process: subprocess.Popen[bytes], errors: BinaryIO) -> str:
    """What a reader needs to find out why: the exit status and the end of standard error."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.5)  # a server that is dying may need a moment to say so
    errors.seek(0)
    said = errors.read().decode(errors="replace").strip().split("\n")[-8:]
    state = "it still runs" if process.poll() is None else f"exit status {process.returncode}"
    return f" ({state})" + "".join(f"\n    {line}" for line in said if line)


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
