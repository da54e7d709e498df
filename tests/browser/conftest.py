"""Headless Chromium on pages that are files. A missing browser is a failure, never a skip."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from builders.past import a_report_with_a_past
from builders.reports import a_hostile_report, an_empty_report
from builders.shop import shop_report
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from matrix.report import render

REPORTS = {
    "shop": shop_report,
    "past": a_report_with_a_past,
    "empty": an_empty_report,
    "hostile": a_hostile_report,
}
CHROMIUM = "chromium"
FLAGS = ("--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run")


@dataclass
class Watched:
    """A page with all that it asked for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


Open = Callable[..., Watched]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which(CHROMIUM)
    assert path, "the page's tests need Chromium: apt-get install chromium"
    # On a busy machine nothing here is a promise about time.
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each report rendered once, as a file."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in REPORTS}
    for name, make in REPORTS.items():
        files[name].write_text(render("html", make()), encoding="utf-8")
    return files


@pytest.fixture
def open_page(browser: Browser, pages: dict[str, Path]) -> Iterator[Open]:
    """Opens a report in a context of its own: ``open_page("shop", "#cell=queue@qa", …)``."""
    contexts: list[BrowserContext] = []

    def open_one(name: str, fragment: str = "", **options: object) -> Watched:
        # What a context may be given is Playwright's to say.
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        watched = Watched(page=context.new_page())
        page = watched.page
        page.on("request", lambda request: watched.requests.append(request.url))
        page.on("console", lambda message: watched.complaints.append(message.text))
        page.on("pageerror", lambda error: watched.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (watched.dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(pages[name].as_uri() + fragment)
        return watched

    yield open_one
    for context in contexts:
        context.close()
