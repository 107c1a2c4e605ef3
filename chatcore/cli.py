"""arguments -> serve, connect or demo. Exit status 0: fine, 1: could not start, 2: wrong usage."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence

from chatcore.limits import Limits, describe
from chatcore.sockets import DEFAULT_PORT, parse_address

DESCRIPTION = "A chat server on one thread and one event loop. Without a command it serves with the defaults."

HELP = {
    "serve": "serve a chat",
    "connect": "chat, in this terminal",
    "demo": "watch a short conversation, and what the loop does",
}
ADDRESS = f"where the server is (default: this machine, port {DEFAULT_PORT})"


def main(arguments: Sequence[str]) -> int:
    """Run one command line and return the exit status."""
    _keep_output_harmless()
    parser, commands = _parser()
    asks_for_serve = not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help"))
    options = parser.parse_args(["serve", *arguments] if asks_for_serve else arguments)
    try:
        status = commands[options.command](options)
        sys.stdout.flush()  # here, where we can still say how it ended
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `… | head`: nobody reads our output any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it ends
        return 1


def _keep_output_harmless() -> None:
    """No character that the encoding lacks (a pipe on Windows), and no closed descriptor, may end the program."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before we began: `>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (as long as the program)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> tuple[argparse.ArgumentParser, dict[str, Callable[[argparse.Namespace], int]]]:
    parser = argparse.ArgumentParser(prog="python3 -m chatcore", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    raw = argparse.RawDescriptionHelpFormatter
    parsers = {
        name: commands.add_parser(name, help=text, description=f"{text.capitalize()}.", formatter_class=raw)
        for name, text in HELP.items()
    }
    parsers["serve"].epilog = _limits_help()
    _add_serve(parsers["serve"])
    _add_connect(parsers["connect"])
    return parser, {"serve": _serve, "connect": _connect, "demo": _demo}


def _limits_help() -> str:
    rows = [f"  {name:<21}{default:>9} {unit:<12} {meaning}" for name, default, unit, meaning in describe()]
    return "\n".join(["limits, with their defaults (--limit NAME=VALUE):", *rows])


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", type=_host, default="127.0.0.1", help="address to listen on; 0.0.0.0: all (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port to listen on; 0: any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--history",
        default="chat.db",
        metavar="FILE|none",
        help="where messages are kept; none: in memory, until the server stops (default: %(default)s)",
    )
    parser.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="set a limit, see below")
    parser.add_argument("--trace", action="store_true", help="print what the loop does, turn by turn")
    parser.set_defaults(error=parser.error)


def _add_connect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", nargs="?", default="127.0.0.1", type=_address, metavar="HOST[:PORT]", help=ADDRESS)
    parser.add_argument("--name", help="who you are; without it you are asked")
    parser.add_argument("--room", default="lobby", help="where you go first (default: %(default)s)")
    parser.add_argument("--plain", action="store_true", help="plain lines, no line editor and no colours")


def _host(text: str) -> str:
    host = text.removeprefix("[").removesuffix("]")  # `[::1]`, as it is written before a port
    if not host:  # the system would take it for every address: not what an unset variable should mean
        raise argparse.ArgumentTypeError("there is no address")
    return host


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _serve(options: argparse.Namespace) -> int:
    from chatcore.serve import serve

    try:
        options.limits = Limits().with_settings(options.limit)
    except ValueError as error:
        options.error(f"--limit: {error}")
    return serve(options)


def _connect(options: argparse.Namespace) -> int:
    from chatcore.client.run import connect

    return connect(options)


def _demo(options: argparse.Namespace) -> int:
    from chatcore.demo import demo

    return demo()
