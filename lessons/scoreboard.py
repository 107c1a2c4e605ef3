"""a program -> which of lesson 0's eight bugs it has left behind. `python3 -m lessons score N`.

A line is green when the bug is gone *and* what it broke works: an echo does not get a green line for names that it
does not know. The programs run on the simulated network; only the client runs on a real terminal.
"""

import re
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from lessons.catalog import SERVER, Catalog
from lessons.failures import Failure, load, perform, simulate
from lessons.kit.simnet import SimNet
from lessons.kit.steps import Kernel

CLIENT = "client.py"
JUDGED = (SERVER, CLIENT)  # other programs (lesson 11's) have no bugs of this kind
TINY = 2_000  # bytes of a kernel buffer: so little fills it
LINE = "x" * 99
LINES = 1_000  # so many are more than the kernel holds, and less than a server keeps for a slow reader
AT_REST = 20  # calls of select, accept and recv in a third of a second in which nothing happens


def messages_stay_apart(net: SimNet) -> bool:
    """1. Half a line of ana does not touch bia's."""
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.send(b"oi")
    net.pass_time(0.1)
    bia.say("tudo bem?")
    line = net.heard("bia", "tudo bem?")
    whole = b"\n" + line in b"\n" + caio.read(line)
    ana.send(b" gente\n")
    line = net.heard("ana", "oi gente")
    return whole and caio.read(line).endswith(line)


def a_name_ends(net: SimNet) -> bool:
    """2. A name and the first line, sent at once, are two things."""
    bia = net.connect("bia")
    caio = net.connect("caio", greet=False)
    caio.send(b"caio\noi\n")
    heard = bia.read(b"caio: oi\n")
    return b"* caio entered\n" in heard and heard.endswith(b"\ncaio: oi\n")


def an_accent_is_whole(net: SimNet) -> bool:
    """3. Half an é waits for its other half. One whose other half never comes is passed on as U+FFFD, not as it is."""
    ana, bia = net.connect("ana"), net.connect("bia")
    ana.send(b"caf\xc3")
    net.pass_time(0.1)
    early = b"caf" in bia.received
    ana.send(b"\xa9\n")
    line = net.heard("ana", "café")
    whole = not early and bia.read(line).endswith(line)
    ana.send(b"\xc3\n")
    return whole and bia.read(b"\n").endswith("\ufffd\n".encode()) and not ana.ended


def it_rests(net: SimNet) -> bool:
    """4. Somebody has left: nothing is left to do."""
    ana = net.connect("ana")
    ana.say("sair")
    net.pass_time(0.1)
    ana.close()
    net.pass_time(0.2)
    before = net.cpu_turns()
    net.pass_time(0.3)
    return net.server_alive() and net.cpu_turns() - before <= AT_REST


def a_slow_reader_stops_nobody(net: SimNet) -> bool:
    """5. ana does not read; caio hears all that bia says."""
    net.do(Kernel(buffer=TINY))
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.stop_reading()
    bia.send(f"{LINE}\n".encode() * LINES)
    bia.say("that was all")
    line = net.heard("bia", "that was all")
    return caio.read(line).endswith(line)


def it_stops(net: SimNet) -> bool:
    """7. Told to stop, it stops: everybody reads the end, and the exit status is 0."""
    ana = net.connect("ana")
    net.interrupt()
    ana.read(None, 3)
    ana.close()
    return ana.ended and not ana.was_reset and net.exit_status(10) == 0


def the_rest_is_sent_later(net: SimNet) -> bool:
    """8. A send() takes less than it is given; once ana reads, she has all of it."""
    net.do(Kernel(buffer=TINY))
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.stop_reading()
    bia.send(f"{LINE}\n".encode() * LINES)
    bia.say("that was all")
    last = net.heard("bia", "that was all")
    caio.read(last)
    was_short = net.short_sends() > 0
    ana.resume_reading()
    heard = ana.read(last, 5)
    return was_short and heard.count(net.heard("bia", LINE)) == LINES and heard.endswith(last)


SIMULATED: dict[int, Callable[[SimNet], bool]] = {
    1: messages_stay_apart,
    2: a_name_ends,
    3: an_accent_is_whole,
    4: it_rests,
    5: a_slow_reader_stops_nobody,
    7: it_stops,
    8: the_rest_is_sent_later,
}
THE_CLIENT = 6


def titles(catalog: Catalog) -> list[str]:
    """The eight lines, as lesson 0 has them."""
    module = catalog[0].module("fail.py")
    assert module is not None
    return [title for title, _ in module.BUGS]


def green(catalog: Catalog, state: int, path: Path) -> list[int]:
    """The green lines of a server of the state of a lesson, with the client that there is by then."""
    if not state:
        seen = [
            line for line in perform(load(catalog, 0), path, 0, catalog.dialect(0)).transcript if line[:4] == "seen"
        ]
        return [
            number for number, title in enumerate(titles(catalog), start=1) if not any(title in one for one in seen)
        ]
    server, client = path, newest(catalog, state, CLIENT)
    if path.name == CLIENT:
        server, client = newest(catalog, state, SERVER), path
    lines = [number for number in SIMULATED if line_is_green(catalog, number, state, server)]
    return sorted([*lines, *([THE_CLIENT] if client_is_quiet(client) else [])])


def line_is_green(catalog: Catalog, number: int, state: int, server: Path) -> bool:
    """One line, on the simulated network."""
    return simulate(Failure(0, "", SIMULATED[number]), server, state, catalog.dialect(state)).appeared


def client_is_quiet(client: Path) -> bool:
    """6. The server closes the connection: the client does not print blank lines for ever. False without a pty."""
    try:
        from lessons.terminal import Terminal
    except ImportError:  # on Windows
        return False
    with socket.create_server(("127.0.0.1", 0)) as listener:
        terminal = Terminal([sys.executable, str(client), str(listener.getsockname()[1])])
        connection = listener.accept()[0]
        terminal.type("ana\n")
        connection.recv(100)
        connection.close()
        threading.Event().wait(0.3)
        terminal.wait_for("\0", 0.1)
        blank = re.findall(rb"\n[\r\n]*\n", terminal.seen)
        terminal.close()
    return sum(map(len, blank)) < 100


def newest(catalog: Catalog, state: int, name: str) -> Path:
    """The file `name` as it is after a lesson."""
    return next(
        catalog[n].path / name for n in sorted(catalog.folders, reverse=True) if n <= state and catalog[n].has(name)
    )
