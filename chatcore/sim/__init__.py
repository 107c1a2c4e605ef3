"""programs -> the same programs, in a simulated world. Network, clock and bad luck, all from one seed.

    world = World(seed=1)
    listener = world.network.listen(("10.0.0.1", 14532))
    world.add_loop("server", Loop(world.selector(), world.clock.time, Server(listener, …)))
    ana = world.client("ana", ("10.0.0.1", 14532))
    ana.send(b"ana\\n")
    world.run(until=lambda: b"you are ana" in ana.received)

Read `world` first, then `wire`, `tcp` and `pipe` for what the network does, `sockets` and
`selector` for what programs see of it, `faults` for what may go wrong.
"""

from chatcore.sim.actors import Actor, Program, RawClient
from chatcore.sim.clock import SimClock
from chatcore.sim.faults import Faults
from chatcore.sim.network import Network
from chatcore.sim.process import Process
from chatcore.sim.selector import SimSelector
from chatcore.sim.sockets import SimSocket
from chatcore.sim.world import Deadlock, TooLong, World

__all__ = [
    "Actor",
    "Deadlock",
    "Faults",
    "Network",
    "Process",
    "Program",
    "RawClient",
    "SimClock",
    "SimSelector",
    "SimSocket",
    "TooLong",
    "World",
]
