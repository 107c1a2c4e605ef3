"""a real socket -> somebody who reads all the time. The callers of `lessons.loopback`."""

import select
import socket
import struct
import threading
import time

STEP = 0.002  # seconds between two looks


class Caller:
    """Reads in the background until told not to."""

    def __init__(self, name: str, address: tuple[str, int]) -> None:
        self.name = name
        self.received = bytearray()
        self.ended = False
        self.was_reset = False
        self._sock = socket.create_connection(address)
        self._sock.setblocking(False)
        self._lock = threading.Lock()
        self._reads = threading.Event()
        self._reads.set()
        self._closed = False
        self._thread = threading.Thread(target=self._read_on, daemon=True)
        self._thread.start()

    def send(self, data: bytes, seconds: float = 1.0) -> int:
        """Send; give up when nothing moves for `seconds`. The bytes that the kernel took."""
        done = 0
        try:
            while done < len(data) and select.select([], [self._sock], [], seconds)[1]:
                done += self._sock.send(data[done : done + 65536])
        except OSError:
            pass  # it has been closed, and the script sees it in `ended`
        return done

    def say(self, text: str) -> None:
        """A line."""
        self.send(text.encode() + b"\n")

    def read(self, expected: bytes | None, seconds: float = 1.0) -> bytes:
        """What came, up to and with `expected`; None: all until the end. All that came, when time is up."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.ended:
            if expected is not None and expected in self.received:
                break
            threading.Event().wait(STEP)
        end = len(self.received)
        if expected is not None and expected in self.received:
            end = self.received.index(expected) + len(expected)
        with self._lock:
            data = bytes(self.received[:end])
            del self.received[:end]
        return data

    def stop_reading(self) -> None:
        """Read nothing from now on."""
        with self._lock:
            self._reads.clear()

    def resume_reading(self) -> None:
        """Read again."""
        self._reads.set()

    def half_close(self) -> None:
        """Send no more."""
        self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close."""
        with self._lock:
            self._closed = True
            self._reads.set()
            self._sock.close()

    def reset(self) -> None:
        """End with an RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def _read_on(self) -> None:
        while not self.ended:
            self._reads.wait()
            with self._lock:
                if self._closed:
                    return
                if self._reads.is_set() and select.select([self._sock], [], [], STEP)[0]:
                    self._read_some()
            threading.Event().wait(0)

    def _read_some(self) -> None:
        try:
            data = self._sock.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data, self.was_reset = b"", True
        self.received += data
        self.ended = not data
