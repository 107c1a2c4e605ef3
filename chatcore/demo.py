"""`python3 -m chatcore demo`: a real server, three clients, and what the loop does about them.

The clients are plain sockets in the same process; the server runs turn by turn between their
moves, so the transcript is the same every time. One client sends a message in two pieces. One
stops reading. The sentences come from the hooks of `--trace`.
"""

import secrets
import selectors
import socket
import time
from collections.abc import Callable

from chatcore.commands import Outside
from chatcore.limits import Limits
from chatcore.log import MemoryLog
from chatcore.server import Server
from chatcore.sockets import listen

# Small on purpose, so that a reader who stops is noticed within a few lines.
LIMITS = Limits(
    text=512, frame=2048, turn_bytes=4096, low_water=2048, high_water=8192, ceiling=16384, send_buffer=4096, rate=0
)
SMALL_WINDOW = 4096  # bytes that the kernel may hold for the client that does not read
LONG_LINES = 120
QUIET_SECONDS = 0.005  # nothing ready for this long: the server has done all there is to do


class Storyteller:
    """A tracer that turns hooks into sentences. While `only` is set, it tells of that peer alone."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.names: dict[object, str] = {}
        self.hooks = 0
        self.only: str | None = None
        self._watched: dict[str, str] = {}  # what select was last asked about each peer
        self._say = say
        self._heading = ""
        self._pieces: list[str] = []  # peers whose bytes have not made a whole line yet

    def __call__(self, hook: str, /, **facts: object) -> None:
        """One hook of the loop."""
        if hook == "turn":
            self._end_turn()
            self._heading = f"  turn {facts['number']}: select says {facts['ready']} ready"
            return
        self.hooks += 1
        name = self.names.get(facts.get("peer"), "a newcomer")
        sentence = self._sentence(hook, name, facts)
        if sentence and self.only in (None, name):
            self._tell(sentence)

    def _tell(self, sentence: str) -> None:
        if self._heading and self.only is None:
            self._say(self._heading)
        self._heading = ""
        self._say(f"     {sentence}")

    def _end_turn(self) -> None:
        for name in self._pieces:
            if self.only is None:
                self._tell(f"no line end yet: the bytes wait in {name}'s receive buffer")
        self._pieces.clear()

    def _sentence(self, hook: str, name: str, facts: dict[str, object]) -> str:
        match hook:
            case "accept":
                return "accept: a connection; nobody knows yet who it is"
            case "recv":
                self._pieces.append(name)
                return f"recv:   {facts['bytes']} bytes from {name}"
            case "frame":
                self._pieces = [other for other in self._pieces if other != name]
                return f"frame:  a whole line of {facts['bytes']} bytes was cut out"
            case "commit":
                return f"commit: {facts['messages']} message is in the log, so it may be told"
            case "send" if self.only is None:
                return f"send:   {facts['bytes']} bytes to {name}"
            case "interest":
                return self._interest(name, str(facts["wants"]))
            case "close":
                return f"close:  {name}'s socket"
        return ""

    def _interest(self, name: str, wants: str) -> str:
        had_write = "WRITE" in self._watched.get(name, "")
        self._watched[name] = wants
        match wants:
            case "READ|WRITE" if not had_write:
                return f"the kernel takes no more for {name}: the rest waits, and select is asked about WRITE too"
            case "WRITE":
                return f"{name}'s queue is above the high-water mark: now we do not read from {name} either"
            case "READ|WRITE":
                return f"{name}'s queue is above the ceiling: it is dropped, a bye is queued, {name} has left"
            case "READ" if had_write:
                return f"{name}'s queue is empty: WRITE is not asked any more"
        return ""


class Guest:
    """One client: a plain socket that shows what it got."""

    def __init__(self, name: str, address: tuple[str, int], window: int = 0) -> None:
        self.name = name
        self.screen = b""
        self._socket = socket.socket()
        if window:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        # Nagle's algorithm would keep the second piece back until the first is acknowledged.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.connect(address)

    def send(self, text: str) -> None:
        """Hand bytes to the kernel."""
        self._socket.sendall(text.encode())

    def read(self) -> list[str]:
        """The lines that came since the last time."""
        self._socket.setblocking(False)
        before = len(self.screen)
        try:
            while data := self._socket.recv(65536):
                self.screen += data
        except BlockingIOError:
            pass
        return self.screen[before:].decode(errors="replace").split("\n")[:-1]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def demo(say: Callable[[str], None] = print) -> int:
    """Play the whole conversation, a sentence for each thing that happens. Returns the exit status."""
    story = Storyteller(say)
    listener = listen("127.0.0.1", 0)
    outside = Outside(time.time, lambda: secrets.token_hex(16), _fail)
    log = MemoryLog("demo")
    server = Server(listener, selectors.DefaultSelector(), time.monotonic, LIMITS, log, outside, story)
    guests: list[Guest] = []
    try:
        _play(server, story, say, listener.getsockname(), guests)
    finally:
        for guest in guests:
            guest.close()
        server.close()
        listener.close()
    return 0


def _play(
    server: Server, story: Storyteller, say: Callable[[str], None], address: tuple[str, int], guests: list[Guest]
) -> None:
    def settle() -> None:
        """Let the server turn until it has nothing left to do."""
        while True:
            before, was_busy = story.hooks, server.busy
            server.loop.turn(at_most=QUIET_SECONDS)
            if story.hooks == before and not was_busy:
                return

    def enter(name: str, window: int = 0) -> Guest:
        say(f"\n{name} connects and types a name")
        guest = Guest(name, address, window)
        guests.append(guest)
        story.names[len(guests)] = name
        guest.send(f"{name}\n")
        settle()
        return guest

    def show(*readers: Guest) -> None:
        for guest in readers:
            for line in guest.read():
                say(f"  {guest.name} sees │ {line}")

    say("One server, one thread, one loop, and three clients that are plain sockets.")
    say("A turn: select tells who is ready; receive; cut out frames; commit to the log; send.")
    ana, bia, caio = enter("ana"), enter("bia"), enter("caio", SMALL_WINDOW)
    show(ana, bia, caio)

    say("\nana sends one message in two pieces; the first is `tudo b`")
    ana.send("tudo b")
    settle()
    show(bia)
    say("\n… and the second is `em?` with a line end")
    ana.send("em?\n")
    settle()
    show(ana, bia, caio)
    say("  (ana sees nothing: text clients are not shown their own lines)")

    say(f"\ncaio stops reading, and bia says {LONG_LINES} long lines")
    story.only = "caio"
    heard = 0
    for number in range(LONG_LINES):
        bia.send(f"{number:03} {'blah ' * 90}\n")
        settle()
        heard += len([line for line in ana.read() if line.startswith("bia: ")])
    story.only = None
    say(f"  ana has heard {heard} of {LONG_LINES} lines: one slow reader delays nobody")

    say("\ncaio looks at his screen again; the last line that reaches him:")
    caio.read()
    settle()
    say(f"  caio sees │ {caio.read()[-1]}")
    show(ana)
    say("\nthe server stops")
    server.stop()
    settle()
    show(ana, bia)
    story.only = "nobody"
    say("\nThe same hooks for your own server: python3 -m chatcore serve --trace")


def _fail(where: str, error: Exception) -> None:
    raise RuntimeError(where) from error
