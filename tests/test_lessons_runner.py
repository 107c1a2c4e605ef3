"""`python3 -m lessons`, end to end: every command, every sentence, in a folder with spaces and non-ASCII."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from lessons import commands, netcat, prove
from lessons.catalog import Catalog, Unknown
from lessons.cli import main
from lessons.desk import Desk
from tests.terminal import ROOT, Terminal

LESSONS = ROOT / "lessons"
FOUR = "my-lessons/04_framing/server.py"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pasta com espaço é ü"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> "Says":
    return Says(capsys)


class Says:
    """Runs a command; its status, then what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *argv: str) -> tuple[int, str]:
        status = main(argv)
        said = self._capsys.readouterr()
        return status, said.out + said.err


def lesson(number: int, name: str = "server.py") -> str:
    return (Catalog()[number].path / name).read_text(encoding="utf-8")


def write(text: str, path: str = FOUR) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


# ---------------------------------------------------------------- the way through a lesson


def test_a_lesson_from_beginning_to_end(says: Says) -> None:
    status, said = says()
    assert status == 0
    assert said.startswith("The lessons: from an echo to a chat")
    assert " >  0  " in said
    assert said.endswith("0 done. Next: python3 -m lessons start 0\n")

    status, said = says("start", "4")
    assert status == 0
    assert f"  edit      {Path(FOUR)}\n" in said
    assert Path(FOUR).read_text(encoding="utf-8") == lesson(3)

    status, said = says("fail", "4")
    assert (status, says("fail", "4")) == (0, (0, said))
    assert "    caio reads 'oitudo bem?'\n" in said

    status, said = says("check", "4")
    assert status == 1
    assert "  FAILED  any cut, the same lines\n\n      connect ana\n      connect bia\n    → send ana" in said
    assert "Likely cause: what one recv() returned was taken for one message: framing is your part" not in said
    assert "Likely cause: half a line was passed on: a frame is complete when its delimiter is there" in said

    status, said = says("solution", "4")
    assert status == 1
    assert "After success" in said

    write(lesson(4))
    status, said = says("check", "4")
    assert status == 0
    assert "  ok      any cut, the same lines (100 runs)" in said
    assert "Right. A stream has no messages" in said
    assert "TCP carries bytes in order" in said

    assert says("solution", "4")[0] == 0
    assert says("diff", "4") == (0, "They are the same.\n")
    assert " x  4  Where does a message end?" in says("list")[1]
    assert json.loads(Path("my-lessons/progress.json").read_text(encoding="utf-8")) == {
        "hints": {},
        "passed": [4],
        "started": [4],
    }


def test_start_never_overwrites_and_reset_sets_aside(says: Says) -> None:
    write("mine")
    status, said = says("start", "4")
    assert status == 1
    assert said == f"{Path(FOUR)} exists already, and stays as it is.\nTo begin again: python3 -m lessons reset 4\n"
    assert Path(FOUR).read_text(encoding="utf-8") == "mine"
    status, said = says("reset", "4")
    assert status == 0
    assert said.startswith(f"What you wrote is kept as {Path(FOUR).with_name('server.old1.py')}\n")
    assert Path(FOUR).with_name("server.old1.py").read_text(encoding="utf-8") == "mine"
    assert Path(FOUR).read_text(encoding="utf-8") == lesson(3)
    says("reset", "4")
    assert Path(FOUR).with_name("server.old2.py").exists()


def test_a_lesson_that_begins_again_is_not_done(says: Says) -> None:
    for number in (0, 1):
        says("start", str(number))
        Desk(Path("my-lessons"), Catalog()).passed(number)
    assert " x  1  " in says("list")[1]
    says("reset", "1")
    said = says("list")[1]
    assert " x  0  " in said
    assert " >  1  " in said
    assert said.endswith("1 done. Next: python3 -m lessons check 1\n")


def test_what_is_next_is_said_after_the_newest_lesson_only(says: Says) -> None:
    says("start", "3")
    says("start", "4")
    write(lesson(3), "my-lessons/03_room/server.py")
    write(lesson(4))
    assert "Next: " not in says("check", "3")[1]
    assert "Next: " not in says("check", "3", "my-lessons/03_room/server.py")[1]
    assert says("check", "4")[1].endswith("\nNext: python3 -m lessons next\n")
    assert says("check", "4", FOUR)[1].endswith("\nNext: python3 -m lessons next\n")
    assert "Next: " not in says("check", "4", str(LESSONS / "04_framing" / "server.py"))[1]


def test_a_file_that_is_named_counts_if_it_is_the_learners_own(says: Says) -> None:
    write(lesson(4))
    says("check", "4", str(LESSONS / "04_framing" / "server.py"))
    assert " x  4  " not in says("list")[1]
    says("check", "4", FOUR)
    assert " x  4  " in says("list")[1]


@pytest.mark.parametrize("inside", [".", "02_second_caller"])
def test_the_folder_is_found_from_inside(says: Says, monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    write(lesson(2), "my-lessons/02_second_caller/server.py")
    monkeypatch.chdir(Path("my-lessons") / inside)
    status, said = says("check", "2")
    assert status == 0, said
    assert not Path("my-lessons").exists()


def test_next_begins_and_then_says_where_you_are(says: Says) -> None:
    desk = Desk(Path("my-lessons"), Catalog())
    for folder in desk.catalog:
        if folder.number < 2:
            desk.progress.started.append(folder.number)
            desk.passed(folder.number)
    assert says("next")[1].startswith("Lesson 2: The second caller\n  edit ")
    assert says("next")[1].startswith(f"You are in lesson 2: {Path('my-lessons/02_second_caller/server.py')}\n")
    assert "Next: python3 -m lessons check 2" in says()[1]


def test_who_began_in_the_middle_goes_on_from_there(says: Says) -> None:
    desk = Desk(Path("my-lessons"), Catalog())
    desk.progress.started = [13]
    desk.passed(13)
    assert says("next")[1].startswith("Lesson 14: ")
    desk.progress.started = desk.progress.passed = list(range(13, 20))
    desk.save()
    assert says("next")[1].startswith("Lesson 0: ")  # what was left out comes at the end


def test_when_all_is_done(says: Says) -> None:
    desk = Desk(Path("my-lessons"), Catalog())
    desk.progress.started = desk.progress.passed = [*desk.catalog.folders, 99]
    desk.save()
    assert "All done. Now read chatcore/" in says()[1]
    assert says("next")[1] == "There is no next lesson: all are done.\n"


def test_hints_are_opened_one_at_a_time(says: Says) -> None:
    hints = Catalog()[4].lesson.hints
    first, second, third, fourth, fifth = (says("hint", "4")[1] for _ in range(5))
    assert first.startswith(f"1. {hints[0].title}\n   {hints[0].question}\n\nThink first; ")
    assert hints[0].answer in second
    assert hints[1].question in second
    assert hints[2].question in third
    assert hints[2].answer not in third
    assert hints[2].answer in fourth
    assert "Think first" not in fourth
    assert fifth == fourth


def test_diff_of_mine_and_of_two_lessons(says: Says) -> None:
    write(lesson(4).replace("Framing", "Cutting"))
    status, said = says("diff", "4")
    assert status == 1
    assert said.startswith("This shows our whole program; ")
    assert "--anyway" in said
    assert "class" not in said
    assert "-class Cutting:\n+class Framing:\n" in says("diff", "4", "--anyway")[1]
    says("check", "4")  # after success nothing is a secret
    assert "-class Cutting:\n+class Framing:\n" in says("diff", "4")[1]
    status, said = says("diff", "3", "4")
    assert status == 0
    assert "+class Framing:" in said


def test_the_scoreboard(says: Says) -> None:
    status, said = says("score", "4")
    assert status == 0
    lines = said.splitlines()
    assert lines[2] == "  1  green  messages glue together"
    assert lines[-1] == f"{said.count(' green ')}/8. Green: the bug is gone, and what it broke works."
    write(lesson(3))
    assert "for " + str(Path(FOUR)) in says("score", "4")[1]
    assert "  1  red    messages glue together\n" in says("score", "4", FOUR)[1]


def test_solution_anyway(says: Says) -> None:
    assert "Ours is " in says("solution", "4", "--anyway")[1]


def test_a_teacher_checks_any_file(says: Says) -> None:
    file = write(lesson(4), "student é.py")
    assert says("check", "4", str(file))[0] == 0
    assert not Path("my-lessons").exists()
    status, said = says("fail", "4", str(file))
    assert status == 0
    assert said.endswith("The failure is gone.\n")
    status, said = says("fail", "4", str(LESSONS / "03_room" / "server.py"))
    assert status == 1
    assert said.endswith("The failure is still there.\n")


def test_another_folder(says: Says) -> None:
    assert says("--folder", "outra pasta", "start", "2")[0] == 0
    assert Path("outra pasta/02_second_caller/server.py").exists()


def test_the_program_of_lesson_19_is_run_too(capfd: pytest.CaptureFixture[str]) -> None:
    write("print('here')", "my-lessons/19_await/own_await.py")
    assert main(["run", "19"]) == 0
    assert "here\n" in capfd.readouterr().out.replace("\r\n", "\n")


def test_run_runs_it(capfd: pytest.CaptureFixture[str]) -> None:
    write("import sys\nprint('port', sys.argv[1], flush=True)\nsys.exit(7)")
    status = main(["run", "4", "1234"])
    assert status == 7
    said = capfd.readouterr().out.replace("\r\n", "\n")
    assert "server.py runs; Ctrl-C ends it.\n" in said
    assert "port 1234\n" in said


@pytest.mark.parametrize("number", [0, 11])
def test_what_is_no_server_is_not_run(says: Says, number: int) -> None:
    says("start", str(number))
    status, said = says("run", str(number))
    assert status == 2
    assert said.endswith(f".py is not run but checked: python3 -m lessons check {number}\n")
    assert "Ctrl-C" not in said


def test_run_where_somebody_listens_already(says: Says) -> None:
    write(lesson(4))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, said = says("run", "4", str(port))
    assert status == 2
    assert said == (
        f"port {port} is in use: perhaps a server of yours runs in another window. End it, or take another port: "
        f"python3 -m lessons run 4 {port + 1}\n"
    )


def test_only_a_port_can_be_taken() -> None:
    assert not any(map(commands.is_taken, ("", "x", "0", "-1", "70000")))


def test_watch_checks_again_when_the_file_changes(says: Says) -> None:
    file = write("x = (")
    versions = [None, lesson(4)]
    said: list[str] = []

    def pause(seconds: float) -> None:
        assert seconds < 1
        if not versions:
            raise KeyboardInterrupt
        text = versions.pop(0)
        if text is not None:
            file.write_text(text, encoding="utf-8")
            os.utime(file, ns=(1, 1))

    args = SimpleNamespace(lesson=4, file=None)
    with pytest.raises(KeyboardInterrupt):
        commands.watch(Desk(Path("my-lessons"), Catalog()), args, said.append, pause)  # type: ignore[arg-type]
    assert [text.count("Watching") for text in said].count(1) == 2
    assert "Python cannot read this line" in said[1]
    assert any(text.startswith("\nRight.") for text in said)


def test_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch, says: Says) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "ladder", interrupted)
    assert says() == (130, "")


# ---------------------------------------------------------------- sentences instead of tracebacks


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("start", "77"), "there is no lesson 77; the lessons are 0 to "),
        (("check", "4"), f"there is no {Path(FOUR)} yet. Begin with: python3 -m lessons start 4\n"),
        (("run", "4"), f"there is no {Path(FOUR)} yet. Begin with: python3 -m lessons start 4\n"),
        (("diff", "4"), f"there is no {Path(FOUR)} yet. Begin with: python3 -m lessons start 4\n"),
        (("watch", "4"), f"there is no {Path(FOUR)} yet. Begin with: python3 -m lessons start 4\n"),
    ],
)
def test_what_cannot_be_done(says: Says, argv: tuple[str, ...], sentence: str) -> None:
    status, said = says(*argv)
    assert status == 2
    assert sentence in said


WRONG_WITH_THE_FILE = {
    "def f(:\n  pass\n": (
        "server.py, line 1: Python cannot read this line: invalid syntax\n\n    def f(:\n          ^\n"
    ),
    "import threading\n": "server.py, line 1: your program imports threading.\nThese lessons use one thread",
    "import asyncio\n": "server.py, line 1: your program imports asyncio.\nasyncio has such a loop inside.",
    "": "the program ended at once, and nobody could connect: is main() called, and has it a loop?",
    "x = 1\nreturn x\n": "server.py, line 2: Python cannot read this line: 'return' outside function\n\n    return x\n",
    "import os\nos._exit(5)\n": "server.py ended the whole process (status 5)",
    "name = input('name? ')\n": "the program calls input(), or reads sys.stdin: in a check nobody types",
    "while True:\n    pass\n": "a loop goes round for ever and never waits\n      your program is at line 1\n",
    "x = 1\ny = x / 0\n": (
        "your program stopped:\n      line 2: y = x / 0\n      ZeroDivisionError: division by zero\n"
    ),
    "def f():\n    f()\nf()\n": "RecursionError ended the program",
}


@pytest.mark.parametrize(
    ("text", "sentence"), WRONG_WITH_THE_FILE.items(), ids=[text.split("\n")[0] for text in WRONG_WITH_THE_FILE]
)
def test_what_is_wrong_with_the_file(says: Says, text: str, sentence: str) -> None:
    write(text)
    status, said = says("check", "4")
    assert status == 1
    assert sentence in said
    assert "Traceback" not in said
    assert "lessons/kit" not in said


NO_SERVERS = {
    "print('oi')\n": "it does not listen",
    "x = 1\ny = x / 0\n": "it stopped in line 2: ZeroDivisionError: division by zero",
}


@pytest.mark.parametrize(("text", "why"), NO_SERVERS.items())
def test_a_failure_needs_a_server(says: Says, text: str, why: str) -> None:
    write(text)
    status, said = says("fail", "4", FOUR)
    assert status == 1
    assert said == f"ana cannot connect: nobody listens. server.py is no server for this failure: {why}\n"


@pytest.mark.parametrize(
    ("text", "why"), [("print('oi')\n", ""), ("x = 1 / 0\n", ": ZeroDivisionError: division by zero")]
)
def test_a_failure_on_real_sockets_needs_a_server_too(says: Says, text: str, why: str) -> None:
    write(text)
    assert says("fail", "0", FOUR) == (1, f"server.py does not say where it listens{why}\n")


def test_an_address_in_memory_is_masked(says: Says) -> None:
    write("raise ValueError(object())\n")
    said = says("check", "4")[1]
    assert "ValueError: <object object at 0x…>\n" in said
    write("raise ValueError(hex(255), 0xFFFF)\n")
    assert "ValueError: ('0xff', 65535)\n" in says("check", "4")[1]


def test_a_file_that_is_not_there(says: Says) -> None:
    status, said = says("check", "4", "nothing.py")
    assert status == 1
    assert said.endswith("nothing.py\n")
    assert "there is no file " in said


def test_twelve_seconds_are_enough(monkeypatch: pytest.MonkeyPatch, says: Says) -> None:
    monkeypatch.setattr(prove, "SECONDS", 1)
    write("sum(iter(int, 1))\n")  # a loop inside of C, which nobody can count
    status, said = says("check", "4")
    assert status == 1
    assert said.endswith("server.py was still busy after 1 seconds of work, and was ended\n")


def test_without_hypothesis(monkeypatch: pytest.MonkeyPatch, says: Says) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    write(lesson(4))
    status, said = says("check", "4")
    assert status == 2
    assert "Install it with\n\n    python3 -m pip install hypothesis\n\n" in said
    assert "python3 -m venv .venv" in said  # for a Python that the system manages


def test_a_lesson_with_nothing_to_check(tmp_path: Path) -> None:
    (tmp_path / "01_empty").mkdir()
    catalog = Catalog(tmp_path)
    with pytest.raises(Unknown, match="lesson 1 has no check"):
        prove.check(catalog, 1, tmp_path)
    with pytest.raises(Unknown, match="lesson 1 opens with no failure"):
        prove.fail(catalog, 1, tmp_path, 0)
    with pytest.raises(Unknown, match="lesson 1 begins with no program"):
        catalog.before(1)
    assert main(["hint", "1"], catalog) == 2
    assert catalog[1].lesson.title == "Empty"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"started": ["x"], "passed": [1], "hints": {}}',
        '{"started": [], "passed": [1], "hints": []}',
        '{"started": [], "passed": [1], "hints": {"4": "x"}}',
    ],
)
def test_unreadable_progress_is_forgotten(says: Says, text: str) -> None:
    write(text, "my-lessons/progress.json")
    assert says()[1].endswith("0 done. Next: python3 -m lessons start 0\n")
    assert says("hint", "4")[0] == 0


@pytest.mark.parametrize("argv", [("start", "1"), ("hint", "1"), ("next",)])
def test_a_file_in_place_of_the_folder(says: Says, argv: tuple[str, ...]) -> None:
    write("", "my-lessons")
    status, said = says(*argv)
    assert status == 2
    assert said.splitlines()[-1].startswith("cannot use my-lessons")
    assert "Traceback" not in said


def test_a_file_that_is_not_utf8_is_compared_with_a_sentence(says: Says) -> None:
    write("").write_bytes(b"# caf\xe9\n")
    status, said = says("diff", "4", "--anyway")
    assert status == 1
    assert said.startswith("server.py, line 1: Python cannot read this line, because the file is not saved as UTF-8.\n")


def test_a_mark_in_front_is_no_difference(says: Says) -> None:
    write("\ufeff" + lesson(4))
    assert says("diff", "4", "--anyway") == (0, "They are the same.\n")


def test_a_check_that_starts_the_program_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "01_live"
    folder.mkdir()
    (folder / "server.py").write_text("print('oi')", encoding="utf-8")
    (folder / "check.py").write_text(
        "from lessons.kit import LiveCheck\n"
        "def judge(path):\n"
        "    text = path.read_text()\n"
        "    return None if 'oi' in text else ('it greets nobody', ['it says ' + text])\n"
        "CHECKS = (LiveCheck('it greets', judge),)\n",
        encoding="utf-8",
    )
    catalog = Catalog(tmp_path)
    assert main(["check", "1", str(folder / "server.py")], catalog) == 0
    assert "  ok      it greets\n" in capsys.readouterr().out
    assert main(["check", "1", str(write("print('no')", "other.py"))], catalog) == 1
    assert capsys.readouterr().out.endswith(
        "  FAILED  it greets\n\n    it says print('no')\n\n  Likely cause: it greets nobody\n"
    )


# ---------------------------------------------------------------- grades


def test_grades_are_cumulative_and_the_same_twice(says: Says) -> None:
    write(lesson(2), "my-lessons/02_second_caller/server.py")
    write(lesson(4, "wrong/one_frame_per_recv.py"))
    status, said = says("grade", "--json")
    assert status == 1
    assert says("grade", "--json") == (1, said)
    report = json.loads(said)
    assert (report["format"], report["passed"]) == (1, 1)
    grades = {one["lesson"]: one for one in report["lessons"]}
    assert grades[2]["passed"] is True
    failed = [check for check in grades[4]["checks"] if not check["passed"]]
    assert [(check["lesson"], check["cause"]) for check in failed] == [
        (4, "a second line in the same bytes had to wait: take frames until there is none")
    ]
    lines = says("grade")[1].splitlines()
    assert " x  2  The second caller" in lines
    assert lines[-1] == f"1 of {report['of']}"


def test_a_broken_file_is_graded_too(says: Says) -> None:
    write("x = (", "my-lessons/02_second_caller/server.py")
    grade = next(one for one in json.loads(says("grade", "--json")[1])["lessons"] if one["lesson"] == 2)
    assert grade["checks"][-1]["failed"] == "the program cannot be run"
    assert grade["checks"][-1]["cause"].startswith("server.py, line 1: Python cannot read this line")


# ---------------------------------------------------------------- as a user types it


def typed(*argv: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lessons", *argv],
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={**prove.environment(), "PYTHONUTF8": "1"},
        check=False,
    )


def test_the_runner_in_a_process_of_its_own() -> None:
    assert typed("start", "4").returncode == 0
    result = typed("check", "4")
    assert result.returncode == 1
    assert result.stderr == ""
    assert "→ send ana" in result.stdout
    assert typed("no-such-command").returncode == 2
    assert typed("check", "four").returncode == 2


def test_a_reader_who_has_enough() -> None:
    """`… | head`: no traceback, neither at once nor when Python ends."""
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        [sys.executable, "-m", "lessons", "list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=prove.environment(),
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (1, b"")


def test_a_console_that_knows_no_arrows() -> None:
    typed("start", "4")
    result = subprocess.run(
        [sys.executable, "-m", "lessons", "check", "4"],
        capture_output=True,
        env={**prove.environment(), "PYTHONIOENCODING": "ascii"},
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert b"? send ana" in result.stdout


def test_nc_talks_to_a_server() -> None:
    def answer(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            while data := connection.recv(100):
                connection.sendall(data.upper())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        result = typed("nc", "127.0.0.1", str(listener.getsockname()[1]), text="oi é\ntudo bem?\n")
        thread.join()
    assert (result.returncode, result.stdout.replace("\r\n", "\n"), result.stderr) == (0, "OI é\nTUDO BEM?\n", "")


def test_nc_ends_quietly_when_the_server_does() -> None:
    """Its thread waits for the keyboard at that moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        argv = [sys.executable, "-m", "lessons", "nc", "127.0.0.1", str(listener.getsockname()[1])]
        with Terminal(argv) as terminal:
            connection = listener.accept()[0]
            with connection, connection.makefile("rb") as lines:
                terminal.type("oi\r")
                assert lines.readline() == b"oi\n"
                connection.sendall(b"ate logo\n")
                terminal.wait_for("ate logo")  # from then on both threads wait
            assert terminal.wait_for_end() == 0
            assert terminal.lines() == ["oi", "ate logo"]


def test_nc_to_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = taken.getsockname()[1]
        assert netcat.talk("127.0.0.1", port) == 1
    assert capsys.readouterr().err.startswith(f"cannot connect to 127.0.0.1 {port}: ")


def test_nc_to_what_is_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert netcat.talk("a..b", 80) == 1
    assert capsys.readouterr().err.startswith("cannot connect to a..b 80: ")
