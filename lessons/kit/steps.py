"""a schedule -> one step at a time. What people do to a server, as data that can be printed.

Names stand for clients. A step that makes no sense now (sending on a closed connection) is
not possible, and is left out; so a schedule may be put together at random.
"""

from dataclasses import dataclass

from lessons.kit.words import shown


@dataclass(frozen=True, slots=True)
class Connect:
    """`name` connects, and greets as the program's dialect has it."""

    name: str
    greet: bool = True

    def __str__(self) -> str:
        return f"connect {self.name}"


@dataclass(frozen=True, slots=True)
class Send:
    """`name` sends `data`."""

    name: str
    data: bytes

    def __str__(self) -> str:
        return f"send {self.name} {shown(self.data)}"


@dataclass(frozen=True, slots=True)
class Stall:
    """`name` stops reading."""

    name: str

    def __str__(self) -> str:
        return f"stall {self.name}"


@dataclass(frozen=True, slots=True)
class Resume:
    """`name` reads again."""

    name: str

    def __str__(self) -> str:
        return f"resume {self.name}"


@dataclass(frozen=True, slots=True)
class HalfClose:
    """`name` will send no more, and still reads."""

    name: str

    def __str__(self) -> str:
        return f"half-close {self.name}"


@dataclass(frozen=True, slots=True)
class Close:
    """`name` closes its connection."""

    name: str

    def __str__(self) -> str:
        return f"close {self.name}"


@dataclass(frozen=True, slots=True)
class Reset:
    """`name`'s connection ends with an RST: its computer crashed and came back."""

    name: str

    def __str__(self) -> str:
        return f"reset {self.name}"


@dataclass(frozen=True, slots=True)
class Vanish:
    """`name`'s cable is pulled: nothing arrives any more, and nobody is told."""

    name: str

    def __str__(self) -> str:
        return f"vanish {self.name}"


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """select() reports that `name` ("listener": somebody who wants to connect) can be read, and nothing is there."""

    name: str

    def __str__(self) -> str:
        return f"false alarm: select() reports {self.name}, and nothing is there"


@dataclass(frozen=True, slots=True)
class Pass:
    """Nothing happens for some seconds."""

    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:g} s pass"


@dataclass(frozen=True, slots=True)
class SetClock:
    """Somebody sets the wall clock forward, or back if `seconds` is negative. Monotonic time goes on as before."""

    seconds: float

    def __str__(self) -> str:
        return f"the wall clock is set {'back' if self.seconds < 0 else 'forward'} by {abs(self.seconds):g} s"


@dataclass(frozen=True, slots=True)
class Press:
    """The server's process gets a signal, by name."""

    signal: str

    def __str__(self) -> str:
        return f"{self.signal} to the server"


@dataclass(frozen=True, slots=True)
class Kill:
    """kill -9: now, when all is quiet; or, in the middle of a turn, after so many more system calls."""

    calls: int = 0

    def __str__(self) -> str:
        return f"kill -9 the server after {self.calls} more calls" if self.calls else "kill -9 the server"


@dataclass(frozen=True, slots=True)
class Restart:
    """Run the program again, after it ended."""

    def __str__(self) -> str:
        return "start the server again"


@dataclass(frozen=True, slots=True)
class Kernel:
    """From now on: kernel buffers of later connections, bytes per call, descriptors of the process."""

    buffer: int | None = None
    send_most: int | None = None
    recv_most: int | None = None
    fds: int | None = None

    def __str__(self) -> str:
        said = (
            (self.buffer, "the kernel's buffers hold {} bytes"),
            (self.send_most, "the kernel takes at most {} bytes per send()"),
            (self.recv_most, "the kernel hands out at most {} bytes per recv()"),
            (self.fds, "the process may have {} descriptors"),
        )
        return ", ".join(text.format(value) for value, text in said if value is not None)


@dataclass(frozen=True, slots=True, init=False)
class Together:
    """All of these before the server gets a chance to run."""

    steps: tuple["Step", ...]

    def __init__(self, *steps: "Step") -> None:
        object.__setattr__(self, "steps", steps)

    def __str__(self) -> str:
        return "together: " + " · ".join(map(str, self.steps))


Simple = Stall | Resume | HalfClose | Close | Reset | Vanish
Step = Connect | Send | Simple | FalseAlarm | Pass | SetClock | Press | Kill | Restart | Kernel | Together
