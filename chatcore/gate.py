"""addresses -> let in, or not. Counts who is connected from where, and who came lately.

The people of a whole class may share one router, and one program may open a thousand sockets: the
limits lie between the two. The table of addresses is bounded; an entry that counts an open
connection is never dropped, and there are no more of those than connections.
"""

import ipaddress
from dataclasses import dataclass

from chatcore.limits import Limits

WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 10_000
MOST_REFUSED_AT_ONCE = 64


@dataclass(slots=True)
class Visits:
    """What we know of one address: open connections, and new ones since the window began."""

    began: float
    open: int = 0
    new: int = 0


class Gate:
    """Counts connections; `admit` when one comes, `release` when its socket was closed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._visits: dict[str, Visits] = {}
        self.open = 0
        self.refused_total = 0
        self.refused_now = 0  # refused ones that wait for their answer

    def admit(self, address: str, now: float) -> bool:
        """Count a new connection from `address`; False when it is one too many."""
        self.open += 1
        key = group(address)
        if key is None:  # loopback
            return self._fits_total()
        visits = self._visits.get(key) or self._first_visit(key, now)
        if now - visits.began >= WINDOW_SECONDS:
            visits.began, visits.new = now, 0
        visits.open += 1
        visits.new += 1
        limits = self._limits
        too_many = 0 < limits.per_address < visits.open or 0 < limits.new_per_minute < visits.new
        return self._fits_total() and not too_many

    def _fits_total(self) -> bool:
        return not 0 < self._limits.connections < self.open

    def _first_visit(self, key: str, now: float) -> Visits:
        if len(self._visits) >= MOST_ADDRESSES:
            idle = next((known for known, visits in self._visits.items() if not visits.open), None)
            if idle is not None:
                del self._visits[idle]
        return self._visits.setdefault(key, Visits(began=now))

    def release(self, address: str) -> None:
        """A connection that `admit` counted is no more."""
        self.open -= 1
        key = group(address)
        if key is not None:
            self._visits[key].open -= 1


def group(address: str) -> str | None:
    """What counts as one address: a whole /64 in IPv6, because one machine has that many. None for loopback."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    if mapped.is_loopback:
        return None
    if mapped.version == 6:
        return str(ipaddress.ip_network((mapped, 64), strict=False))
    return str(mapped)
