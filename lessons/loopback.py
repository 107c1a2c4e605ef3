"""a failure's script -> real sockets on 127.0.0.1. For what the simulation does not have: threads and terminals.

The program runs unmodified in a process of its own; `lessons.counted` counts its calls there.
"""

import mmap
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from lessons import counted
from lessons.callers import Caller
from lessons.kit.lesson import Dialect

ROOT = Path(__file__).resolve().parent.parent
LESSON_16 = ROOT / "lessons" / "16_other_end"
CLIENT = "client.py"
MUCH = 24_000_000
GLUED = Dialect(greet=lambda name: name.encode())  # lesson 0: the name is whatever the first recv() returns


class Closable(Protocol):
    """A caller, or a terminal."""

    def close(self) -> None:
        """Be gone."""


class Net:
    """One program and everybody who talks to it. The same calls as `lessons.kit.simnet.SimNet`."""

    def __init__(self, program: Path, lesson: int, dialect: Dialect, files: int = 0, clock: float = 1.0) -> None:
        self.lesson = lesson
        self.much = MUCH
        self.transcript: list[str] = []
        of_the_client = program.name == CLIENT  # then it is not the server that is looked at
        self.program = LESSON_16 / "server.py" if of_the_client else program
        self._client = program if of_the_client else LESSON_16 / (CLIENT if lesson >= 16 else "step1.py")
        self._files, self._clock = files, clock
        self._dialect = dialect if lesson else GLUED
        self._open: list[Closable] = []
        self._running = False
        self.folder = Path(tempfile.mkdtemp(prefix="lesson-"))
        self._counters = self.folder / "counters"
        self._counters.write_bytes(bytes(counted.SIZE))
        with self._counters.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), counted.SIZE)
        self.start()

    def start(self) -> None:
        """Run the program, again if it has run before, and wait until it listens."""
        if self._running:
            self._stop()
        self._running = True
        argv = [self._counters, self._clock, self._files, self.program.resolve(), 0]
        self._errors = (self.folder / "stderr").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-u", str(ROOT / "lessons" / "counted.py"), *map(str, argv)],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on 127.0.0.1:"):
            why = (self.folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            self.close()
            raise RuntimeError(f"{self.program.name} does not say where it listens{why and ': ' + why}")
        self.address = ("127.0.0.1", int(line.rpartition(":")[2]))

    def restart(self) -> None:
        """kill -9, then start again in the same folder."""
        self.start()

    def connect(self, name: str, greet: bool = True) -> Caller:
        """A caller; where the first line is the name it is said, and the answer awaited."""
        accepts = self._count(counted.ACCEPTS)
        caller = Caller(name, self.address)
        self._open.append(caller)
        self._wait(lambda: self._count(counted.ACCEPTS) > accepts)
        greeting = self._dialect.greet(name) if greet else b""
        if greeting:
            caller.send(greeting)
            caller.read(b"\n", 1.0 if greeting.endswith(b"\n") else 0.05)
        return caller

    def heard(self, sender: str, text: str) -> bytes:
        """What the others get when `sender` says `text`."""
        return self._dialect.said(sender, text.encode())

    def say(self, text: str) -> None:
        """A line of the transcript."""
        self.transcript.append(text)

    def cpu_turns(self) -> int:
        """How often the program called select, accept or recv so far."""
        return self._count(counted.TURNS)

    def sends(self) -> int:
        """How often the program called send."""
        return self._count(counted.SENDS)

    def short_sends(self) -> int:
        """How often the kernel took less than it was given."""
        return self._count(counted.SHORT_SENDS)

    def pass_time(self, seconds: float) -> None:
        """Let the program live through `seconds` of its own clock."""
        threading.Event().wait(seconds / self._clock)

    def server_alive(self) -> bool:
        """False when the program has ended."""
        return self.exit_status(0.1) is None

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def hold(self) -> None:
        """Stop the program for a moment, so that bytes can gather in the kernel. Unix only."""
        self.process.send_signal(signal.SIGSTOP)

    def release(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def exit_status(self, seconds: float) -> int | None:
        """What the program returned within `seconds`, None if it still runs."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def console(self, text: str) -> None:
        """Type a line at the server's own keyboard."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def terminal(self) -> "Closable":
        """The client of this lesson on a terminal; before there was one, the nearest thing to nc."""
        from lessons.terminal import Terminal  # no pty on Windows

        terminal = Terminal([sys.executable, str(self._client.resolve()), str(self.address[1])])
        self._open.append(terminal)
        return terminal

    def close(self) -> None:
        """End everything and leave nothing behind."""
        for one in self._open:
            one.close()
        self._stop()
        self._shared.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self._errors.close()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # what console() wrote was never read
                stream.close()

    def _wait(self, condition: Callable[[], bool], seconds: float = 1.0) -> None:
        until = time.monotonic() + seconds
        while not condition() and time.monotonic() < until:
            threading.Event().wait(0.002)

    def _count(self, which: int) -> int:
        return counted.value(self._shared, which)
