"""keys -> lines, by prompt_toolkit: history, search, every key that a shell knows.

It runs on asyncio, which is a guest in our loop (see `guest`): no thread, no second wait. Two of its
conveniences are not used. `patch_stdout` starts a thread. `run_in_terminal` gives the terminal its
echo back while it prints, and keys typed in that moment appear in the middle of the screen; so
`show` erases the typed line, prints, and has it drawn again.
"""

import contextlib
import functools
import signal
from collections.abc import Callable
from typing import TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, FormattedTextControl, HSplit, Layout, VSplit, Window
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.widgets import SearchToolbar

from chatcore.loop import Loop
from chatcore.screen.guest import host
from chatcore.screen.keys import pasted
from chatcore.screen.line import LONGEST
from chatcore.screen.output import Output

PROMPT = "> "


class PromptScreen:
    """Typed line at the bottom, everything else above it, on any terminal that prompt_toolkit knows."""

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._output = Output(stdout)
        self._buffer = Buffer(multiline=False, accept_handler=self._accept)
        search = SearchToolbar()  # Ctrl-R: a second row, while it is wanted
        control = BufferControl(self._buffer, search_buffer_control=search.control, preview_search=True)
        # A scroll that starts from 0 each time: else a window that became wide again would show no more.
        line = Window(control, height=1, get_horizontal_scroll=lambda window: 0)
        prompt = Window(FormattedTextControl(PROMPT), height=1, width=len(PROMPT))
        self._app: Application[None] = Application(
            Layout(HSplit([VSplit([prompt, line]), search]), focused_element=line),
            key_bindings=self._bindings(),
            include_default_pygments_style=False,
            erase_when_done=True,
            input=create_input(stdin),
            output=_terminal(stdout),
        )

    def _bindings(self) -> KeyBindings:
        """The keys that mean something else here than in a shell."""
        keys = KeyBindings()
        empty = Condition(lambda: not self._buffer.text)
        keys.add("c-c")(lambda event: signal.raise_signal(signal.SIGINT))  # what it is on other screens
        keys.add("c-d", filter=empty)(lambda event: self._end())
        keys.add("c-z")(lambda event: self._app.suspend_to_background())
        keys.add(Keys.BracketedPaste)(self._paste)
        return keys

    def start(self, loop: Loop, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        """Remember whom to call. The terminal is taken over by `run()`."""
        self._loop = loop
        self._on_line = on_line
        self._end = functools.cache(lambda: loop.call_later(0, on_end))  # at most once
        self._output.on_broken = self._end

    def run(self, loop: Loop) -> None:
        """Turn until the loop is stopped; asyncio and prompt_toolkit run between the turns."""
        try:
            host(loop, self._edit())
        finally:
            if self._buffer.text:  # typed and not sent: it stays readable
                self.show(PROMPT + self._buffer.text)

    async def _edit(self) -> None:
        """Let prompt_toolkit edit one line after another. It ends by itself when the terminal is gone."""
        try:
            with contextlib.suppress(EOFError, OSError):
                await self._app.run_async(handle_sigint=False, set_exception_handler=False)
        finally:
            self._end()

    def _paste(self, event: KeyPressEvent) -> None:
        self._buffer.insert_text(pasted(event.data[:LONGEST]))

    def _accept(self, buffer: Buffer) -> bool:
        """Deliver the line as a timer: asyncio runs between our turns, and what it causes belongs in one.

        Ctrl-Q can put a control character into a line; it is no good in a chat. False: erase the line.
        """
        self._loop.call_later(0, functools.partial(self._on_line, pasted(buffer.text)))
        return False

    def show(self, text: str) -> None:
        """Print one line above the typed one."""
        if self._app.is_running:
            self._app.renderer.erase()
            self._app.invalidate()
        self._output.write(text + "\n")

    def close(self) -> None:
        """Nothing is left to do: `run()` gave the terminal back."""


def _terminal(stdout: TextIO) -> Terminal:
    """Return an output that does not ask the terminal where its cursor is (CPR).

    One line needs no answer, and an answer that comes late would be typed into the shell.
    """
    terminal = create_output(stdout)
    if isinstance(terminal, Vt100_Output):
        terminal.enable_cpr = False
    return terminal
