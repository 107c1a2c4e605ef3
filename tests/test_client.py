"""The real client, as people run it: in a terminal with a screen model, and in a pipe."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.drivers import SECONDS, Address, Peer
from tests.terminal import ROOT, Terminal
from tests.test_serve import CHATCORE, Served, serving

SERVE = ("--limit", "rate=0", "--limit", "linger_seconds=0.1")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving("--port", "0", "--history", str(tmp_path / "chat.db"), *SERVE) as server:
        yield server


def where(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def piped(typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CHATCORE, "connect", *arguments],
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "TZ": "UTC"},
    )


# An editor of each kind: python without prompt_toolkit uses ours.
WITHOUT_PROMPT = (
    "import sys; sys.modules['prompt_toolkit'] = None; from chatcore.cli import main; sys.exit(main(sys.argv[1:]))"
)
# What is missing on Windows is missing here: the modules, the signals, and a select that takes more than sockets.
WINDOWS = """
import argparse, shutil, sys
sys.platform = "win32"
for name in ("prompt_toolkit", "termios", "tty", "pty", "fcntl", "resource"):
    sys.modules[name] = None
import selectors, signal, socket
for name in ("SIGWINCH", "SIGCONT", "SIGHUP", "SIGTTIN"):
    delattr(signal, name)
class Select(selectors.SelectSelector):
    def register(self, fileobj, events, data=None):
        assert isinstance(fileobj, socket.socket), "WinError 10038"
        return super().register(fileobj, events, data)
selectors.DefaultSelector = Select
from chatcore.cli import main
sys.exit(main(sys.argv[1:]))
"""
EDITORS = {"prompt": CHATCORE, "editor": [sys.executable, "-c", WITHOUT_PROMPT]}
each_editor = pytest.mark.parametrize("program", EDITORS.values(), ids=EDITORS)


@each_editor
def test_two_people_talk_and_the_typed_line_survives(served: Served, program: list[str]) -> None:
    with ExitStack() as stack:
        bia = Peer(served.address)
        stack.callback(bia.close)
        bia.send(b"bia\n")
        bia.line()
        ana = stack.enter_context(Terminal([*program, "connect", where(served.address), "--name", "ana"]))
        ana.wait_for("in lobby: ana, bia")
        assert bia.line() == "* ana entered"
        ana.type("half a sen")
        ana.wait_for("half a sen")
        bia.send("olá!\n\x07".encode().replace(b"\x07", b"") + "日本\n".encode())
        ana.wait_for("bia: olá!")
        ana.wait_for("bia: 日本")
        ana.wait_for(lambda: ana.row().rstrip().endswith("half a sen"))
        ana.type("tence\r")
        assert bia.line() == "ana: half a sentence"
        ana.wait_for("ana: half a sentence")
        ana.type("sair\r")
        assert bia.line() == "* ana left"
        assert ana.wait_for_end() == 0


@each_editor
def test_it_comes_back_after_a_restart_and_says_again_what_was_not_confirmed(
    tmp_path: Path, program: list[str]
) -> None:
    history = str(tmp_path / "chat.db")
    with ExitStack() as stack:
        first = stack.enter_context(serving("--port", "0", "--history", history, *SERVE))
        port = str(first.address[1])
        ana = stack.enter_context(Terminal([*program, "connect", where(first.address), "--name", "ana"]))
        ana.wait_for("in lobby: ana")
        ana.type("before\r")
        ana.wait_for("ana: before")
        first.stop()
        ana.wait_for("connection lost")
        ana.wait_for("trying again in")
        ana.type("while away\r")
        ana.wait_for('will be sent when connected: "while away"')
        second = stack.enter_context(serving("--port", port, "--history", history, *SERVE))
        ana.wait_for("ana: while away")
        bia = Peer(second.address)
        stack.callback(bia.close)
        bia.send(b"bia\n")
        assert bia.lines(3)[1:] == ["ana: before", "ana: while away"]
        assert sum("ana: before" in line for line in ana.lines()) == 1, "nothing is shown twice"
        ana.type("/quit\r")
        assert ana.wait_for_end() == 0


@each_editor
def test_ctrl_c_leaves_and_gives_the_terminal_back(served: Served, program: list[str]) -> None:
    with Terminal([*program, "connect", where(served.address), "--name", "ana"]) as ana:
        ana.wait_for("in lobby: ana")
        ana.type("\x03")
        assert ana.wait_for_end() == 0
        assert ana.modes() == ana.modes_before


def test_a_name_is_asked_for_and_asked_again_when_it_is_taken(served: Served) -> None:
    bia = Peer(served.address)
    bia.send(b"bia\n")
    bia.line()
    with Terminal([*EDITORS["editor"], "connect", where(served.address)]) as ana:
        ana.wait_for("who are you? type a name")
        ana.type("bia\r")
        ana.wait_for("somebody here has this name; type another name")
        ana.type("ana\r")
        ana.wait_for("in lobby: ana, bia")
    bia.close()


def test_in_a_pipe_every_line_is_said_and_confirmed_before_it_ends(served: Served) -> None:
    result = piped("oi\ntudo bem?\n/who\nlast, without a line end", where(served.address), "--name", "ana")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == lines[1] == "* in lobby: ana"
    assert [line[6:] for line in lines[2:5]] == ["ana: oi", "ana: tudo bem?", "ana: last, without a line end"]
    assert lines[5:] == ["* bye"]
    assert "\x1b" not in result.stdout


def test_in_a_pipe_sair_waits_for_what_is_not_confirmed(served: Served) -> None:
    """The end of the pipe is behind it. It must not count as a second wish to leave."""
    result = piped("oi\nsair\n", where(served.address), "--name", "ana")
    assert (result.returncode, result.stderr) == (0, "")
    first, *said, last = result.stdout.splitlines()
    assert (first, [line[6:] for line in said], last) == ("* in lobby: ana", ["ana: oi"], "* bye")


def test_in_a_pipe_the_first_line_is_the_name_if_none_was_given(served: Served) -> None:
    result = piped("ana\noi\n", where(served.address))
    assert result.returncode == 0
    assert "ana: oi" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--name", "not a name"], "the name was refused"), (["--name", "server"], "the name was refused")],
)
def test_a_refused_name_in_a_pipe_is_an_error(served: Served, arguments: list[str], sentence: str) -> None:
    result = piped("oi\n", where(served.address), *arguments)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert 'not confirmed: "oi"' in result.stdout


@pytest.mark.parametrize(
    ("typed", "arguments", "sentence"),
    [
        ("oi\n", ["--room", "not a room"], '! not sent: "oi": you are in no room; /join ROOM'),
        ("x" * 5000, [], "a message has at most 4096 bytes"),
    ],
)
def test_what_cannot_be_said_in_a_pipe_is_an_error(
    served: Served, typed: str, arguments: list[str], sentence: str
) -> None:
    result = piped(typed, where(served.address), "--name", "ana", *arguments)
    assert (result.returncode, result.stderr) == (1, "")
    assert sentence in result.stdout


def test_a_room_that_was_refused_is_no_dead_end(served: Served) -> None:
    arguments = ["connect", where(served.address), "--name", "ana", "--room", "not a room"]
    with Terminal([*EDITORS["editor"], *arguments]) as ana:
        ana.wait_for("! you are in no room; /join ROOM")
        ana.type("/leave\r/join lobby\roi\r")
        ana.wait_for("ana: oi")


def test_input_that_is_closed_has_ended(served: Served) -> None:
    command = [*CHATCORE, "connect", where(served.address), "--name", "ana"]
    result = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command], cwd=ROOT, capture_output=True, timeout=SECONDS, check=False
    )
    assert (result.returncode, result.stderr) == (0, b"")


def test_nobody_there_is_one_clear_sentence(served: Served) -> None:
    served.stop()
    result = piped("oi\n", where(served.address), "--name", "ana")
    assert result.returncode == 1
    assert f"{where(served.address)}: cannot connect: nobody listens there" in result.stderr
    assert "python3 -m chatcore starts one" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_host_without_an_address_is_one_clear_sentence() -> None:
    result = piped("oi\n", "no..host", "--name", "ana")
    assert result.returncode == 1
    assert "no..host:14532: cannot connect: this is no name of a machine" in result.stderr
    with Terminal([*CHATCORE, "connect", "no..host", "--name", "ana"]) as ana:  # whose input has no end
        assert ana.wait_for_end() == 1


def test_what_a_hostile_server_sends_is_harmless() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = subprocess.Popen(
            [*CHATCORE, "connect", where(listener.getsockname()), "--name", "ana"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b'{"type":"error","code":"\x5cu001b[2J","text":"\x5cu001b[2Jgone"}\nno json\n{"type":"new"}\n')
            peer.sendall(b'{"type":"bye","reason":"kicked"}\n')
            assert client.stdout is not None  # read first: the end of its input would end it too
            out = client.stdout.read()
            _, err = client.communicate(timeout=SECONDS)
    assert "\x1b" not in out + err
    assert "[2Jgone" in out
    assert out.count("the server sent something that is no event") == 2


# ---------------------------------------------------------------- on Windows


def test_on_windows_a_pipe(served: Served) -> None:
    result = subprocess.run(
        [sys.executable, "-c", WINDOWS, "connect", where(served.address), "--name", "ana"],
        cwd=ROOT, input="oi\ntudo bem?\n", capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    first, *said, last = result.stdout.splitlines()
    assert (first, [line[6:] for line in said], last) == ("* in lobby: ana", ["ana: oi", "ana: tudo bem?"], "* bye")


def test_on_windows_a_terminal_without_prompt_toolkit(served: Served) -> None:
    """Whole lines, read by a thread; Ctrl-C is found while the thread waits for a line."""
    with Terminal([sys.executable, "-c", WINDOWS, "connect", where(served.address), "--name", "ana"]) as ana:
        ana.wait_for("* in lobby: ana")
        assert "* pip install prompt_toolkit gives you a line editor" in ana.lines()
        ana.type("olá\r")
        ana.wait_for("ana: olá")
        assert ana.echoes()
        assert b"\x1b" not in ana.raw
        ana.type("\x03")
        assert ana.wait_for_end() == 0
        assert "* bye" in ana.picture()
