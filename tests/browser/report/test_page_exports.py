"""Files made in the page hold what the page shows."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.reports import a_cell, a_report, a_service, an_attempt, an_environment
from builders.shop import shop_report
from junitparser import JUnitXml
from playwright.sync_api import Page

from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.report.summary import counts

COUNTS = {verdict.value: count for verdict, count in counts(shop_report()).items()}


def shown(page: Page) -> dict[str, int]:
    """How many cells the page itself says have each verdict."""
    read = """all => all.map((one) =>
        [one.dataset.verdict, Number(one.querySelector('b').textContent)])"""
    return dict(page.locator(".counters li[data-verdict]").evaluate_all(read))


def drawn(page: Page) -> dict[str, int]:
    """How many cells of each verdict stand in the grid."""
    found = page.locator("td[data-verdict]").evaluate_all(
        "all => all.map((one) => one.dataset.verdict)"
    )
    return {each.value: found.count(each.value) for each in Verdict}


def exported(page: Page, form: str, folder: Path) -> str:
    page.locator("details.export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=form, exact=True).click()
    kept = folder / download.value.suggested_filename
    download.value.save_as(kept)
    return kept.read_text(encoding="utf-8")


def counted(form: str, text: str) -> dict[str, int]:
    """How many cells an export says have each verdict, as far as the format can tell."""
    if form == "JSON":
        found = json.loads(text)
        told = [cell["verdict"] for cell in found["cells"]]
        assert found["counts"] == {each.value: told.count(each.value) for each in Verdict}
    elif form == "CSV":
        told = [row["verdict"] for row in csv.DictReader(io.StringIO(text))]
    else:
        grid = [line for line in text.splitlines() if line.startswith("| ")][2:]
        told = [cell.split()[1] for line in grid for cell in line.split(" | ")[1:]]
    return {each.value: told.count(each.value) for each in Verdict}


@pytest.mark.parametrize("form", ["CSV", "JSON", "Markdown"])
def test_a22_an_export_holds_the_same_counts(
    open_page: Callable, tmp_path: Path, form: str
) -> None:
    page = open_page("shop").page
    assert shown(page) == drawn(page) == COUNTS
    assert counted(form, exported(page, form, tmp_path)) == COUNTS


def test_a22_junit_holds_the_same_counts(open_page: Callable, tmp_path: Path) -> None:
    text = exported(open_page("shop").page, "JUnit", tmp_path)
    found = JUnitXml.fromstring(text.encode())
    skipped = sum(COUNTS[name] for name in ("MISSING", "STALE", "UNSUPPORTED"))
    assert (found.tests, found.failures, found.errors, found.skipped) == (
        49,
        COUNTS["FAILED"],
        COUNTS["ERROR"],
        skipped,
    )
    assert sum(1 for suite in found for _ in suite) == 49


def test_a22_what_is_filtered_away_is_not_exported(open_page: Callable, tmp_path: Path) -> None:
    page = open_page("shop", "#q=status:failed").page
    assert counted("CSV", exported(page, "CSV", tmp_path))["FAILED"] == COUNTS["FAILED"]
    assert counted("JSON", exported(page, "JSON", tmp_path))["PASSED"] == 0


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "|x", "%x", " =1", "\n-1", "＝1", "＋1", "－1", "＠x")


def test_a13_nothing_in_an_export_is_a_formula(
    open_page: Callable, pages: dict[str, Path], tmp_path: Path
) -> None:
    services = tuple(a_service(f"s{number}") for number in range(len(FORMULAS)))
    cells = [
        a_cell(one.name, "qa", Verdict.FAILED, an_attempt(), reason=formula, message=formula)
        for one, formula in zip(services, FORMULAS, strict=True)
    ]
    pages["formulas"] = tmp_path / "formulas.html"
    report = a_report(services, (an_environment("qa"),), cells)
    pages["formulas"].write_text(render("html", report), encoding="utf-8")
    text = exported(open_page("formulas").page, "CSV", tmp_path)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + len(FORMULAS)
    for field in (field for row in rows[1:] for field in row):
        assert not field.strip().startswith(tuple("=+-@|%＝＋－＠")), field


def test_a13_an_export_of_hostile_evidence_is_only_text(
    open_page: Callable, tmp_path: Path
) -> None:
    page = open_page("hostile").page
    junit = exported(page, "JUnit", tmp_path)
    assert len(list(JUnitXml.fromstring(junit.encode()))) == 1
    assert "<img" not in exported(page, "Markdown", tmp_path)
    rows = list(csv.reader(io.StringIO(exported(page, "CSV", tmp_path))))
    assert len(rows) == 2
