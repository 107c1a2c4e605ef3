"""a recorded run -> the element on a page that player.js brings to life, and the same in words for everybody."""

import html
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]

import sentences  # noqa: E402
from story import Story  # noqa: E402

from lessons import trace  # noqa: E402
from lessons.catalog import SERVER, Catalog, Folder  # noqa: E402

PLACES = {"## What happened": ("before",), "## Run it again": ("before", "after")}  # a lesson's players
MARK = re.compile(r"<!-- player: (\d+)((?: before| after)*) -->")
LEGEND = "watch.html#how-to-read-a-picture"  # seen from the top of the site; hooks.py makes it relative
HELP = f'<p class="player-help" data-search-exclude><a href="{LEGEND}">How to read this picture</a></p>'
CATALOG = Catalog()


def with_players(markdown: str, folder: Folder) -> str:
    """A lesson's page with its players."""
    has_two = len(runs(folder, ("before", "after"))) == 2
    for heading, names in PLACES.items():
        if has_two or names == ("before",):
            element = player(folder, names, is_searched=not has_two or len(names) == 2)
            markdown = markdown.replace(f"\n{heading}\n", f"\n{heading}\n\n{element}\n", 1)
    return markdown


def marked(markdown: str) -> str:
    """`<!-- player: 4 -->` is the player of lesson 4, and `<!-- player: 4 after -->` one half of it."""
    return MARK.sub(lambda found: player(CATALOG[int(found[1])], found[2].split() or ("before", "after")), markdown)


def player(folder: Folder, names: Sequence[str] = ("before", "after"), is_searched: bool = False) -> str:
    """The element. Its data stands in the page: fetch is refused on file://. The search looks at each story once."""
    found = runs(folder, names)
    assert found, f"nothing was recorded for lesson {folder.number}"
    for run in found:
        title = run["title"]
        run["title"] = f"{run['name']}: {title}" if len(found) == 2 else title
        run["title"] = run["title"][0].upper() + run["title"][1:]
    steps = list(map(sentences.step, script(folder)))
    words = "".join(in_words(run, steps) for run in found)
    for moment in [moment for run in found for moment in run["moments"]]:
        del moment["held"]  # what is drawn needs no sentences
    inside = json.dumps({"script": steps, "runs": found}, ensure_ascii=False, separators=(",", ":"))
    inside = inside.replace("<", "\\u003c")
    hidden = "" if is_searched else " data-search-exclude"
    told = f'<details class="player-words" open{hidden}><summary>The same in words</summary>{words}</details>'
    return f'<div class="player">{told}{HELP}<script type="application/json">{inside}</script></div>'


def in_words(run: dict[str, Any], script: Sequence[str]) -> str:
    """The text alternative: one item for each moment. player.js reads it aloud, and leaves it where it is."""
    items, step = [], -1
    for moment in run["moments"]:
        news = moment["step"] != step
        step = moment["step"]
        start = f"<b>Step {step + 1}: {escaped(script[step])}.</b> " if news else ""
        when = sentences.when(moment)
        told = filter(None, (f"{when}." if when else "", moment["say"], moment["held"]))
        items.append(f"<li>{start}{escaped(' '.join(told))}</li>")
    return f"<p><b>{escaped(run['title'])}</b></p><ol>{''.join(items)}</ol>"


def escaped(text: str) -> str:
    """For HTML, on one line: nothing in it is Markdown."""
    return html.escape(text).replace("\n", " ")


def script(folder: Folder) -> tuple[str, ...]:
    """The steps of the scene."""
    scene = folder.module("scene.py")
    assert scene is not None
    return tuple(map(str, scene.STEPS))


def runs(folder: Folder, names: Sequence[str]) -> list[dict[str, Any]]:
    """What the player shows. Two runs that are the same are one."""
    found = [run for name in names if (run := recorded(folder, name)) is not None]
    return found[: 1 if len(found) == 2 and found[0]["moments"] == found[1]["moments"] else 2]


def recorded(folder: Folder, name: str) -> dict[str, Any] | None:
    """The scene on the program `before` or `after` a lesson; None when there is no such program."""
    scene = folder.module("scene.py")
    if scene is None:
        return None
    path, state, title = program(folder, name)
    facts = trace.record(path, scene.STEPS, CATALOG.dialect(state), folder.number)
    return {"name": name, "title": title, "moments": Story(facts, script(folder)).moments}


def program(folder: Folder, name: str) -> tuple[Path, int, str]:
    """The file, the lesson whose dialect it speaks, and what the player calls it."""
    number = folder.number
    if name == "after":
        return folder.path / SERVER, number, f"the program of lesson {number}"
    if folder.on_stage != folder.program:  # the lesson is about a program of its own
        return folder.on_stage, number, folder.on_stage.relative_to(folder.path).as_posix()
    whose = "that you are given" if folder.has("start.py") else f"of lesson {number - 1}"
    return CATALOG.before(number, folder.lesson.program), number - 1, f"the program {whose}"
