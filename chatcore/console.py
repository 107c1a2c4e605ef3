"""what the operator types at the server -> said in every room, or a command."""

import signal
from collections.abc import Callable
from typing import TextIO

from chatcore.errors import CommandError
from chatcore.screen.plain import PlainScreen
from chatcore.server import Server

HELP = (
    "what you type is said as `server` in every room where somebody is; commands:",
    "  /who          who is here, and in which rooms",
    "  /kick NAME    end somebody's connection",
    "  /mute NAME    somebody may listen and not speak, until /unmute NAME or a restart",
    "  /stop, sair   say bye to everybody and stop",
)
PAUSE = 0.5  # seconds until we look again at a keyboard that gave an end or an error


class Console:
    """The keyboard of the terminal in which the server runs, also when it runs in the background there (`… &`).

    Then the terminal is not ours: to read would stop the process, and with it the chat, unless SIGTTIN is ignored.
    So it is an error instead, and we look again later.
    """

    def __init__(self, server: Server, stdin: TextIO, stdout: TextIO) -> None:
        self._server = server
        self._stdin = stdin
        self._screen = PlainScreen(stdin, stdout)
        if hasattr(signal, "SIGTTIN"):
            signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        self._commands: dict[str, Callable[[str], str]] = {
            "/who": self._who,
            "/kick": self._kick,
            "/mute": self._mute,
            "/unmute": self._unmute,
            "/help": lambda _: "\n".join(HELP),
            "/stop": self._stop,
        }
        server.chat.delivery.tell_operator = lambda text: self._screen.show(f"! {text}")
        self._start()

    def _start(self) -> None:
        self._screen.start(self._server.loop, self._on_line, self._on_end)

    def _on_end(self) -> None:
        """Ctrl-D, or the terminal is not ours now: no reason to stop, nor to be deaf for ever."""
        self._screen.close()
        self._server.loop.call_later(PAUSE, self._listen_again)

    def _listen_again(self) -> None:
        if self._stdin.isatty():  # it was closed otherwise
            self._start()

    def close(self) -> None:
        """Give the terminal back."""
        self._screen.close()

    def _on_line(self, line: str) -> None:
        """One typed line. Nothing that is typed here may stop the server by accident."""
        text = line.strip()
        word, _, rest = text.partition(" ")
        try:
            if text == "sair":
                answer = self._stop("")
            elif not text.startswith("/"):
                answer = self._say(text)
            elif word in self._commands:
                answer = self._commands[word](rest.strip())
            else:
                answer = "! there is no such command (/help lists them)"
        except CommandError as error:
            answer = f"! {error.text}"
        for row in answer.split("\n") if answer else ():
            self._screen.show(row)

    def _say(self, text: str) -> str:
        if not text:
            return ""
        self._server.chat.commands.announce(text)
        return "" if self._server.chat.delivery.rooms else "! nobody is here to hear it"

    def _who(self, _: str) -> str:
        people = self._server.chat.commands.people
        rows = [
            f"{peer.name.shown}  {peer.address}  in {', '.join(sorted(peer.rooms)) or 'no room'}"
            for _, peer in sorted(people.items())
            if peer.name is not None
        ]
        return "\n".join([f"{len(rows)} here", *rows])

    def _kick(self, name: str) -> str:
        self._server.chat.close(self._server.chat.commands.find(name), "kicked")
        return f"{name} was removed"

    def _mute(self, name: str) -> str:
        self._server.chat.commands.mute(name)
        return f"{name} may not speak until /unmute {name}"

    def _unmute(self, name: str) -> str:
        self._server.chat.commands.unmute(name)
        return f"{name} may speak"

    def _stop(self, _: str) -> str:
        self._server.stop()
        return "stopping"
