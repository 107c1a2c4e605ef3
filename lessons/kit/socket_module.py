"""socket -> the simulated network. The `socket` module that a program under test imports."""

import socket as real
from types import FunctionType, ModuleType

from chatcore.sim.links import Link
from chatcore.sim.pipe import Pipe
from chatcore.sim.sockets import SimSocket
from chatcore.sim.tcp import End, State
from lessons.kit.computer import Computer
from lessons.kit.fake_socket import Address, Socket

ALSO = ("error", "timeout", "gaierror", "herror", "inet_aton", "inet_ntoa", "htons")  # of the real module


def socket_module(computer: Computer) -> ModuleType:
    """`socket`, as far as these lessons use it. What is missing says so."""
    kind: type[Socket] = type("socket", (Socket,), {"computer": computer})
    module = ModuleType("socket", "The simulated network of the lessons, in place of `socket`.")
    for name in dir(real):
        if name.isupper() or name in ALSO:
            setattr(module, name, getattr(real, name))

    def create_server(address: Address, *, backlog: int = 128, **options: object) -> Socket:
        server = kind()
        server.bind(address)
        server.listen(backlog)
        return server

    def create_connection(address: Address, timeout: float | None = None, **options: object) -> Socket:
        client = kind()
        client.who = "server"
        client.settimeout(timeout)
        client.connect(address)
        return client

    def socketpair(*kind_of: int) -> tuple[Socket, Socket]:
        left, right = connected_pair(computer)
        return kind.around(left, "wakeup"), kind.around(right, "wakeup")

    vars(module).update(
        socket=kind,
        SocketType=kind,
        create_server=create_server,
        create_connection=create_connection,
        socketpair=socketpair,
        gethostname=lambda: "localhost",
        has_dualstack_ipv6=lambda: False,
        has_ipv6=False,
    )
    return says_what_it_lacks(module)


def says_what_it_lacks(module: ModuleType) -> ModuleType:
    """The same module. What a program asks for in vain is missing here, not in Python; errors name no place of ours."""

    def missing(name: str) -> object:
        raise AttributeError(f"the simulated {module.__name__} of the checks has no {name!r}")

    for member in vars(module).values():
        if isinstance(member, FunctionType):
            member.__qualname__ = member.__name__
    vars(module)["__getattr__"] = missing
    return module


def connected_pair(computer: Computer) -> tuple[SimSocket, SimSocket]:
    """Two sockets of the program's own process, connected to each other."""
    wire = computer.world.network.wire
    there, back = Pipe(), Pipe()
    ends = End(there, back, State.CONNECTED), End(back, there, State.CONNECTED)
    addresses = ("127.0.0.1", wire.free_port()), ("127.0.0.1", wire.free_port())
    link = Link(*ends, *addresses)
    wire.links.append(link)
    pair = SimSocket(wire, computer.process), SimSocket(wire, computer.process)
    for sim, end in zip(pair, ends, strict=True):
        sim.link, sim._end, sim._options = link, end, end.options
    return pair
