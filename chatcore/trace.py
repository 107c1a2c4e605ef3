"""what the loop does -> one readable line each. Off by default; a hook that is off costs one `is None`.

A tracer is any callable `trace(hook, **facts)`. There are twelve hooks, listed in HOOKS. The
facts are numbers and short strings, never the text of a secret.
"""

from collections.abc import Callable
from typing import Protocol

HOOKS = {
    "turn": "a turn of the loop begins",
    "accept": "a new connection",
    "recv": "bytes came from the kernel",
    "frame": "a whole frame was cut out of the bytes",
    "command": "a command goes to the chat",
    "commit": "the log made this turn's messages durable",
    "queue": "bytes wait to be sent",
    "send": "bytes went to the kernel",
    "interest": "what select is asked about changed",
    "timer": "a deadline was reached",
    "close": "a connection ends",
    "error": "the network took a connection away",
}


class Trace(Protocol):
    """What the loop, the chat and the server call. `facts` hold numbers and short strings."""

    def __call__(self, hook: str, /, **facts: object) -> None:
        """Something happened."""


class PrintedTrace:
    """Writes one line per hook, grouped by turn; a turn in which nothing happened writes nothing.

    `write(text)` must not raise: nobody may lose a connection because nobody reads the trace.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._heading = ""

    def __call__(self, hook: str, /, **facts: object) -> None:
        """Write one line, behind the heading of its turn."""
        if hook == "turn":
            self._heading = f"turn {facts['number']}  select returned {facts['ready']}\n"
            return
        shown = "  ".join(f"{name}={value}" for name, value in facts.items())
        self._write(f"{self._heading}    {hook:<9}{shown}\n")
        self._heading = ""
