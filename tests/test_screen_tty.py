"""Real terminals: the typed line survives whatever arrives, and the terminal is given back.

The program under test is `program()` below: a screen, a loop, and a socketpair on which "messages"
come in and what the user entered goes out. It runs in a pseudo-terminal, once with each editor.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

import pytest

from chatcore.loop import READ, Loop, Wakeup
from chatcore.screen import Screen, open_screen
from tests.terminal import KEYS, SECONDS, Terminal, environment

each_editor = pytest.mark.parametrize("kind", ["editor", "prompt"])
PASTE_ON, PASTE_OFF = b"\x1b[?2004h", b"\x1b[?2004l"


# ---------------------------------------------------------------- the program


class Report:
    """The service of the loop: tells the test what happened, in the flush of a turn, as a client would.

    What happened outside a turn might wait for the next one for hours: it is marked as late.
    """

    busy = False

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._queue: list[tuple[int, list[object]]] = []
        self.loop: Loop | None = None

    def add(self, *facts: object) -> None:
        assert self.loop
        self._queue.append((self.loop.turns, list(facts)))

    def decode(self) -> None: ...

    def commit(self) -> None: ...

    def flush(self) -> None:
        assert self.loop
        for turn, facts in self._queue:
            late = [] if turn == self.loop.turns else ["late"]
            self._sock.sendall(json.dumps(facts + late).encode() + b"\n")
        self._queue.clear()


class Program:
    """Shows each line that arrives and reports each line that is entered. Some are orders."""

    def __init__(self, kind: str, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        self.report = Report(sock)
        self.loop = Loop(selectors.DefaultSelector(), time.monotonic, self.report)
        self.report.loop = self.loop
        self.crashed = False
        self.screen = screens[kind](sys.stdin, sys.stdout)

    def run(self) -> None:
        wakeup = Wakeup(self.loop, [signal.SIGINT], self.on_signal)
        self.loop.set_interest(self.sock, 0, READ, self)
        self.screen.show("* hello")
        self.screen.start(self.loop, self.on_line, self.on_end)
        try:
            self.screen.run(self.loop)
        finally:
            self.screen.close()
            self.screen.close()
            wakeup.close()
        self.screen.show("* goodbye")

    def on_line(self, text: str) -> None:
        self.report.add("line", text)

    def on_end(self) -> None:
        self.report.add("end")
        self.loop.stop()

    def on_signal(self, number: int) -> None:
        if number == signal.SIGINT:  # those of the screen pass here as well
            self.report.add("interrupt")
            self.loop.stop()

    def ready(self, events: int) -> None:
        if self.crashed:
            raise RuntimeError("called after a crash")
        *lines, self.rest = (self.rest + self.sock.recv(65536)).split(b"\n")
        for line in lines:
            match line.decode():
                case "/stop":
                    self.loop.stop()
                case "/crash":
                    self.crashed = True
                    raise RuntimeError("as you wish")
                case "/threads":
                    self.report.add("threads", threading.active_count())
                case text:
                    self.screen.show(text)


screens: dict[str, Callable[[TextIO, TextIO], Screen]] = {
    "prompt": lambda stdin, stdout: open_screen(False, stdin, stdout, only="prompt"),
    "editor": lambda stdin, stdout: open_screen(False, stdin, stdout, only="editor"),
    "plain": lambda stdin, stdout: open_screen(True, stdin, stdout),
    "best": lambda stdin, stdout: open_screen(False, stdin, stdout),
}


# ---------------------------------------------------------------- the test's side of it


class Session:
    """The program in a terminal, and the far end of its socket."""

    def __init__(self, terminal: Terminal, sock: socket.socket) -> None:
        self.terminal = terminal
        self._sock = sock
        self._rest = b""

    def arrives(self, *lines: str) -> None:
        """Let messages come in from the network."""
        self._sock.sendall("".join(line + "\n" for line in lines).encode())

    def report(self) -> list[object]:
        """Return the next thing that the program tells."""
        while b"\n" not in self._rest:
            self.terminal.wait_beside(self._sock)
            data = self._sock.recv(65536)
            assert data, f"the program has ended\n{self.terminal.picture()}"
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        facts: list[object] = json.loads(line)
        return facts

    def sees(self, *lines: str) -> None:
        """Wait until these are the last lines of the screen, and the cursor is in the last one."""
        screen = self.terminal
        screen.wait_for(lambda: screen.lines()[-len(lines) :] == list(lines) and screen.row() == lines[-1])

    def sees_above(self, *lines: str) -> None:
        """Wait until the row of the cursor is the last one, and these are all that stand above it."""
        screen = self.terminal
        screen.wait_for(lambda: screen.lines() == [*lines, screen.row()])


@contextmanager
def running(kind: str, rows: int = 24, columns: int = 80, **env: str) -> Iterator[Session]:
    ours, theirs = socket.socketpair()
    argv = [sys.executable, __file__, kind, str(theirs.fileno())]
    with ours, theirs, Terminal(argv, rows, columns, env, pass_fds=[theirs.fileno()]) as terminal:
        theirs.close()
        yield Session(terminal, ours)


@contextmanager
def editing(kind: str, rows: int = 24, columns: int = 80, **env: str) -> Iterator[Session]:
    """The same, once the editor has taken the terminal."""
    with running(kind, rows, columns, **env) as session:
        session.terminal.wait_for(lambda: session.terminal.row() == ">" and not session.terminal.echoes())
        yield session


# ---------------------------------------------------------------- the typed line


@each_editor
def test_a_message_arrives_while_the_cursor_is_in_the_middle(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("hello world" + 5 * KEYS["left"])
        session.arrives("bia: oi", "caio: olá")
        session.sees("* hello", "bia: oi", "caio: olá", "> hello world")
        session.terminal.wait_for(lambda: session.terminal.column == len("> hello "))
        session.terminal.type("my ")
        session.sees("caio: olá", "> hello my world")
        session.terminal.type("\r")
        assert session.report() == ["line", "hello my world"]
        session.sees("caio: olá", ">")


@each_editor
def test_typing_through_a_flood(kind: str) -> None:
    """Nothing is lost, nothing is echoed by the terminal, nothing lands in the wrong row."""
    text = "the quick brown fox jumps over the lazy dog"
    with editing(kind, rows=10) as session:
        for number, key in enumerate(text):
            session.arrives(*(f"bia: {number} {part}" for part in range(5)))
            session.terminal.type(key)
        session.sees(f"bia: {len(text) - 1} 4", f"> {text}")
        messages = [f"bia: {number} {part}" for number in range(len(text)) for part in range(5)]
        assert session.terminal.lines() == ["* hello", *messages, f"> {text}"]
        session.terminal.type("\r")
        assert session.report() == ["line", text]


@each_editor
def test_wide_characters(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("日本語éx" + 3 * KEYS["left"])
        session.arrives("bia: 你好")
        session.sees("bia: 你好", "> 日本語éx")
        session.terminal.wait_for(lambda: session.terminal.column == len("> ") + 4)
        session.terminal.type("人" + KEYS["right"] + KEYS["delete"] + "\r")
        assert session.report() == ["line", "日本人語x"]


@each_editor
def test_a_line_longer_than_the_screen_scrolls(kind: str) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(50))
    with editing(kind, columns=20) as session:
        session.terminal.type(text)
        session.arrives("bia: oi")
        session.sees_above("* hello", "bia: oi")
        session.terminal.wait_for(lambda: session.terminal.row().endswith(text[-15:]))
        assert session.terminal.row().startswith("> ")
        session.terminal.type(KEYS["home"])
        session.terminal.wait_for(lambda: session.terminal.row().startswith("> abcdefgh"))
        session.arrives("bia: oi?")
        session.sees_above("* hello", "bia: oi", "bia: oi?")
        session.terminal.wait_for(lambda: session.terminal.row().startswith("> abcdefgh"))
        session.terminal.wait_for(lambda: session.terminal.column == 2)
        session.terminal.type("\r")
        assert session.report() == ["line", text]


@each_editor
def test_the_window_becomes_narrow_and_wide_again(kind: str) -> None:
    text = "the quick brown fox jumps"
    with editing(kind) as session:
        session.terminal.type(text)
        session.sees("* hello", f"> {text}")
        session.terminal.resize(24, 12)
        session.terminal.wait_for(lambda: session.terminal.row().endswith("jumps"))
        assert session.terminal.row().startswith("> ")
        session.arrives("bia: oi")
        session.sees_above("* hello", "bia: oi")
        session.terminal.resize(24, 80)
        session.sees("bia: oi", f"> {text}")
        session.terminal.type("!\r")
        assert session.report() == ["line", f"{text}!"]


@each_editor
def test_keys(kind: str) -> None:
    """The history, both ends, words; what `keys` and `line` mean has its own tests."""
    with editing(kind) as session:
        session.terminal.type("one\rtwo\r")
        assert [session.report(), session.report()] == [["line", "one"], ["line", "two"]]
        session.arrives("bia: oi")
        session.sees("bia: oi", ">")  # not sooner: prompt_toolkit loads its history after it drew
        session.terminal.type(2 * KEYS["up"])
        session.sees("bia: oi", "> one")
        session.terminal.type(KEYS["home"] + "twenty-" + KEYS["end"] + "s\r")
        assert session.report() == ["line", "twenty-ones"]
        session.terminal.type("a b c\x17\x01\x1b[3~\x05d\r")
        assert session.report() == ["line", " b d"]


def test_ctrl_r_searches_the_history() -> None:
    """And what arrives meanwhile mangles neither of the two rows."""
    with editing("prompt") as session:
        session.terminal.type("um gato\rdois patos\rdois gatos\r")
        assert [session.report()[1] for _ in range(3)] == ["um gato", "dois patos", "dois gatos"]
        session.arrives("bia: oi")
        session.sees("bia: oi", ">")
        session.terminal.type("draft\x12gat")
        session.terminal.wait_for(lambda: session.terminal.lines()[-2:] == ["> dois gatos", "I-search backward: gat"])
        session.arrives("bia: tudo bem?")
        rows = ["* hello", "bia: oi", "bia: tudo bem?", "> dois gatos", "I-search backward: gat"]
        session.terminal.wait_for(lambda: session.terminal.lines() == rows)
        session.terminal.type("\x12")
        session.terminal.wait_for(lambda: session.terminal.lines()[-2] == "> um gato")
        session.terminal.type("\r")
        session.sees("bia: tudo bem?", "> um gato")
        session.terminal.type("\r")
        assert session.report() == ["line", "um gato"]


@each_editor
def test_pasted_lines_are_not_sent(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("\x1b[200~rm -rf /\rsecond\tline\x1b[201~")
        session.sees("* hello", "> rm -rf / second line")
        session.terminal.type("\r")
        assert session.report() == ["line", "rm -rf / second line"]


@each_editor
def test_ctrl_l_clears_the_screen_and_keeps_the_line(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("typed\x0c")
        session.terminal.wait_for(lambda: session.terminal.screen.display[0].rstrip() == "> typed")


@each_editor
def test_colours_are_ours_and_no_color_is_obeyed(kind: str) -> None:
    with editing(kind) as session:
        session.arrives("\x1b[31mbia\x1b[0m: oi")
        session.sees("bia: oi", ">")
        assert b"\x1b[31mbia\x1b[0m: oi" in session.terminal.raw
    with editing(kind, NO_COLOR="1") as session:
        session.arrives("\x1b[31mbia\x1b[0m: oi")
        session.sees("bia: oi", ">")
        assert b"\x1b[31m" not in session.terminal.raw


@each_editor
def test_one_thread(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("one\r")
        assert session.report() == ["line", "one"]
        session.terminal.type(
            KEYS["up"] + "\x12o" + ("\r" if kind == "prompt" else "") + "!\r"
        )  # the history, and Ctrl-R
        assert session.report()[0] == "line"
        session.arrives("bia: oi", "/threads")
        assert session.report() == ["threads", 1]


# ---------------------------------------------------------------- the end


ENDINGS: dict[str, Callable[[Session], object]] = {
    "Ctrl-D": lambda session: session.terminal.type("\x04"),
    "Ctrl-C": lambda session: session.terminal.type("\x03"),
    "a signal": lambda session: os.kill(session.terminal.process.pid, signal.SIGINT),
    "the client": lambda session: session.arrives("/stop"),
}


@each_editor
@pytest.mark.parametrize("ending", ENDINGS)
def test_the_terminal_is_given_back(kind: str, ending: str) -> None:
    with editing(kind) as session:
        assert session.terminal.modes() != session.terminal.modes_before
        ENDINGS[ending](session)
        assert session.terminal.wait_for_end() == 0
        assert session.terminal.modes() == session.terminal.modes_before
        assert session.terminal.lines() == ["* hello", "* goodbye"]
        assert session.terminal.raw.rfind(PASTE_OFF) > session.terminal.raw.rfind(PASTE_ON) > 0


@each_editor
def test_the_terminal_is_given_back_after_a_bug(kind: str) -> None:
    """And no turn happens any more: more input waits, but nobody is called for it."""
    with editing(kind) as session:
        session.arrives("/crash", *["x" * 1000] * 100)
        assert session.terminal.wait_for_end() == 1
        assert session.terminal.modes() == session.terminal.modes_before
        assert session.terminal.lines()[-1] == "RuntimeError: as you wish"


@each_editor
def test_ctrl_c_is_a_signal_also_where_the_terminal_makes_a_key_of_it(kind: str) -> None:
    """So that it can come a second time; the end of the input comes once."""
    with editing(kind) as session:
        session.terminal.type("\x03")
        assert session.report() == ["interrupt"]


@each_editor
def test_ctrl_d_within_a_line_deletes(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("oi!" + KEYS["left"] + "\x04\r\x04")
        assert [session.report(), session.report()] == [["line", "oi"], ["end"]]


@each_editor
def test_what_was_typed_and_not_sent_stays_readable(kind: str) -> None:
    with editing(kind) as session:
        session.terminal.type("a long thought" + KEYS["left"])
        session.sees("* hello", "> a long thought")
        session.arrives("* the server stops", "/stop")
        assert session.terminal.wait_for_end() == 0
        assert session.terminal.lines() == ["* hello", "* the server stops", "> a long thought", "* goodbye"]


def test_the_editor_takes_the_terminal_again_after_fg() -> None:
    """Ctrl-Z, the shell sets its own modes, `fg` sends SIGCONT."""
    with editing("editor") as session:
        session.terminal.type("typed")
        session.sees("* hello", "> typed")
        os.kill(session.terminal.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, session.terminal.process.pid, os.WSTOPPED | os.WNOWAIT)
        session.terminal.set_modes(session.terminal.modes_before)
        os.kill(session.terminal.process.pid, signal.SIGCONT)
        session.terminal.wait_for(lambda: not session.terminal.echoes())
        session.terminal.type(" on\r")
        assert session.report() == ["line", "typed on"]


# ---------------------------------------------------------------- plain


def test_plain_on_a_terminal_uses_the_editing_of_the_kernel() -> None:
    with running("plain") as session:
        session.terminal.wait_for("* hello")
        session.terminal.type("olá\r")
        assert session.report() == ["line", "olá"]
        assert session.terminal.echoes()
        session.terminal.type("\x04")
        assert session.report() == ["end"]
        assert session.terminal.wait_for_end() == 0


def test_a_dumb_terminal_gets_the_plain_screen() -> None:
    with running("best", TERM="dumb") as session:
        session.terminal.wait_for("* hello")
        session.terminal.type("oi\r")
        assert session.report() == ["line", "oi"]
        assert session.terminal.echoes()
        session.arrives("\x1b[31mbia\x1b[0m: oi")
        session.terminal.wait_for("bia: oi")
        assert b"\x1b" not in session.terminal.raw


def test_a_good_terminal_gets_an_editor() -> None:
    with editing("best") as session:
        assert PASTE_ON in session.terminal.raw


# ---------------------------------------------------------------- without a terminal


def run_piped(stdin: Path, stdout: int | IO[bytes] = subprocess.PIPE) -> tuple[bytes, bytes, list[object]]:
    """Run the program on a file to its end; return both outputs and all that it told."""
    ours, theirs = socket.socketpair()
    fd = theirs.fileno()
    argv = [sys.executable, __file__, "best", str(fd)]
    with ours, theirs, stdin.open("rb") as file:
        process = subprocess.run(
            argv,
            stdin=file,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment({}),
            pass_fds=[fd],
            timeout=SECONDS,
            check=True,
        )
        theirs.close()
        reports = b"".join(iter(lambda: ours.recv(65536), b""))
    return process.stdout, process.stderr, [json.loads(line) for line in reports.splitlines()]


def test_a_file_and_then_its_end(tmp_path: Path) -> None:
    (tmp_path / "typed").write_bytes(b"one\r\ntwo\x85\xe9\n\nlast")
    output, errors, reports = run_piped(tmp_path / "typed")
    assert (output, errors) == (b"* hello\n* goodbye\n", b"")
    assert reports == [["line", "one"], ["line", "two\ufffd\ufffd"], ["line", ""], ["line", "last"], ["end"]]


def test_no_input_at_all() -> None:
    assert run_piped(Path(os.devnull))[2] == [["end"]]


def test_a_full_disk_is_an_end_and_no_traceback() -> None:
    with open("/dev/full", "wb") as full:
        _, errors, reports = run_piped(Path(os.devnull), full)
    assert (errors, reports.count(["end"])) == (b"", 1)


def test_a_reader_who_goes_away_is_an_end_and_no_traceback() -> None:
    """`chatcore connect | head -1`: the input stays open, the output does not."""
    ours, theirs = socket.socketpair()
    argv = [sys.executable, __file__, "best", str(theirs.fileno())]
    pipe = subprocess.PIPE
    with (
        ours,
        theirs,
        subprocess.Popen(
            argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment({}), pass_fds=[theirs.fileno()]
        ) as process,
    ):
        theirs.close()
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"* hello\n"
        process.stdout.close()
        process.stdin.write(b"oi\n")
        process.stdin.flush()
        ours.sendall(b"bia: one\nbia: two\n")
        assert process.wait(SECONDS) == 0
        assert process.stderr.read() == b""
        reports = b"".join(iter(lambda: ours.recv(65536), b"")).splitlines()
        assert [json.loads(line) for line in reports][-1] == ["end"]
        assert reports.count(b'["end"]') == 1


if __name__ == "__main__":
    Program(sys.argv[1], socket.socket(fileno=int(sys.argv[2]))).run()
