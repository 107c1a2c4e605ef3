"""`python3 -m chatcore serve`: put the parts together, say how to connect, run until somebody stops it."""

import argparse
import logging
import secrets
import selectors
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from chatcore.commands import Outside
from chatcore.console import Console
from chatcore.errors import LogError
from chatcore.limits import Limits
from chatcore.log import Log, MemoryLog
from chatcore.loop import Wakeup
from chatcore.screen.output import Output
from chatcore.server import Server
from chatcore.sockets import DEFAULT_PORT, PYTHON, address_in_network, listen, most_connections, show_address
from chatcore.sqlite_log import SqliteLog
from chatcore.trace import PrintedTrace

EVERYWHERE = ("0.0.0.0", "::")  # to listen on: every address of this machine


class OneLine(logging.Formatter):
    """A record is one line, whatever peers send: line ends and control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with everything unprintable escaped."""
        text = super().format(record)
        return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped. Returns the exit status; a reason not to start is one line on standard error."""
    _log_to_stderr()
    limits: Limits = options.limits
    most = most_connections()
    limits = replace(limits, connections=min(limits.connections or most, most))
    outside = Outside(utc=time.time, new_id=lambda: secrets.token_hex(16), report=_report)
    trace = PrintedTrace(Output(sys.stderr).write) if options.trace else None
    try:
        log = _open_log(options.history)
        listener = listen(options.host, options.port)
        server = Server(listener, selectors.DefaultSelector(), time.monotonic, limits, log, outside, trace)
        wakeup = Wakeup(server.loop, (signal.SIGINT, signal.SIGTERM), lambda number: server.stop())
    except LogError as error:
        return _cannot_start(str(error))
    except OSError as error:
        return _cannot_start(f"cannot listen on {show_address(options.host, options.port)}: {error.strerror or error}")
    out = Output(sys.stdout)  # whoever reads it may go away, and the chat goes on
    out.write(how_to_connect(options.host, listener.getsockname()[1], options.history))
    console = Console(server, sys.stdin, sys.stdout) if _has_operator() else None
    try:
        server.loop.run()
    finally:
        if console is not None:
            console.close()
        wakeup.close()
        server.close()
    out.write("stopped\n")
    return 1 if server.failure else 0


def _has_operator() -> bool:
    """True when somebody can type here; without a terminal, standard input is left alone."""
    return sys.stdin is not None and sys.stdin.isatty()


def _open_log(history: str) -> Log:
    if history == "none":
        return MemoryLog(secrets.token_hex(16))
    return SqliteLog(Path(history))


def _cannot_start(why: str) -> int:
    print(f"chatcore: {why}", file=sys.stderr)
    return 1


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    records = logging.getLogger("chatcore")
    records.addHandler(handler)
    records.setLevel(logging.INFO)


def _report(where: str, error: Exception) -> None:
    logging.getLogger("chatcore").error("a mistake of ours in %s", where, exc_info=error)


def how_to_connect(host: str, port: int, history: str) -> str:
    """The first line is for programs that started us and wait; the others are for people."""
    is_loopback = host in ("localhost", "::1") or host.startswith("127.")
    outside = address_in_network()
    reach = outside if outside and host in EVERYWHERE else host
    is_default = (reach, port) in (("127.0.0.1", DEFAULT_PORT), ("localhost", DEFAULT_PORT))
    lines = [
        f"listening on {show_address(host, port)}",
        f"  chat:     {PYTHON} -m chatcore connect" + ("" if is_default else f" {show_address(reach, port)}"),
        f"  or:       nc {reach} {port}    and type a name",
    ]
    if is_loopback:
        same_port = "" if port == DEFAULT_PORT else f" --port {port}"
        lines += [
            "  only this machine can connect; for everybody in your network:",
            f"            {PYTHON} -m chatcore serve --host 0.0.0.0{same_port}",
        ]
        if outside:
            lines.append(f"            then they use {PYTHON} -m chatcore connect {show_address(outside, port)}")
    kept = "nowhere (it ends with the server)" if history == "none" else history
    stop = "Ctrl-C, or type sair" if _has_operator() else "Ctrl-C"
    return "\n".join([*lines, f"  history:  {kept}", f"  stop:     {stop}", ""])
