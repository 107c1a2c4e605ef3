"""What lesson 2 promises: everybody is answered, in whatever order they come, speak and go."""

from lessons.kit import (
    ASKED_TO_WRITE,
    NOT_WATCHED,
    RECV_ON_THE_LISTENER,
    STILL_REGISTERED,
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Echo,
    Pass,
    Run,
    Send,
    heard,
    of,
)
from lessons.kit.schedules import schedules

BYE = b"sair\n"
NOT_BYE = b"sair? nao\n"
A_WHILE = Pass(2)  # in which nothing happens, and the program waits in select()


class Answered(Echo):
    """Everybody hears himself; and who says sair, or that no more will come, is hung up on."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.finished: list[str] = []

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Back to the sender; sair is not echoed."""
        if data == BYE:
            self.may_drop.add(name)
            self.finished.append(name)
        else:
            super().sends(name, data, run)

    def leaves(self, name: str, run: Run) -> None:
        """From now on the server should close, too."""
        self.finished.append(name)

    def enters(self, name: str, run: Run) -> None:
        """Somebody is back."""
        self.finished = [other for other in self.finished if other != name]

    def judge(self, run: Run) -> Complaint | None:
        """And nobody is left hanging."""
        return super().judge(run) or self.left_hanging(run)

    def left_hanging(self, run: Run) -> Complaint | None:
        """Somebody who half-closed or said sair, and reads no end."""
        hanging = (name for name in self.finished if run.open(name))
        text = "the connection should be closed by now, and it is open"
        call, who = run.waiting or ("", "")
        kind = "hanging" if call in ("", "select") else "blocked"
        return next((Complaint(kind, run, name, text=text, call=call, who=who) for name in hanging), None)


SAIR = 'sair did not end the visit: with Enter it is five bytes, so compare data.strip() with b"sair"'
CAUSES = (
    ASKED_TO_WRITE,
    RECV_ON_THE_LISTENER,
    STILL_REGISTERED,
    *NOT_WATCHED,
    Cause("one caller has left, and the server left with him", of("end")),
    Cause("the program waits in {call}() for {who}: ask the selector who is ready", of("blocked")),
    Cause(SAIR, lambda c: c.kind == "hanging" and c.step == Send(c.name, BYE)),
    Cause(SAIR, heard(lambda c: c.actual == c.expected + BYE)),
    Cause(
        "a line that only has sair in it ended the visit: compare the whole of it, with == or !=",
        lambda c: c.kind == "dropped" and c.step == Send(c.name, NOT_BYE),
    ),
    Cause("{name} has said that no more will come, and the connection stays open", of("hanging")),
    Cause("{name}'s connection waits in the listener's queue: accept is an event, too", heard(lambda c: not c.actual)),
)

CHECKS = (
    Check(
        "one caller, to the end",
        schedules(
            names=("ana",), texts=(b"oi\n", b"o", b"x" * 5000), steps=("send", "half-close"), start=(Connect("ana"),)
        ),
        Answered,
        CAUSES,
        examples=30,
    ),
    Check(
        "any order is answered",
        schedules(texts=(b"oi\n", b"ola\n"), steps=("connect", "send")),
        Answered,
        CAUSES,
        examples=30,
    ),
    Check(
        "and they come and go",
        schedules(texts=(b"oi\n", b"ola\n", BYE, NOT_BYE), steps=("connect", "send", "half-close", "close")).map(
            lambda steps: [*steps, A_WHILE]
        ),
        Answered,
        CAUSES,
    ),
)
