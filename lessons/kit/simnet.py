"""a failure's script -> the simulated network. What `script(net)` of a `fail.py` is given.

The script reads like a story: connect, say, read. It runs in a thread of its own, but never at the
same time as the program: one of the two always waits for the other. So the order of everything is
the same every time. The program keeps the main thread.
"""

import threading
from collections.abc import Callable

from lessons.kit.computer import Call
from lessons.kit.run import Run
from lessons.kit.simcaller import Caller
from lessons.kit.stage import QUIET
from lessons.kit.steps import Connect, Restart, Step

Script = Callable[["SimNet"], bool]
MUCH = 1_000_000  # bytes: more than all kernel buffers on the way, and than a program should keep, together
WAITING_CALLS = ("select", "accept", "recv")


class NotSimulated(Exception):
    """The script asks for what only a real computer has. Run it on loopback."""


class NobodyListens(ConnectionRefusedError):
    """The script wants to connect, and the program has ended or never listened."""


class Curtain(BaseException):
    """Ends the script's thread when the run is over."""


class SimNet:
    """One program and everybody who talks to it. The director of its run."""

    def __init__(self, run: Run, script: Script, lesson: int, files: int = 0) -> None:
        self.run = run
        self.lesson = lesson
        self.much = MUCH
        self.transcript: list[str] = []
        self.done = False
        self.result = False
        self.error: BaseException | None = None
        self._counts = dict.fromkeys((*WAITING_CALLS, "send", "short"), 0)
        self._cue, self._pause = threading.Semaphore(0), threading.Semaphore(0)
        self._condition: Callable[[], bool] = lambda: run.address is not None or not run.alive
        self._until = 5.0
        self._action: Callable[[], None] | None = None
        self._script = script
        self._thread = threading.Thread(target=self._play, daemon=True)
        run.computer.on_call = self._count
        run.computer.most_calls = 10_000_000
        run.computer.may_read_the_end = True
        if files:
            run.computer.fd_limit = run.computer.process.fd_limit = files

    # ------------------------------------------------------------ an actor of the world

    def ready(self) -> bool:
        """True when what the script waits for is there, or its time is up."""
        return not self.done and (self.run.now >= self._until or self._condition())

    def deadline(self) -> float | None:
        """When its time is up."""
        return None if self.done else self._until

    def step(self) -> None:
        """Let the script go on to its next wait; then do in the program what it asked for."""
        self.run.computer.next_step()
        self._until = self.run.now + QUIET
        if not self._thread.ident:
            self._thread.start()
        else:
            self._cue.release()
        self._pause.acquire()
        action, self._action = self._action, None
        if action is not None and self.error is None:
            action()

    def __getattr__(self, name: str) -> object:
        raise NotSimulated(f"net.{name}")

    def close(self) -> None:
        """Release the script's thread if it still waits."""
        if not self.done:
            self.done = True
            self._cue.release()

    def _play(self) -> None:
        try:
            self.result = self._script(self)
        except Curtain:
            return
        except BaseException as error:  # noqa: BLE001 — whatever it is, the main thread raises it
            self.error = error
        self.done = self.run.computer.over = True
        self._pause.release()

    def wait(
        self, seconds: float, condition: Callable[[], bool] = lambda: False, action: Callable[[], None] | None = None
    ) -> None:
        """Called by the script: the program and the others go on until `condition`, or for `seconds`."""
        self._condition, self._until, self._action = condition, self.run.now + seconds, action
        self._pause.release()
        self._cue.acquire()
        if self.done:
            raise Curtain

    def _count(self, call: Call) -> None:
        if call.name in self._counts:
            self._counts[call.name] += 1
        if call.name in ("send", "sendall") and call.asked and call.result != call.asked:
            self._counts["short"] += 1

    # ------------------------------------------------------------ what scripts call

    def say(self, text: str) -> None:
        """A line of the transcript."""
        self.transcript.append(text)

    def connect(self, name: str, greet: bool = True) -> Caller:
        """A caller; where the first line is the name it is said, and the answer awaited."""
        if self.run.address is None:
            raise NobodyListens(f"{name} cannot connect: nobody listens")
        self.do(Connect(name, greet=False))
        caller = Caller(self.run.guests[name].peer, self.wait, self.do)
        greeting = self.run.dialect.greet(name) if greet else b""
        if greeting:
            caller.send(greeting)
            caller.read(b"\n")
        self.wait(QUIET)
        return caller

    def do(self, step: Step) -> None:
        """One step, if it is possible, and what comes of it at once."""
        if self.run.possible(step):
            self.run.do(step, lambda step: None)

    def heard(self, sender: str, text: str) -> bytes:
        """What the others get when `sender` says `text`."""
        return self.run.dialect.said(sender, text.encode())

    def cpu_turns(self) -> int:
        """How often the program called select, accept or recv so far."""
        return sum(self._counts[name] for name in WAITING_CALLS)

    def sends(self) -> int:
        """How often the program called send."""
        return self._counts["send"]

    def short_sends(self) -> int:
        """How often the kernel took less than it was given."""
        return self._counts["short"]

    def pass_time(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.wait(seconds)

    def server_alive(self) -> bool:
        """False when the program has ended."""
        self.wait(0.1, lambda: not self.run.alive)
        return self.run.alive

    def interrupt(self) -> None:
        """Ctrl-C."""
        if self.run.alive:
            self.wait(QUIET, action=lambda: self.run.press("SIGINT"))

    def exit_status(self, seconds: float) -> int | None:
        """What the program returned within `seconds`, None if it still runs."""
        self.wait(seconds, lambda: not self.run.alive)
        return self.run.exit_status

    def restart(self) -> None:
        """kill -9, then start again in the same folder."""
        if self.run.alive:
            self.wait(QUIET, action=self.run.kill)
        self.do(Restart())
        self.wait(5, lambda: self.run.alive and self.run.address is not None)
