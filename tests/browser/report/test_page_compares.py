"""What changed: the nine classes, from the store and from another file; the page's twin of diff."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from builders.past import CHANGES, a_report_with_a_past, cell_id
from playwright.sync_api import Browser, Page, expect

from matrix.core.grid import Grid, Report
from matrix.core.history import Change
from matrix.core.verdict import Verdict
from matrix.report import render

TABLE = json.loads((Path(__file__).parents[2] / "builders/changes.json").read_text("utf-8"))
CLASSES = "([before, now]) => matrix.changes.classOf(before, now)"
#: What the older file says of the cell that each class then is found for.
BEFORE = {
    "queue@cluster": (Verdict.PASSED, Change.REGRESSION),
    "frontend@prod": (Verdict.FAILED, Change.FIXED),
    "queue@qa": (Verdict.FAILED, Change.STILL_FAILING),
    "analytics@prod": (Verdict.ERROR, Change.NEW_FAILURE),
    "website@cloud": (Verdict.ERROR, Change.NEW_PASS),
}


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Page:
    page = browser.new_page()
    folder = files("matrix.report") / "templates/script"
    for name in ("start.js", "query.js", "changes.js"):
        page.add_script_tag(content=(folder / name).read_text("utf-8"))
    return page


def test_a11_the_page_knows_the_same_changes_as_the_command(blank: Page) -> None:
    for case in TABLE["changes"]:
        found = blank.evaluate(CLASSES, [case["before"], case["now"]])
        assert found == case["change"], case


def an_older_report() -> Report:
    """The shop without what would be the same, so that each class is found once."""
    report = a_report_with_a_past()
    cells = {str(at): cell for at, cell in report.grid.cells.items()}
    failing = [name for name, cell in cells.items() if cell.verdict is Verdict.FAILED]
    for name in failing:
        # Told apart from a failure of both sides, which would be "still failing" as well.
        if name not in BEFORE:
            del cells[name]
    for name, (verdict, _) in BEFORE.items():
        cells[name] = replace(cells[name], verdict=verdict)
    for name, field in (("api@qa", "fingerprint"), ("userdb@dev", "probes_digest")):
        result = cells[name].result
        assert result is not None
        cells[name] = replace(cells[name], result=replace(result, **{field: "sha256:" + "1" * 64}))
    del cells["website@laptop"]
    gone = replace(report.grid.services[0], name="search", title="Search")
    cells["search@qa"] = replace(cells["website@dev"], cell=cell_id("search@qa"))
    grid = Grid(
        services=(*report.grid.services, gone),
        environments=report.grid.environments,
        cells={cell.cell: cell for cell in cells.values()},
    )
    return replace(report, grid=grid, comparison=None, run="01jd0older")


def changes(page: Page) -> dict[str, list[str]]:
    read = """all => Object.fromEntries(all.map((one) => [one.dataset.change,
        [...one.querySelectorAll('dd > *')].map((cell) => cell.textContent)]))"""
    return dict(page.locator("#changes [data-change]").evaluate_all(read))


def test_a11_each_of_the_nine_classes_is_shown_once(open_page: Callable) -> None:
    page = open_page("past").page
    assert changes(page) == {kind.value: [cell] for cell, kind in CHANGES.items()}
    assert page.locator("td[data-change]").count() == 8
    page.get_by_role("button", name="8 changed").click()
    assert page.locator("td:not(.out) > .tile:visible").count() == 8


@pytest.mark.parametrize("suffix", ["html", "json"])
def test_a11_another_file_is_compared_in_the_browser(
    open_page: Callable, tmp_path: Path, suffix: str
) -> None:
    older = tmp_path / f"older.{suffix}"
    older.write_text(render(suffix, an_older_report()), encoding="utf-8")
    watched = open_page("shop")
    page = watched.page
    page.locator("#baseline").set_input_files(older)
    expect(page.locator("#changes .baseline")).to_have_text(older.name)
    found = changes(page)
    assert found.keys() == {kind.value for kind in Change}
    for name, (_, kind) in BEFORE.items():
        assert name in found[kind.value]
    assert found["environment changed"] == ["api@qa"]
    assert found["probe set changed"] == ["userdb@dev"]
    assert found["disappeared"] == ["search@qa"]
    assert found["appeared"] == ["website@laptop"]
    page.locator("#query").fill("is:changed")
    shown = sum(map(len, found.values())) - 1
    expect(page.locator(".shown")).to_have_text(f"{shown} of 49 cells shown")
    assert watched.complaints == []


def test_a_file_that_is_no_report_is_refused_in_words(open_page: Callable, tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.write_text("<p>hello</p>", encoding="utf-8")
    page = open_page("shop").page
    page.locator("#baseline").set_input_files(other)
    expect(page.locator(".shown")).to_have_text(
        "other.html cannot be compared with: it is no report of ours."
    )
    assert page.locator("#changes").is_hidden()
