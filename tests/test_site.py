"""The built site: no dead link, nothing from elsewhere, nothing out of reach of a keyboard or a phone, and a search."""

import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Literal
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from lessons.catalog import Catalog
from tests.site import DESK, PHONE, ROOT, Watched, pages, watched

pytest_plugins = ["tests.site"]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
EXAMINE = (ROOT / "tests" / "site.js").read_text(encoding="utf-8")
COMMON = {"resultTypes": ["violations"], "preload": False}  # to preload style sheets is refused on file://
COLOURS = ["color-contrast", "link-in-text-block"]
CONTRAST = {**COMMON, "runOnly": COLOURS}
STRUCTURE = {
    **COMMON,
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}, **{rule: {"enabled": False} for rule in COLOURS}},
}


# ---------------------------------------------------------------- links


class Links(HTMLParser):
    """What a page refers to, and what it can be referred to by."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.names: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for key, value in attributes:
            if key == "id" and value:
                self.names.append(value)
            elif key in {"href", "src"} and value is not None:
                self.targets.append(value)


def broken(folder: Path) -> list[str]:
    """Each link of a page in the folder that leads nowhere, as `page: link`."""
    read = {path: Links(path) for path in folder.rglob("*.html")}
    return [
        f"{path.relative_to(folder).as_posix()}: {target}"
        for path, links in read.items()
        for target in links.targets
        if not resolves(path, target, folder, read)
    ]


def resolves(path: Path, target: str, folder: Path, read: dict[Path, Links]) -> bool:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return parts.scheme in {"https", "mailto"}  # to other hosts; nothing is loaded from there, see below
    found = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if path.name == "404.html" and parts.path.startswith("/"):
        found = folder / parts.path.lstrip("/")  # it is shown at any depth
    is_there = found.is_file() and folder in found.parents
    return is_there and (not parts.fragment or unquote(parts.fragment) in read[found].names)


def test_every_link_and_anchor_leads_somewhere(built_site: Path) -> None:
    assert broken(built_site) == []


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("b.html", False),
        ("b.html#there", False),
        ("#here", False),
        ("sub/../b.html?x#there", False),
        ("https://example.org/", False),
        ("b.html#gone", True),
        ("#gone", True),
        ("c.html", True),
        ("../outside.html", True),
        ("http://example.org/", True),
        ("sub/", True),
    ],
)
def test_the_link_checker(tmp_path: Path, link: str, is_broken: bool) -> None:
    folder = tmp_path / "site"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "outside.html").write_text("")
    (folder / "b.html").write_text('<p id="there">')
    (folder / "a.html").write_text(f'<p id="here"><a href="{link}">x</a>')
    assert broken(folder) == ([f"a.html: {link}"] if is_broken else [])


def test_no_id_stands_twice_on_a_page(built_site: Path) -> None:
    for path in built_site.rglob("*.html"):
        names = Links(path).names
        assert sorted(set(names)) == sorted(names), path.name


def test_what_is_generated_has_no_copy_among_the_sources() -> None:
    """It is made anew at each build, so it cannot be old."""
    names = set(re.findall(r"<!-- generate: (\w+) -->", "".join(map(text, (ROOT / "docs").glob("**/*.md")))))
    assert {"limits_table", "promises", "changes", "states", "command_errors"} <= names
    assert not [path for path in (ROOT / "docs").glob("**/*.html") if "theme" not in path.parts]


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# ---------------------------------------------------------------- in a browser


Faults = dict[str, list[str]]


def opened(page: Page, address: str) -> Response:
    """Go there, and wait until Material has chosen the colours."""
    response = page.goto(address)
    page.wait_for_function("document.documentElement.classList.contains('js') && document.readyState === 'complete'")
    assert response is not None
    return response


def paint(page: Page, scheme: str) -> None:
    """Change the colours, and wait until nothing fades any more."""
    page.evaluate(
        """scheme => {
            document.body.dataset.mdColorScheme = scheme;
            return Promise.all(document.getAnimations().map(each => each.finished.catch(() => null)));
        }""",
        scheme,
    )


def axe(page: Page, selector: str, options: object) -> list[str]:
    found: list[str] = page.evaluate("([selector, options]) => examine.axe(selector, options)", [selector, options])
    return found


class Examiner:
    """Looks at pages, on both widths and in both schemes.

    To measure contrast is most of the work. So it is measured once for each look, and not again on every page.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[int]] = {"desk": [], "phone": []}

    def __call__(self, page: Page) -> Iterator[tuple[str, list[str]]]:
        """What is wrong, by the kind of fault."""
        for width, size in (("desk", DESK), ("phone", PHONE)):
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            paint(page, "default")
            yield f"wide, {width}", page.evaluate("examine.tooWide()")
            yield f"axe, {width}", axe(page, "", STRUCTURE)
            if new := page.evaluate("known => examine.markNew(known)", self._known[width]):
                self._known[width] += new
                yield f"contrast, light, {width}", axe(page, "[data-new]", CONTRAST)
                paint(page, "slate")
                yield f"contrast, dark, {width}", axe(page, "[data-new]", CONTRAST)


@pytest.fixture(scope="module")
def seen(browser: Browser) -> Iterator[Watched]:
    with watched(browser) as seen:
        seen.page.add_init_script(AXE + EXAMINE)
        yield seen


@pytest.fixture(scope="module")
def faults(built_site: Path, seen: Watched) -> Faults:
    """All that is wrong with the pages, from one visit to each: `fault, page` and what it is."""
    found: Faults = {}
    examined = Examiner()
    for name in pages(built_site):
        if name == "404.html":
            continue  # its addresses begin with a slash: see below
        seen.errors.clear()
        seen.page.goto((built_site / name).as_uri())
        found.update({f"{kind}: {name}": what for kind, what in examined(seen.page) if what})
        if seen.errors:
            found[f"console: {name}"] = list(seen.errors)
    return found


def of(kind: str, faults: Faults) -> str:
    return "\n".join("\n  ".join([name, *what]) for name, what in faults.items() if name.startswith(kind))


def test_no_page_complains_in_the_console(faults: Faults) -> None:
    assert of("console", faults) == ""


def test_nothing_is_asked_of_another_host(faults: Faults, seen: Watched) -> None:
    assert seen.abroad == []


def test_nothing_scrolls_sideways(faults: Faults) -> None:
    assert of("wide", faults) == ""


@pytest.mark.parametrize("kind", ["axe", "contrast"])
def test_axe_finds_nothing(faults: Faults, kind: str) -> None:
    assert of(kind, faults) == ""


@pytest.mark.parametrize(
    ("fault", "body", "style"),
    [
        ("axe, desk", "<img src='data:,'>", " "),
        ("axe, phone", "<button>", " "),
        ("contrast, light, desk", "<p style='color: #8a9'>pale", " "),
        ("contrast, light, phone", "<p class=on>pale", "@media (width < 40em) { .on { color: #9a9 } }"),
        ("contrast, dark, desk", "<p class=dark>dim", "[data-md-color-scheme=slate] .dark { color: #444 }"),
        ("contrast, dark, phone", "<p class=dark>dim", "[data-md-color-scheme=slate] .dark { color: #444 }"),
        ("wide, phone", "<div style='width: 500px'>wide", " "),
        ("wide, desk", "<div style='width: 1500px'>wide", " "),
        ("wide, phone", "<figure style='overflow-x: auto'><div style='width: 500px'>wide", " "),
    ],
)
def test_a_page_with_a_fault_is_noticed(built_site: Path, seen: Watched, fault: str, body: str, style: str) -> None:
    opened(seen.page, (built_site / "reference" / "limits.html").as_uri())
    seen.page.evaluate("([html]) => document.querySelector('article').insertAdjacentHTML('beforeend', html)", [body])
    seen.page.add_style_tag(content=style)
    assert fault in {kind for kind, what in Examiner()(seen.page) if what}


# ---------------------------------------------------------------- what the pages do


@pytest.fixture(scope="module")
def served(built_site: Path) -> Iterator[str]:
    """The address of a server of files for the site."""

    class Handler(SimpleHTTPRequestHandler):
        error_message_format = text(built_site / "404.html").replace("%", "%%")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(built_site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("how", ["file", "http"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_search_finds_a_word(built_site: Path, served: str, browser: Browser, how: str, size: dict[str, int]) -> None:
    with watched(browser, size=size) as seen:
        seen.page.goto(f"{built_site.as_uri() if how == 'file' else served}/index.html")
        if size == PHONE:
            seen.page.get_by_role("button", name="Search").press("Enter")
        seen.page.get_by_role("textbox", name="Search").press_sequentially("backpressure")
        found = seen.page.locator(".md-search-result__link", has_text="Backpressure").first
        expect(found).to_be_visible()
        found.click()
        expect(seen.page.locator("h1")).to_contain_text("Backpressure")
        assert "how-it-works/backpressure.html" in seen.page.url
        assert (seen.errors, seen.abroad) == ([], [])


def test_a_page_that_is_not_there_is_one_of_ours(served: str, seen: Watched) -> None:
    seen.errors.clear()
    assert opened(seen.page, f"{served}/lessons/no/such.html").status == 404
    assert {kind: what for kind, what in Examiner()(seen.page) if what} == {}
    assert [error for error in seen.errors if "404" not in error] == []
    expect(seen.page.locator("h1")).to_have_text("There is no such page")
    seen.page.locator("article").get_by_role("link", name="Home").click()
    expect(seen.page.locator("h1")).to_contain_text("One thread.")


@pytest.mark.parametrize(("scheme", "name", "other"), [("light", "default", "slate"), ("dark", "slate", "default")])
def test_the_colours_are_those_of_the_system_until_somebody_changes_them(
    built_site: Path, browser: Browser, scheme: Literal["light", "dark"], name: str, other: str
) -> None:
    with watched(browser, scheme) as seen:
        seen.page.goto((built_site / "index.html").as_uri())
        body = seen.page.locator("body")
        expect(body).to_have_attribute("data-md-color-scheme", name)
        seen.page.get_by_role("button", name=f"Switch to {'dark' if scheme == 'light' else 'light'} mode").press(
            "Enter"
        )
        expect(body).to_have_attribute("data-md-color-scheme", other)
        expect(seen.page.locator(".palette button:focus")).to_be_visible()
        seen.page.reload()
        expect(body).to_have_attribute("data-md-color-scheme", other)


def test_on_a_phone_the_list_of_pages_opens_by_keyboard(built_site: Path, browser: Browser) -> None:
    with watched(browser, size=PHONE) as seen:
        seen.page.goto((built_site / "teach.html").as_uri())
        opener = seen.page.get_by_role("button", name="Pages")
        link = seen.page.locator(".md-sidebar--primary").get_by_role("link", name="Watch the loop")
        expect(link).not_to_be_in_viewport()
        opener.press("Enter")
        expect(link).to_be_in_viewport()
        expect(opener).to_have_attribute("aria-expanded", "true")
        seen.page.keyboard.press("Escape")
        expect(link).not_to_be_in_viewport()
        expect(opener).to_be_focused()


def test_hints_come_one_after_the_other(built_site: Path, seen: Watched) -> None:
    page = seen.page
    page.goto((built_site / "lessons" / "04_framing" / "index.html").as_uri())
    hints, later = page.locator("[data-part=hints] > details"), page.locator(".later")
    for shown in (1, 2, 3):
        expect(hints.filter(visible=True)).to_have_count(shown)
        expect(later.filter(visible=True)).to_have_count(int(shown < 3))
        hints.nth(shown - 1).locator("summary").press("Enter")
        expect(hints.nth(shown - 1)).to_have_attribute("open", "")


def test_a_lesson_has_facts_and_leads_on(built_site: Path, seen: Watched) -> None:
    page = seen.page
    page.goto((built_site / "lessons" / "04_framing" / "index.html").as_uri())
    assert page.locator(".facts dt").all_inner_texts() == ["to read", "to do", "you need"]
    assert page.locator("h1 .number").inner_text() == "Lesson 4"
    assert page.locator("article").inner_text().count("←") == 0
    page.get_by_role("link", name="Next: 5.").click()
    expect(page.locator("h1 .number")).to_have_text("Lesson 5")


def test_every_lesson_leads_to_the_one_before_and_the_next(built_site: Path) -> None:
    slugs = [folder.slug for folder in Catalog()]
    assert len(slugs) == 20
    for number, slug in enumerate(slugs):
        page = text(built_site / "lessons" / slug / "index.html")
        foot = page[page.index('<footer class="md-footer"') :]
        links = dict(re.findall(r'<a href="([^"]*)" class="md-footer__link md-footer__link--(\w+)"', foot))
        before = f"../{slugs[number - 1]}/index.html" if number else "../index.html"
        after = "../../watch.html" if slug == slugs[-1] else f"../{slugs[number + 1]}/index.html"
        assert links == {before: "prev", after: "next"}, slug


def test_lessons_and_the_tour_say_how_long_they_take_to_read(built_site: Path) -> None:
    for path in (built_site / "lessons").glob("*_*/index.html"):
        assert re.search(r"<dt>to read</dt><dd>\d+ minutes</dd>", text(path)), path
    for path in (built_site / "how-it-works").glob("*.html"):
        assert path.name == "index.html" or re.search(r'<p class="minutes">\d+ minutes? to read</p>', text(path)), path


def test_without_scripts_every_hint_can_be_opened(built_site: Path, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((built_site / "lessons" / "04_framing" / "index.html").as_uri())
    hints = page.locator("[data-part=hints] > details")
    expect(hints.filter(visible=True)).to_have_count(3)
    hints.nth(2).locator("summary").click()
    expect(hints.nth(2).locator(":scope > :not(summary)").first).to_be_visible()
    context.close()


def test_on_paper_the_recordings_are_told_and_nothing_is_cut_off(built_site: Path, browser: Browser) -> None:
    with watched(browser, size={"width": 700, "height": 1000}) as seen:
        page = seen.page
        page.goto((built_site / "lessons" / "04_framing" / "index.html").as_uri())
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        expect(page.locator(".player-words li").first).to_be_visible()
        for selector in (
            ".p-picture",
            ".p-controls",
            ".player-help",
            ".md-header",
            ".md-sidebar",
            ".md-footer",
            ".copy",
        ):
            expect(page.locator(f"{selector}:visible")).to_have_count(0)
        hints = page.locator("[data-part=hints] > details")
        expect(hints.locator("summary").filter(visible=True)).to_have_count(3)
        expect(hints.locator(":scope > :not(summary)").filter(visible=True)).to_have_count(0)
        cut = "[...document.querySelectorAll('pre')].filter(each => each.scrollWidth > each.clientWidth + 1).length"
        assert page.evaluate(cut) == 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen")
        expect(page.locator(".player-words li:visible")).to_have_count(0)
        expect(hints.filter(visible=True)).to_have_count(1)  # the others still wait


def test_who_has_chosen_colours_of_his_own_sees_the_drawings_in_them(built_site: Path, browser: Browser) -> None:
    """Chromium does not do this by itself for what is drawn."""
    for name, text_of in (("index.html", ".loop"), ("how-it-works/one-connection.html", ".states")):
        context = browser.new_context(forced_colors="active", color_scheme="dark")
        page = context.new_page()
        page.goto((built_site / name).as_uri())
        page.evaluate("document.body.dataset.mdColorScheme = 'default'")  # the reader's choice is for light
        ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
        words = page.locator(f"{text_of} text:not(.waits text)")
        assert set(words.evaluate_all("all => all.map(each => getComputedStyle(each).fill)")) == {ink}
        context.close()


def test_on_a_tablet_the_first_words_come_before_the_picture(built_site: Path, browser: Browser) -> None:
    with watched(browser, size={"width": 768, "height": 1000}) as seen:
        seen.page.goto((built_site / "index.html").as_uri())
        title, picture = seen.page.locator("h1").bounding_box(), seen.page.locator(".loop").bounding_box()
        assert title is not None
        assert picture is not None
        assert title["y"] + title["height"] <= picture["y"]


def test_the_heading_of_a_table_is_no_button(built_site: Path, seen: Watched) -> None:
    """Material takes a columnheader for one that sorts, with an arrow and a hand."""
    seen.page.goto((built_site / "teach.html").as_uri())
    heading = seen.page.locator("th").first
    assert heading.evaluate("each => [getComputedStyle(each).cursor, getComputedStyle(each, '::after').display]") == [
        "auto",
        "none",
    ]


def test_what_is_copied_is_what_is_typed(built_site: Path, browser: Browser) -> None:
    with watched(browser) as seen:
        seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        for name, first, text in (
            ("lessons/04_framing/index.html", "python3 -m lessons fail 4", "python3 -m lessons fail 4"),
            ("run/service.html", "[Unit]", "[Unit]\nDescription=chatcore\n"),
        ):
            seen.page.goto((built_site / name).as_uri())
            block = seen.page.locator(".highlight", has_text=first).first
            block.hover()
            block.get_by_role("button", name="Copy").click()
            expect(block.get_by_role("button")).to_have_text("Copied")
            copied = seen.page.evaluate("navigator.clipboard.readText()")
            assert copied == text if name.startswith("lessons") else copied.startswith(text)
        assert seen.errors == []
