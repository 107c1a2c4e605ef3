"""one run, from the first connection to the last bye: suffer, recover, rest, stop."""

import hashlib
from collections.abc import Callable

from chatcore.sim import Deadlock, TooLong
from chatcore.sim.actors import Actor, Turns
from tests.simulation.actions import Actions
from tests.simulation.conversation import Ground
from tests.simulation.invariants import Invariant, Violation, hold
from tests.simulation.people import Human, Peer
from tests.simulation.watched_server import WatchedServer

PATIENCE = 400.0  # simulated seconds within which everything must have arrived
DEAD_SECONDS = 61.0  # within which a kernel finds out that a peer is gone


class Simulation:
    """One seed."""

    def __init__(self, seed: int) -> None:
        self.ground = Ground(seed)
        self.world, self.setting = self.ground.world, self.ground.setting
        self.actions = Actions(self.ground)
        self.start_server()
        self.world.faults = self.setting.faults

    def run(self) -> None:
        """All of it. Violation when something does not hold."""
        try:
            self.suffer()
            self.recover()
            self.rest()
            self.last_stop()
        except (TooLong, Deadlock) as error:
            raise Violation(Invariant.LIVENESS, str(error).partition("\n")[0]) from error

    def digest(self) -> str:
        """The same for the same seed: of the trace, and every byte of every conversation."""
        whole = hashlib.sha256("\n".join(self.world.trace).encode())
        for talk in self.ground.talks.values():
            whole.update(talk.commands.data + b"|" + talk.events.data)
        return whole.hexdigest()

    def suffer(self) -> None:
        """Random actions with random pauses."""
        names, weights = list(self.setting.actions), list(self.setting.actions.values())
        self.actions.arrive()
        for name in self.ground.rng.choices(names, weights, k=self.setting.length):
            self.world.network.wire.note(f"--- {name}")
            action: Callable[[], None] = getattr(self if name in ("restart", "crash") else self.actions, name)
            action()
            self.actions.steps(0, 0, 2, 5, 20, 60)
            self._tidy()

    def _tidy(self) -> None:
        """Those who can do nothing any more need not be asked at each step."""
        actions = self.actions
        for peer in [peer for peer in actions.peers if peer.raw.closed]:
            self.world.remove(peer.name)
            actions.peers.remove(peer)
        actions.people = [peer for peer in actions.people if not peer.raw.closed]

    def _let_all_read(self) -> None:
        """Before each turn in a fair world: only who does not read what is there can be called slow."""
        programs = [Turns(human, self.world.clock) for human in self.actions.humans if not human.is_over]
        actors: list[Actor] = [*self.actions.peers, *programs]
        while self.setting.is_fair:
            moves: list[Callable[[], object]] = [*self.world.network.wire.moves()]
            moves += [actor.step for actor in actors if actor.ready()]
            if not moves:
                return
            self.ground.rng.choice(moves)()

    # --- the server starts and stops

    def start_server(self) -> None:
        self._forsake_all()
        self.ground.is_stopping = False
        self.server = self.actions.server = WatchedServer(self.ground, self._let_all_read, self._server_ended)
        self.world.add_loop(self.server.name, self.server)

    def _forsake_all(self) -> None:
        """Nothing is promised any more to those who are connected."""
        for peer in self.actions.peers:
            peer.talk.is_healthy = False

    def stop_server(self) -> float:
        """Stop, and check that it was orderly. Returns how many seconds it took."""
        began, server = self.world.clock.time(), self.server.server
        self.ground.is_stopping = True
        if not server.chat.is_stopping:  # a second call would leave at once
            server.loop.call_later(0, server.stop)
        self.world.run(until=lambda: not server.loop.running, max_time=100, max_steps=300_000)
        took = self.world.clock.time() - began
        hold(took <= self.setting.limits.shutdown_seconds + 0.01, Invariant.SHUTDOWN, "the stop took", took, "s")
        self.world.quiesce(100_000)
        return took

    def _server_ended(self) -> None:
        """It left its loop."""
        self.server.server.close()
        hold(not self.server.process.fds, Invariant.SHUTDOWN, "left open:", self.server.process.fds)
        hold(not self.server.selector.get_map(), Invariant.SHUTDOWN, "left registered")
        self.world.remove(self.server.name)

    def restart(self) -> None:
        """Amid much talk, and on the same log."""
        self.actions.talk()
        self.actions.steps(20, 100, 1000)
        self.stop_server()
        self.start_server()
        self.actions.arrive()

    def crash(self) -> None:
        """kill -9, and start again."""
        self._forsake_all()
        if self.server.server.loop.running:
            self.world.remove(self.server.name)
            self.server.process.kill()
        self.start_server()

    # --- the end

    def recover(self) -> None:
        """No more faults: everything must arrive, also what newcomers say."""
        self.world.calm()
        self.ground.log.is_full = False
        for peer in self.actions.peers:
            peer.raw.resume()
        if self.ground.log.is_broken or not self.server.server.loop.running:
            self.stop_server()
            self.start_server()
        self.server.process.fd_limit = 1024
        self.settle()
        peer, human = self.actions.newcomer(), self.actions.new_human()
        self.settle()
        peer.say("lobby", self.actions.text())
        human.type(self.actions.text())
        self.settle()

    def settle(self) -> None:
        """Until nothing is left to happen."""
        end = self.world.clock.time() + PATIENCE
        self.world.quiesce(200_000)
        while why := self._unsettled():
            hold(self.world.clock.time() < end, Invariant.LIVENESS, why)
            self.world.run(max_time=0.5)
        self._tidy()

    def _unsettled(self) -> str:
        everybody: list[Peer | Human] = [*self.actions.peers, *self.actions.humans]
        return next((why for who in everybody if (why := who.unsettled())), "")

    def rest(self) -> None:
        """Nobody does anything: the healthy stay, the dead are found, and so is one who never finishes his frame."""
        limits = self.setting.limits
        stay = [peer for peer in self.actions.people if peer.talk.is_healthy and peer.is_alive]
        drip = self.actions.connect("drip", "garbage").raw
        drip.send(b'{"type":"hello","name":"drip"}\n{"type":')
        longest = max(DEAD_SECONDS, limits.idle_seconds, limits.half_frame_seconds, limits.typing_seconds)
        for _ in range(int(longest + limits.linger_seconds + 3)):
            drip.send(b" ")
            self.world.run(max_time=1.0)
        hold(drip.closed, Invariant.DEADLINES, "somebody drips for ever")
        for peer in stay:
            hold(peer.is_alive, Invariant.HEALTHY, peer.talk, "rested and is gone")
        known = {id(link.callee) for link in self.world.network.wire.links if not link.lost and not link.caller.orphan}
        for link in self.server.server._links.values():
            end = link.sock.sock._end  # type: ignore[attr-defined]
            hold(id(end) in known, Invariant.LIVENESS, "a dead peer is still connected:", link.connection.name)

    def last_stop(self) -> None:
        """Everybody reads, so only those who never close their side make it wait."""
        took = self.stop_server()
        most = self.setting.limits.linger_seconds + 1.5 * self.setting.is_late + 0.1
        hold(took <= most, Invariant.SHUTDOWN, took, "s, though everybody reads")
        hold(not self.world.network.wire.blocked, Invariant.ESCAPES, "a call blocked")
