"""The built site and a browser, for the tests that open its pages.

A test file asks for them with `pytest_plugins = ["tests.site"]`. Without Chromium its tests are skipped; where CI or
CHATCORE_NEEDS_CHROMIUM is set, they fail.

PYTEST_DONT_REWRITE: the test files import from it before it becomes a plugin, and pytest would warn of that.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # no other host can be reached
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, built once for all tests of a run. A warning is a failure."""
    folder = tmp_path_factory.mktemp("site of ção")  # a path that needs quoting
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder


@pytest.fixture(scope="module")  # while it lives, no other event loop can run in this thread
def browser() -> Iterator[Browser]:
    """Chromium, without a window and without the network."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        why = f"no browser: none of {', '.join(NAMES)} is installed"
        if os.environ.get("CI") or os.environ.get("CHATCORE_NEEDS_CHROMIUM"):
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)  # of the console, and exceptions
    abroad: list[str] = field(default_factory=list)  # requests to other hosts

    def said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def asked(self, request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:")):
            self.abroad.append(request.url)


@contextmanager
def watched(
    browser: Browser, scheme: Literal["light", "dark"] = "light", size: dict[str, int] | None = None
) -> Iterator[Watched]:
    """A new page whose errors and requests are written down. Nothing on it fades or slides."""
    width, height = (size or DESK)["width"], (size or DESK)["height"]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    seen = Watched(page)
    page.on("console", seen.said)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.asked)
    try:
        yield seen
    finally:
        context.close()


def pages(folder: Path) -> list[str]:
    """All pages of the site, as seen from its folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
