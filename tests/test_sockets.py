"""Addresses, and the options of a socket: what the operating system is asked for."""

import errno
import socket

import pytest

from chatcore.sockets import (
    DEFAULT_PORT,
    KEEPALIVE,
    LARGEST_BUFFER,
    USER_TIMEOUT_MS,
    Address,
    address_in_network,
    listen,
    parse_address,
    show_address,
    start_connecting,
    tune,
)


@pytest.mark.parametrize("host", ["é" * 64, "é." * 200, "x" * 300])
def test_what_is_no_name_of_a_machine_is_an_os_error(host: str) -> None:
    """Never a TypeError or a UnicodeError: those who call show one line for an OSError."""
    with pytest.raises(OSError, match=r"."):
        listen(host, 0)


def test_a_listener_does_not_block_and_its_port_can_be_had_again_at_once() -> None:
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with pytest.raises(BlockingIOError):
            listener.accept()
        with socket.create_connection(address):
            listener.accept()[0].close()  # the side that closes first stays in TIME_WAIT
    listen(*address).close()


def test_an_address_in_use_is_refused() -> None:
    with listen("127.0.0.1", 0) as listener, pytest.raises(OSError, match=r".") as refused:
        listen(*listener.getsockname())
    assert refused.value.errno == errno.EADDRINUSE


def test_what_is_known_at_once_to_lead_nowhere_is_an_error() -> None:
    """The broadcast address is refused before anything is sent; SO_ERROR would say that all is well."""
    with pytest.raises(OSError, match=r"."):
        start_connecting(("255.255.255.255", 9))


def test_of_several_addresses_the_one_where_serve_listens_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    four, six = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        found = [(family, socket.SOCK_STREAM, 0, "", (host, port)) for family, host in (six, four)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with start_connecting(("localhost", port)) as sock:
            assert sock.family is socket.AF_INET


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", ("127.0.0.1", DEFAULT_PORT)),
        ("chat.example:80", ("chat.example", 80)),
        ("::1", ("::1", DEFAULT_PORT)),
        ("[::1]", ("::1", DEFAULT_PORT)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_address_is_read_and_shown(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(show_address(*address)) == address


@pytest.mark.parametrize("text", ["", ":", ":80", "host:", "host:0", "host:65536", "host:port", "host:²", "[]:80"])
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not HOST or HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("send_buffer", [1, 1 << 16, LARGEST_BUFFER, LARGEST_BUFFER + 1, 10**30])
def test_any_size_of_the_send_buffer_can_be_set(send_buffer: int) -> None:
    """The kernel makes of it what it can; a number of more than 32 bits would be a TypeError."""
    with socket.socket() as sock:
        tune(sock, send_buffer)
        assert sock.gettimeout() == 0.0
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        for name, value in {**KEEPALIVE, "TCP_USER_TIMEOUT": USER_TIMEOUT_MS}.items():
            if hasattr(socket, name):  # not everywhere
                assert sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value


def test_the_send_buffer_is_made_smaller_and_is_left_alone_without_a_wish() -> None:
    with socket.socket() as sock, socket.socket() as other:
        usual = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        tune(sock, 0)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == usual
        tune(other, 4096)
        assert 4096 <= other.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < usual  # Linux doubles it


@pytest.mark.parametrize("call", ["socket", "connect"])
def test_without_a_network_there_is_no_address_in_it(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    class Unplugged(socket.socket):
        def __init__(self, *arguments: int) -> None:
            if call == "socket":
                raise OSError(errno.EMFILE, "Too many open files")
            super().__init__(*arguments)

        def connect(self, address: object) -> None:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket, "socket", Unplugged)
    assert address_in_network() is None
