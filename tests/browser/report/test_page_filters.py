"""Queries on a real page, counters, clusters, waivers, groups and their order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders.past import CHANGES, FLAKY, WAIVED
from builders.reports import a_cell, a_probe, a_report, a_service, an_attempt, an_environment
from builders.shop import ENVIRONMENTS, SERVICES, shop_report
from playwright.sync_api import Browser, Page, expect

from matrix.core.clusters import find_clusters
from matrix.core.grid import Report
from matrix.core.verdict import Verdict
from matrix.report import render

IDS = {f"{service.name}@{one.name}" for service in SERVICES for one in ENVIRONMENTS}
FAILED = {
    str(at) for at, cell in shop_report().grid.cells.items() if cell.verdict.value == "FAILED"
}
ERROR = {str(at) for at, cell in shop_report().grid.cells.items() if cell.verdict.value == "ERROR"}


def shown(page: Page) -> set[str]:
    read = "all => all.map((tile) => tile.getAttribute('href').slice(6))"
    return set(page.locator("td:not(.out) > .tile:visible").evaluate_all(read))


@pytest.fixture(scope="module")
def kept(browser: Browser, pages: dict[str, Path]) -> Page:
    """One page for queries that come one after another."""
    page = browser.new_page()
    page.goto(pages["past"].as_uri())
    return page


@pytest.mark.parametrize(
    ("query", "cells"),
    [
        ("fails:one", {"website@qa", "userdb@qa", "analytics@prod", "worker@prod"}),
        ("status:error", ERROR),
        ("status:failed -env:qa", {cell for cell in FAILED if not cell.endswith("@qa")}),
        ("is:changed", CHANGES.keys() & IDS),
        ("is:flaky", set(FLAKY)),
        ("is:waived", {WAIVED}),
        ("env:ac*", {cell for cell in IDS if cell.endswith("@acme")}),
        ("label:site=berlin service:queue status:failed", {"queue@qa", "queue@cluster"}),
    ],
)
def test_a10_a_query_shows_exactly_the_cells_it_means(
    kept: Page, query: str, cells: set[str]
) -> None:
    kept.locator("#query").fill(query)
    expect(kept.locator(".shown")).to_have_text(f"{len(cells)} of 49 cells shown")
    assert shown(kept) == cells


def test_a_query_that_is_not_understood_hides_nothing_and_says_why(open_page: Callable) -> None:
    page = open_page("past").page
    page.locator("#query").fill("colour:red")
    expect(page.locator(".shown")).to_contain_text('no key is called "colour"')
    assert page.locator("#query").get_attribute("aria-invalid") == "true"
    assert shown(page) == IDS


def test_when_nothing_is_left_one_button_shows_all_again(open_page: Callable) -> None:
    page = open_page("past", "#q=env:nowhere").page
    assert shown(page) == set()
    page.get_by_role("button", name="Show all").click()
    assert shown(page) == IDS
    assert page.locator("#query").input_value() == ""


def test_the_counters_and_problems_only_are_words_of_the_query(open_page: Callable) -> None:
    page = open_page("past").page
    page.get_by_role("button", name="6 failed").click()
    page.get_by_role("button", name="8 error").click()
    assert page.locator("#query").input_value() == "status:failed,error"
    page.get_by_role("button", name="Problems only").click()
    assert page.locator("#query").input_value() == "status:failed,error is:problem"
    page.get_by_role("button", name="6 failed").click()
    page.get_by_role("button", name="8 error").click()
    assert page.locator("#query").input_value() == "is:problem"
    assert page.get_by_role("button", name="Problems only").get_attribute("aria-pressed") == "true"


def order(page: Page, what: str) -> list[str]:
    return page.locator(f"{what}:visible").all_inner_texts()


def test_rows_and_columns_stand_in_groups_and_in_the_order_asked_for(open_page: Callable) -> None:
    page = open_page("past", "#rows=owner&columns=site&sort=failures").page
    assert order(page, "tr.group th") == ["team-orders 3 services", "team-web 4 services"]
    assert order(page, "tr.groups th") == ["berlin", "home", "not known"]
    assert order(page, "tbody .title")[:3] == ["Queue", "User database", "API endpoint"]
    assert order(page, "thead .title")[0] == "QA server"
    page.locator("#rows").select_option("")
    page.locator("#columns").select_option("")
    page.locator("#sort").select_option("")
    assert order(page, "tbody .title") == [service.title for service in SERVICES]
    assert order(page, "thead .title") == [one.title for one in ENVIRONMENTS]
    assert page.locator("tr.group, tr.groups").count() == 0


def test_the_heads_of_groups_are_as_wide_as_what_a_query_leaves(open_page: Callable) -> None:
    page = open_page("past", "#q=status:failed&rows=owner&columns=kind").page
    right = "all => Math.max(...all.map((one) => one.getBoundingClientRect().right))"
    edges = [
        page.locator(what).evaluate_all(right)
        for what in (".grid tbody td:visible", "tr.group th", "tr.groups th:visible", ".grid")
    ]
    assert max(edges) - min(edges) <= 2


def test_arrows_walk_the_order_that_is_shown(open_page: Callable) -> None:
    page = open_page("past", "#columns=site&sort=name").page
    page.locator('.tile[tabindex="0"]').focus()
    walked = []
    for _ in range(3):
        walked.append(page.evaluate("document.activeElement.getAttribute('href')"))
        page.keyboard.press("ArrowRight")
    assert walked == ["#cell=analytics@dev", "#cell=analytics@cluster", "#cell=analytics@prod"]


def thirty_failures() -> Report:
    """One fault in thirty cells, each time with another port and another time."""
    services = tuple(a_service(f"s{number}") for number in range(6))
    environments = tuple(an_environment(f"e{number}") for number in range(5))

    def cells() -> Iterator[object]:
        for row, service in enumerate(services):
            for column, environment in enumerate(environments):
                said = (
                    f"port {49152 + 7 * row + column} did not answer within {row}.{column} s "
                    f"at 2026-11-22 1{column}:0{row}:11"
                )
                probe = a_probe("It answers", Verdict.FAILED, message=said)
                attempt = an_attempt((probe,), verdict=Verdict.FAILED, message=said)
                yield a_cell(service.name, environment.name, Verdict.FAILED, attempt, message=said)

    report = a_report(services, environments, list(cells()))
    return replace(report, clusters=find_clusters(report.grid))


def test_a18_thirty_failures_of_one_kind_are_one_cluster(
    open_page: Callable, pages: dict, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pages["thirty"] = tmp_path_factory.mktemp("thirty") / "thirty.html"
    pages["thirty"].write_text(render("html", thirty_failures()), encoding="utf-8")
    page = open_page("thirty").page
    cluster = page.locator(".clusters button.cluster")
    assert cluster.count() == 1
    assert cluster.locator(".size").inner_text().startswith("30")
    cluster.click()
    assert page.locator("td.marked").count() == 30
    assert page.get_by_role("status").inner_text() == "30 cells marked"


def test_a_cluster_marks_its_cells_and_lets_them_go(open_page: Callable) -> None:
    page = open_page("past").page
    cluster = page.get_by_role("button", name="the engine accepted a limit")
    cluster.click()
    read = "all => all.map((cell) => cell.firstElementChild.getAttribute('href'))"
    marked = page.locator("td.marked").evaluate_all(read)
    assert set(marked) == {"#cell=website@qa", "#cell=queue@qa", "#cell=userdb@qa"}
    cluster.click()
    assert page.locator("td.marked").count() == 0


def test_a19_waivers_are_shown_as_they_stand(open_page: Callable) -> None:
    page = open_page("past", f"#cell={WAIVED}").page
    assert page.locator(".waived").inner_text().startswith(f"{WAIVED}: waived until 2026-12-31")
    page.locator("#panel[data-ready]").wait_for()
    assert "waiver, used" in page.locator("#panel .waiver").inner_text()
    tile = page.locator(f'.tile[href="#cell={WAIVED}"]')
    assert tile.inner_text().endswith("waived")
    expired = page.locator('.tile[href="#cell=queue@qa"]')
    assert "FAILED" in expired.inner_text()
    assert "waived" not in expired.inner_text()
    assert page.locator("h1").inner_text().endswith("Gate CLOSED")


def test_the_panel_tells_the_past_and_what_is_different_here(open_page: Callable) -> None:
    page = open_page("past", "#cell=queue@qa").page
    panel = page.locator("#panel[data-ready]")
    assert panel.locator(".runs li").count() == 13
    assert panel.locator(".runs .first-bad").count() == 1
    assert "Bad since run" in panel.locator(".past .note").inner_text()
    assert panel.locator(".facts-table tbody th").all_inner_texts() == [
        "distribution_version",
        "engine.version",
    ]
    assert panel.get_by_role("link", name="website@qa").count() == 1
    assert "engine.version was 20.10.24, is 26.1.5+dfsg1" in panel.inner_text()
