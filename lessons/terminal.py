"""keys -> a program on a pty -> every byte that reaches the screen. Unix only."""

import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """What is started here does not ignore SIGINT. A shell's background jobs do, and hand that down."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not ignored or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class Terminal:
    """A program with a terminal of its own. Its user types; `seen` is what the screen was sent."""

    def __init__(self, argv: list[str]) -> None:
        self.seen = bytearray()
        self._fd, inner = pty.openpty()
        with heeding_ctrl_c():
            self._process = subprocess.Popen(argv, stdin=inner, stdout=inner, stderr=inner, start_new_session=True)
        os.close(inner)

    def type(self, keys: str | bytes) -> None:
        """Press these keys."""
        with suppress(OSError):  # Linux says so when the program has ended
            os.write(self._fd, keys.encode() if isinstance(keys, str) else keys)

    def wait_for(self, text: str, seconds: float = 2.0) -> bool:
        """Watch the screen until `text` stands in it; False when time is up."""
        until = time.monotonic() + seconds
        while text.encode() not in self.seen and time.monotonic() < until:
            if select.select([self._fd], [], [], 0.02)[0] and not self.look():
                break
        return text.encode() in self.seen

    def look(self) -> bytes:
        """What reached the screen since the last look, b"" if nothing will any more. Waits for something."""
        try:
            data = os.read(self._fd, 4096)
        except OSError:
            data = b""  # Linux says so when the program has ended
        self.seen += data
        return data

    def fileno(self) -> int:
        """Readable when there is something to look at."""
        return self._fd

    def signal(self, number: int) -> None:
        """Send the program a signal, as Ctrl-C does."""
        self._process.send_signal(number)

    def exit_status(self) -> int | None:
        """None while the program runs."""
        return self._process.poll()

    def is_as_it_was(self) -> bool:
        """True when the terminal waits for Enter and shows what is typed, as a shell expects it."""
        modes = termios.tcgetattr(self._fd)[3]
        return bool(modes & termios.ECHO and modes & termios.ICANON)

    def close(self) -> None:
        """End the program."""
        self._process.kill()
        self._process.wait()
        os.close(self._fd)
