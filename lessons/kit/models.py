"""steps -> what everybody should have read. The expectations that checks share."""

from dataclasses import dataclass

from lessons.kit.lesson import Dialect
from lessons.kit.run import Run, Situation
from lessons.kit.steps import Close, Connect, HalfClose, Reset, Send, Step, Vanish

BYE = b"sair"
NOT_LOOKED_AT = Situation()


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong after a step. `kind` is a word of FORMAT.md; `call` is where the program waits, `who` for whom."""

    kind: str
    run: Run
    name: str = ""
    expected: bytes = b""
    actual: bytes = b""
    text: str = ""
    line: int = 0
    call: str = ""
    who: str = ""
    situation: Situation = NOT_LOOKED_AT

    @property
    def step(self) -> Step | None:
        """The last step that was done."""
        return self.run.steps[-1] if self.run.steps else None

    @property
    def error(self) -> str:
        """The name of the exception that ended the program, as ConnectionResetError; "" if none did."""
        return self.run.crash.kind if self.run.crash else ""


class Model:
    """Hears each step and keeps what each client should have read by now. Subclass `step`, or more."""

    may_end = False  # the program may return or exit
    may_block = True  # it may wait elsewhere than in select(), as long as everybody is served

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.hears: dict[str, bytearray] = {}
        self.may_drop: set[str] = set()

    def step(self, step: Step, run: Run) -> None:
        """Called before the step is done."""
        match step:
            case Connect(name):
                self.hears[name] = bytearray()
                self.may_drop.discard(name)
                self.enters(name, run)
            case Send(name, data):
                self.sends(name, data, run)
            case HalfClose(name) | Close(name) | Reset(name) | Vanish(name):
                self.may_drop.add(name)
                self.leaves(name, run)

    def enters(self, name: str, run: Run) -> None:
        """Somebody connects."""

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Somebody sends."""

    def leaves(self, name: str, run: Run) -> None:
        """Somebody half-closes, closes, or is gone."""

    def others(self, name: str, run: Run) -> list[str]:
        """Everybody else who is connected."""
        return [other for other in self.hears if other != name and run.open(other)]

    def judge(self, run: Run) -> Complaint | None:
        """What is wrong now that all is quiet, the worst first."""
        return self.program_trouble(run) or self.blocked(run) or self.dropped(run) or self.misheard(run)

    def program_trouble(self, run: Run) -> Complaint | None:
        """The program asked for input, was ended by the computer, crashed, or returned."""
        if run.asked_for_input:
            return Complaint("input", run)
        if fault := run.computer.fault:
            return Complaint(fault.kind, run, text=fault.text, line=fault.line)
        if run.crash is not None:
            return Complaint("crash", run, text=str(run.crash), line=run.crash.lines[-1][0] if run.crash.lines else 0)
        if run.exit_status is not None and not run.steps:
            return Complaint("silent", run, text="the program has ended, and nobody could connect")
        if run.exit_status is not None and not self.may_end:
            return Complaint("end", run)
        if run.address is None and run.alive and not run.steps:
            return Complaint("silent", run)
        return None

    def blocked(self, run: Run) -> Complaint | None:
        """The program waits elsewhere than in select(), where it must not."""
        call, who = run.waiting or ("", "")
        if self.may_block or call in ("", "select"):
            return None
        return Complaint("blocked", run, text=f"{call}() waits, and nobody else is served", call=call, who=who)

    def dropped(self, run: Run) -> Complaint | None:
        """A connection that the server ended for no reason."""
        for name in self.hears:
            if name not in self.may_drop and run.dropped(name):
                return Complaint("dropped", run, name, bytes(self.hears[name]), run.heard(name))
        return None

    def misheard(self, run: Run) -> Complaint | None:
        """Somebody who reads and has not read what is expected; or who does not read, and read something else."""
        for name, expected in self.hears.items():
            actual = run.heard(name) if run.open(name) else bytes(expected)
            fits = expected.startswith(actual) if run.stalled(name) else actual == expected
            if not fits:
                call, who = run.waiting or ("", "")
                blocked = expected.startswith(actual) and call not in ("", "select")
                kind = "blocked" if blocked else "heard"
                return Complaint(kind, run, name, bytes(expected), actual, call=call, who=who)
        return None


class Echo(Model):
    """Who sends reads the same."""

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Back to the sender."""
        self.hears[name] += data


class Room(Model):
    """All others read the same bytes."""

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """To everybody else."""
        for other in self.others(name, run):
            self.hears[other] += data


class Lines(Model):
    """All others read each whole line, as the dialect says it; a part of a line waits for its end."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.partial: dict[str, bytearray] = {}
        self.history: list[bytes] = []

    def enters(self, name: str, run: Run) -> None:
        """Nothing is half said yet; where there is a history, the last of it is shown."""
        self.partial[name] = bytearray()
        if self.dialect.recent:
            self.hears[name] += b"".join(self.history[-self.dialect.recent :])

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """To everybody else, line by line."""
        buffer = self.partial[name]
        buffer += data
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        for line in lines:
            self.line(name, line, run)

    def line(self, name: str, line: bytes, run: Run) -> None:
        """One whole line, without its newline."""
        said = self.dialect.said(name, line)
        if said:
            self.history.append(said)
        for other in self.others(name, run):
            self.hears[other] += said


class Visitors(Lines):
    """The same up to `sair`: nobody hears that, and the server closes the connection of whoever has said it."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.gone: set[str] = set()

    def enters(self, name: str, run: Run) -> None:
        """Somebody is there, or back."""
        super().enters(name, run)
        self.gone.discard(name)

    def line(self, name: str, line: bytes, run: Run) -> None:
        """After `sair` nothing of it is heard."""
        if line == BYE:
            self.gone.add(name)
            self.may_drop.add(name)
        elif name not in self.gone:
            super().line(name, line, run)

    def misheard(self, run: Run) -> Complaint | None:
        """Before that: whoever has left is let go."""
        return self.still_there(run) or super().misheard(run)

    def still_there(self, run: Run) -> Complaint | None:
        """Somebody who has left, and whose connection is open."""
        names = (name for name in self.gone if run.open(name) and not run.stalled(name))
        text = "the connection should be closed by now, and it is open"
        return next((Complaint("there", run, name, text=text) for name in names), None)
