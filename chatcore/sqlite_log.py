"""drafts -> rows in a file. The log on this machine's disk: SQLite, one transaction per turn.

In WAL mode with `synchronous=FULL` a COMMIT returns after the log file was synced to the disk, so
"committed" means "survives a power cut". One sync costs as much for fifty messages as for one:
that is why the whole turn shares one transaction (group commit).

A full disk is a refusal, and writing works again when there is room. An I/O error is not: after a
failed fsync the kernel may have dropped the pages, and SQLite's next insert succeeds all the same.
Whoever goes on acknowledging then, lies. So it is fatal.
"""

import os
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatcore.errors import LogError
from chatcore.log import USED_ID, Committed, Done, Draft, Duplicate, NotKept, Outcome, Span
from chatcore.names import Name
from chatcore.protocol import Message

APPLICATION_ID = 0x63686174  # "chat", so that `file` and we recognise the file
SCHEMA_VERSION = 1
SCHEMA = """
    CREATE TABLE log (identity TEXT NOT NULL, mark TEXT NOT NULL);
    CREATE TABLE rooms (fold TEXT PRIMARY KEY, shown TEXT NOT NULL, head INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE messages (
        room TEXT NOT NULL, seq INTEGER NOT NULL, sender TEXT NOT NULL, sender_fold TEXT NOT NULL,
        text TEXT NOT NULL, time TEXT NOT NULL, cid TEXT NOT NULL, PRIMARY KEY (room, seq)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX messages_by_id ON messages (sender_fold, cid);
"""
LARGEST_INTEGER = 2**63 - 1
MESSAGES = """
    SELECT messages.room, rooms.shown, seq, sender, text, time, cid
    FROM messages JOIN rooms ON rooms.fold = messages.room WHERE
"""


class SqliteLog:
    """The log in the file `path`, which is made when it is not there. LogError when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._drafts: list[tuple[Draft, Done]] = []
        is_effective = os.access in os.supports_effective_ids
        if path.exists() and not os.access(path, os.W_OK, effective_ids=is_effective):  # "disk I/O error" for SQLite
            raise LogError(f"cannot use the history {path}: it may not be written")
        try:
            self._db = sqlite3.connect(path.absolute(), timeout=0, isolation_level=None)
        except sqlite3.Error as error:
            raise LogError(f"cannot use the history {path}: {_explain(error)}") from error
        try:
            self._prepare()
            (total,) = self._db.execute("SELECT total(head) FROM rooms").fetchone()
            self.count = int(total)
            self.identity = self._identify()
        except (sqlite3.Error, OSError) as error:
            self._db.close()
            raise LogError(f"cannot use the history {path}: {_explain(error)}") from error
        except LogError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        """Check that the file is ours, or new, and set what durability rests on."""
        # One server per file: two would give out the same numbers. Taken here, held until close.
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if (tables or application) and application != APPLICATION_ID:
            raise LogError(f"{self._path} is a database of another program")
        if tables and version != SCHEMA_VERSION:
            raise LogError(f"{self._path} was written by another version of chatcore (schema {version})")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        # On macOS a plain fsync does not reach the disk; elsewhere these do nothing.
        self._db.execute("PRAGMA fullfsync = ON")
        self._db.execute("PRAGMA checkpoint_fullfsync = ON")
        self._db.execute("BEGIN IMMEDIATE")
        if not tables:
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            for statement in SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO log VALUES ('', '')")
        self._db.execute("COMMIT")

    def _identify(self) -> str:
        """The name of this history; a file that was put back from a copy gets another one.

        Numbers given out after the copy was made will be given out again, with other messages. Every
        start leaves a new mark in the file and in a small file beside it: a copy has an old mark. In
        between, both marks are in the small file, so that a crash here looks like no copy.
        """
        beside = Path(f"{self._path}-id")
        identity, mark = self._db.execute("SELECT identity, mark FROM log").fetchone()
        is_known = mark and beside.exists() and mark in beside.read_text(errors="replace").split()
        identity = str(identity) if is_known else uuid.uuid4().hex
        fresh = uuid.uuid4().hex
        _replace(beside, f"{mark} {fresh}\n")
        self._db.execute("UPDATE log SET identity = ?, mark = ?", (identity, fresh))
        _replace(beside, f"{fresh}\n")
        return identity

    def append(self, draft: Draft, done: Done) -> None:
        """Remember the draft until `commit`."""
        self._drafts.append((draft, done))

    def commit(self) -> None:
        """One transaction for all drafts. A full disk refuses them all; LogError for any other failure."""
        if not self._drafts:
            return
        drafts, self._drafts = self._drafts, []
        outcomes: list[Outcome]
        try:
            self._db.execute("BEGIN")
            outcomes = [self._insert(draft) for draft, _ in drafts]
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
                raise LogError(f"the history {self._path} failed: {_explain(error)}") from error
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            outcomes = [NotKept("storage_full") for _ in drafts]
        self.count += sum(isinstance(outcome, Committed) for outcome in outcomes)
        for (_, done), outcome in zip(drafts, outcomes, strict=True):
            done(outcome)

    def _insert(self, draft: Draft) -> Outcome:
        """One row, or the reason why not; the number becomes true with the transaction."""
        original = self._db.execute(
            f"{MESSAGES} sender_fold = ? AND cid = ?", (draft.sender.fold, draft.cid)
        ).fetchone()
        if original is not None:
            message = Message(*original[1:])
            return Duplicate(message) if draft.is_retry_of(message, original[0]) else USED_ID
        if draft.refusal:
            return NotKept(draft.refusal)
        seq, shown = self._db.execute(
            "INSERT INTO rooms VALUES (?, ?, 1) ON CONFLICT (fold) DO UPDATE SET head = head + 1 RETURNING head, shown",
            (draft.room.fold, draft.room.shown),
        ).fetchone()
        message = draft.numbered(seq, shown)
        self._db.execute(
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)",
            (draft.room.fold, seq, message.sender, draft.sender.fold, message.text, message.time, message.cid),
        )
        return Committed(message)

    def span(self, room: Name, then: Callable[[Span], None]) -> None:
        """Answer at once. Nothing is ever trimmed, so the first message is number 1."""
        rows = self._query("SELECT shown, head FROM rooms WHERE fold = ?", room.fold)
        then(Span(Name(rows[0][0], room.fold), 1, rows[0][1]) if rows else Span(room, 1, 0))

    def read(self, room: str, after: int, most: int, then: Callable[[list[Message]], None]) -> None:
        """Answer at once."""
        query = f"{MESSAGES} messages.room = ? AND seq > ? ORDER BY seq LIMIT ?"
        then([Message(*row[1:]) for row in self._query(query, room, min(after, LARGEST_INTEGER), most)])

    def rooms(self, after: str, most: int, then: Callable[[list[Span]], None]) -> None:
        """Answer at once."""
        query = "SELECT fold, shown, head FROM rooms WHERE fold > ? ORDER BY fold LIMIT ?"
        then([Span(Name(shown, fold), 1, head) for fold, shown, head in self._query(query, after, most)])

    def _query(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise LogError(f"the history {self._path} cannot be read: {_explain(error)}") from error

    def close(self) -> None:
        """Give the file back; SQLite folds its write-ahead log into it."""
        self._db.close()


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: when the disk is full, or the power fails, the old one is still there."""
    new = Path(f"{path}-new")
    new.write_text(text)
    new.replace(path)


def _explain(error: Exception) -> str:
    """SQLite's words, and what they mean here where they do not say it."""
    if "locked" in str(error):
        return "another server is using it"
    if "not a database" in str(error):
        return "it is not a history of chatcore"
    return str(error)
