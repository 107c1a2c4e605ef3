"""What mkdocs calls while it builds the site: navigation of the lessons, generated parts, the players."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # mkdocs may be started from anywhere

import generate  # noqa: E402
import players  # noqa: E402
from mkdocs.config.defaults import MkDocsConfig  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402
from mkdocs.utils import get_relative_url  # noqa: E402

from lessons.catalog import Catalog, Folder  # noqa: E402

COG = re.compile(r"<!-- (?:\[\[\[cog .*?\]\]\]|\[\[\[end\]\]\]) -->\n?", re.DOTALL)
GENERATE = re.compile(r"<!-- generate: (\w+) -->")
CODE = re.compile(r"<!-- code: (\S+) (\S+) -->")  # file, and the name of what is shown of it
OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:chatcore|tests)/[^)]*\)")  # links that only a code host can follow
CATALOG = Catalog()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the lessons into the navigation, with the titles that they declare."""
    for entry in config.nav or []:
        if entry.get("Lessons") == "lessons/":
            entry["Lessons"] = ["lessons/README.md", *(_entry(CATALOG[number]) for number in sorted(CATALOG.folders))]
    return config


def _entry(folder: Folder) -> dict[str, str]:
    return {f"{folder.number}. {folder.lesson.title}": f"lessons/{folder.slug}/README.md"}


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Leave out the marks of cog; put in what is generated, and the players."""
    markdown = OUTSIDE.sub(r"\1", COG.sub("", markdown))
    if page.file.src_uri.startswith("lessons/"):  # in the project they stand beside docs/, here inside of it
        markdown = markdown.replace("](../docs/", "](../")
    markdown = GENERATE.sub(lambda found: getattr(generate, found[1])(), markdown)
    markdown = players.marked(CODE.sub(lambda found: generate.code(found[1], found[2]), markdown))
    found = re.fullmatch(r"lessons/(\d\d)_\w+/README\.md", page.file.src_uri)
    if found and CATALOG[int(found[1])].has("scene.py"):
        markdown = players.with_players(markdown, CATALOG[int(found[1])])
    return markdown.replace(f'"{players.LEGEND}"', f'"{get_relative_url(players.LEGEND, page.url)}"')
