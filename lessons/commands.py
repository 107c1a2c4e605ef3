"""a command -> what it does. Each takes the learner's desk, its arguments and `say`, and returns the exit status."""

import argparse
import difflib
import errno
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

from lessons import grades, prove, scoreboard
from lessons.catalog import OUTSIDE, SERVER, Folder, Unknown
from lessons.desk import Desk
from lessons.kit import program

Say = Callable[[str], object]
Arguments = argparse.Namespace
RIGHT, NOT_YET, CANNOT = 0, 1, 2
LOOK_SECONDS = 0.3  # between two looks at a file's time
ME = "python3 -m lessons"
RUN = ("server.py", "client.py", "own_await.py")  # the programs that one runs; what else a lesson asks for is checked
PORT = "14532"  # where the programs listen unless they are told another one


def ladder(desk: Desk, args: Arguments, say: Say) -> int:
    """`list`: greet, show the ladder, and what is next."""
    say("The lessons: from an echo to a chat, one idea at a time. Each begins with a failure.\n")
    following = desk.next_lesson()
    for folder in desk.catalog:
        done = "x" if folder.number in desk.progress.passed else ">" if folder.number == following else " "
        say(f" {done} {folder.number:2}  {folder.lesson.title:<28}{folder.lesson.term}")
    if following is None:
        say("\nAll done. Now read chatcore/: it is what you have built.")
        return RIGHT
    begun = following in desk.progress.started
    command = f"check {following}" if begun else f"start {following}"
    say(f"\n{len(desk.progress.passed)} done. Next: {ME} {command}")
    return RIGHT


def go_on(desk: Desk, args: Arguments, say: Say) -> int:
    """`next`: start the next lesson, or say where it stands."""
    following = desk.next_lesson()
    if following is None:
        say("There is no next lesson: all are done.")
        return RIGHT
    args.lesson = following
    if following in desk.progress.started:
        say(f"You are in lesson {following}: {desk.shown(desk.file(desk.catalog[following]))}")
        say(f"Next: {ME} check {following}")
        return RIGHT
    return start(desk, args, say)


def start(desk: Desk, args: Arguments, say: Say) -> int:
    """Put the starting file there, unless there is one."""
    folder = desk.catalog[args.lesson]
    file = desk.file(folder)
    if file.exists():
        say(f"{desk.shown(file)} exists already, and stays as it is.")
        say(f"To begin again: {ME} reset {args.lesson}")
        return NOT_YET
    begin(desk, folder, say)
    return RIGHT


def begin(desk: Desk, folder: Folder, say: Say) -> None:
    """Copy, and say what to do with it."""
    number = folder.number
    say(f"Lesson {number}: {folder.lesson.title}")
    say(f"  edit      {desk.shown(desk.put(folder))}")
    say(f"  read      {desk.shown(folder.path / 'README.md')}")
    if folder.has("fail.py"):
        say(f"  see       {ME} fail {number}")
    if folder.has("check.py"):
        say(f"  and then  {ME} check {number}")


def reset(desk: Desk, args: Arguments, say: Say) -> int:
    """Set aside what is there, and begin again."""
    folder = desk.catalog[args.lesson]
    desk.not_passed(folder.number)
    if desk.file(folder).exists():
        say(f"What you wrote is kept as {desk.shown(desk.set_aside(folder))}")
    begin(desk, folder, say)
    return RIGHT


def fail(desk: Desk, args: Arguments, say: Say) -> int:
    """The failure, on the program before; or on a file, where it should be gone."""
    number = args.lesson
    catalog = desk.catalog
    folder = catalog[number]
    path, state = catalog.failing(number) if args.file is None else (args.file, number)
    appeared, transcript = prove.fail(catalog, number, path, state)
    say(f"Lesson {number}: {folder.lesson.title}\n")
    for line in transcript:
        say(f"    {line}")
    if args.file is not None:
        say(f"\nThe failure {'is still there' if appeared else 'is gone'}.")
        return NOT_YET if appeared else RIGHT
    say(f"\nThat was {desk.shown(path)}.")
    return RIGHT if appeared or number in OUTSIDE else NOT_YET


def score(desk: Desk, args: Arguments, say: Say) -> int:
    """Lesson 0's eight lines, for the learner's program of a lesson; for ours, where there is none; or for a file."""
    folder = desk.catalog[args.lesson]
    name = folder.lesson.program if folder.lesson.program in scoreboard.JUDGED else SERVER
    his, ours = desk.path / folder.slug / name, folder.path / name
    file = args.file or (his if his.exists() else ours)
    green = prove.score(desk.catalog, file, folder.number)
    say(f"The scoreboard of lesson 0, for {desk.shown(file)}\n")
    titles = scoreboard.titles(desk.catalog)
    for number, title in enumerate(titles, start=1):
        say(f"  {number}  {'green' if number in green else 'red':<7}{title}")
    say(f"\n{len(green)}/{len(titles)}. Green: the bug is gone, and what it broke works.")
    return RIGHT


def run(desk: Desk, args: Arguments, say: Say) -> int:
    """Run the learner's program, with the keyboard and the screen."""
    file = his_file(desk, args.lesson)
    if file.name not in RUN:
        raise Unknown(f"{file.name} is not run but checked: {ME} check {args.lesson}")
    port = next(iter(args.arguments), PORT if PORT in file.read_text(encoding="utf-8", errors="replace") else "")
    if file.name == SERVER and is_taken(port):
        raise Unknown(
            f"port {port} is in use: perhaps a server of yours runs in another window. End it, or take another port: "
            f"{ME} run {args.lesson} {int(port) + 1}"
        )
    say(f"{desk.shown(file)} runs; Ctrl-C ends it.")
    argv = [sys.executable, str(file.absolute()), *args.arguments]
    return subprocess.call(argv, cwd=file.parent, env=prove.environment())


def is_taken(port: str) -> bool:
    """True when somebody listens there already. 98, 48, 10048: Linux, macOS and Windows say it in their own numbers."""
    if not port.isdecimal() or not 0 < int(port) < 1 << 16:
        return False
    try:
        socket.create_server(("127.0.0.1", int(port))).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def diff(desk: Desk, args: Arguments, say: Say) -> int:
    """Line by line: what is only in the first (-) and only in the second (+)."""
    catalog = desk.catalog
    if args.other is None:
        old, new = his_file(desk, args.lesson), catalog[args.lesson].program
        if is_secret(desk, args):
            say("This shows our whole program; what you find out yourself, you keep.")
            say(f"After success: {ME} check {args.lesson}. A hint: {ME} hint {args.lesson}. If you must: --anyway.")
            return NOT_YET
    else:
        new = catalog[args.other].program
        beside = catalog[args.lesson].path / new.name
        old = beside if beside.exists() else catalog[args.lesson].program
    before, after = (program.text_of(path).splitlines() for path in (old, new))
    lines = list(difflib.unified_diff(before, after, desk.shown(old), desk.shown(new), lineterm=""))
    say("\n".join(lines) if lines else "They are the same.")
    return RIGHT


def check(desk: Desk, args: Arguments, say: Say) -> int:
    """Run the lesson's checks; on success the explanation."""
    folder = desk.catalog[args.lesson]
    file = args.file or his_file(desk, args.lesson)
    say(f"Lesson {folder.number}: {folder.lesson.title}   {desk.shown(file)}\n")
    results = prove.check(desk.catalog, folder.number, file)
    for result in results:
        say("\n".join(result.story))
    if not all(result.passed for result in results):
        return NOT_YET
    his_own = is_his(desk, folder, file)
    if his_own:
        desk.passed(folder.number)
    say(f"\nRight. {folder.lesson.idea}".rstrip())
    if folder.lesson.explanation:
        say("\n" + textwrap.dedent(folder.lesson.explanation).strip())
    if his_own and folder.number >= max(desk.progress.started, default=0):
        say(f"\nNext: {ME} next")
    return RIGHT


def is_his(desk: Desk, folder: Folder, file: Path) -> bool:
    """True for the learner's own program of the lesson, however he has named it."""
    his = desk.file(folder)
    return his.exists() and his.samefile(file)


def watch(desk: Desk, args: Arguments, say: Say, pause: Callable[[float], object] | None = None) -> int:
    """Check now, and whenever the file changes. Ctrl-C ends it."""
    file = args.file or his_file(desk, args.lesson)
    pause = pause or threading.Event().wait
    seen = None
    while True:
        changed = file.stat().st_mtime_ns if file.exists() else 0
        if changed != seen:
            seen = changed
            check_once(desk, args, say)
            say(f"\nWatching {desk.shown(file)}; Ctrl-C ends it.")
        pause(LOOK_SECONDS)


def check_once(desk: Desk, args: Arguments, say: Say) -> None:
    """For watch: a file that cannot be run is something to say, too."""
    try:
        check(desk, args, say)
    except prove.NotRunnable as error:
        say(str(error))


def hint(desk: Desk, args: Arguments, say: Say) -> int:
    """Open one more: its question, and the answer to the one before."""
    folder = desk.catalog[args.lesson]
    hints = folder.lesson.hints
    if not hints:
        raise Unknown(f"lesson {args.lesson} has no hints")
    opened = desk.open_hint(args.lesson)
    for number, one in enumerate(hints[:opened], start=1):
        say(f"{number}. {one.title}\n   {one.question}")
        if number < opened:
            say(f"   - {one.answer}")
    if opened <= len(hints):
        say(f"\nThink first; {ME} hint {args.lesson} then gives the answer.")
    return RIGHT


def solution(desk: Desk, args: Arguments, say: Say) -> int:
    """The explanation and where our program stands."""
    folder = desk.catalog[args.lesson]
    if is_secret(desk, args):
        say(f"After success: {ME} check {args.lesson}. A hint: {ME} hint {args.lesson}. If you must: --anyway.")
        return NOT_YET
    say(f"Lesson {args.lesson}: {folder.lesson.title}. {folder.lesson.idea}".rstrip())
    say("\n" + textwrap.dedent(folder.lesson.explanation).strip())
    say(f"\nOurs is {desk.shown(folder.program)}; the difference to yours: {ME} diff {args.lesson}")
    return RIGHT


def is_secret(desk: Desk, args: Arguments) -> bool:
    """True before success, unless the learner insists."""
    checked = desk.catalog[args.lesson].has("check.py")
    return checked and args.lesson not in desk.progress.passed and not args.anyway


def grade(desk: Desk, args: Arguments, say: Say) -> int:
    """Everything in the folder, against the checks of its lesson and of all before it that still apply."""
    report = grades.of(desk)
    say(grades.as_json(report) if args.json else grades.as_text(report))
    return RIGHT if report["passed"] == report["of"] else NOT_YET


def his_file(desk: Desk, number: int) -> Path:
    """The learner's file. Unknown, with the command that puts one there."""
    file = desk.file(desk.catalog[number])
    if not file.exists():
        raise Unknown(f"there is no {desk.shown(file)} yet. Begin with: {ME} start {number}")
    return file
