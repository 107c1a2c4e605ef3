"""a command line -> one command. `python3 -m lessons` and everything behind it.

Exit status: 0 done, and right; 1 done, and something is not right yet; 2 cannot be done.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lessons import commands, netcat
from lessons.catalog import Catalog, Unknown
from lessons.desk import Desk
from lessons.kit.program import Unusable
from lessons.prove import NotRunnable

DEFAULT_FOLDER = "my-lessons"


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="python3 -m lessons", description="From an echo to a chat, one idea at a time.")
    top.add_argument("--folder", type=Path, default=None, help=f"your own folder (./{DEFAULT_FOLDER})")
    top.set_defaults(act=commands.ladder)
    sub = top.add_subparsers(metavar="COMMAND")

    acts = {"list": commands.ladder, "next": commands.go_on}

    def command(name: str, text: str, *arguments: str) -> argparse.ArgumentParser:
        one = sub.add_parser(name, help=text, description=text)
        one.set_defaults(act=acts.get(name) or getattr(commands, name))
        for argument in arguments:
            one.add_argument(argument, type=int)
        return one

    command("list", "the ladder: what is done and what is next")
    command("next", "begin the next lesson")
    command("start", "put a lesson's starting file into your folder", "lesson")
    command("fail", "see the failure that opens a lesson", "lesson").add_argument("file", type=Path, nargs="?")
    command("score", "which of lesson 0's eight bugs are gone?", "lesson").add_argument("file", type=Path, nargs="?")
    command("run", "run your program", "lesson").add_argument("arguments", nargs=argparse.REMAINDER)
    diff = command("diff", "your program against ours; or, with two lessons, ours against ours", "lesson")
    diff.add_argument("other", type=int, nargs="?")
    diff.add_argument("--anyway", action="store_true")
    command("check", "is your program right?", "lesson").add_argument("file", type=Path, nargs="?")
    command("watch", "check again whenever you save", "lesson").add_argument("file", type=Path, nargs="?")
    command("hint", "open one more of three hints", "lesson")
    command("solution", "the explanation, after success", "lesson").add_argument("--anyway", action="store_true")
    command("reset", "begin a lesson again; what you wrote is set aside", "lesson")
    command("grade", "check everything in your folder").add_argument("--json", action="store_true")
    nc = sub.add_parser("nc", help="talk to a server by hand, where there is no nc")
    nc.add_argument("host")
    nc.add_argument("port", type=int)
    nc.set_defaults(act=lambda desk, args, say: netcat.talk(args.host, args.port))
    return top


def own_folder(here: Path) -> Path:
    """The learner's folder: below this one, or this one, or above it."""
    if not Path(DEFAULT_FOLDER).exists():
        for folder in (here, *here.parents):
            if folder.name == DEFAULT_FOLDER and any(folder.glob("[0-9][0-9]_*")):
                return folder
    return Path(DEFAULT_FOLDER)


def main(argv: Sequence[str], catalog: Catalog | None = None) -> int:
    """Run one command. The exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot show an arrow shows a question mark
    args = parser().parse_args(argv)
    try:
        desk = Desk(args.folder or own_folder(Path.cwd()), catalog or Catalog())
        status: int = args.act(desk, args, print)
        sys.stdout.flush()  # here, where we can still say how it ended
    except (NotRunnable, Unusable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Unknown as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130  # as a shell says for Ctrl-C
    except BrokenPipeError:  # `… | head`: nobody reads our output any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains as it ends
        return 1
    except OSError as error:  # of the learner's folder: a file in its place, not to be written, a full disk
        sys.stderr.write(f"cannot use {error.filename or args.folder or DEFAULT_FOLDER}: {error.strerror or error}\n")
        return 2
    return status
