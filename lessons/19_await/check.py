"""What lesson 19 promises: the loop carries any tasks, and the guest has the same conversation as on callbacks.

The learner's file is a client. To try its loop with many connections, tasks of ours are added to it: a server
that echoes. The last check runs the file as it is, with the server of this lesson, on real sockets.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    HalfClose,
    LiveCheck,
    Model,
    Pass,
    Run,
    Send,
    SetClock,
    Step,
    Together,
    heard,
    of,
    raised,
)
from lessons.kit.checks import Examiner
from lessons.kit.dialects import PLAIN, REMEMBERED
from lessons.kit.program import Counting, Source, text_of
from lessons.kit.schedules import schedules
from lessons.kit.stage import Stage
from lessons.kit.story import steps, what

SERVER = Path(__file__).resolve().parent / "server.py"
PATIENCE = 2.0  # seconds in which a guest on a real computer answers
SLEEP, NAPS = 5, 20
SLEEPS = {b"later": SLEEP, b"soon": 1}  # what is said, and how long the task then sleeps
NAP = Send("ana", b"nap\n")
TASKS = f"""
import socket

async def echo(sock):
    try:
        while data := await piece(sock):
            for word, seconds in {SLEEPS}.items():
                if data.startswith(word):
                    await sleep(seconds)
            if data.startswith(b"nap"):
                for _ in range({NAPS}):
                    await sleep(0)
            sock.send(data)
    except OSError:
        pass
    sock.close()

async def piece(sock):
    await readable(sock)
    return sock.recv(4096)

async def door(callers):
    for _ in range(callers):
        await readable(listener)
        sock, address = listener.accept()
        sock.setblocking(False)
        loop.spawn(echo(sock))

listener = socket.create_server(("127.0.0.1", 14532))
loop = Loop()
loop.spawn(door(CALLERS))
loop.run()
"""


@dataclass
class Task:
    """One task of the server, as it should be: what it has not read, and what it holds while it sleeps."""

    unread: bytearray = field(default_factory=bytearray)
    held: bytes = b""
    wakes: float | None = None

    def go_on(self, now: float) -> bytes:
        """What it sends up to now."""
        sent, at = b"", now
        while self.unread or self.wakes is not None:
            if self.wakes is not None:
                if self.wakes > now:
                    break
                sent, at, self.wakes = sent + self.held, self.wakes, None
            elif sleeps := [seconds for word, seconds in SLEEPS.items() if self.unread.startswith(word)]:
                self.held, self.wakes = bytes(self.unread), at + sleeps[0]
                self.unread.clear()
            else:
                sent += self.unread
                self.unread.clear()
        return sent


class Tasks(Model):
    """Everybody has a task, which echoes; who says `later` hears it after some seconds."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.tasks: dict[str, Task] = {}

    def enters(self, name: str, run: Run) -> None:
        """A new task."""
        self.tasks[name] = Task()

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """For the task to read, when it is awake."""
        self.go_on(run)
        self.tasks[name].unread += data

    def go_on(self, run: Run) -> None:
        """Up to now."""
        for name, task in self.tasks.items():
            self.hears[name] += task.go_on(run.now)

    def judge(self, run: Run) -> Complaint | None:
        """By now."""
        self.go_on(run)
        return super().judge(run)


class Naps(Tasks):
    """Each sleep, however short, lets the others have their turn."""

    before = 0

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Count the turns from now on."""
        super().sends(name, data, run)
        self.before = run.turns

    def judge(self, run: Run) -> Complaint | None:
        """A nap is a turn."""
        if run.steps and run.steps[-1] == NAP:
            return self.program_trouble(run)  # the task has lain down, and others have their turn
        turns = run.turns - self.before
        if NAP in run.steps and turns < NAPS:
            text = f"a task slept {NAPS} times for 0 seconds, and that took {turns} turn{'s' * (turns != 1)}"
            return Complaint("starving", run, text=text)
        return super().judge(run)


class LastOne(Tasks):
    """When no task is left, run() returns."""

    may_end = True

    def judge(self, run: Run) -> Complaint | None:
        """The program ends after the last step, and not before it."""
        left = run.steps and run.steps[-1] == HalfClose("ana")
        text = "ana has left, no task is left, and run() has not returned"
        if not left or run.exit_status == 0:
            self.may_end = bool(left)
            return super().judge(run)
        return self.program_trouble(run) or Complaint("endless", run, text=text)


def on_his_loop(check: Check, callers: int = 1_000_000) -> LiveCheck:
    """The check of a server whose tasks run on the learner's loop."""

    def judge(path: Path) -> tuple[str, list[str]] | None:
        stage = Stage(with_tasks(path, TASKS.replace("CALLERS", str(callers))))
        verdict = Examiner(stage, check, PLAIN).verdict()
        if verdict.complaint is None:
            return None
        complaint = verdict.complaint
        return verdict.cause, ["An echo server, its tasks on your loop:", *steps(complaint), "", *what(complaint)]

    return LiveCheck(check.title, judge)


def with_tasks(path: Path, tasks: str) -> Source:
    """The learner's file, and instead of its main() our tasks. Line numbers stay the same."""
    tree = ast.parse(text_of(path), str(path))
    begin = ast.parse(f"exec(compile({tasks!r}, 'the tasks of the check', 'exec'))").body
    guards = [node for node in tree.body if isinstance(node, ast.If) and "__name__" in ast.dump(node.test)]
    for node in [node for one in begin for node in ast.walk(one)] if guards else []:
        ast.copy_location(node, guards[-1])
    tree.body = [node for node in tree.body if node not in guards] + begin
    return Source(path, compile(Counting().visit(tree), str(path), "exec", dont_inherit=True))


def same_conversation(path: Path) -> tuple[str, list[str]] | None:
    """The file as it is, and bia, who answers."""
    from lessons.loopback import Net

    net = Net(SERVER, 19, REMEMBERED)
    try:
        bia = net.connect("bia")
        command = [sys.executable, "-X", "utf8", str(path), str(net.address[1])]
        guest = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=net.folder)
        heard = bia.read(b"who is there?\n", PATIENCE)
        bia.say("bia is here")
        heard += bia.read(b"* guest left\n", PATIENCE)
        try:
            shown, errors = guest.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            guest.kill()
            shown, errors = guest.communicate()
            shown += b"(and does not end)\n"
    finally:
        net.close()
    return compared(*(data.decode("utf-8", "replace") for data in (heard, shown, errors)))


def compared(heard: str, shown: str, errors: str) -> tuple[str, list[str]] | None:
    """What bia and the guest should have read, and what they have."""
    should = (
        "* guest entered\nguest: hello, who is there?\nguest: goodbye, bia\n* guest left\n",
        "* you are guest, in lobby with bia\nbia: bia is here\n",
    )
    if (heard, shown) == should:
        return None
    story = [f"bia has read   {heard.splitlines()}", f"the guest read {shown.splitlines()}", *errors.splitlines()[-3:]]
    return "on your loop the guest does not have the conversation that it has on callbacks", story


def no_iterator(complaint: Complaint) -> bool:
    """True when next() was called with a coroutine."""
    return complaint.error == "TypeError" and "not an iterator" in complaint.text


def comparing(complaint: Complaint) -> bool:
    """True when the heap had to compare two tasks."""
    return complaint.kind == "crash" and complaint.error == "TypeError" and "'<'" in complaint.text


def summing(complaint: Complaint) -> bool:
    """True when something else than seconds was added to the time."""
    return complaint.error == "TypeError" and "for +:" in complaint.text


def early(complaint: Complaint) -> bool:
    """True when somebody has read more than was due."""
    return len(complaint.actual) > len(complaint.expected)


def three_seconds_each(moments: list[list[Send]]) -> list[Step]:
    """What is said at each moment, and three seconds after it; at the end nobody sleeps any more."""
    passed = [step for sends in moments for step in (*sends, Pass(SLEEP - 2))]
    return [Connect("ana"), Connect("bia"), *passed, Pass(SLEEP * len(passed))]


said = st.builds(Send, st.sampled_from(("ana", "bia")), st.sampled_from((b"later\n", b"oi\n")))

END = Cause("run() returned, and there are tasks left: turn until the last one has returned, once for each", of("end"))

CHECKS = (
    on_his_loop(
        Check(
            "a task for each caller, in any order",
            schedules(texts=(b"oi\n", b"ola\n"), steps=("connect", "send", "send", "half-close", "close"), most=10),
            Tasks,
            (
                Cause("Loop.step and Loop.run are still to be written", raised("NotImplementedError")),
                Cause("a task that returns says so with StopIteration, and nobody caught it", raised("StopIteration")),
                Cause(
                    "a task that has not begun can only be sent None: its first wish comes from send(None)",
                    lambda c: c.error == "TypeError" and "just-started" in c.text,
                ),
                Cause("a coroutine is no iterator: task.send(None) lets it go on, next(task) does not", no_iterator),
                Cause("a wish is a name, and then what it is about: a socket, or seconds for the timers", summing),
                Cause(
                    "the selector was not told whose wish it is: register the task as data, and find it in key.data",
                    lambda c: c.error == "AttributeError" and "NoneType" in c.text,
                ),
                Cause("a task went on although its wish had not come true: one step is one send(None)", of("blocked")),
                Cause(
                    "a task that wished to read was woken with nothing to read: register EVENT_READ alone",
                    of("dropped"),
                ),
                END,
                Cause(
                    "a task waits for a socket again that is still registered: unregister whoever is ready",
                    raised("KeyError"),
                ),
                Cause(
                    "a task made its second wish, and nobody has noted it: each step may end with a wish",
                    heard(lambda c: not early(c)),
                ),
            ),
            examples=50,
        )
    ),
    on_his_loop(
        Check(
            "whoever sleeps, the others do not",
            st.lists(st.lists(said, max_size=2), min_size=1, max_size=4).map(three_seconds_each),
            Tasks,
            (
                Cause(
                    "one task sleeps, and all stand still: put the task away until its time comes",
                    lambda c: c.kind == "blocked" and c.call == "sleep",
                ),
                Cause(
                    "the loop asks again and again instead of waiting: the timeout is the time to the first timer",
                    of("polling"),
                ),
                Cause("{name}'s task was woken too early: only those whose time has come are due", heard(early)),
                END,
                Cause(
                    "{name}'s task should be awake by now: select() may wait no longer than to the first timer", heard()
                ),
            ),
            examples=50,
        )
    ),
    on_his_loop(
        Check(
            "who sleeps less wakes first",
            (Connect("ana"), Connect("bia"), Send("ana", b"later\n"), Send("bia", b"soon\n"), Pass(2)),
            Tasks,
            (
                Cause(
                    "{name} sleeps for one second and waits for ana, who sleeps for five: in the heap time comes first",
                    heard(),
                ),
            ),
        )
    ),
    on_his_loop(
        Check(
            "somebody sets the clock",
            (Connect("ana"), Send("ana", b"later\n"), SetClock(-3600), Pass(SLEEP + 1)),
            Tasks,
            (Cause("somebody set the clock, and {name} sleeps on: count with time.monotonic()", heard()),),
        )
    ),
    on_his_loop(
        Check(
            "two who sleep until the same moment",
            (Connect("ana"), Connect("bia"), Together(Send("ana", b"later\n"), Send("bia", b"later\n"))),
            Tasks,
            (
                Cause(
                    "two timers are due at the same moment, and the heap compares tasks: put a number between",
                    comparing,
                ),
            ),
        )
    ),
    on_his_loop(
        Check(
            "who sleeps for 0 seconds waits for the next turn",
            (Connect("ana"), NAP, Pass(1)),
            Naps,
            (Cause("{text}: take all that are due first, then step them", of("starving")),),
        )
    ),
    on_his_loop(
        Check(
            "the last task ends, and run() returns",
            (Connect("ana"), Send("ana", b"oi\n"), HalfClose("ana")),
            LastOne,
            (Cause("the last task has ended, and run() goes on: count the tasks", of("endless")),),
        ),
        callers=1,
    ),
    LiveCheck("the conversation that the guest has on callbacks", same_conversation),
)
