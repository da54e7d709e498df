"""A grid of more cells than a browser lays out in good time: the page opens on groups of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from builders.axe_rules import violations
from builders.reports import a_cell, a_report, a_service, an_attempt, an_environment
from playwright.sync_api import Page, expect

from matrix.core.grid import Report
from matrix.core.model import Kind
from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.report.page import MOST_CELLS

OWNERS = ("team-orders", "Web Team", "")
KINDS = (Kind.QA, Kind.CUSTOMER)
ROWS, COLUMNS = 101, 100


def a_large_report() -> Report:
    """Nothing is known but of one cell, which FAILED."""
    services = tuple(
        replace(a_service(f"service-{number:03}"), owner=OWNERS[number % len(OWNERS)])
        for number in range(ROWS)
    )
    environments = tuple(
        an_environment(f"place-{number:03}", kind=KINDS[number % len(KINDS)])
        for number in range(COLUMNS)
    )
    attempt = an_attempt((), verdict=Verdict.FAILED, message="it exited")
    failed = a_cell("service-001", "place-001", Verdict.FAILED, attempt, message="it exited")
    return a_report(services, environments, [failed])


@pytest.fixture(scope="module")
def large(pages: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    pages["large"] = tmp_path_factory.mktemp("large") / "large.html"
    pages["large"].write_text(render("html", a_large_report()), encoding="utf-8")
    return "large"


def names(page: Page) -> list[str]:
    return page.locator("#groups .tile .vh").all_inner_texts()


def test_more_cells_than_a_table_bears_are_shown_in_groups(open_page: Callable, large: str) -> None:
    assert MOST_CELLS < ROWS * COLUMNS
    watched = open_page(large)
    page = watched.page
    said = f"{ROWS * COLUMNS} cells, in 6 groups: choose one to see its cells"
    expect(page.get_by_role("status")).to_have_text(said)
    assert page.locator("#grid").is_hidden()
    found = names(page)
    assert found[0] == "team-orders on qa: 1700 MISSING"
    assert "Web Team on customer: 1 FAILED, 1699 MISSING" in found
    assert "not known on qa: 1650 MISSING" in found
    page.locator("#groups .tile").first.focus()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("status")).to_have_text(f"1700 of {ROWS * COLUMNS} cells shown")
    assert page.locator("#query").input_value() == "owner:Web?Team kind:customer"
    assert page.evaluate("document.activeElement.getAttribute('href')") == (
        "#cell=service-001@place-001"
    )
    page.keyboard.press("Enter")
    page.locator("#panel[data-ready]").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="All groups").click()
    assert len(names(page)) == 6
    assert watched.complaints == []


def test_what_no_owner_is_named_for_can_be_opened_too(open_page: Callable, large: str) -> None:
    page = open_page(large).page
    page.get_by_role("link", name="not known on qa").click()
    expect(page.get_by_role("status")).to_have_text(f"1650 of {ROWS * COLUMNS} cells shown")
    assert page.locator("td:not(.out):not(.gone) > .tile:visible").count() == 1650


def test_groups_that_hold_one_group_only_are_told_apart_further(
    open_page: Callable, large: str
) -> None:
    page = open_page(large).page
    draw = """() => {
        const chosen = matrix.data.cells.filter((cell) => cell.owner === "" && cell.kind === "qa");
        const groups = matrix.groups(matrix.data);
        return groups.draw(chosen, matrix.state.read());
    }"""
    rows = sum(not OWNERS[number % len(OWNERS)] for number in range(ROWS))
    # By service, and by environment where nothing else differs.
    assert page.evaluate(draw) == rows * COLUMNS // len(KINDS)


def test_a2_without_a_script_the_whole_grid_is_there(open_page: Callable, large: str) -> None:
    page = open_page(large, java_script_enabled=False).page
    assert page.locator("#grid .tile").count() == ROWS * COLUMNS
    assert page.locator("#grid").is_visible()


def test_a5_axe_finds_nothing_in_groups(open_page: Callable, large: str) -> None:
    page = open_page(large, bypass_csp=True, color_scheme="dark").page
    # What waits for a query is not shown, and takes axe a minute all the same.
    page.evaluate("document.getElementById('grid').remove()")
    found = violations(page)
    assert found.violations_count == 0, found.generate_report()
