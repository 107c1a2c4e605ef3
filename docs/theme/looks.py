"""The last touch: a page as Material writes it -> one for our style sheet, for phones and for screen readers."""

import html
import re
from collections.abc import Callable
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

LESSON = re.compile(r"lessons/(\d\d)_\w+/README\.md")
TELLING = re.compile(r"how-it-works/(?!index).*\.md")
WORDS_A_MINUTE = 200
WIDE = 30  # letters; a table with such a cell is read line by line, and becomes a list on a phone
PAIR = 2  # columns that need no names: what it is, and what is said of it
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)


def on_post_page(output: str, *, page: Page, config: MkDocsConfig) -> str:
    """Change what stands in the article, and in the list of pages."""
    before, start, rest = output.partition("<article")
    article, end, after = rest.partition("</article>")
    for change in _changes(page):
        article = change(article)
    return without_landmarks(before) + start + article + end + after


def on_post_template(output_content: str, *, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page of what is not there; it is no article."""
    return without_landmarks(output_content) if template_name == "404.html" else output_content


def without_landmarks(page: str) -> str:
    """The list of pages is one place to go to. The lists inside of it are none."""
    return re.sub(r'(<nav class="md-nav" data-md-level="\d") [^>]*>', r'\1 role="none">', page)


def _changes(page: Page) -> list[Callable[[str], str]]:
    source = page.file.src_uri
    changes = [without_comments]
    if LESSON.fullmatch(source):
        changes += [without_nav_line, with_facts, with_number, with_answers, with_parts]
    if TELLING.fullmatch(source):
        changes += [with_minutes]
    if page.is_homepage:
        changes += [with_picture, with_parts]
    return [*changes, with_tables]


def without_comments(article: str) -> str:
    """The marks for the tests are not for readers."""
    return re.sub(r"<!--.*?-->\n?", "", article, flags=re.DOTALL)


def without_nav_line(article: str) -> str:
    """A lesson ends with links to its neighbours for readers of the file; the site has its own."""
    links = r"<p>(?:← <a [^>]*>[^<]*</a>)?(?: · )?(?:<a [^>]*>[^<]*</a> →)?</p>"
    return re.sub(links, "", article)


def with_facts(article: str) -> str:
    """The table behind the title becomes a list of facts."""
    found = re.search(r"(?<=</h1>)\s*(<table>.*?</table>)", article, re.DOTALL)
    if found is None:
        return article
    head, (row, *_) = cells(found[1])
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in zip(head, row, strict=True))
    return article.replace(found[0], f'\n<dl class="facts">{facts}</dl>', 1)


def with_number(article: str) -> str:
    """`4. Where does a message end?` has its number apart."""
    return re.sub(r"(<h1[^>]*>)(\d+)\. ", r'\1<span class="number">Lesson \2</span> ', article, count=1)


def with_answers(article: str) -> str:
    """The answer of a hint stands in the file as bare text. Here it is a paragraph."""
    return re.sub(
        r"(<details>\s*<summary>.*?</summary>)\s*(.*?)\s*(?=</details>)", r"\1<p>\2</p>", article, flags=re.DOTALL
    )


def with_parts(article: str) -> str:
    """Each section of a lesson in an element of its own, so that Predict and Exercise can stand out."""
    first, *others = re.split(r'(?=<h2 id=")', article)
    return first + "".join(map(_part, others))


def _part(part: str) -> str:
    name = re.match(r'<h2 id="([^"]*)"', part)
    assert name is not None
    return f'<section class="part" data-part="{name[1]}">{part}</section>\n'


def with_minutes(article: str) -> str:
    """How long a page takes to read, code left out."""
    prose = re.sub(r"<(pre|script|svg|table)\b.*?</\1>|<[^>]+>", " ", article, flags=re.DOTALL)
    minutes = max(1, round(len(prose.split()) / WORDS_A_MINUTE))
    note = f'<p class="minutes">{minutes} minute{"s" if minutes > 1 else ""} to read</p>'
    return re.sub(r"</h1>", lambda end: end[0] + note, article, count=1)


def with_tables(article: str) -> str:
    """Tables scroll in a box of their own, or become lists, where the screen is narrow."""
    return TABLE.sub(lambda found: _table(found[0]), article)


def _table(table: str) -> str:
    head, rows = cells(table)
    plain = [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in rows]
    is_wide = any(len(cell) > WIDE for row in plain for cell in row)
    names = [html.escape(re.sub(r"<[^>]+>", "", name), quote=True).strip() for name in head]
    count = iter(range(len(head) * len(rows)))

    def cell(found: re.Match[str]) -> str:
        return f'<td role="cell" data-name="{names[next(count) % len(names)]}"{found[1]}>'

    marked = re.sub(r"<td([^>]*)>", cell, table)
    marked = marked.replace("<tr>", '<tr role="row">').replace("<th", '<th role="columnheader"')
    marked = marked.replace('<th role="columnheader"ead>', '<thead role="rowgroup">')
    marked = marked.replace("<tbody>", '<tbody role="rowgroup">')
    marked = re.sub(r"<th[^>]*></th>", '<td role="cell"></td>', marked)  # a heading must say something
    kind = "plain" if not is_wide else "telling many" if len(head) > PAIR else "telling"
    return f'<div class="table-box">{marked.replace("<table>", f"""<table class="{kind}" role="table">""", 1)}</div>'


def cells(table: str) -> tuple[list[str], list[list[str]]]:
    """The headings of a table, and its rows."""
    head = re.findall(r"<th\b(?!ead)[^>]*>(.*?)</th>", table, re.DOTALL)
    rows = [re.findall(r"<td\b[^>]*>(.*?)</td>", row, re.DOTALL) for row in table.split("<tr>")[1:]]
    return head, [row for row in rows if row]


def with_picture(article: str) -> str:
    """The loop, beside the first words of the home page."""
    picture = (Path(__file__).parent / "partials" / "loop.html").read_text(encoding="utf-8")
    title = re.search(r"<h1.*?</h1>", article, re.DOTALL)
    assert title is not None
    sentences = title[0].replace(". ", ".<br>")
    article = article.replace(title[0], f'<div class="welcome">{picture}{sentences}', 1)
    article = article.replace('md-typeset">', 'md-typeset home">', 1)
    return article.replace('<div class="doors">', '</div>\n<div class="doors">', 1)
