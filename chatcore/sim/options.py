"""setsockopt -> how the kernel behaves. The socket options that mean something here; others are remembered.

Sizes are taken as they are given; Linux doubles them and has a minimum, which would make small
buffers impossible to test.
"""

import socket
import struct
from typing import Self

BUFFER = 64 * 1024
RETRY_SECONDS = 924.6  # Linux, tcp_retries2 = 15: how long unacknowledged data are sent again

SEND_SIZE = (socket.SOL_SOCKET, socket.SO_SNDBUF)
RECV_SIZE = (socket.SOL_SOCKET, socket.SO_RCVBUF)
LINGER = (socket.SOL_SOCKET, socket.SO_LINGER)
KEEPALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE)
# Not every system has these names; the numbers are those of Linux.
KEEPALIVE_IDLE = (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", 4))
KEEPALIVE_INTERVAL = (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPINTVL", 5))
KEEPALIVE_COUNT = (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPCNT", 6))
USER_TIMEOUT = (socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 18))

DEFAULTS = {SEND_SIZE: BUFFER, RECV_SIZE: BUFFER, KEEPALIVE_IDLE: 7200, KEEPALIVE_INTERVAL: 75, KEEPALIVE_COUNT: 9}


class Options:
    """Of one socket. An accepted socket starts with a copy of its listener's."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int], int] = {}
        self.hard_close = False

    def copy(self) -> Self:
        """The same values, independent from now on."""
        other = type(self)()
        other._values.update(self._values)
        other.hard_close = self.hard_close
        return other

    def set(self, level: int, name: int, value: int | bytes) -> None:
        """As setsockopt. SO_LINGER (bytes) with a time of 0 makes close() a reset."""
        if isinstance(value, int):
            self._values[level, name] = value
        elif (level, name) == LINGER:
            enabled, seconds = struct.unpack("ii", value)
            self.hard_close = bool(enabled) and not seconds

    def get(self, level: int, name: int) -> int:
        """As getsockopt: what was set, or the default, or 0."""
        return self._values.get((level, name), DEFAULTS.get((level, name), 0))

    @property
    def retry_seconds(self) -> float:
        """How long data may stay unacknowledged."""
        return self.get(*USER_TIMEOUT) / 1000 or RETRY_SECONDS

    @property
    def keepalive_seconds(self) -> float | None:
        """How long a peer may be silent when nothing is under way; None for ever."""
        if not self.get(*KEEPALIVE):
            return None
        return self.get(*KEEPALIVE_IDLE) + self.get(*KEEPALIVE_INTERVAL) * float(self.get(*KEEPALIVE_COUNT))
