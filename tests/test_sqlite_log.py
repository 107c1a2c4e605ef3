"""The log on disk keeps the contract of all logs, also across restarts, and never promises too much."""

import errno
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from chatcore.errors import LogError
from chatcore.log import Duplicate, Log, NotKept, Outcome, Span
from chatcore.sqlite_log import APPLICATION_ID, SCHEMA_VERSION, SqliteLog
from tests.log_contract import LOBBY, PORTO, Contract, Model, append_all, committed, draft, name, read, rooms, span

ROOT = Path(__file__).resolve().parent.parent
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the history will be."""
    return tmp_path / "chat.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    with closing(SqliteLog(path)) as opened:
        yield opened


class TestContract(Contract):
    @pytest.fixture
    def log(self, path: Path) -> Iterator[Log]:
        with closing(SqliteLog(path)) as opened:
            yield opened


@contextmanager
def log_in_a_folder_of_its_own() -> Iterator[Log]:
    with tempfile.TemporaryDirectory() as folder, closing(SqliteLog(Path(folder, "chat.db"))) as opened:
        yield opened


class AgainstAModel(Model):
    def open_log(self) -> AbstractContextManager[Log]:
        return log_in_a_folder_of_its_own()


TestAgainstAModel = AgainstAModel.TestCase
TestAgainstAModel.settings = settings(max_examples=25, stateful_step_count=20)


# ---------------------------------------------------------------- kept across restarts


def test_opening_it_again_keeps_everything(path: Path) -> None:
    with closing(SqliteLog(path)) as log:
        identity = log.identity
        kept = committed(log, draft("a", "1"), draft("b", "2"), draft("c", "3", PORTO))
    with closing(SqliteLog(path)) as log:
        assert log.identity == identity
        assert log.count == 3
        assert read(log) + read(log, PORTO) == kept
        assert rooms(log) == [Span(LOBBY, 1, 2), Span(PORTO, 1, 1)]
        assert append_all(log, draft("a", "1")) == [Duplicate(kept[0])]
        assert [message.seq for message in committed(log, draft("d", "4"))] == [3]


def test_a_process_that_is_killed_loses_nothing_that_was_committed(path: Path) -> None:
    """Not even what stands only in the write-ahead log beside the file."""
    code = (
        "import os; from pathlib import Path; from tests.log_contract import *;"
        "from chatcore.sqlite_log import SqliteLog;"
        f"log = SqliteLog(Path({str(path)!r})); committed(log, draft('kept', '1'));"
        "log.append(draft('lost', '2'), print); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 9
    with closing(SqliteLog(path)) as log:
        assert [message.text for message in read(log)] == ["kept"]


def test_two_new_files_are_two_histories(tmp_path: Path) -> None:
    with closing(SqliteLog(tmp_path / "1.db")) as one, closing(SqliteLog(tmp_path / "2.db")) as two:
        assert one.identity != two.identity


def test_a_file_that_was_moved_is_still_the_same_history(path: Path) -> None:
    with closing(SqliteLog(path)) as log:
        identity = log.identity
    path.rename(path.with_name("moved.db"))
    Path(f"{path}-id").rename(path.with_name("moved.db-id"))
    with closing(SqliteLog(path.with_name("moved.db"))) as log:
        assert log.identity == identity


def test_a_copy_is_another_history(path: Path) -> None:
    """Both go on to give the same numbers to different messages; the original stays what it was."""
    copy = path.with_name("copy.db")
    with closing(SqliteLog(path)) as log:
        identity = log.identity
        committed(log, draft())
    shutil.copyfile(path, copy)
    with closing(SqliteLog(copy)) as copied, closing(SqliteLog(path)) as log:
        assert copied.identity != identity
        assert log.identity == identity
        assert read(copied) == read(log)
        other = copied.identity
    with closing(SqliteLog(copy)) as copied:
        assert copied.identity == other


def test_a_back_up_that_was_restored_over_the_file_is_another_history(path: Path) -> None:
    """docs/reference/protocol.md: `log` changes with a "restored back-up". `cp backup.db chat.db` keeps the inode."""
    backup = path.with_name("backup.db")
    with closing(SqliteLog(path)) as log:
        identity = log.identity
        committed(log, draft("before", "1"))
    shutil.copyfile(path, backup)
    with closing(SqliteLog(path)) as log:
        committed(log, draft("after", "2"))
        assert log.identity == identity
    shutil.copyfile(backup, path)
    with closing(SqliteLog(path)) as log:
        assert [message.text for message in read(log)] == ["before"]
        assert log.identity != identity


@pytest.mark.parametrize("damaged", [b"", b"\xff\xfe", b"not a mark\n"], ids=["empty", "no text", "another mark"])
def test_a_damaged_mark_is_no_mark(path: Path, damaged: bytes) -> None:
    """Then nobody can tell whether the file is a copy: it counts as one, and the server starts."""
    with closing(SqliteLog(path)) as log:
        identity = log.identity
        kept = committed(log, draft())
    Path(f"{path}-id").write_bytes(damaged)
    with closing(SqliteLog(path)) as log:
        assert log.identity != identity
        assert read(log) == kept


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("last", [1, 2])
def test_a_start_that_ends_anywhere_in_the_middle_does_not_make_it_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, last: int
) -> None:
    with closing(SqliteLog(path)) as log:
        identity = log.identity
    writes = 0

    def crash(file: Path, text: str) -> None:
        nonlocal writes
        writes += 1
        if (writes, moment) != (last, "before"):
            file.write_text(text)
        if writes == last:
            raise OSError("crash")

    with monkeypatch.context() as crashing:
        crashing.setattr("chatcore.sqlite_log._replace", crash)
        assert refusal(path).endswith("crash")
    with closing(SqliteLog(path)) as log:
        assert log.identity == identity


def test_a_disk_that_was_full_at_a_start_does_not_make_it_a_copy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SqliteLog(path)) as log:
        identity = log.identity

    def write_text(file: Path, text: str) -> int:
        file.open("w").close()  # the old text is gone, and there is no room for the new one
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", write_text)
        assert "No space left on device" in refusal(path)
    with closing(SqliteLog(path)) as log:
        assert log.identity == identity


@pytest.mark.skipif(sys.platform == "win32", reason="no file can be called so there")
@pytest.mark.parametrize("name", [":memory:", "file:chat.db?mode=memory", "file::memory:"])
def test_every_name_is_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """SQLite has names that mean "in memory": what is acknowledged there would not be kept."""
    monkeypatch.chdir(tmp_path)
    with closing(SqliteLog(Path(name))) as log:
        kept = committed(log, draft())
    with closing(SqliteLog(Path(name))) as log:
        assert read(log) == kept


# ---------------------------------------------------------------- what is refused, and left untouched


def refusal(path: Path) -> str:
    """The sentence that says why `path` cannot be the history."""
    with pytest.raises(LogError) as refused:
        SqliteLog(path)
    sentence = str(refused.value)
    assert sentence.isprintable()
    assert str(path) in sentence
    return sentence


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Nothing in `folder` changes, and nothing is added."""
    before = contents(folder)
    yield
    assert contents(folder) == before


def test_a_second_server_on_the_same_file_is_refused(path: Path, log: SqliteLog) -> None:
    """Two would give out the same numbers."""
    committed(log, draft("a", "1"))
    assert refusal(path).endswith("another server is using it")
    committed(log, draft("b", "2"))  # the first one does not suffer from it
    assert [message.text for message in read(log)] == ["a", "b"]


def test_a_second_server_in_another_process_is_refused(path: Path, log: SqliteLog) -> None:
    code = f"from pathlib import Path; from chatcore.sqlite_log import *; SqliteLog(Path({str(path)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert "LogError" in done.stderr
    assert "another server is using it" in done.stderr


def test_when_the_first_server_has_closed_another_may_open(path: Path) -> None:
    for _ in range(3):
        SqliteLog(path).close()


def make_database(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


FOREIGN = ["CREATE TABLE recipes (name)", "INSERT INTO recipes VALUES ('feijoada')"]


@pytest.mark.parametrize(
    "statements",
    [
        FOREIGN,
        [*FOREIGN, "PRAGMA application_id = 252006674"],
        [*FOREIGN, f"PRAGMA user_version = {SCHEMA_VERSION}"],
        [*FOREIGN, "PRAGMA journal_mode = WAL"],
        ["PRAGMA application_id = 252006674"],  # made by another program, which has not begun to write
    ],
    ids=["plain", "with an id", "with our version", "wal", "empty, with an id"],
)
def test_a_database_of_another_program_is_refused(path: Path, statements: list[str]) -> None:
    make_database(path, *statements)
    with untouched(path.parent):
        assert refusal(path).endswith("is a database of another program")


def test_a_refused_database_is_given_back(path: Path) -> None:
    """The other program can go on to use it at once, also while somebody still looks at the error."""
    make_database(path, *FOREIGN)
    with pytest.raises(LogError) as refused:
        SqliteLog(path)
    make_database(path, "INSERT INTO recipes VALUES ('moqueca')")
    assert refused.type is LogError


@pytest.mark.parametrize(
    "garbage",
    [b"hi", b"milk, eggs\n" * 100, b"\xff" * 10_000, b"SQLite format 3\0" + b"\xff" * 4_080, b"{}\n" * 5_000],
    ids=["two bytes", "a list", "ff", "only the beginning", "json"],
)
def test_a_file_that_is_no_database_is_refused(path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)
    with untouched(path.parent):
        assert refusal(path).endswith("it is not a history of chatcore")


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1, 99])
def test_a_history_of_another_version_is_refused(path: Path, version: int) -> None:
    SqliteLog(path).close()
    make_database(path, f"PRAGMA user_version = {version}")
    with untouched(path.parent):
        assert refusal(path).endswith(f"was written by another version of chatcore (schema {version})")


def test_a_history_with_a_part_missing_is_refused(path: Path) -> None:
    SqliteLog(path).close()
    make_database(path, "DROP TABLE rooms")
    assert "no such table: rooms" in refusal(path)


def test_an_empty_file_is_a_new_history(path: Path) -> None:
    path.touch()
    with closing(SqliteLog(path)) as log:
        committed(log, draft())


def test_a_directory_is_refused(path: Path) -> None:
    path.mkdir()
    assert refusal(path)
    assert list(path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_and_not_made(path: Path) -> None:
    assert refusal(path / "deeper" / "chat.db")
    assert not path.exists()


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """For a moment nobody may write in `folder`, not even root: it is an ordinary user meanwhile."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    folder.chmod(0o555)
    if IS_ROOT:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if IS_ROOT:
            os.seteuid(0)
        folder.chmod(mode)


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only there")
@pytest.mark.parametrize("mode", [0o444, 0o000], ids=["read-only", "neither read nor written"])
def test_a_file_that_may_not_be_written_is_refused_in_plain_words(mode: int) -> None:
    """SQLite says "disk I/O error" to one of these, and somebody would look for a new disk."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = folder / "chat.db"
        SqliteLog(path).close()
        path.chmod(mode)
        with unwritable(folder):
            assert refusal(path).endswith("it may not be written")


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only there")
@pytest.mark.parametrize("mode", [None, 0o444, 0o666], ids=["no file", "read-only file", "writable file"])
def test_a_read_only_folder_is_refused(mode: int | None) -> None:
    """Also when the file itself could be written: SQLite needs room for its log beside it."""
    with tempfile.TemporaryDirectory() as made:  # not tmp_path, where an ordinary user may not even look
        folder = Path(made)
        path = folder / "chat.db"
        if mode is not None:
            SqliteLog(path).close()
            path.chmod(mode)
        with untouched(folder), unwritable(folder):
            assert refusal(path)


# ---------------------------------------------------------------- a full disk


def fill_up(log: SqliteLog, pages: int = 0) -> None:
    """Allow the database only so many pages more, as if the disk ended there."""
    (count,) = log._db.execute("PRAGMA page_count").fetchone()
    log._db.execute(f"PRAGMA max_page_count = {count + pages}")


def make_room(log: SqliteLog) -> None:
    log._db.execute("PRAGMA max_page_count = 1000000")


LONG = "x" * 4_000  # a page or so


def test_a_full_disk_refuses_the_whole_turn_and_then_goes_on_without_a_gap(log: SqliteLog) -> None:
    kept = committed(log, draft("first", "1"))
    fill_up(log, pages=4)
    turn = [draft("oi", "2"), draft("first", "1"), *(draft(LONG, f"long {number}") for number in range(20))]
    assert append_all(log, *turn) == [NotKept("storage_full")] * len(turn)
    assert read(log) == kept
    assert (span(log).head, log.count) == (1, 1)
    make_room(log)
    more = committed(log, *(each for each in turn if each.cid != "1"))
    assert [message.seq for message in more] == list(range(2, len(turn) + 1))
    assert append_all(log, draft("first", "1")) == [Duplicate(kept[0])]
    assert log.count == len(turn)


def test_a_small_message_may_fit_where_a_long_one_did_not(log: SqliteLog) -> None:
    committed(log, draft("first", "1"))
    fill_up(log)
    assert append_all(log, *(draft(LONG, f"{number}") for number in range(2, 8)))[0] == NotKept("storage_full")
    assert [message.seq for message in committed(log, draft("oi", "9"))] == [2]


def test_a_new_room_on_a_full_disk(log: SqliteLog) -> None:
    fill_up(log)
    names = [name(f"room-{number}") for number in range(300)]
    outcomes = append_all(log, *(draft(cid=each.fold, room=each) for each in names))
    assert set(outcomes) == {NotKept("storage_full")}
    assert rooms(log) == []


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A real file system of 256 KiB, where mounting one is allowed."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "chatcore-tests", str(folder)]
    try:
        is_mounted = IS_ROOT and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    if not is_mounted:
        pytest.skip("only root may mount a small disk, and not everywhere")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """The write itself fails here, in the COMMIT: nothing is promised, and all is well when there is room."""
    with small_disk(tmp_path), closing(SqliteLog(tmp_path / "chat.db")) as log:
        ballast = tmp_path / "ballast"
        kept: list[str] = []
        ballast.write_bytes(bytes(64 * 1024))
        for number in range(200):
            (outcome,) = append_all(log, draft(LONG, f"{number}"))
            if isinstance(outcome, NotKept):
                assert outcome == NotKept("storage_full")
                break
            kept.append(f"{number}")
        else:
            pytest.fail("this disk never got full")
        assert [message.cid for message in read(log)] == kept
        ballast.unlink()
        (message,) = committed(log, draft("room again", "last"))
        assert message.seq == len(kept) + 1


# ---------------------------------------------------------------- failures that are not a full disk


class Failing:
    """A database of which one kind of statement fails, as a bad disk would make it."""

    def __init__(self, database: sqlite3.Connection, word: str, code: int = sqlite3.SQLITE_IOERR_FSYNC) -> None:
        self._database, self._word, self._code = database, word, code

    @property
    def in_transaction(self) -> bool:
        return self._database.in_transaction

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if statement.lstrip().startswith(self._word):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = self._code
            raise error
        return self._database.execute(statement, values)

    def close(self) -> None:
        self._database.close()


@pytest.mark.parametrize("word", ["BEGIN", "SELECT", "INSERT INTO rooms", "INSERT INTO messages", "COMMIT"])
@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT])
def test_any_other_failure_of_a_commit_is_fatal_and_nothing_is_acknowledged(
    log: SqliteLog, word: str, code: int
) -> None:
    log._db = Failing(log._db, word, code)  # type: ignore[assignment]
    outcomes: list[Outcome] = []
    log.append(draft("a", "1"), outcomes.append)
    log.append(draft("b", "2"), outcomes.append)
    with pytest.raises(LogError, match="failed: disk I/O error"):
        log.commit()
    assert outcomes == []
    assert log.count == 0


@pytest.mark.parametrize("word", ["BEGIN", "INSERT INTO messages", "COMMIT"])
def test_a_full_disk_is_not_fatal_wherever_it_shows(log: SqliteLog, word: str) -> None:
    working = log._db
    log._db = Failing(working, word, sqlite3.SQLITE_FULL)  # type: ignore[assignment]
    assert append_all(log, draft("a", "1"), draft("b", "2")) == [NotKept("storage_full")] * 2
    log._db = working
    assert [message.seq for message in committed(log, draft("a", "1"), draft("b", "2"))] == [1, 2]


def test_a_table_that_vanished_is_fatal(log: SqliteLog) -> None:
    log._db.execute("DROP TABLE messages")
    outcomes: list[Outcome] = []
    log.append(draft(), outcomes.append)
    with pytest.raises(LogError, match="no such table"):
        log.commit()
    assert outcomes == []


def test_a_closed_log_acknowledges_nothing(path: Path) -> None:
    """Also an error that comes from Python's module and not from SQLite is a LogError."""
    log = SqliteLog(path)
    log.close()
    outcomes: list[Outcome] = []
    log.append(draft(), outcomes.append)
    with pytest.raises(LogError):
        log.commit()
    assert outcomes == []


READS: dict[str, Callable[[Log], object]] = {"span": span, "read": read, "rooms": rooms}


@pytest.mark.parametrize("ask", READS.values(), ids=list(READS))
def test_what_cannot_be_read_is_a_failure_of_the_log(path: Path, ask: Callable[[Log], object]) -> None:
    with closing(SqliteLog(path)) as log:
        log._db = Failing(log._db, "SELECT")  # type: ignore[assignment]
        with pytest.raises(LogError, match="cannot be read: disk I/O error"):
            ask(log)
    with pytest.raises(LogError, match="cannot be read"):
        ask(log)  # closed by now


# ---------------------------------------------------------------- what durability rests on


@pytest.mark.parametrize("is_new", [True, False])
def test_the_settings_are_really_set(path: Path, is_new: bool) -> None:
    if not is_new:
        SqliteLog(path).close()
    with closing(SqliteLog(path)) as log:
        settings_of = {
            pragma: log._db.execute(f"PRAGMA {pragma}").fetchone()[0]
            for pragma in ("journal_mode", "synchronous", "locking_mode", "application_id", "user_version")
        }
        assert settings_of == {
            "journal_mode": "wal",
            "synchronous": 2,  # FULL: sync the write-ahead log at each commit
            "locking_mode": "exclusive",
            "application_id": APPLICATION_ID,
            "user_version": SCHEMA_VERSION,
        }
        for pragma in ("fullfsync", "checkpoint_fullfsync"):  # only macOS heeds these
            assert log._db.execute(f"PRAGMA {pragma}").fetchone() == (1,)


def test_one_transaction_for_each_commit(log: SqliteLog) -> None:
    """Group commit: one sync costs as much for fifty messages as for one."""
    statements: list[str] = []
    log._db.set_trace_callback(statements.append)
    committed(log, *(draft(str(number), str(number)) for number in range(50)))
    assert [word for word in statements if word.startswith(("BEGIN", "COMMIT"))] == ["BEGIN", "COMMIT"]
    assert (statements[0], statements[-1]) == ("BEGIN", "COMMIT")


def test_a_turn_without_messages_costs_nothing(log: SqliteLog) -> None:
    statements: list[str] = []
    log._db.set_trace_callback(statements.append)
    log.commit()
    assert statements == []


# ---------------------------------------------------------------- accepted means kept: the order of calls

ACKNOWLEDGING = r"""
import os
import sys
from pathlib import Path
from chatcore.log import Draft
from chatcore.names import Name
from chatcore.sqlite_log import SqliteLog

room, ana = Name("lobby", "lobby"), Name("ana", "ana")
log = SqliteLog(Path(sys.argv[1]))
for turn in range(int(sys.argv[2])):
    for number in range(3):
        text = f"text-{turn}-{number}-end"
        draft = Draft(room, ana, text, "2026-01-02T03:04:05.678Z", text)
        log.append(draft, lambda outcome: os.write(1, f"ack {outcome.message.text}\n".encode()))
    log.commit()
"""
TURNS = 20
CALL = re.compile(r"(?:\[pid +\d+\] |\d+ +)?(\w+)\((\d+)<([^>]*)>(?:, (.*))?\) += (-?\d+)")


def traced(path: Path, *options: str) -> tuple[str, subprocess.CompletedProcess[str]]:
    """Run ACKNOWLEDGING under strace; the trace of its writes and syncs."""
    if shutil.which("strace") is None:
        missing = "strace is not installed: nothing else sees whether the disk was synced in time"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    output = path.with_name("trace.txt")
    calls = "trace=fdatasync,fsync,pwrite64,write"
    command = ["strace", "-f", "-y", "-s", "100000", "-e", calls, *options, "-o", str(output)]
    command += [sys.executable, "-c", ACKNOWLEDGING, str(path), str(TURNS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    return output.read_text(encoding="utf-8", errors="replace"), done


def acknowledged_too_early(trace: str) -> tuple[list[str], int]:
    """Texts whose acknowledgement was written before their row was synced; and how many acks there were."""
    written: dict[str, int] = {}  # text -> line of the trace where its bytes went to the write-ahead log
    synced = -1  # line of the last sync of that file
    early: list[str] = []
    acks = 0
    for number, line in enumerate(trace.split("\n")):
        call = CALL.match(line)
        if call is None:
            continue
        function, descriptor, file, argument, result = call.groups()
        if file.endswith("chat.db-wal"):
            if function == "pwrite64":
                for text in re.findall(r"text-\d+-\d+-end", argument):
                    written.setdefault(text, number)
            elif result == "0":
                synced = number
        elif descriptor == "1":
            for text in re.findall(r"ack (text-\d+-\d+-end)", argument):
                acks += 1
                if synced < written.get(text, len(trace)):
                    early.append(text)
    return early, acks


def test_every_acknowledgement_follows_the_sync_of_its_row(path: Path) -> None:
    """`kill -9` cannot show this: the page cache survives it. The order of system calls can."""
    trace, done = traced(path)
    assert done.returncode == 0, done.stderr
    early, acks = acknowledged_too_early(trace)
    assert acks == 3 * TURNS
    assert early == []


def test_after_a_failed_sync_nothing_is_acknowledged(path: Path) -> None:
    """The kernel may have dropped the pages, and SQLite's next insert would succeed: so it is fatal."""
    trace, done = traced(path, "-e", "inject=fdatasync:error=EIO:when=10")
    assert "EIO" in trace
    assert done.returncode == 1
    assert "LogError" in done.stderr
    assert "disk I/O error" in done.stderr
    early, acks = acknowledged_too_early(trace)
    assert 0 < acks < 3 * TURNS
    assert acks % 3 == 0
    assert early == []


# What strace prints, to test the test.
WRITTEN = '7 pwrite64(3</t/chat.db-wal>, "..text-0-0-end..", 4096, 32) = 4096'
SYNCED = "7 fdatasync(3</t/chat.db-wal>)      = 0"
NOT_SYNCED = "7 fdatasync(3</t/chat.db-wal>) = -1 EIO (Input/output error) (INJECTED)"
ACKNOWLEDGED = '7 write(1<pipe:[1]>, "ack text-0-0-end\\n", 17) = 17'


@pytest.mark.parametrize(
    ("trace", "early"),
    [
        ([WRITTEN, SYNCED, ACKNOWLEDGED], []),
        ([SYNCED, WRITTEN, ACKNOWLEDGED], ["text-0-0-end"]),
        ([WRITTEN, NOT_SYNCED, ACKNOWLEDGED], ["text-0-0-end"]),
        ([WRITTEN, ACKNOWLEDGED, SYNCED], ["text-0-0-end"]),
        ([SYNCED, ACKNOWLEDGED], ["text-0-0-end"]),
    ],
    ids=["in order", "synced too early", "the sync failed", "synced too late", "never written"],
)
def test_the_witness_can_tell(trace: list[str], early: list[str]) -> None:
    assert acknowledged_too_early("\n".join(trace)) == (early, 1)
