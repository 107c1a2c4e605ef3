"""sqlite3 -> the same sqlite3, watched. The database of a program under test is real; its commits are counted.

A statement outside of a transaction is one by itself, and counts. A process that is killed loses its open
transaction: so its databases are closed when it ends, not when Python finds the time.
"""

import sqlite3 as real
from types import ModuleType
from typing import ClassVar

from lessons.kit.computer import Call, Computer

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
ENDS = ("COMMIT", "END")
WAITS_FOR_THE_DISK = 2  # PRAGMA synchronous = FULL; 3 is EXTRA
KEEPS_NO_JOURNAL = ("off", "memory")


class Database(real.Connection):
    """What `sqlite3.connect` returns. A subclass of it knows the computer."""

    computer: ClassVar[Computer]

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.set_trace_callback(self._count)
        self.computer.databases.append(self)

    def waits_for_the_disk(self) -> bool:
        """True when a COMMIT returns only after the disk has it."""
        (synchronous,) = self.execute("PRAGMA synchronous").fetchone()
        (journal,) = self.execute("PRAGMA journal_mode").fetchone()
        return synchronous >= WAITS_FOR_THE_DISK and journal not in KEEPS_NO_JOURNAL

    def _count(self, statement: str) -> None:
        word = statement.lstrip().upper()
        alone = word.startswith(WRITES) and not self.in_transaction
        if alone or word.startswith(ENDS):
            self.computer.commits += 1
            self.computer.on_call(Call("commit", "log"))


def sqlite_module(computer: Computer) -> ModuleType:
    """`sqlite3`, of which `connect` alone is replaced."""
    module = ModuleType("sqlite3", "The watched sqlite3 of the lessons.")
    vars(module).update({name: getattr(real, name) for name in dir(real) if not name.startswith("__")})
    kind = type("Connection", (Database,), {"computer": computer})

    def connect(database: str, *args: object, **options: object) -> Database:
        return real.connect(database, *args, **{"factory": kind, **options})  # type: ignore[call-overload,no-any-return]

    vars(module).update(connect=connect)
    return module
