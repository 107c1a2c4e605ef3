"""addresses -> sockets, with the options set that this program relies on. The operating system's corner.

Nothing here reads or writes: the server is the only file that calls accept, recv and send.
"""

import contextlib
import errno
import os
import socket
import sys
from typing import Protocol

Address = tuple[str, int]
DEFAULT_PORT = 14532
PYTHON = "py" if sys.platform == "win32" else "python3"  # what people type there


class Socket(Protocol):
    """The handful of socket methods that the server and the client use; a simulator implements them."""

    def fileno(self) -> int:
        """The descriptor that `select` is asked about."""

    def accept(self) -> tuple["Socket", tuple[object, ...]]:
        """The next caller and its address."""

    def recv(self, bufsize: int, /) -> bytes:
        """What has come, b"" at the end."""

    def send(self, data: bytes, /) -> int:
        """How many bytes the kernel took."""

    def shutdown(self, how: int, /) -> None:
        """Say that no more comes."""

    def close(self) -> None:
        """Let go."""

    def setblocking(self, flag: bool, /) -> None:
        """Whether calls may wait."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        """Set an option."""

    def getsockopt(self, level: int, name: int, /) -> int:
        """Ask for an option."""


KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # 30 s, then 3 × 10 s
USER_TIMEOUT_MS = 60_000
RESERVED_FILES = 64  # descriptors that are not connections: the log, the selector, the refused
SELECT_HOLDS = 500  # sockets in one select() on Windows
LARGEST_BUFFER = (1 << 31) - 1  # setsockopt takes 32 bits; the kernel has a much lower ceiling of its own
NO_NAME = "this is no name of a machine"


def listen(host: str, port: int, backlog: int = 1024) -> socket.socket:
    """A non-blocking listener. OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let another program take the port over.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Otherwise a restart waits a minute for old connections in TIME_WAIT.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
        listener.setblocking(False)
    except (UnicodeError, TypeError):  # a part of more than 63 characters: not a name that could be looked up
        listener.close()
        raise OSError(errno.EINVAL, NO_NAME) from None
    except BaseException:
        listener.close()
        raise
    return listener


def start_connecting(address: Address) -> socket.socket:
    """A non-blocking socket that is on its way to `address`: it becomes writable when it arrived or failed.

    OSError when the name cannot be resolved, or when it is known at once that there is no way. Of several
    addresses an IPv4 one is taken: `localhost` is often `::1` first, and `serve` listens at 127.0.0.1.
    """
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    except UnicodeError:  # `a..b`: not a name that could be looked up
        raise OSError(errno.EINVAL, NO_NAME) from None
    family, kind, protocol, _, resolved = min(found, key=lambda each: each[0] != socket.AF_INET)
    sock = socket.socket(family, kind, protocol)
    sock.setblocking(False)
    error = sock.connect_ex(resolved)
    if error not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):  # asked later, SO_ERROR would not know of it
        sock.close()
        raise OSError(error, os.strerror(error))
    return sock


def tune(sock: Socket, send_buffer: int = 0) -> None:
    """Set what every connection here needs; `send_buffer` bytes for SO_SNDBUF, 0 leaves it alone."""
    sock.setblocking(False)
    # We coalesce ourselves, once per turn; Nagle's algorithm would only add a delay.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if send_buffer:
        # Without it loopback hides 4.2 MiB for each stalled client in the kernel.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, min(send_buffer, LARGEST_BUFFER))
    # A person may be silent for hours: only the kernel can find out that the machine is gone.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Keep-alive does not run while sent bytes are unacknowledged; this does.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)


def most_connections() -> int:
    """How many connections this process may hold, after raising its soft limit to the hard one."""
    if sys.platform == "win32":
        return SELECT_HOLDS
    import resource  # does not exist on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 1 << 16)
    with contextlib.suppress(ValueError, OSError):  # macOS refuses more than its own maximum
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - RESERVED_FILES)


def address_in_network() -> str | None:
    """This machine's address as others see it, or None. No packet is sent: connect() on UDP only picks a route."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
    except OSError:
        return None
    return None if address.startswith("127.") else address


def show_address(host: str, port: int) -> str:
    """HOST:PORT, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_address(text: str) -> Address:
    """HOST, HOST:PORT, [IPV6] or [IPV6]:PORT; ValueError with a sentence for anything else."""
    if text.count(":") > 1 and not text.startswith("["):
        return text, DEFAULT_PORT  # an IPv6 address without brackets
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = host or port, str(DEFAULT_PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{text!r} is not HOST or HOST:PORT")
    return host, int(port)
