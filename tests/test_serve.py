"""`python3 -m chatcore`, started as people start it: what it prints, when it stops, and with which status."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from chatcore import serve
from chatcore.limits import describe
from chatcore.sockets import DEFAULT_PORT
from tests.drivers import SECONDS, Peer
from tests.terminal import ROOT, Terminal

CHATCORE = [sys.executable, "-m", "chatcore"]


class Served:
    """A server in a process of its own."""

    def __init__(self, *arguments: str, command: list[str] = CHATCORE) -> None:
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        assert self.first_line.startswith("listening on 127.0.0.1:"), self.process.communicate()
        self.address = ("127.0.0.1", int(self.first_line.rsplit(":", 1)[1]))

    def nobody_reads(self, *streams: IO[str] | None) -> None:
        """The readers of these outputs go away."""
        for stream in streams:
            assert stream is not None
            stream.close()

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal and wait: status, standard output, standard error."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # Not communicate(): it would not see what came together with the first line.
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(SECONDS), out, err


@contextmanager
def serving(*arguments: str, command: list[str] = CHATCORE) -> Iterator[Served]:
    served = Served(*arguments, command=command)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()


def run(*arguments: str, cwd: Path = ROOT, command: list[str] = CHATCORE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture
def history(tmp_path: Path) -> str:
    return str(tmp_path / "a chat ü.db")


def test_it_says_where_it_listens_and_how_to_connect(history: str) -> None:
    with serving("--port", "0", "--history", history) as served:
        status, out, err = served.stop()
    port = served.address[1]
    assert f"-m chatcore connect 127.0.0.1:{port}\n" in out
    assert f"nc 127.0.0.1 {port}" in out
    assert "--host 0.0.0.0" in out
    assert history in out
    assert out.endswith("stopped\n")
    assert (status, err) == (0, "")


HERE = "192.0.2.7"


@pytest.mark.parametrize(
    ("host", "port", "connect", "nc"),
    [
        ("127.0.0.1", 14532, "connect", "nc 127.0.0.1 14532"),
        ("localhost", 14532, "connect", "nc localhost 14532"),
        ("127.0.0.1", 9000, "connect 127.0.0.1:9000", "nc 127.0.0.1 9000"),
        ("127.0.0.2", 14532, "connect 127.0.0.2:14532", "nc 127.0.0.2 14532"),
        ("::1", 14532, "connect [::1]:14532", "nc ::1 14532"),
        ("0.0.0.0", 14532, f"connect {HERE}:14532", f"nc {HERE} 14532"),
        ("::", 9000, f"connect {HERE}:9000", f"nc {HERE} 9000"),
        ("198.51.100.4", 9000, "connect 198.51.100.4:9000", "nc 198.51.100.4 9000"),
    ],
)
def test_it_names_an_address_at_which_it_really_listens(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int, connect: str, nc: str
) -> None:
    monkeypatch.setattr(serve, "address_in_network", lambda: HERE)
    lines = serve.how_to_connect(host, port, "chat.db").split("\n")
    assert lines[1].endswith(f" -m chatcore {connect}")
    assert lines[2].split(":  ")[1].strip() == f"{nc}    and type a name"


def test_the_page_about_it_shows_what_it_says() -> None:
    page = (ROOT / "docs" / "run" / "index.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert serve.how_to_connect("127.0.0.1", DEFAULT_PORT, "chat.db").startswith(shown)


@pytest.mark.parametrize(("port", "option"), [(14532, ""), (9000, " --port 9000")])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_how_to_open_it_to_the_network_fits_what_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int, option: str
) -> None:
    monkeypatch.setattr(serve, "address_in_network", lambda: HERE)
    lines = serve.how_to_connect(host, port, "none").split("\n")
    assert lines[4].endswith(f"-m chatcore serve --host 0.0.0.0{option}")
    assert lines[5].endswith(f"-m chatcore connect {HERE}:{port}")
    monkeypatch.setattr(serve, "address_in_network", lambda: None)
    assert "then they use" not in serve.how_to_connect(host, port, "none")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_says_bye_and_ends_with_status_0_even_if_a_client_never_closes(history: str, number: int) -> None:
    with serving("--port", "0", "--history", history, "--limit", "linger_seconds=0.1") as served, ExitStack() as stack:
        ana = Peer(served.address)
        stack.callback(ana.close)
        ana.send(b"ana\n")
        assert "you are ana" in ana.line()
        status, _, err = served.stop(number)
        assert ana.rest() == b"! the server is shutting down: bye\n"
    assert (status, err) == (0, "")


def test_after_a_restart_the_last_messages_are_there_and_a_client_gets_exactly_what_it_missed(history: str) -> None:
    arguments = ("--port", "0", "--history", history, "--limit", "rate=0")
    with serving(*arguments) as served:
        bia = Peer(served.address)
        bia.say(type="hello", name="bia")
        bia.say(type="join", room="lobby")
        log = bia.event()["log"]
        bia.event()
        for number in range(1, 31):
            bia.say(type="send", room="lobby", cid=f"c{number}", text=f"message {number}")
        assert [event["seq"] for event in bia.events(30)] == list(range(1, 31))
        bia.close()
        served.stop()
    with serving(*arguments) as served:
        ana = Peer(served.address)
        ana.send(b"ana\n")
        assert ana.lines(21)[1:] == [f"bia: message {number}" for number in range(11, 31)]
        bia = Peer(served.address)
        bia.say(type="hello", name="bia")
        bia.say(type="join", room="lobby", after=27)
        assert bia.event()["log"] == log
        assert bia.event()["first"] == 28
        assert [event["seq"] for event in bia.events(3)] == [28, 29, 30]
        bia.say(type="send", room="lobby", cid="c30", text="message 30")
        assert bia.event()["seq"] == 30, "a retry after the restart is still recognised"
        ana.close()
        bia.close()
        served.stop()


def test_an_address_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("--port", str(port), "--history", "none")
    assert result.returncode == 1
    assert result.stderr == f"chatcore: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert result.stdout == ""


def test_a_history_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database " * 100)
    result = run("--port", "0", "--history", str(tmp_path / "notes.db"))
    assert result.returncode == 1
    assert result.stderr.startswith(f"chatcore: cannot use the history {tmp_path / 'notes.db'}: ")
    assert result.stderr.count("\n") == 1
    assert (tmp_path / "notes.db").read_text() == "not a database " * 100


def test_a_second_server_on_the_same_history_does_not_start(history: str) -> None:
    with serving("--port", "0", "--history", history):
        result = run("--port", "0", "--history", history)
    assert result.returncode == 1
    assert "another server is using it" in result.stderr


def test_an_older_python_is_told_what_is_needed() -> None:
    code = "import runpy, sys; sys.version_info = (3, 10, 12); runpy.run_module('chatcore', run_name='__main__')"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("chatcore needs Python 3.11 or newer, and this is ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "70000"),
        ("serve", "--host", ""),
        ("serve", "--host", "[]"),
        ("serve", "--limit", "speed=1"),
        ("serve", "--limit", "rate=fast"),
        ("serve", "--limit", "text=16000"),
        ("connect", "host:port"),
        ("dance",),
        ("--nonsense",),
    ],
)
def test_wrong_usage_is_status_2_and_a_sentence(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_help_lists_every_limit_with_its_default_and_unit() -> None:
    text = run("serve", "--help").stdout
    rows = [line.split() for line in text.splitlines()]
    for name, default, unit, _ in describe():
        assert any(row[:2] == [name, default] and row[2] == unit.split()[0] for row in rows), name


def test_a_trace_shows_the_turn_and_never_a_token(history: str) -> None:
    with serving("--port", "0", "--history", history, "--trace") as served:
        ana = Peer(served.address)
        ana.say(type="hello", name="ana")
        token = ana.event()["token"]
        ana.say(type="bye")
        ana.rest()
        ana.close()
        _, _, err = served.stop()
    assert token not in err
    for hook in ("accept", "recv", "frame", "command", "send", "close"):
        assert f"    {hook} " in err
    assert "select returned 1" in err


def test_what_the_operator_types_is_said_and_obeyed(history: str) -> None:
    with Terminal([*CHATCORE, "--port", "0", "--history", history], rows=40) as terminal:
        terminal.wait_for("stop:")
        where = next(line for line in terminal.screen.display if line.startswith("listening on "))
        address = ("127.0.0.1", int(where.rsplit(":", 1)[1]))
        ana, bia = Peer(address), Peer(address)
        for peer, name in ((ana, b"ana\n"), (bia, b"bia\n")):
            peer.send(name)
            peer.line()
        assert ana.line() == "* bia entered"
        terminal.type("good morning\r")
        assert ana.line() == bia.line() == "server: good morning"
        terminal.type("/mute bia\r")
        terminal.wait_for("bia may not speak")
        bia.send(b"but\n")
        assert bia.line() == '! not kept: "but": the operator has muted you'
        terminal.type("/unmute bia\r")
        terminal.wait_for("bia may speak")
        bia.send(b"now\n")
        assert ana.line() == "bia: now"
        terminal.type("/who\r")
        terminal.wait_for("2 here")
        terminal.type("/kick bia\r")
        assert bia.rest().decode() == "! the operator removed you: bye\n"
        assert ana.line() == "* bia left"
        terminal.type("/help\r")
        terminal.wait_for("say bye to everybody and stop")
        terminal.type("/kick bia\r")
        terminal.wait_for("! nobody here has this name")
        terminal.type("/dance\r")
        terminal.wait_for("there is no such command")
        terminal.type("sair\r")
        assert ana.rest().decode() == "! the server is shutting down: bye\n"
        ana.close()
        bia.close()
        terminal.wait_for("stopped")
        assert terminal.process.wait(SECONDS) == 0


def test_an_end_of_the_input_is_no_reason_to_stop_or_to_be_deaf(history: str) -> None:
    with Terminal([*CHATCORE, "--port", "0", "--history", history]) as terminal:
        terminal.wait_for("stop:")
        terminal.type("\x04")  # Ctrl-D
        terminal.type("is anybody here?\r")
        terminal.wait_for("! nobody is here to hear it")
        terminal.type("\x04\x04sair\r")
        terminal.wait_for("stopped")
        assert terminal.wait_for_end() == 0


IN_THE_BACKGROUND = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = subprocess.Popen(sys.argv[1:], process_group=0)
signal.signal(signal.SIGUSR1, lambda *_: os.tcsetpgrp(0, job.pid))
sys.exit(job.wait())
"""


def test_in_the_background_of_a_terminal_it_serves_and_leaves_the_keyboard_alone(history: str) -> None:
    """`python3 -m chatcore &`: whoever reads the keyboard there is stopped by the system, and so were all chats."""
    job = [sys.executable, "-c", IN_THE_BACKGROUND, *CHATCORE, "--port", "0", "--history", history]
    with Terminal(job, rows=40) as terminal:
        terminal.wait_for("stop:")
        where = next(line for line in terminal.screen.display if line.startswith("listening on "))
        ana = Peer(("127.0.0.1", int(where.rsplit(":", 1)[1])))
        terminal.type("this is for the shell\r")
        ana.send(b"ana\n")
        assert "you are ana" in ana.line()
        ana.send(b"/who\n")
        assert ana.line() == "* in lobby: ana"
        terminal.process.send_signal(signal.SIGUSR1)  # `fg`
        assert ana.line() == "server: this is for the shell"  # nobody else has read it
        terminal.type("sair\r")
        assert ana.rest() == b"! the server is shutting down: bye\n"
        ana.close()
        assert terminal.wait_for_end() == 0


@pytest.mark.parametrize("trace", [[], ["--trace"]], ids=["quiet", "traced"])
def test_who_stops_reading_its_output_does_not_end_the_chat(history: str, trace: list[str]) -> None:
    """A program that wanted the first line only; `serve --trace 2>&1 | head`."""
    with serving("--port", "0", "--history", history, *trace) as served:
        served.nobody_reads(served.process.stdout, served.process.stderr)
        ana = Peer(served.address)
        ana.send(b"ana\n/who\n")
        assert ana.lines(2) == ["* you are ana, in lobby (/help)", "* in lobby: ana"]
        served.process.send_signal(signal.SIGTERM)
        assert ana.rest() == b"! the server is shutting down: bye\n"
        ana.close()
        assert served.process.wait(SECONDS) == 0
        served.process.stdout = served.process.stderr = None


def chatcore_in(world: str) -> list[str]:
    """The command line in a process that `world`, some statements, has changed before."""
    code = (
        "import errno, selectors, socket, sqlite3, sys",
        "from chatcore import cli, loop, sqlite_log",
        world,
        "sys.exit(cli.main(sys.argv[1:]))",
    )
    return [sys.executable, "-c", "\n".join(code)]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_descriptor_that_was_closed_before_the_start_is_no_reason_to_fail(stream: str) -> None:
    """`python3 -m chatcore >&-`: Python has no stream then."""
    command = chatcore_in(f"sys.{stream} = None\nloop.Loop.run = lambda self: None")
    result = run("--port", "0", "--history", "none", command=command)
    assert (result.returncode, result.stderr) == (0, "")
    assert ("stopped" in result.stdout) is (stream == "stderr")


@pytest.mark.parametrize("what", ["socket.socket", "socket.socketpair", "selectors.DefaultSelector"])
def test_without_file_descriptors_it_does_not_start_and_says_why(what: str) -> None:
    command = chatcore_in(f"def full(*_):\n    raise OSError(errno.EMFILE, 'Too many open files')\n{what} = full")
    result = run("--port", "0", "--history", "none", command=command)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "chatcore: cannot listen on 127.0.0.1:0: Too many open files\n"


BAD_DISK = """
def insert(self, draft):
    raise sqlite3.OperationalError("disk I/O error")
sqlite_log.SqliteLog._insert = insert
"""


def test_a_history_that_fails_is_one_clear_line_and_status_1(history: str) -> None:
    with serving("--port", "0", "--history", history, command=chatcore_in(BAD_DISK)) as served:
        ana = Peer(served.address)
        ana.send(b"ana\noi\n")
        assert ana.rest().endswith(b"! the server is shutting down: bye\n")
        ana.close()
        assert served.process.wait(SECONDS) == 1
        assert served.process.stderr is not None
        (record,) = served.process.stderr.read().splitlines()
    assert record.endswith(f" CRITICAL the history {history} failed: disk I/O error")


MISTAKE = """
def handle(self, peer, command):
    raise ZeroDivisionError("first line\\nsecond line\\x1b[2J")
from chatcore.commands import Commands
Commands.handle = handle
"""


def test_a_mistake_of_ours_is_one_record_in_one_line_and_costs_one_connection(history: str) -> None:
    with serving("--port", "0", "--history", history, command=chatcore_in(MISTAKE)) as served:
        for _ in range(2):
            ana = Peer(served.address)
            ana.send(b"ana\n")
            assert ana.rest() == b""
            ana.close()
        status, _, err = served.stop()
    assert status == 0
    assert err.count("\n") == 2
    assert "ERROR a mistake of ours in take_commands\\nTraceback " in err
    assert "second line\\x1b[2J" in err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_the_number_of_connections_follows_from_the_descriptors(history: str) -> None:
    """The soft limit is raised to the hard one, and a reserve is kept."""
    limited = chatcore_in("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (66, 67))")
    with serving("--port", "0", "--history", history, command=limited) as served, ExitStack() as stack:
        answers = []
        for number in range(4):
            peer = Peer(served.address)
            stack.callback(peer.close)
            peer.say(type="hello", name=f"n{number}")
            answers.append(peer.event())
    assert [answer["type"] for answer in answers] == ["welcome"] * 3 + ["error"]
    assert answers[3]["code"] == "too_many_connections"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_character_that_the_output_cannot_show_ends_nothing(encoding: str) -> None:
    """Windows writes cp1252 into a pipe or a file."""
    demo = subprocess.run(
        [*CHATCORE, "demo"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert (demo.returncode, demo.stderr) == (0, b"")
    assert b"bia sees \\u2502 ana: tudo bem?" in demo.stdout


def test_the_demo_tells_its_story_in_a_few_seconds() -> None:
    result = run("demo")
    assert (result.returncode, result.stderr) == (0, "")
    story = result.stdout
    assert "no line end yet: the bytes wait in ana's receive buffer" in story
    assert "bia sees │ ana: tudo bem?" in story
    assert "the kernel takes no more for caio" in story
    assert "ana has heard 120 of 120 lines" in story
    assert "caio sees │ ! you read more slowly than the others write: bye" in story


def test_whoever_stops_reading_the_output_sees_no_traceback() -> None:
    reader, writer = os.pipe()
    demo = subprocess.Popen([*CHATCORE, "demo"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(reader)
    os.close(writer)
    _, err = demo.communicate(timeout=SECONDS)
    assert (demo.returncode, err) == (1, "")
