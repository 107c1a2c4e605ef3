"""One seed -> a whole chat that lives, suffers and recovers, checked all the time against what is promised.

The unmodified server and the unmodified terminal client run on the simulated network of
`chatcore.sim`, beside scripted peers who speak text, JSON in lines and JSON behind a length. Then all
faults stop, and everything must arrive everywhere.

    Simulation(seed).run()         raises Violation, which names the invariant that does not hold

Reading order: `invariants`, what is checked; `setting`, what the seed draws; `watched_log`,
`conversation`, `watched_server`, where it is checked; `people`, who takes part; `actions`,
what they do; `simulation`, one run from the first connection to the last bye.
"""

from tests.simulation.invariants import Invariant, Violation
from tests.simulation.simulation import Simulation

__all__ = ["Invariant", "Simulation", "Violation"]
