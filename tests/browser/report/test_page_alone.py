"""The page needs nothing, lets nothing run, and says everything without its script."""

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.reports import HOSTILE, a_report
from builders.shop import shop_report
from playwright.sync_api import Browser, Route

from matrix.core.text import neutralise
from matrix.report import render
from matrix.report.summary import places


@pytest.mark.parametrize("name", ["past", "empty", "hostile"])
def test_a1_it_asks_for_nothing_and_violates_no_policy(open_page: Callable, name: str) -> None:
    watched = open_page(name)
    watched.page.keyboard.press("Tab")
    watched.page.locator(".tile").first.click()
    watched.page.locator("#panel[data-ready]").wait_for()
    assert len(watched.requests) == 1
    assert watched.complaints == []


def test_a1_the_policy_is_really_in_force(open_page: Callable) -> None:
    watched = open_page("shop")
    watched.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            const image = document.createElement('img');
            image.src = 'http://127.0.0.1:9/x.png';
            document.body.append(image);
        }"""
    )
    for _ in range(600):
        watched.page.wait_for_timeout(100)
        if len(watched.complaints) > 1:
            break
    assert watched.page.evaluate("window.ran") is None
    refused = "\n".join(watched.complaints)
    assert len(watched.complaints) == 2
    assert "script-src" in refused
    assert "img-src" in refused


def test_a1_served_with_its_policy_as_a_header_it_violates_nothing(
    browser: Browser, pages: dict[str, Path]
) -> None:
    """As a web server would give it away; nothing is really asked of any network."""
    text = pages["past"].read_text(encoding="utf-8")
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": f"{html.unescape(policy)}; frame-ancestors 'none'",
    }
    context = browser.new_context()
    asked: list[str] = []
    complaints: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(body=text, headers=headers)

    context.route("**/*", answer)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("http://grid.test/report.html#q=status:failed&cell=queue@qa")
    page.locator("#panel[data-ready]").wait_for()
    assert page.get_by_role("status").inner_text() == "6 of 49 cells shown"
    context.close()
    assert asked == ["http://grid.test/report.html"]
    assert complaints == []


def test_a2_without_a_script_every_cell_can_be_read(open_page: Callable) -> None:
    page = open_page("shop", java_script_enabled=False).page
    shown = page.locator(".tile").all_inner_texts()
    for place, text in zip(places(shop_report()), shown, strict=True):
        name = f"{place.service.title} on {place.environment.title}: {place.cell.verdict.value}"
        assert name in text
    assert page.locator(".copy:visible, .controls:visible, button:visible").count() == 0
    page.locator('.tile[href="#cell=queue@qa"]').click()
    said = page.locator(":target").inner_text()
    assert "Oscar, outside, on qa-1" in said
    assert "matrix run -s queue -e qa" in said


def test_a3_an_empty_plan_is_all_unknown(open_page: Callable) -> None:
    page = open_page("empty").page
    assert page.locator("h1").inner_text().split() == ["?", "Gate", "INCOMPLETE"]
    assert page.locator(".tile .glyph").all_inner_texts() == ["?"] * 4
    assert "exits 4" in page.locator(".known").inner_text()


def test_what_was_never_measured_is_folded_away_where_it_can_be_opened(open_page: Callable) -> None:
    watched = open_page("empty")
    page = watched.page
    never = page.locator("details.fold")
    assert never.locator("summary").inner_text() == "4 cells were never measured"
    assert not never.locator("li").first.is_visible()
    never.locator("summary").click()
    assert never.locator("li:visible").count() == 4
    assert open_page("shop").page.locator("details.fold li").count() == 1
    bare = open_page("empty", java_script_enabled=False).page
    assert bare.locator("details.fold li:visible").count() == 4


def test_a_project_without_cells_says_what_it_takes(
    open_page: Callable, pages: dict[str, Path], tmp_path: Path
) -> None:
    pages["none"] = tmp_path / "none.html"
    pages["none"].write_text(render("html", a_report((), ())), encoding="utf-8")
    watched = open_page("none")
    assert watched.page.locator(".empty").inner_text().startswith("There is no cell yet")
    watched.page.keyboard.press("n")
    assert watched.complaints == []


def test_a13_hostile_evidence_is_only_text(open_page: Callable) -> None:
    watched = open_page("hostile", "#cell=queue@qa")
    page = watched.page
    page.locator("#panel[data-ready]").wait_for()
    assert watched.dialogs == []
    assert watched.complaints == []
    assert page.locator("img, iframe, object, embed, link[rel=stylesheet]").count() == 0
    assert page.locator("script").count() == 3
    assert page.locator("script:not([type])").count() == 1
    assert neutralise(HOSTILE) in page.locator("#panel").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator("#panel").is_visible()
    assert page.evaluate("document.activeElement.className") == "tile"


def test_a13_no_width_of_text_breaks_the_layout(open_page: Callable) -> None:
    for width in (320, 1440):
        page = open_page("hostile", viewport={"width": width, "height": 800}).page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
