"""`python3 -m chatcore`, started as people start it: what it prints, when it stops, and with which status."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chatcore.limits import describe
from tests.drivers import SECONDS, Peer
from tests.terminal import ROOT, Terminal

CHATCORE = [sys.executable, "-m", "chatcore"]


class Served:
    """A server in a process of its own."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [*CHATCORE, *arguments],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        assert self.first_line.startswith("listening on 127.0.0.1:"), self.process.communicate()
        self.address = ("127.0.0.1", int(self.first_line.rsplit(":", 1)[1]))

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal and wait: status, standard output, standard error."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        # Not communicate(): it would not see what came together with the first line.
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(SECONDS), out, err


@contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    served = Served(*arguments)
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
        served.process.communicate()


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHATCORE, *arguments],
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


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "70000"),
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
        terminal.type("/who\r")
        terminal.wait_for("2 here")
        terminal.type("/kick bia\r")
        assert bia.rest().decode() == "! the operator removed you: bye\n"
        assert ana.line() == "* bia left"
        terminal.type("/dance\r")
        terminal.wait_for("there is no such command")
        terminal.type("sair\r")
        assert ana.rest().decode() == "! the server is shutting down: bye\n"
        ana.close()
        bia.close()
        terminal.wait_for("stopped")
        assert terminal.process.wait(SECONDS) == 0


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
