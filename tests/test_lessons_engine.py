"""The machinery of the lessons' checks, on small programs, right and wrong."""

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from lessons import trace
from lessons.kit import (
    Check,
    Close,
    Connect,
    Dialect,
    Echo,
    FalseAlarm,
    HalfClose,
    Kernel,
    Kill,
    Model,
    Pass,
    Press,
    Reset,
    Restart,
    Resume,
    Room,
    Run,
    Send,
    Stall,
    Step,
    Together,
    program,
)
from lessons.kit.checks import Examiner, Verdict
from lessons.kit.schedules import cut, schedules
from lessons.kit.stage import Schedule, Stage
from lessons.kit.story import told
from lessons.kit.words import compared, shown

HEAD = """
    import selectors, signal, socket, sys, time
    listener = socket.create_server(("127.0.0.1", 14532))
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
"""
ECHO = (
    HEAD
    + """
    while True:
        for key, events in sel.select():
            if key.fileobj is listener:
                sock, address = listener.accept()
                sel.register(sock, selectors.EVENT_READ)
            elif data := key.fileobj.recv(4096):
                key.fileobj.sendall(data)
            else:
                sel.unregister(key.fileobj)
                key.fileobj.close()
"""
)
ANA_SAYS_OI = (Connect("ana"), Send("ana", b"oi\n"))


class Anything(Model):
    """Expects nothing of what is heard, and lets the program end."""

    may_end = True

    def misheard(self, run: Run) -> None:
        """Whatever it is."""


def written(folder: Path, text: str) -> Path:
    path = folder / "server.py"
    path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    return path


def examined(
    folder: Path, text: str, given: object = ANA_SAYS_OI, model: type[Model] = Echo, may_spin: bool = False
) -> Verdict:
    stage = Stage(program.read(written(folder, text)), may_spin)
    return Examiner(stage, Check("a check", given, model), Dialect()).verdict()  # type: ignore[arg-type]


def cause(folder: Path, text: str, steps: Sequence[Step] = ANA_SAYS_OI, model: type[Model] = Echo) -> str:
    verdict = examined(folder, text, steps, model)
    assert verdict.complaint is not None
    return verdict.cause


def played(folder: Path, text: str, *steps: Step, may_spin: bool = False) -> Run:
    stage = Stage(program.read(written(folder, text)), may_spin)
    return stage.play(Dialect(), lambda run: Schedule(run, steps, lambda step: None, lambda: False))


# ---------------------------------------------------------------- right programs


@pytest.mark.parametrize(
    "steps",
    [
        ANA_SAYS_OI,
        (Connect("ana"), Connect("bia"), Send("bia", b"x" * 200_000), Send("ana", b"o")),
        (Connect("ana"), HalfClose("ana"), Connect("bia"), Close("bia"), Connect("ana"), Send("ana", b"oi")),
        (Kernel(buffer=8), Connect("ana"), Send("ana", b"twelve bytes")),
        (Kernel(recv_most=1), Connect("ana"), Send("ana", b"oi\n")),
        (Together(Connect("ana"), Send("ana", b"o"), Send("ana", b"i")), Pass(3600), Send("ana", b"\n")),
    ],
)
def test_a_right_program_passes(tmp_path: Path, steps: Sequence[Step]) -> None:
    verdict = examined(tmp_path, ECHO, steps)
    assert verdict.passed
    assert told(verdict) == ["  ok      a check (1 run)"]


def test_many_schedules_of_a_right_program(tmp_path: Path) -> None:
    verdict = examined(tmp_path, ECHO, schedules(steps=("connect", "send", "half-close", "close", "stall", "resume")))
    assert verdict.passed
    assert verdict.examples > 30


def test_a_program_with_select(tmp_path: Path) -> None:
    text = """
        import select, socket
        listener = socket.create_server(("", 14532))
        socks = [listener]
        while True:
            for sock in select.select(socks, [], [], 30)[0]:
                if sock is listener:
                    socks.append(sock.accept()[0])
                elif data := sock.recv(100):
                    sock.sendall(data)
                else:
                    socks.remove(sock)
    """
    assert examined(tmp_path, text, (*ANA_SAYS_OI, Connect("bia"), HalfClose("bia"), Pass(100), *ANA_SAYS_OI)).passed


WITH_SELECT = """
    import select, socket
    listener = socket.create_server(("127.0.0.1", 14532))
    socks = [listener]
    while True:
        for sock in select.select(socks, [], [])[0]:
            sock.setblocking(False)
            try:
                socks.append(sock.accept()[0]) if sock is listener else sock.send(sock.recv(100))
            except BlockingIOError:
                print("not now")
"""
WITH_A_SELECTOR = """
    import selectors, socket
    listener = socket.create_server(("127.0.0.1", 14532))
    sel = selectors.DefaultSelector()
    sel.register(listener, selectors.EVENT_READ)
    while True:
        for key, events in sel.select():
            sock = key.fileobj
            sock.setblocking(False)
            try:
                if sock is listener:
                    sel.register(sock.accept()[0], selectors.EVENT_READ)
                else:
                    sock.send(sock.recv(100))
            except BlockingIOError:
                print("not now")
"""


@pytest.mark.parametrize("text", [WITH_SELECT, WITH_A_SELECTOR], ids=["select", "selector"])
def test_a_false_alarm_is_given_once(tmp_path: Path, text: str) -> None:
    run = played(tmp_path, text, *ANA_SAYS_OI, FalseAlarm("ana"), FalseAlarm("listener"), Pass(1), Send("ana", b"ola"))
    assert run.printed == "not now\n" * 2
    assert run.heard("ana") == b"oi\nola"


def test_a_forgotten_socket_closes_itself_as_in_python(tmp_path: Path) -> None:
    text = """
        import socket
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            while True:
                sock, address = listener.accept()
                assert sock.getpeername() == address
                sock.sendall(sock.recv(10))
    """
    run = played(tmp_path, text, *ANA_SAYS_OI, Connect("bia"), Send("bia", b"ola"))
    assert (run.heard("ana"), run.eof("ana"), run.heard("bia")) == (b"oi\n", True, b"ola")
    assert played(tmp_path, text, *ANA_SAYS_OI, Connect("bia"), Send("bia", b"ola"), Connect("caio")).crash is None


def test_time_is_simulated(tmp_path: Path) -> None:
    text = """
        import socket, time
        listener = socket.create_server(("127.0.0.1", 14532))
        begin = time.monotonic(), time.time()
        time.sleep(86400)
        print(time.monotonic() - begin[0], time.time() - begin[1], time.strftime("%Y"))
        sock, _ = listener.accept()
        sock.settimeout(5)
        try:
            sock.recv(10)
        except TimeoutError:
            print("late", round(time.monotonic()))
    """
    run = played(tmp_path, text, Connect("ana"), Pass(90_000))
    assert run.printed == "86400.0 86400.0 2024\nlate 86405\n"
    assert run.exit_status == 0


def test_signals_wake_the_select(tmp_path: Path) -> None:
    text = (
        HEAD
        + """
    left, right = socket.socketpair()
    right.setblocking(False)
    signal.set_wakeup_fd(right.fileno())
    signal.signal(signal.SIGTERM, lambda *_: print("handled"))
    sel.register(left, selectors.EVENT_READ)
    for key, _ in sel.select():
        print(left.recv(10))
    sys.exit(3)
    """
    )
    run = played(tmp_path, text, Press("SIGTERM"))
    assert run.printed == "handled\nb'\\x0f'\n"
    assert run.exit_status == 3


@pytest.mark.parametrize(("action", "shown"), [("signal.SIG_IGN", ""), ("lambda *_: None", "b'\\x0f'\n")])
def test_what_is_ignored_is_dropped_by_the_system(tmp_path: Path, action: str, shown: str) -> None:
    text = (
        HEAD
        + f"""
    left, right = socket.socketpair()
    right.setblocking(False)
    signal.set_wakeup_fd(right.fileno())
    signal.signal(signal.SIGTERM, {action})
    sel.register(left, selectors.EVENT_READ)
    for key, _ in sel.select(5):
        print(left.recv(10))
    """
    )
    run = played(tmp_path, text, Press("SIGTERM"), Pass(10))
    assert (run.printed, run.exit_status) == (shown, 0)


def test_a_wakeup_fd_must_not_block_as_in_python(tmp_path: Path) -> None:
    run = played(tmp_path, HEAD + "    pair = socket.socketpair()\n    signal.set_wakeup_fd(pair[1].fileno())\n")
    assert run.crash is not None
    assert re.fullmatch(r"ValueError: the fd \d+ must be in non-blocking mode", str(run.crash))


@pytest.mark.parametrize("call", ["send(data, {})", "sendall(data, {})"])
def test_the_flags_of_one_call(tmp_path: Path, call: str) -> None:
    flags = "socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL"
    text = f"""
    import socket
    sock = socket.create_server(("127.0.0.1", 14532)).accept()[0]
    try:
        sock.recv(100, socket.MSG_DONTWAIT)
    except BlockingIOError:
        print("not now")
    data = sock.recv(100)
    sock.{call.format(flags)}
    print(sock.getblocking())
    sock.recv(100, socket.MSG_PEEK)
    """
    run = played(tmp_path, text, *ANA_SAYS_OI)
    assert run.printed == "not now\nTrue\n"
    assert run.heard("ana") == b"oi\n"
    assert "knows no flag but MSG_DONTWAIT" in str(run.crash)


def test_ctrl_c_without_a_handler(tmp_path: Path) -> None:
    run = played(tmp_path, ECHO, *ANA_SAYS_OI, Press("SIGINT"))
    assert run.exit_status == 130
    assert run.crash is not None
    assert run.crash.kind == "KeyboardInterrupt"
    assert run.eof("ana")


def test_killed_and_started_again_in_the_same_folder(tmp_path: Path) -> None:
    text = "with open('lives', 'a+') as lives:\n    lives.write('x')\n    print(lives.tell())\n"
    run = played(
        tmp_path, text + textwrap.dedent(ECHO), *ANA_SAYS_OI, Kill(), Restart(), Connect("ana"), Kill(), Restart()
    )
    assert run.printed == "1\n2\n3\n"
    assert run.crash is None
    assert run.alive is False
    assert played(tmp_path, text).printed == "1\n"  # and the next run begins with an empty one


@pytest.mark.parametrize(("calls", "echoed"), [(1, b""), (2, b""), (3, b"oi\n"), (5, b"oi\n")])
def test_killed_in_the_middle_of_a_turn(tmp_path: Path, calls: int, echoed: bytes) -> None:
    """After select(), after recv(), after sendall(); the fifth call is the next recv()."""
    run = played(tmp_path, ECHO, Connect("ana"), Kill(calls), Send("ana", b"oi\n"), Send("ana", b"x"), Connect("bia"))
    assert run.raw("ana") == echoed
    assert Connect("bia") not in run.steps  # nobody listens any more
    assert str(run.steps[1]) == f"kill -9 the server after {calls} more calls"


DATABASE = """
    import sqlite3
    db = sqlite3.connect("x.db", isolation_level=None)
    db.execute("PRAGMA synchronous = {synchronous}")
    db.execute("CREATE TABLE IF NOT EXISTS x (y)")
    print(*db.execute("SELECT y FROM x").fetchall())
    db.execute("INSERT INTO x VALUES (1)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO x VALUES (?)", [(2,), (3,)])
    db.execute("COMMIT")
    db.execute("BEGIN")
    db.execute("INSERT INTO x VALUES (4)")
"""


def test_a_database_is_watched(tmp_path: Path) -> None:
    text = textwrap.dedent(DATABASE).format(synchronous="FULL") + textwrap.dedent(ECHO)
    run = played(tmp_path, text, *ANA_SAYS_OI, Kill(), Restart())
    assert run.computer.commits == 4
    assert run.printed == "\n(1,) (2,) (3,)\n"  # the transaction that was open when it was killed is lost
    assert run.computer.databases == []


@pytest.mark.parametrize(("synchronous", "waits"), [("OFF", False), ("NORMAL", False), ("FULL", True)])
def test_a_database_that_waits_for_the_disk(tmp_path: Path, synchronous: str, waits: bool) -> None:
    text = textwrap.dedent(DATABASE).format(synchronous=synchronous) + textwrap.dedent(ECHO)
    seen: list[bool] = []

    class Look(Anything):
        """What the database says while the program runs."""

        def judge(self, run: Run) -> None:
            seen.extend(database.waits_for_the_disk() for database in run.computer.databases)

    assert examined(tmp_path, text, model=Look).passed
    assert seen
    assert set(seen) == {waits}


def test_few_descriptors(tmp_path: Path) -> None:
    run = played(tmp_path, ECHO, Kernel(fds=5), Connect("ana"), Connect("bia"), Connect("caio"))
    assert run.crash is not None
    assert "Too many open files" in run.crash.text


def test_it_runs_as_main_and_imports_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("import socket\nMAKE = socket.create_server\n", encoding="utf-8")
    text = """
        import sys
        from beside import MAKE
        from dataclasses import dataclass
        @dataclass
        class Point:
            x: int
        print(__name__, __file__ == sys.argv[0], sys.modules["__main__"].Point(1))
        MAKE(("127.0.0.1", 1)).accept()
    """
    run = played(tmp_path, text, Connect("ana"))
    assert run.printed == "__main__ True Point(x=1)\n"
    (tmp_path / "beside.py").write_text("raise ValueError", encoding="utf-8")
    assert (crash := played(tmp_path, text).crash) is not None
    assert crash.kind == "ValueError"


# ---------------------------------------------------------------- wrong programs, and what is said


def test_the_story_points_at_the_byte(tmp_path: Path) -> None:
    verdict = examined(tmp_path, ECHO.replace("sendall(data)", "sendall(data.replace(b'm', b'n'))"), (
        *ANA_SAYS_OI, Connect("bia"), Send("bia", "é tudo bem?\n".encode()),
    ))  # fmt: skip
    assert told(verdict) == [
        "  FAILED  a check",
        "",
        "      connect ana",
        "    → send ana 'é tudo bem?\\n'",
        "",
        "    ana should have read  'é tudo bem?\\n'",
        "    ana has read          'é tudo ben?\\n'",
        "                                    ^",
        "",
        "  Likely cause: ana has not read what was said",
    ]


def test_a_counterexample_is_as_short_as_it_can_be(tmp_path: Path) -> None:
    text = ECHO.replace("sendall(data)", "sendall(data.replace(b'oi', b''))")
    verdict = examined(tmp_path, text, schedules(texts=(b"oi\n", b"ola\n"), steps=("connect", "send", "close")))
    assert verdict.complaint is not None
    assert list(map(str, verdict.complaint.run.steps)) == ["connect ana", "send ana 'oi\\n'"]


def test_cuts_make_the_stream(tmp_path: Path) -> None:
    from hypothesis import find
    from hypothesis import strategies as st

    pieces = find(cut("ana", st.just(b"oi\nola\n")), lambda sends: len(sends) > 2)
    assert b"".join(step.data for step in pieces if isinstance(step, Send)) == b"oi\nola\n"


def test_a_crash_shows_the_learners_lines_only(tmp_path: Path) -> None:
    verdict = examined(tmp_path, ECHO, (Connect("ana"), Reset("ana")))
    assert verdict.cause == "a reset connection ended the whole server: the error belongs to one connection"
    story = "\n".join(told(verdict))
    assert "  line 11: elif data := key.fileobj.recv(4096):\n      ConnectionResetError: " in story
    assert "lessons" not in story


def test_a_stalled_reader_freezes_everybody(tmp_path: Path) -> None:
    room = ECHO.replace(
        "key.fileobj.sendall(data)",
        "[s.fileobj.sendall(data) for s in list(sel.get_map().values()) if s.fileobj not in (listener, key.fileobj)]",
    )
    steps = (
        Kernel(buffer=4),
        Connect("ana"),
        Connect("bia"),
        Stall("ana"),
        Send("bia", b"123456789"),
        Connect("caio"),
        Send("caio", b"oi"),
    )
    assert cause(tmp_path, room, steps, Room) == "sendall() to ana would block: every other client is frozen"
    assert examined(tmp_path, room, (*steps[:5], Resume("ana")), Room).passed


NOBODY_TYPES = "the program calls input(), or reads sys.stdin: in a check nobody types"
SPINS = "select() returned 100 times and nothing was read or written"
FOR_EVER = "a loop goes round for ever and never waits"
BUSY_ACCEPT = """
    import socket
    listener = socket.create_server(("", 1))
    listener.setblocking(False)
    while True:
        try: listener.accept()
        except BlockingIOError: continue
"""
ENDED_AT_ONCE = "the program ended at once, and nobody could connect: is main() called, and has it a loop?"
SAID_IN_ONE_LINE = {
    ECHO.replace("key.fileobj.sendall(data)", "pass"): "ana has read nothing",
    ECHO.replace("sendall(data)", "sendall(data[:1])"): "ana has not read everything",
    ECHO.replace("sendall(data)", "sendall(data * 2)"): "ana has read more than was said",
    ECHO.replace("sendall(data)", "close()"): (
        "the server closed ana's connection, although ana had done nothing wrong"
    ),
    HEAD + "    sel.select()": "the program ended, and with it the chat for everybody",
    HEAD + "    sel.select(0)": ENDED_AT_ONCE,
    "def main():\n    pass": ENDED_AT_ONCE,
    "import sys\nsys.exit('no')": ENDED_AT_ONCE,
    HEAD + "    socket.create_server(('127.0.0.1', 14532))": (
        "two listeners cannot have one address: call create_server() once, before the loop"
    ),
    ECHO.replace("key.fileobj.sendall", "key.fileobj.close()\n                key.fileobj.sendall"): (
        "a socket is used that the program has closed before: close it last"
    ),
    ECHO.replace("sock, selectors.EVENT_READ)", "sock, 1)\n                sel.register(sock, 2)"): (
        "this socket is registered already: register it once, with everything that you ask of it"
    ),
    ECHO.replace("sendall(data)", "sendall('oi')"): (
        "text and bytes do not mix: encode() makes bytes of a str, decode() a str of bytes"
    ),
    "import time\nwhile True: time.sleep(1)": "the program never listens: nobody can connect",
    "input('port? ')": NOBODY_TYPES,
    "import sys\nfor line in sys.stdin: pass": NOBODY_TYPES,
    HEAD + "    while True: sel.select()": SPINS,
    HEAD + "    while True:\n        try: sel.select()\n        except: pass": SPINS,
    "while True: pass": FOR_EVER,
    "while True:\n  try:\n    while True: pass\n  except: pass": FOR_EVER,
    BUSY_ACCEPT: "accept() was called 1000 times and there was nothing to do",
    "import socket\nsocket.create_server(('', 1)).makefile()": "AttributeError ended the program",
    "import select\nselect.poll()": "AttributeError ended the program",
    "import os\nos.no_such_thing": "AttributeError ended the program",
}


@pytest.mark.parametrize(("text", "says"), SAID_IN_ONE_LINE.items(), ids=range(len(SAID_IN_ONE_LINE)))
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    assert cause(tmp_path, text) == says


def test_the_end_that_nobody_notices(tmp_path: Path) -> None:
    text = ECHO.replace("elif data := key.fileobj.recv(4096):", "elif (data := key.fileobj.recv(4096)) is not None:")
    assert cause(tmp_path, text, (Connect("ana"), HalfClose("ana"))) == (
        "recv() returned b'' 100 times: ana has left, and nobody noticed"
    )


def test_to_ask_again_and_again_is_not_to_wait(tmp_path: Path) -> None:
    text = ECHO.replace("sel.select()", "sel.select(0)")
    assert examined(tmp_path, text).passed
    assert cause(tmp_path, text, (*ANA_SAYS_OI, Pass(2))) == (
        "select() was called 1000 times and there was nothing to do"
    )


class NeverWaits(Anything):
    """Nothing but select() may wait."""

    may_block = False


def test_to_wait_for_one_is_refused_although_nobody_suffers_yet(tmp_path: Path) -> None:
    steps = (Kernel(buffer=2), Connect("ana"), Send("ana", b"oi\n"), Stall("ana"), Send("ana", b"12345"))
    assert examined(tmp_path, ECHO, steps, Anything).passed
    verdict = examined(tmp_path, ECHO, steps, NeverWaits)
    assert verdict.cause == "sendall() to ana would block: every other client is frozen"
    assert "    sendall() waits, and nobody else is served" in told(verdict)


def test_a_program_that_may_spin_gets_on(tmp_path: Path) -> None:
    text = ECHO.replace("sel.register(sock, selectors.EVENT_READ)", "sel.register(sock, 3)").replace(
        "elif data :=", "elif not events & 1:\n                pass\n            elif data :="
    )
    assert cause(tmp_path, text) == "select() returned 100 times and nothing was read or written"
    assert examined(tmp_path, text, may_spin=True).passed


def test_what_the_program_printed_is_told(tmp_path: Path) -> None:
    text = ECHO.replace("sendall(data)", "sendall(b'no')\n                print('listening on x\\nI have', data)")
    assert told(examined(tmp_path, text))[-2:] == ["  Your program printed:", "    I have b'oi\\n'"]


@pytest.mark.parametrize("call", ["send", "sendall"])
@pytest.mark.parametrize(("data", "kind"), [("'oi'", "str"), ("None", "NoneType"), ("5", "int")])
def test_only_bytes_can_be_sent(tmp_path: Path, call: str, data: str, kind: str) -> None:
    run = played(tmp_path, ECHO.replace("sendall(data)", f"{call}({data})"), *ANA_SAYS_OI)
    assert run.crash is not None
    assert str(run.crash) == f"TypeError: a bytes-like object is required, not '{kind}'"


@pytest.mark.parametrize("data", ["bytearray(b'oi')", "memoryview(b'oi')"])
def test_whatever_is_like_bytes_can_be_sent(tmp_path: Path, data: str) -> None:
    for call in ("send", "sendall"):
        assert played(tmp_path, ECHO.replace("sendall(data)", f"{call}({data})"), *ANA_SAYS_OI).raw("ana") == b"oi"


def test_a_program_that_prints_without_end(tmp_path: Path) -> None:
    run = played(tmp_path, "import socket\nfor i in range(100_000): print(i)\nsocket.create_server(('', 1)).accept()")
    assert run.printed.endswith("99999\n")
    assert len(run.printed) < 40_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = (\n", "server.py, line 1: Python cannot read this line: '(' was never closed\n\n    x = (\n        ^"),
        ("import threading", "server.py, line 1: your program imports threading."),
        ("x = 1\nfrom asyncio import run", "server.py, line 2: your program imports asyncio."),
        ("def f():\n    import concurrent.futures", "server.py, line 2: your program imports concurrent."),
    ],
)
def test_programs_that_are_not_run_at_all(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(program.Unusable) as caught:
        program.read(written(tmp_path, text))
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffx = 'é'\n".encode(),
        "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"),
        b"x = 1\r\nif x:\r\n\tx = 2\r\n",
    ],
    ids=["mark", "latin-1 says so", "tabs and CRLF"],
)
def test_whatever_python_reads_is_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "server.py"
    path.write_bytes(data)
    assert program.read(path).path == path


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            "x = 1\n# café\n".encode("latin-1"),
            "server.py, line 2: Python cannot read this line, because the file is not",
        ),
        ("x = 'é'\n".encode("utf-16"), "server.py, line 1: Python cannot read this line, because the file is not"),
        (b"x = 1\ny = '\0'\n", "server.py, line 2: there is a zero byte in this line, and a program is text"),
        (b"# coding: klingon\n", "cannot read "),
        (
            b"x = 1\nreturn x\n",
            "server.py, line 2: Python cannot read this line: 'return' outside function\n\n    return",
        ),
        (b"if 1:\n    break\n", "server.py, line 2: Python cannot read this line: 'break' outside loop"),
    ],
    ids=["latin-1", "utf-16", "a zero byte", "no such encoding", "return", "break"],
)
def test_what_python_does_not_read_either(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "server.py"
    path.write_bytes(data)
    with pytest.raises(program.Unusable) as caught:
        program.read(path)
    assert str(caught.value).startswith(says)


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(program.Unusable) as caught:
        program.read(tmp_path)
    assert str(caught.value).count(str(tmp_path)) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("socket.create_server(('127.0.0.1', '1'))", "TypeError: 'str' object cannot be interpreted as an integer"),
        ("socket.create_server('127.0.0.1')", "TypeError: bind(): AF_INET address must be tuple, not str"),
        ("socket.create_server(('127.0.0.1',))", "TypeError: AF_INET address must be a pair (host, port)"),
        ("socket.create_server((None, 1))", "TypeError: str, bytes or bytearray expected, not NoneType"),
        ("socket.create_server(('', 70000))", "OverflowError: bind(): port must be 0-65535."),
        ("socket.create_server('', 1)", "TypeError: create_server() takes 1 positional argument but 2 were given"),
        ("select.poll()", "AttributeError: the simulated select of the checks has no 'poll'"),
        ("socket.fromfd(0, 0, 0)", "AttributeError: the simulated socket of the checks has no 'fromfd'"),
        ("selectors.EVENT_RAED", "AttributeError: the simulated selectors of the checks has no 'EVENT_RAED'"),
        ("signal.alarm(1)", "AttributeError: the simulated signal of the checks has no 'alarm'"),
    ],
)
def test_a_mistake_is_told_in_the_words_of_python(tmp_path: Path, call: str, says: str) -> None:
    run = played(tmp_path, f"import select, selectors, signal, socket\n{call}\n")
    assert str(run.crash) == says


def test_files_that_are_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(program.Unusable, match="there is no file"):
        program.read(tmp_path / "nothing.py")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(program.Unusable, match="cannot read"):
        program.read(tmp_path / "latin.py")
    program.read(written(tmp_path, "import threading"), allows=("threading",))


def test_a_program_that_behaves_differently_each_time_is_still_told(tmp_path: Path) -> None:
    text = ECHO.replace("sendall(data)", "sendall(data if __import__('random').random() < 0.5 else b'')")
    verdict = examined(tmp_path, text, schedules(steps=("connect", "send")))
    assert not verdict.passed


# ---------------------------------------------------------------- words, and the trace


def test_quotations() -> None:
    assert shown("é\x1b\\\n".encode() + b"\xc3") == "'é\\x1b\\\\\\n\\xc3'"
    assert shown(b"a" * 100) == f"'{'a' * 30}'…'aaaaaaaa' (100 bytes)"
    assert compared("ana", b"a" * 100 + b"bc", b"a" * 100 + b"c") == [
        f"ana should have read  …'{'a' * 24}bc'",
        f"ana has read          …'{'a' * 24}c'",
        " " * 48 + "^ byte 100",
    ]


def test_the_trace_of_an_echo(tmp_path: Path) -> None:
    facts = trace.record(written(tmp_path, ECHO), (Connect("ana"), Stall("ana"), Send("ana", b"oi\n")), Dialect(), 2)
    assert facts["steps"] == ["connect ana", "stall ana", "send ana 'oi\\n'"]
    turns = facts["turns"]
    assert isinstance(turns, list)
    assert turns[1] == {
        "turn": 2,
        "at": 0.003,
        "step": 2,
        "ready": [{"who": "ana", "events": "r"}],
        "interest": {"listener": "r", "ana": "r"},
        "calls": [
            {"line": 11, "call": "recv", "who": "ana", "asked": 4096, "data": "oi\n", "result": 3},
            {"line": 12, "call": "sendall", "who": "ana", "data": "oi\n", "result": 3},
        ],
        "kernel": {"ana": {"on_the_way": "", "to_program": "", "from_program": "oi\n"}},
        "program": {"ana": {"received": 3, "sent": 3}},
    }


def test_the_trace_of_a_program_without_a_selector(tmp_path: Path) -> None:
    text = (
        "import socket\nsock, _ = socket.create_server(('', 1)).accept()\nwhile data := sock.recv(2): sock.send(data)"
    )
    facts = trace.record(written(tmp_path, text), ANA_SAYS_OI, Dialect())
    turns = facts["turns"]
    assert isinstance(turns, list)
    assert [[call["call"] for call in turn["calls"]] for turn in turns] == [
        ["accept"],
        ["recv", "send", "recv", "send"],
    ]


def test_the_same_trace_every_time(tmp_path: Path) -> None:
    path = written(tmp_path, ECHO)
    assert trace.record(path, ANA_SAYS_OI, Dialect()) == trace.record(path, ANA_SAYS_OI, Dialect())
