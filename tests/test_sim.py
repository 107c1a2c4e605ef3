"""The simulator against a real kernel, against its own promises, and driving unmodified programs."""

import errno
import os
import random
import select
import selectors
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcore.loop import READ, WRITE, Loop
from chatcore.sim import Deadlock, Faults, Process, RawClient, SimClock, SimSelector, SimSocket, TooLong, World

BOTH = READ | WRITE
SERVER = ("10.0.0.1", 14532)
PATIENCE = 5  # seconds that a real kernel may take; it takes microseconds


def outcome(call: Callable[..., object], *args: object) -> object:
    """What a call returns, or the type and errno of what it raises."""
    try:
        return call(*args)
    except OSError as error:
        return type(error).__name__, errno.errorcode[error.errno or 0]
    except (KeyError, ValueError) as error:
        return type(error).__name__


# ---------------------------------------------------------------- conformance: one script, two kernels


class Kernel(Protocol):
    def socket(self) -> Any: ...
    def selector(self) -> selectors.BaseSelector: ...
    def wait(self, sock: Any, event: str) -> None:
        """Until `sock` can "read", has reached the "end" of the stream, or has "hup" (both ways are over)."""

    host: str


class RealKernel:
    host = "127.0.0.1"

    def __init__(self) -> None:
        self.opened: list[Any] = []

    def socket(self) -> Any:
        self.opened.append(socket.socket())
        return self.opened[-1]

    def selector(self) -> selectors.BaseSelector:
        self.opened.append(selectors.DefaultSelector())
        return self.opened[-1]  # type: ignore[no-any-return]

    def wait(self, sock: Any, event: str) -> None:
        poll = select.poll()
        poll.register(sock, {"read": select.POLLIN, "end": select.POLLRDHUP, "hup": 0}[event])
        assert poll.poll(PATIENCE * 1000), event

    def close(self) -> None:
        for thing in self.opened:
            thing.close()


class SimKernel:
    host = "10.0.0.1"

    def __init__(self, seed: int) -> None:
        self.world = World(seed)

    def socket(self) -> Any:
        return self.world.network.socket()

    def selector(self) -> selectors.BaseSelector:
        return self.world.selector()

    def wait(self, sock: Any, event: str) -> None:
        self.world.quiesce()


def listening(kernel: Kernel, backlog: int = 128) -> Any:
    listener = kernel.socket()
    listener.setblocking(False)
    listener.bind((kernel.host, 0))
    listener.listen(backlog)
    return listener


def calling(kernel: Kernel, address: Any) -> Any:
    caller = kernel.socket()
    assert caller.getblocking()
    caller.setblocking(False)
    assert not caller.getblocking()
    assert caller.connect_ex(address) == errno.EINPROGRESS
    return caller


def accepted(kernel: Kernel, listener: Any) -> Any:
    kernel.wait(listener, "read")
    sock, _ = listener.accept()
    sock.setblocking(False)
    if isinstance(kernel, RealKernel):
        kernel.opened.append(sock)
    return sock


def pair(kernel: Kernel) -> tuple[Any, Any]:
    listener = listening(kernel)
    caller = calling(kernel, listener.getsockname())
    callee = accepted(kernel, listener)
    listener.close()
    return caller, callee


def mask(kernel: Kernel, sock: Any) -> int:
    """What a selector says about `sock` at this moment."""
    with kernel.selector() as selector:
        selector.register(sock, BOTH)
        return sum(events for _, events in selector.select(0))


RESET_ON_CLOSE = struct.pack("ii", 1, 0)
Script = Callable[[Kernel], Iterator[object]]
SCRIPTS: list[Script] = []


def script(function: Script) -> Script:
    SCRIPTS.append(function)
    return function


@script
def nothing_there(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    yield mask(kernel, a), outcome(a.recv, 10), outcome(a.recv, 0), outcome(a.send, b"")
    yield (outcome(a.accept), outcome(a.connect_ex, (kernel.host, 1)), a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    yield a.getpeername() == b.getsockname(), b.getpeername() == a.getsockname()


@script
def pieces_then_the_end(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    yield b.send(b"hello "), b.send(b"world")
    b.close()
    kernel.wait(a, "end")
    yield mask(kernel, a), a.recv(4), a.recv(100), a.recv(100), a.recv(100), mask(kernel, a)


@script
def close_with_unread_data_is_a_reset(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    b.send(b"arrived before")
    a.send(b"never read")
    kernel.wait(b, "read")
    b.close()
    kernel.wait(a, "hup")
    yield mask(kernel, a), outcome(a.recv, 100), outcome(a.recv, 100), outcome(a.recv, 100)
    yield outcome(a.send, b"x"), outcome(a.shutdown, socket.SHUT_WR), outcome(a.getpeername), mask(kernel, a)


@script
def send_after_the_peer_reset(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    b.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    b.close()
    kernel.wait(a, "hup")
    yield mask(kernel, a), outcome(a.send, b"x"), outcome(a.send, b"x"), outcome(a.recv, 1)


@script
def data_for_a_closed_socket_provoke_a_reset(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    b.close()
    kernel.wait(a, "end")
    yield mask(kernel, a), outcome(a.send, b"x")
    kernel.wait(a, "hup")
    yield (mask(kernel, a), outcome(a.recv, 1), outcome(a.send, b"x"), outcome(a.send, b"x"), outcome(a.recv, 1))


@script
def so_error_reports_and_clears(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    b.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    b.close()
    kernel.wait(a, "hup")
    yield [a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in "12"]
    yield outcome(a.recv, 1), outcome(a.send, b"x")


@script
def half_close_leaves_the_other_direction_open(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    a.send(b"question")
    yield outcome(a.shutdown, socket.SHUT_WR), outcome(a.send, b"x"), outcome(a.shutdown, socket.SHUT_WR)
    yield mask(kernel, a)
    kernel.wait(b, "end")
    yield mask(kernel, b), b.recv(100), b.recv(100), b.send(b"answer")
    kernel.wait(a, "read")
    yield mask(kernel, a), a.recv(100), outcome(a.recv, 100)
    b.shutdown(socket.SHUT_WR)
    kernel.wait(a, "hup")
    yield (mask(kernel, a), mask(kernel, b), a.recv(100), outcome(a.shutdown, socket.SHUT_WR), outcome(a.getpeername))


@script
def reset_while_half_closed(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    a.shutdown(socket.SHUT_WR)
    kernel.wait(b, "end")
    b.send(b"data")
    kernel.wait(a, "read")
    b.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    b.close()
    kernel.wait(a, "hup")
    yield mask(kernel, a), outcome(a.recv, 9), outcome(a.recv, 9), outcome(a.recv, 9), outcome(a.send, b"x")


@script
def shut_for_reading(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    a.shutdown(socket.SHUT_RD)
    yield mask(kernel, a), outcome(a.recv, 9), b.send(b"late")
    kernel.wait(a, "read")
    yield outcome(b.send, b"later"), outcome(a.send, b"still")


@script
def shut_both_ways(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    a.shutdown(socket.SHUT_RDWR)
    kernel.wait(b, "end")
    yield mask(kernel, a), outcome(a.recv, 9), outcome(b.send, b"late")
    kernel.wait(b, "hup")
    yield outcome(a.recv, 9), outcome(a.recv, 9), outcome(b.recv, 9), outcome(b.send, b"x"), mask(kernel, b)


@script
def refused(kernel: Kernel) -> Iterator[object]:
    listener = listening(kernel)
    address = listener.getsockname()
    listener.close()
    a, b = calling(kernel, address), calling(kernel, address)
    for sock in (a, b):
        kernel.wait(sock, "hup")
        yield mask(kernel, sock)
    yield [a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) for _ in "12"]
    yield (outcome(a.recv, 1), outcome(a.send, b"x"), outcome(a.getpeername), a.connect_ex(address), mask(kernel, a))
    yield outcome(b.recv, 1), outcome(b.recv, 1), outcome(b.send, b"x"), outcome(b.shutdown, socket.SHUT_WR)


@script
def neither_bound_nor_connected(kernel: Kernel) -> Iterator[object]:
    a = kernel.socket()
    a.setblocking(False)
    yield mask(kernel, a), outcome(a.recv, 1), outcome(a.send, b"x"), outcome(a.shutdown, socket.SHUT_WR)
    yield outcome(a.accept), outcome(a.getpeername), a.getsockname()


@script
def a_listener_is_not_a_connection(kernel: Kernel) -> Iterator[object]:
    a = listening(kernel)
    yield (mask(kernel, a), outcome(a.accept), outcome(a.recv, 1), outcome(a.send, b"x"), outcome(a.getpeername))
    yield outcome(kernel.socket().bind, a.getsockname())


@script
def accepted_in_the_order_of_arrival(kernel: Kernel) -> Iterator[object]:
    listener = listening(kernel)
    callers = []
    for _ in range(4):
        callers.append(calling(kernel, listener.getsockname()))
        kernel.wait(listener, "read")
        with kernel.selector() as selector:
            selector.register(callers[-1], WRITE)
            assert selector.select(PATIENCE)
    yield [mask(kernel, caller) for caller in callers], mask(kernel, listener)
    expected = [caller.getsockname() for caller in callers]
    yield [accepted(kernel, listener).getpeername() for _ in callers] == expected
    yield outcome(listener.accept), mask(kernel, listener)


@script
def said_and_closed_before_the_accept(kernel: Kernel) -> Iterator[object]:
    listener = listening(kernel)
    a = calling(kernel, listener.getsockname())
    kernel.wait(listener, "read")
    a.send(b"hello")
    a.close()
    b = accepted(kernel, listener)
    kernel.wait(b, "end")
    yield b.recv(100), b.recv(100)


@script
def reset_before_the_accept(kernel: Kernel) -> Iterator[object]:
    listener = listening(kernel)
    a = calling(kernel, listener.getsockname())
    kernel.wait(listener, "read")
    a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    a.close()
    b = accepted(kernel, listener)
    kernel.wait(b, "hup")
    yield outcome(b.getpeername), outcome(b.recv, 1), outcome(b.recv, 1)


@script
def a_closed_listener_resets_its_queue(kernel: Kernel) -> Iterator[object]:
    listener = listening(kernel)
    a = calling(kernel, listener.getsockname())
    kernel.wait(listener, "read")
    listener.close()
    kernel.wait(a, "hup")
    yield mask(kernel, a), outcome(a.recv, 1)


@script
def a_full_backlog_keeps_callers_waiting(kernel: Kernel) -> Iterator[object]:
    listener = listening(kernel, backlog=0)
    a = calling(kernel, listener.getsockname())
    kernel.wait(listener, "read")
    b = calling(kernel, listener.getsockname())
    yield mask(kernel, a), mask(kernel, b), outcome(b.send, b"x"), outcome(b.recv, 1), outcome(b.getpeername)
    yield b.connect_ex(listener.getsockname()) == errno.EALREADY


@script
def a_full_buffer_blocks_until_it_is_read(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
    sent = 0
    while isinstance(taken := outcome(a.send, b"x" * 100_000), int):
        sent += taken
        kernel.wait(b, "read")
    yield taken, mask(kernel, a), outcome(a.send, b"x")
    got = 0
    while got < sent:
        kernel.wait(b, "read")
        got += len(b.recv(1 << 20))
    yield outcome(b.recv, 1)
    with kernel.selector() as selector:
        selector.register(a, BOTH)
        yield [events for _, events in selector.select(PATIENCE)]


@script
def a_closed_socket(kernel: Kernel) -> Iterator[object]:
    a, _ = pair(kernel)
    a.close()
    yield a.fileno(), outcome(a.recv, 1), outcome(a.send, b"x"), outcome(a.shutdown, 1), outcome(a.close)
    yield (outcome(a.getsockopt, socket.SOL_SOCKET, socket.SO_ERROR), outcome(a.accept), outcome(a.setblocking, False))
    yield outcome(a.setsockopt, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), outcome(a.getpeername)
    yield outcome(a.getsockname), outcome(a.listen, 1), outcome(a.bind, (kernel.host, 0))
    yield outcome(a.connect_ex, (kernel.host, 1))


@script
def the_lowest_free_descriptor_comes_back_at_once(kernel: Kernel) -> Iterator[object]:
    first, second = kernel.socket(), kernel.socket()
    lowest = first.fileno()
    first.close()
    again = kernel.socket()
    yield again.fileno() == lowest, second.fileno() > lowest


@script
def selector_errors(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    selector = kernel.selector()
    yield outcome(selector.unregister, a), outcome(selector.modify, a, READ), outcome(selector.get_key, a)
    yield (outcome(selector.register, a, 0), outcome(selector.register, a, 8), outcome(selector.register, "a", READ))
    yield outcome(selector.register, -1, READ), outcome(selector.register, 1_000_000, READ)
    key = selector.register(a, READ, "data")
    yield key.fileobj is a, key.fd == a.fileno(), key.events, key.data
    yield outcome(selector.register, a, READ), outcome(selector.register, a.fileno(), WRITE)
    yield selector.modify(a, BOTH, "new")[2:], selector.get_key(a)[2:], selector.get_key(a.fileno())[2:]
    yield (len(selector.get_map()), a.fileno() in selector.get_map(), a in selector.get_map(), b in selector.get_map())
    yield selector.unregister(a)[2:], outcome(selector.unregister, a), outcome(selector.unregister, "a")


@script
def a_selector_keeps_the_key_of_a_closed_socket(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    selector = kernel.selector()
    selector.register(a, READ, "old")
    b.send(b"x")
    kernel.wait(a, "read")
    a.close()
    yield selector.select(0), outcome(selector.register, a, READ), outcome(selector.get_key, a) is not None
    old = selector.get_key(a).fd
    heir = next(sock for sock in iter(kernel.socket, None) if sock.fileno() == old)
    yield selector.select(0), outcome(selector.register, heir, READ), selector.get_key(heir).data
    yield outcome(selector.modify, heir, WRITE), outcome(selector.unregister, heir)
    selector.register(heir, READ)
    heir.close()
    yield outcome(selector.modify, heir, WRITE), outcome(selector.unregister, heir)
    selector.register(b, READ)
    b.close()
    yield selector.unregister(b)[2:], outcome(selector.unregister, b)


@script
def readiness_is_level_triggered(kernel: Kernel) -> Iterator[object]:
    a, b = pair(kernel)
    selector = kernel.selector()
    selector.register(a, READ)
    yield selector.select(0)
    b.send(b"xy")
    kernel.wait(a, "read")
    yield ([len(selector.select(0)) for _ in "123"], a.recv(1), len(selector.select(0)), a.recv(1), selector.select(0))
    b.close()
    kernel.wait(a, "end")
    yield [len(selector.select(0)) for _ in "123"], a.recv(1), len(selector.select(0))
    selector.modify(a, WRITE)
    yield [events for _, events in selector.select(0)]


@pytest.mark.skipif(sys.platform != "linux", reason="the simulator imitates Linux")
@pytest.mark.parametrize("operations", SCRIPTS, ids=lambda function: function.__name__)
def test_a_real_kernel_and_the_simulated_one_agree(operations: Script) -> None:
    real = RealKernel()
    try:
        expected = list(operations(real))
    finally:
        real.close()
    for seed in range(5):
        assert list(operations(SimKernel(seed))) == expected, f"seed {seed}"


# ---------------------------------------------------------------- a service for the real Loop


class Echo:
    """A service of chatcore.loop that sends back what it gets."""

    def __init__(self, world: World, listener: SimSocket, process: Process | None = None) -> None:
        self.loop = Loop(world.selector(process), world.clock.time, self)
        self.listener = listener
        self.peers: list[EchoPeer] = []
        self.refused: list[str] = []
        self.loop.set_interest(listener, 0, READ, self)

    @property
    def busy(self) -> bool:
        return False

    def ready(self, events: int) -> None:
        try:
            sock, _ = self.listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            self.refused.append(errno.errorcode[error.errno or 0])
            self.loop.set_interest(self.listener, READ, 0, self)
            self.loop.call_later(0.1, lambda: self.loop.set_interest(self.listener, 0, READ, self))
            return
        sock.setblocking(False)
        self.peers.append(EchoPeer(self.loop, sock))

    def decode(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def flush(self) -> None:
        for peer in self.peers:
            peer.flush()
        self.peers = [peer for peer in self.peers if peer.sock.fileno() >= 0]


class EchoPeer:
    def __init__(self, loop: Loop, sock: SimSocket) -> None:
        self.loop = loop
        self.sock = sock
        self.pending = bytearray()
        self.ended = False
        self.interest = READ
        loop.set_interest(sock, 0, READ, self)

    def ready(self, events: int) -> None:
        if events & READ and not self.ended:
            try:
                data = self.sock.recv(4096)
            except BlockingIOError:
                return
            except OSError:
                data = b""
                self.pending.clear()
            self.pending += data
            self.ended = not data

    def flush(self) -> None:
        try:
            if self.pending:
                del self.pending[: self.sock.send(self.pending)]
        except BlockingIOError:
            pass
        except OSError:
            self.pending.clear()
            self.ended = True
        wanted = (0 if self.ended else READ) | (WRITE if self.pending else 0)
        if wanted != self.interest:
            self.loop.set_interest(self.sock, self.interest, wanted, self)
            self.interest = wanted
        if not wanted:
            self.sock.close()


def echo_world(seed: int, faults: Faults | None = None) -> tuple[World, Echo]:
    world = World(seed, faults)
    echo = Echo(world, world.network.listen(SERVER))
    world.add_loop("echo", echo.loop)
    return world, echo


# ---------------------------------------------------------------- bytes

LIVEABLE = st.builds(
    Faults,
    short_recv=st.sampled_from([0, 0.5, 1]),
    short_send=st.sampled_from([0, 0.5, 1]),
    spurious=st.sampled_from([0, 0.5]),
    tiny_buffers=st.sampled_from([0, 0.5, 1]),
    delay=st.sampled_from([0, 0.2, 30]),
    wall_jump=st.sampled_from([0, 0.1]),
    stall=st.sampled_from([0, 0.01]),
    accept_error=st.just(0.0),
)


@given(seed=st.integers(0, 2**32), faults=LIVEABLE, sizes=st.lists(st.integers(0, 1500), min_size=1, max_size=3))
def test_bytes_come_out_once_and_in_order(seed: int, faults: Faults, sizes: list[int]) -> None:
    world, echo = echo_world(seed, faults)
    clients = []
    for number, size in enumerate(sizes):
        client = world.client(f"c{number}", SERVER)
        clients.append((client, random.Random(seed + number).randbytes(size)))
        client.send(clients[-1][1])
        client.half_close()
    for _ in range(400):
        world.step()
        for client, data in clients:
            assert data.startswith(client.received)
    world.calm()
    world.run(until=lambda: all(client.eof for client, _ in clients))
    assert [bytes(client.received) for client, _ in clients] == [data for _, data in clients]
    assert [client.error for client, _ in clients] == [None] * len(clients)
    assert echo.loop.selector.longest_spin == 0  # type: ignore[attr-defined]
    assert world.network.wire.blocked == 0


@given(seed=st.integers(0, 2**32))
def test_whatever_strikes_the_service_ends_with_no_peers(seed: int) -> None:
    faults = Faults(0.3, 0.3, 0.2, accept_error=0.2, tiny_buffers=0.3, delay=0.5, reset=0.002, lost=0.001, stall=0.01)
    world, echo = echo_world(seed, faults)
    clients = [world.client(f"c{number}", SERVER) for number in range(4)]
    for client in clients:
        client.send(b"abc" * 100)
        client.close()
    world.run(max_time=10)
    world.calm()
    world.run(max_time=1000)
    lost = [peer for peer in echo.peers if peer.sock.link and peer.sock.link.lost]
    assert echo.peers == lost


def everything(seed: int) -> list[str]:
    faults = Faults(0.3, 0.3, 0.2, 0.1, 0.3, 0.5, 0.001, 0.001, 0.01, 0.01, 0.01)
    world, _ = echo_world(seed, faults)
    for number in range(3):
        client = world.client(f"c{number}", SERVER)
        client.send(b"x" * 2000)
        client.half_close()
    world.run(max_time=60)
    return world.trace


def test_the_same_seed_gives_the_same_trace() -> None:
    assert everything(1) == everything(1)
    assert len({"".join(everything(seed)) for seed in range(5)}) == 5


def test_the_trace_does_not_depend_on_the_order_of_sets() -> None:
    code = (
        "import importlib.util as u, sys; s = u.spec_from_file_location('t', sys.argv[1]);"
        "t = u.module_from_spec(s); sys.modules['t'] = t; s.loader.exec_module(t);"
        "print(*t.everything(7), sep=chr(10))"
    )
    root = Path(__file__).parent.parent
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, __file__],
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in (1, 2)
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 1000


def test_buffers_are_bounded() -> None:
    world = World(5)
    listener = world.network.listen(SERVER)
    client = world.client("c", SERVER)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 3000)
    client.stall()
    world.quiesce()
    sock, _ = listener.accept()
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1000)
    sent = 0
    for _ in range(1000):
        try:
            sent += sock.send(b"x" * 700)
        except BlockingIOError:
            world.quiesce()
    assert sent == 4000
    client.resume()
    world.quiesce()
    assert len(client.received) == 4000


def test_bytes_in_flight_still_fill_the_buffer_of_the_sender() -> None:
    world = World(5, Faults(delay=10))
    sender = world.network.connect(world.network.listen(SERVER).getsockname())
    world.run(max_time=10)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1000)
    assert sender.send(b"x" * 5000) == 1000
    world.quiesce()  # they all take off, and none has arrived
    with pytest.raises(BlockingIOError):
        sender.send(b"x")


def test_reads_and_writes_are_short_or_refused_at_the_given_rates() -> None:
    world = World(5)
    listener = world.network.listen(SERVER)
    a = world.network.connect(SERVER)
    world.quiesce()
    b, _ = listener.accept()
    b.setblocking(False)
    a.send(b"x" * 60_000)
    world.quiesce()
    world.faults = Faults(spurious=1)
    assert a.readiness() & b.readiness() & WRITE
    assert b.readiness() & READ
    with pytest.raises(BlockingIOError):
        b.recv(10)
    with pytest.raises(BlockingIOError):
        a.send(b"x")
    world.faults = Faults(short_recv=1)
    assert {len(b.recv(10)) for _ in range(200)} == set(range(1, 11))
    assert a.send(b"x" * 500) == 500
    world.faults = Faults(short_send=1)
    assert {a.send(b"x" * 10) for _ in range(200)} == set(range(1, 11))
    assert len(b.recv(500)) == 500


def test_an_accepted_socket_has_the_options_of_its_listener() -> None:
    world = World(5)
    listener = world.network.listen(SERVER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 500)
    world.client("c", SERVER)
    world.quiesce()
    sock, _ = listener.accept()
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 500
    assert sock.send(b"x" * 1000) == 500
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 600)
    assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 500


def test_tiny_buffers_stay_tiny() -> None:
    world = World(5, Faults(tiny_buffers=1))
    listener = world.network.listen(SERVER)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    world.client("c", SERVER)
    world.quiesce()
    sock, _ = listener.accept()
    sock.setblocking(False)
    assert 1 <= sock.send(b"x" * 1000) <= 64


# ---------------------------------------------------------------- time


class Alarm:
    """An actor that does nothing but go off."""

    def __init__(self, world: World, when: float, call: Callable[[], None] = lambda: None) -> None:
        self.world = world
        self.call = call
        self.when: float | None = when
        self.rang: list[float] = []

    def ready(self) -> bool:
        return self.when is not None and self.world.clock.time() >= self.when

    def step(self) -> None:
        self.rang.append(self.world.clock.time())
        self.when = None
        self.call()

    def deadline(self) -> float | None:
        return self.when


def test_time_passes_only_when_nobody_can_act() -> None:
    world, _ = echo_world(3)
    alarm = Alarm(world, 10)
    world.add_actor("alarm", alarm)
    client = world.client("c", SERVER)
    client.send(b"x" * 5000)
    client.half_close()
    while not client.eof:
        assert world.step()
        assert world.clock.time() == 0
    assert not alarm.rang
    world.run()
    assert alarm.rang == [10]


def test_it_advances_to_the_earliest_deadline_of_anybody() -> None:
    world, echo = echo_world(3)
    alarms = [Alarm(world, when) for when in (7, 3, 5)]
    for alarm in alarms:
        world.add_actor(f"alarm {alarm.when}", alarm)
    timers: list[float] = []
    echo.loop.call_later(4, lambda: timers.append(world.clock.time()))
    world.run(max_time=6)
    assert ([alarm.rang for alarm in alarms], timers) == ([[], [3], [5]], [4])
    assert world.clock.time() == 6


@given(seed=st.integers(0, 1000), delays=st.lists(st.floats(0, 1e6), max_size=5))
def test_a_timer_is_due_when_its_deadline_is_reached_whatever_the_rounding(seed: int, delays: list[float]) -> None:
    world, echo = echo_world(seed)
    fired: list[float] = []
    for delay in delays:
        echo.loop.call_later(delay, lambda: fired.append(world.clock.time()))
    world.run(max_steps=100, max_time=2e6)
    assert fired == pytest.approx(sorted(delays))


def test_an_actor_that_is_late_and_not_ready_does_not_hang_the_test() -> None:
    world = World(1)
    alarm = Alarm(world, 1)
    alarm.ready = lambda: False  # type: ignore[method-assign]
    world.add_actor("alarm", alarm)
    with pytest.raises(TooLong, match="50 steps"):
        world.run(max_steps=50)


def test_segments_travel_for_simulated_time() -> None:
    world, _ = echo_world(1, Faults(delay=10))
    client = world.client("c", SERVER)
    client.send(b"x")
    client.half_close()
    world.run(until=lambda: client.eof)
    assert 0 < world.clock.time() < 50
    assert client.received == b"x"


def test_the_wall_clock_jumps_and_the_monotonic_one_does_not() -> None:
    clock = SimClock()
    before = clock.utc()
    clock.advance_to(5)
    clock.jump_wall(-3600)
    assert (clock.utc() - before).total_seconds() == 5 - 3600
    assert clock.time() == 5
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance_to(4)


# ---------------------------------------------------------------- peers that are gone


@pytest.mark.parametrize("saying", [b"", b"something"])
def test_a_lost_peer_is_found_by_keep_alive_or_by_the_user_timeout(saying: bytes) -> None:
    world = World(2)
    listener = world.network.listen(SERVER)
    client = world.client("c", SERVER)
    world.quiesce()
    sock, _ = listener.accept()
    sock.setblocking(False)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 20_000)):
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    world.run(max_time=500)
    client.send(b"a sign of life")
    world.quiesce()
    assert sock.recv(100) == b"a sign of life"
    client.vanish()
    if saying:
        sock.send(saying)
    with world.selector() as selector:
        selector.register(sock, READ)
        assert selector.select(19 if saying else 59) == []
        assert len(selector.select(2)) == 1
    with pytest.raises(TimeoutError):
        sock.recv(1)


def test_unacknowledged_data_find_a_lost_peer_in_the_end() -> None:
    world = World(2)
    listener = world.network.listen(SERVER)
    client = world.client("c", SERVER)
    world.quiesce()
    sock, _ = listener.accept()
    client.vanish()
    sock.send(b"x")
    with pytest.raises(TimeoutError):
        sock.recv(1)
    assert 900 < world.clock.time() < 1000


def test_a_connect_into_nowhere_times_out() -> None:
    world = World(2, Faults(delay=1))
    world.network.listen(SERVER)
    client = world.client("c", SERVER)
    assert client.socket.link is not None
    world.network.wire.lose(client.socket.link)
    world.run(until=lambda: client.socket.readiness() != 0)
    assert client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ETIMEDOUT
    assert 120 < world.clock.time() < 130


def test_a_lost_peer_is_never_found_without_keep_alive() -> None:
    world = World(2)
    listener = world.network.listen(SERVER)
    client = world.client("c", SERVER)
    client.send(b"x")
    world.quiesce()
    sock, _ = listener.accept()
    sock.setblocking(False)
    client.vanish()
    assert sock.recv(10) == b"x"
    with world.selector() as selector:
        selector.register(sock, READ)
        with pytest.raises(Deadlock, match="seed 2"):
            selector.select()


def test_a_killed_process_closes_its_sockets() -> None:
    world = World(4)
    process = Process("server")
    echo = Echo(world, world.network.listen(SERVER, process=process), process)
    world.add_loop("server", echo.loop)
    early, late = world.client("early", SERVER), world.client("late", SERVER)
    world.run(until=lambda: len(echo.peers) == 2)
    late.stall()
    process.kill()
    world.remove("server")
    world.quiesce()
    late.send(b"too late")
    world.quiesce()
    assert early.eof
    assert not late.eof
    late.send(b"now it knows")
    world.quiesce()
    assert isinstance(late.error, BrokenPipeError)
    after = world.client("after", SERVER)
    world.quiesce()
    assert isinstance(after.error, ConnectionRefusedError)
    world.network.listen(SERVER)


def test_a_raw_client_resets_half_closes_and_closes() -> None:
    world, echo = echo_world(6)
    clients = [world.client(name, SERVER) for name in "abc"]
    world.run(until=lambda: len(echo.peers) == 3)
    a, b, c = clients
    a.reset()
    b.send(b"bye")
    b.half_close()
    c.close()
    world.quiesce()
    assert echo.peers == []
    assert (a.closed, b.eof, bytes(b.received), b.closed, c.closed) == (True, True, b"bye", False, True)


def struck_by(faults: Faults) -> tuple[World, Echo, RawClient]:
    world, echo = echo_world(1)
    client = world.client("c", SERVER)
    world.run(until=lambda: bool(echo.peers))
    world.faults = faults
    world.step()
    return world, echo, client


def test_bad_luck_resets_a_connection_at_both_ends() -> None:
    world, echo, client = struck_by(Faults(reset=1))
    world.quiesce()
    assert isinstance(client.error, ConnectionResetError)
    assert echo.peers == []


def test_bad_luck_loses_a_connection_and_nobody_hears_of_it() -> None:
    world, echo, client = struck_by(Faults(lost=1))
    client.send(b"x")
    world.run(max_time=100)
    assert (client.error, bytes(client.received), len(echo.peers)) == (None, b"", 1)


def test_bad_luck_stalls_a_raw_client_until_it_calms_down() -> None:
    world, _, client = struck_by(Faults(stall=1))
    client.send(b"x")
    world.quiesce()
    assert client.received == b""
    world.calm()
    world.quiesce()
    assert client.received == b"x"


def test_bad_luck_half_closes_a_raw_client() -> None:
    world, echo, client = struck_by(Faults(half_close=1))
    world.run(until=lambda: client.eof)
    assert echo.peers == []


def test_bad_luck_sets_the_wall_clock() -> None:
    world, _, _ = struck_by(Faults(wall_jump=1))
    assert world.clock.utc() != World(1).clock.utc()
    assert world.clock.time() == 0


# ---------------------------------------------------------------- descriptors and accept


def test_accept_fails_at_the_descriptor_limit_and_the_connection_waits() -> None:
    world = World(1)
    listener = world.network.listen(SERVER)
    world.network.fd_limit = listener.fileno() + 1
    with pytest.raises(OSError, match="Too many open files"):  # Linux looks for a descriptor first
        listener.accept()
    world.client("c", SERVER)
    world.quiesce()
    with pytest.raises(OSError, match="Too many open files"):
        listener.accept()
    assert listener.readiness() == READ
    world.network.fd_limit += 1
    sock, _ = listener.accept()
    assert sock.fileno() == listener.fileno() + 1


def test_accept_errors_are_injected_and_survived() -> None:
    world, echo = echo_world(1, Faults(accept_error=0.5))
    clients = [world.client(f"c{number}", SERVER) for number in range(20)]
    for client in clients:
        client.send(b"x")
    world.run(until=lambda: all(client.received or client.error for client in clients))
    assert set(echo.refused) == {"ECONNABORTED", "EMFILE"}
    aborted = [client for client in clients if client.error]
    assert len(aborted) == echo.refused.count("ECONNABORTED")
    assert all(isinstance(client.error, ConnectionResetError) for client in aborted)


# ---------------------------------------------------------------- select


def ready_listeners(world: World, selector: SimSelector, count: int) -> None:
    for number in range(count):
        address = (SERVER[0], 1000 + number)
        selector.register(world.network.listen(address), READ, number)
        world.client(f"c{number}", address)
    world.quiesce()


def test_select_reports_some_or_all_in_any_order() -> None:
    world = World(1)
    selector = world.selector()
    ready_listeners(world, selector, 3)
    seen = [tuple(key.data for key, _ in selector.select(0)) for _ in range(200)]
    assert {len(batch) for batch in seen} == {1, 2, 3}
    assert len({batch for batch in seen if len(batch) == 3}) == 6


def test_unproductive_selects_are_counted() -> None:
    world = World(1)
    selector = world.selector()
    ready_listeners(world, selector, 1)
    (key,) = selector.get_map().values()
    for _ in range(4):
        selector.select(0)
    assert (selector.calls, selector.unproductive, selector.longest_spin) == (4, 3, 3)
    selector.modify(key.fileobj, BOTH)  # that is a reaction as well
    selector.select(0)
    key.fileobj.accept()  # type: ignore[union-attr]
    selector.select(0)
    assert (selector.calls, selector.unproductive, selector.longest_spin) == (6, 3, 3)


def test_the_spin_detector_finds_a_program_that_always_wants_to_write() -> None:
    world, echo = echo_world(1)
    world.client("c", SERVER)
    world.run(until=lambda: bool(echo.peers))
    peer = echo.peers[0]
    echo.loop.set_interest(peer.sock, READ, BOTH, peer)
    peer.interest = 0  # flush() now believes that it wants nothing new
    peer.flush = lambda: None  # type: ignore[method-assign]
    with pytest.raises(TooLong, match="seed 1"):
        world.run(max_steps=500)
    assert echo.loop.selector.longest_spin > 400  # type: ignore[attr-defined]


def test_select_waits_in_simulated_time() -> None:
    world = World(1)
    selector = world.selector()
    listener = world.network.listen(SERVER)
    selector.register(listener, READ)
    assert selector.select(2.5) == []
    assert world.clock.time() == 2.5
    world.client("c", SERVER)
    assert len(selector.select()) == 1
    assert world.clock.time() == 2.5


def test_a_wait_that_nobody_can_end_is_a_deadlock() -> None:
    world = World(9)
    selector = world.selector()
    selector.register(world.network.listen(SERVER), READ)
    with pytest.raises(Deadlock, match=r"select waits for ever \(seed 9"):
        selector.select()
    with pytest.raises(Deadlock, match="seed 9"):
        world.run(until=lambda: False)


def test_a_program_needs_a_simulated_selector() -> None:
    world, echo = echo_world(1)
    with selectors.SelectSelector() as real:
        echo.loop.selector = real
        with pytest.raises(TypeError, match="SimSelector"):
            world.add_loop("other", echo.loop)


def test_names_are_taken_once() -> None:
    world, echo = echo_world(1)
    with pytest.raises(ValueError, match="'echo' already"):
        world.add_loop("echo", echo.loop)


# ---------------------------------------------------------------- programs of other shapes


def plain_echo_server(listener: Any, selector: selectors.BaseSelector) -> None:
    """As in any tutorial; it knows nothing of the simulator and never returns."""
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            sock: Any = key.fileobj
            if sock is listener:
                connection, _ = listener.accept()
                selector.register(connection, selectors.EVENT_READ)
            elif data := sock.recv(1024):
                sock.sendall(data)
            else:
                selector.unregister(sock)
                sock.close()


@pytest.mark.parametrize("seed", range(10))
def test_an_unmodified_program_keeps_control(seed: int) -> None:
    world = World(seed, Faults(short_recv=0.5, short_send=0.5, delay=1))
    clients = [world.client(f"c{number}", SERVER) for number in range(3)]
    for client in clients:
        client.send(client.name.encode() * 50_000)
        client.half_close()
    listener = world.network.listen(SERVER)
    world.run_program(lambda: plain_echo_server(listener, world.selector()), until=lambda: all(c.eof for c in clients))
    assert [bytes(client.received) for client in clients] == [c.name.encode() * 50_000 for c in clients]


def test_a_loop_that_blocks_is_not_turned_meanwhile() -> None:
    world, echo = echo_world(1, Faults(delay=1))
    slow, quick = world.client("slow", SERVER), world.client("quick", SERVER)
    world.run(until=lambda: len(echo.peers) == 2)
    turns: list[int] = []

    def blocking() -> None:
        slow_address = slow.socket.getsockname()
        sock = next(peer.sock for peer in echo.peers if peer.sock.getpeername() == slow_address)
        sock.setblocking(True)
        before = echo.loop.turns
        sock.recv(1)
        sock.setblocking(False)
        turns.append(echo.loop.turns - before)

    echo.loop.call_later(0, blocking)
    world.add_actor("later", Alarm(world, world.clock.time() + 5, lambda: slow.send(b"x")))
    quick.send(b"x")
    world.run(until=lambda: bool(turns))
    assert turns == [0]
    assert world.network.wire.blocked == 1


def test_an_unmodified_program_that_loses_control_is_a_deadlock() -> None:
    world = World(1)
    client = world.client("c", SERVER)
    client.stall()  # so sendall() blocks, and with it the whole program
    client.send(b"x" * 1_000_000)
    listener = world.network.listen(SERVER)
    with pytest.raises(Deadlock, match="send waits for ever"):
        world.run_program(lambda: plain_echo_server(listener, world.selector()), until=lambda: False)
    assert world.network.wire.blocked


@pytest.mark.parametrize("timeout", [0, 0.01])
def test_a_program_that_polls_lets_the_world_go_on(timeout: float) -> None:
    world = World(1)
    client = world.client("c", SERVER)
    alarm = Alarm(world, 3)
    world.add_actor("alarm", alarm)
    listener = world.network.listen(SERVER)

    def poll() -> None:
        with world.selector() as selector:
            selector.register(listener, READ)
            while True:
                for _ in selector.select(timeout):
                    listener.accept()[0].sendall(b"hello")

    world.run_program(poll, until=lambda: client.received == b"hello" and bool(alarm.rang))
    with pytest.raises(TooLong, match="not within 5 s"):
        world.run_program(lambda: world.selector().select(9), until=lambda: False, max_time=5)


def test_a_program_that_spins_is_stopped() -> None:
    world = World(1)
    world.max_steps = 2000
    selector = world.selector()
    ready_listeners(world, selector, 1)

    def spin() -> None:
        while True:
            selector.select()

    with pytest.raises(TooLong, match="2000 steps"):
        world.run_program(spin, until=lambda: False)
    assert selector.longest_spin > 100


def test_what_escapes_a_turn_names_the_seed() -> None:
    world, echo = echo_world(8)
    echo.loop.call_later(1, lambda: 1 / 0)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError) as caught:
        world.run()
    assert "seed 8" in caught.value.__notes__[0]


# ---------------------------------------------------------------- several loops


class Caller:
    """A client on the same Loop: says one thing, waits for as many bytes, and closes."""

    def __init__(self, world: World, text: bytes) -> None:
        self.loop = Loop(world.selector(), world.clock.time, self)
        self.sock = world.network.connect(SERVER)
        self.pending = text
        self.missing = len(text)
        self.answer = b""
        self.busy = False
        self.loop.set_interest(self.sock, 0, WRITE, self)

    def ready(self, events: int) -> None:
        try:
            if events & WRITE:
                self.pending = self.pending[self.sock.send(self.pending) :]
                if not self.pending:
                    self.loop.set_interest(self.sock, WRITE, READ, self)
            else:
                self.answer += self.sock.recv(100)
        except BlockingIOError:
            pass

    def decode(self) -> None:
        pass

    def commit(self) -> None:
        pass

    def flush(self) -> None:
        if len(self.answer) == self.missing and self.sock.fileno() >= 0:
            self.loop.set_interest(self.sock, READ, 0, self)
            self.sock.close()


@pytest.mark.parametrize("seed", range(10))
def test_several_loops_share_a_world(seed: int) -> None:
    world, echo = echo_world(seed, Faults(0.5, 0.5, 0.2, delay=0.1))
    callers = [Caller(world, bytes([65 + number]) * 500) for number in range(5)]
    for number, caller in enumerate(callers):
        world.add_loop(f"caller {number}", caller.loop)
    world.run(until=lambda: all(caller.sock.fileno() < 0 for caller in callers) and not echo.peers)
    assert [caller.answer for caller in callers] == [bytes([65 + number]) * 500 for number in range(5)]
    world.run()
    world.step()
    assert world.network.wire.links == []


def test_connections_that_are_over_are_forgotten() -> None:
    world, echo = echo_world(1)
    for number in range(5):
        client = world.client(f"c{number}", SERVER)
        client.send(b"x")
        client.close()
    world.run()
    world.step()
    assert (echo.peers, world.network.wire.links) == ([], [])


def test_a_stalled_client_stops_its_sender() -> None:
    world, echo = echo_world(1)
    client = world.client("c", SERVER)
    client.stall()
    client.send(b"x" * 1_000_000)
    world.quiesce()
    assert isinstance(client, RawClient)
    assert not client.received
    kept = len(echo.peers[0].pending)
    client.resume()
    world.quiesce()
    assert len(client.received) == 1_000_000 > kept > 0
