"""what the seed lets people and the machine do. `setting` says how often."""

from collections.abc import Callable

from chatcore.names import fold
from tests.simulation.conversation import Ground
from tests.simulation.people import LOOPBACK, Human, Peer
from tests.simulation.watched_server import WatchedServer

NAMES = ("ana", "João", "bia", "Łukasz", "fé")
ROOMS = ("lobby", "lobby", "lobby", "Café")
KINDS = ("text", "lines", "length")
RUBBISH = (b"a", b"\r", b"\n", b"\xc3\xa9", b"\xff", b"{", b'{"type":"hello","name":"v"}\n', b"\0", b"GET ", b"x" * 999)


class Actions:
    """Everybody who takes part, and one method for each thing that may happen."""

    def __init__(self, ground: Ground) -> None:
        self.peers: list[Peer] = []  # those with an open socket
        self.people: list[Peer] = []  # those of them who mean well
        self.humans: list[Human] = []
        self.server: WatchedServer
        self._ground, self._world, self._rng = ground, ground.world, ground.rng
        self._choose = ground.rng.choice
        self._many = 100 if ground.setting.is_fair else 30

    # --- who could do something

    def connect(self, name: str, kind: str, source: tuple[str, int] = LOOPBACK) -> Peer:
        """Somebody to whom nothing is promised."""
        peer = Peer(self._ground, f"{name}{self._ground.number()}", kind, source)
        peer.talk.is_healthy = False
        self.peers.append(peer)
        self._world.add_actor(peer.name, peer)
        return peer

    def newcomer(self) -> Peer:
        """Somebody who means well."""
        peer = self.connect(self._choose(NAMES), self._choose(KINDS))
        peer.talk.is_healthy = True
        self.people.append(peer)
        peer.hello()
        if peer.kind != "text":
            peer.join("lobby", self._choose((None, 0)))
        return peer

    def new_human(self) -> Human:
        human = Human(self._ground, f"Zé{self._ground.number()}")
        self.humans.append(human)
        self._world.add_loop(human.name, human)
        return human

    def _some(self, want: Callable[[Peer], object] = lambda peer: True) -> list[Peer]:
        """At most one, so that `for` skips what nobody can do."""
        alive = [peer for peer in self.people if peer.is_alive and want(peer)]
        return [self._choose(alive)] if alive else []

    def _some_human(self) -> list[Human]:
        alive = [human for human in self.humans if not (human.is_over or human.is_leaving)]
        return [self._choose(alive)] if alive else []

    def _room_of(self, peer: Peer) -> str:
        return self._choose(list(peer.rooms.values()))

    def text(self, most: int = 60) -> str:
        """Something to say that nobody has said."""
        size = self._rng.randint(most // 2, most) - 30
        return f'm{self._ground.number()} {"é" * (size // 4)}{"x" * (size // 2)}"'

    def _say(self, peer: Peer, count: int, most: int = 60) -> None:
        for _ in range(count):
            peer.say(self._room_of(peer), self.text(most))

    def steps(self, *counts: int) -> None:
        """Let the world go on a bit."""
        count = self._choose(counts)
        while count and self._world.step():
            count -= 1

    # --- people come, speak and go

    def arrive(self) -> None:
        """As many as have gone."""
        for _ in range(self._ground.setting.people - sum(peer.is_alive for peer in self.people)):
            self.newcomer()
        for _ in range(self._ground.setting.humans - sum(not human.is_over for human in self.humans)):
            self.new_human()

    def talk(self) -> None:
        for _ in range(self._rng.randint(1, 12)):
            for peer in self._some():
                self._say(peer, 1)

    def roar(self, but: Peer | None = None) -> None:
        """Everybody has much to say, at once."""
        for peer in self.people:
            if peer.is_alive and peer is not but:
                self._say(peer, self._choose((3, self._many // 5)), most=2 * self._many)

    def join(self) -> None:
        """Or leave."""
        for peer in self._some():
            if len(peer.rooms) > 1 and self._rng.random() < 0.3:
                peer.leave(self._room_of(peer))
            else:
                peer.join(self._choose(ROOMS), self._choose((None, None, 0, self._rng.randint(0, 30))))

    def catch_up(self) -> None:
        """Join again, from the start or behind what one has; say something again; while others go on talking."""
        self.talk()
        for peer in self._some(lambda peer: peer.kind != "text"):
            room = self._room_of(peer)
            for _ in range(self._rng.randint(1, 3)):
                peer.join(room, self._choose((0, 0, peer.talk.last.get(fold(room)))))
                for place, text in list(peer.said.values())[-3:]:
                    if fold(place) in peer.rooms:
                        peer.say(place, text)
                self.steps(0, 5, 20)
                self.talk()

    def go(self) -> None:
        """Say something and leave in order; go on speaking; perhaps never close one's side."""
        for peer in self._some():
            self._say(peer, 1)
            peer.is_stubborn = self._rng.random() < 0.1
            self._choose((peer.quit, peer.half_close))()
            self._say(peer, 1)

    # --- wires break, readers sleep, strangers come

    def cut(self) -> None:
        """Say something; reset, vanish, or close with something unread."""
        for peer in self._some():
            peer.talk.is_healthy = False
            self._say(peer, 3)
            self.steps(10, 50, 1000)
            if peer.is_alive:
                self._choose((peer.raw.reset, peer.raw.reset, peer.raw.vanish, peer.raw.close))()
                peer.is_ending = True

    def doze(self) -> None:
        """Who slept wakes up; another one stops reading in the middle of much talk, perhaps only for a moment."""
        for peer in self.people:
            peer.raw.resume()
        for peer in self._some():
            peer.talk.is_healthy = False
            peer.raw.stall()
            for _ in range(self._choose((0, self._many))):
                line, command = self._choose((("/help", "stats"), ("/rooms", "rooms")))
                peer.do(line, type=command)
            self._say(peer, 1)
            self._world.quiesce()
            for _ in range(self._choose((0, 0, 1, 3))):
                self.roar(peer)
                self._world.quiesce()
            self._choose((peer.raw.stall, peer.raw.resume))()

    def strangers(self) -> None:
        """One who sends garbage, one with another's name and a wrong token, and many from one address.

        There may be too few descriptors for them.
        """
        if self._rng.random() < 0.3:
            self.server.process.fd_limit = max([3, *self.server.process.fds]) + self._rng.randint(0, 2)
        vandal = self.connect("vandal", "garbage").raw
        vandal.send(b"".join(self._rng.sample(RUBBISH, k=self._rng.randint(0, len(RUBBISH)))))
        for victim in self._some(lambda peer: peer.talk.me):
            impostor = self.connect("impostor", "lines")
            impostor.command(type="hello", name=victim.name.upper(), token="0" * 32)
            impostor.half_close()
        for _ in range(self._rng.randint(0, 12)):
            raw = self.connect("crowd", "garbage", ("10.0.6.1", 0)).raw
            raw.send(self._choose((b"", b"{", b"crowd\n")))
            self._choose((raw.half_close, raw.close, raw.stall, raw.resume))()

    # --- the real client, the machine

    def human_talks(self) -> None:
        for human in self._some_human():
            human.type(self._choose((self.text(), self.text(), f"/join {self._choose(ROOMS)}", "sair")))

    def human_cut(self) -> None:
        """Soon after something was said."""
        wire = self._world.network.wire
        for human in self._some_human():
            human.type(self.text())
            self.steps(0, 50, 1000)
            if human.sock and human.sock.link in wire.established():
                self._choose((wire.reset, wire.lose))(human.sock.link)
                self.talk()

    def time(self) -> None:
        """It passes; or the whole machine stands still: a debugger, a virtual machine that is moved."""
        self._world.run(max_time=self._choose((0.05, 1.0, 4.0, 20.0)))
        if not self._ground.setting.faults.delay:  # else half a frame may be under way, and would rightly be overdue
            self._world.clock.advance_to(self._world.clock.time() + self._choose((0, 0, 0, 0, 1, 10, 100)))

    def disk(self) -> None:
        """It is full, or has room again; or it breaks, and the server will stop with the next message."""
        self._ground.log.is_full = not self._ground.log.is_full
        if self._rng.random() < 0.2:
            self._ground.log.is_broken = self._ground.is_stopping = True
