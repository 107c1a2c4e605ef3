"""what the loop does -> one readable line each. Off by default; a hook that is off costs one `is None`.

A tracer is any callable `trace(hook, **facts)`. There are twelve hooks, listed in HOOKS. The
facts are numbers and short strings, never the text of a secret.
"""

from typing import Protocol, TextIO

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
    "error": "something went wrong",
}


class Trace(Protocol):
    """What the loop, the chat and the server call. `facts` hold numbers and short strings."""

    def __call__(self, hook: str, /, **facts: object) -> None:
        """Something happened."""


class PrintedTrace:
    """Prints one line per hook, grouped by turn; a turn in which nothing happened prints nothing."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._heading: str | None = None

    def __call__(self, hook: str, /, **facts: object) -> None:
        """Print one line, behind the heading of its turn."""
        if hook == "turn":
            self._heading = f"turn {facts['number']}  select returned {facts['ready']}"
            return
        if self._heading is not None:
            print(self._heading, file=self._out)
            self._heading = None
        shown = "  ".join(f"{name}={value}" for name, value in facts.items())
        print(f"    {hook:<9}{shown}", file=self._out, flush=True)
