"""A cell that is a customer's own word looks and reads different, in every format."""

import csv
import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from builders.past import a_report_with_a_past
from builders.reports import HOSTILE

from matrix.core.grid import Report
from matrix.core.model import CellId
from matrix.core.result import Reporter
from matrix.report import render

ACME = Reporter(name="acme", key="SHA256:the-key-of-acme")
WORD = "self-reported by acme"
THEIRS = CellId(service="queue", environment="cloud")


def a_report(reporter: Reporter = ACME) -> Report:
    """One column, with its last run, is the customer's word."""
    report = a_report_with_a_past()
    grid = report.grid
    cells = {
        at: replace(cell, reporter=reporter) if cell.result and at.environment == "cloud" else cell
        for at, cell in grid.cells.items()
    }
    newest = report.history[THEIRS].past[0].run
    return replace(report, grid=replace(grid, cells=cells), reporters={newest: reporter})


def theirs(report: Report) -> int:
    return sum(cell.reporter is not None for cell in report.grid.cells.values())


def test_the_page_says_so_on_the_column_the_tile_and_the_counter():
    page = render("html", a_report())
    assert re.search(rf'<span class="reported" title="signed with {ACME.key}[^>]*>{WORD}<', page)
    tiles = re.findall(r'<td data-verdict="[A-Z]+"[^>]* data-reported', page)
    assert len(tiles) == theirs(a_report()) > 0
    assert page.count(f", {WORD}</span>") == len(tiles)
    assert f"<b>{len(tiles)}</b> reported" in page


def test_a_page_of_our_own_measurements_has_none_of_it():
    page = render("html", a_report_with_a_past())
    assert "data-reported id" not in page
    assert 'class="reported"' not in page
    assert "self-reported by" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_the_panel_is_given_whose_word_it_is():
    page = render("html", a_report())
    found = re.search(r'json" id="grid-data">({.*?})</script>', page, re.DOTALL)
    cells = json.loads(found[1])["cells"]
    said = {(one["reported"], one["reported_key"]) for one in cells}
    assert said == {("", ""), (ACME.name, ACME.key)}


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_lines_name_the_customer_and_mark_each_cell(name):
    told = render(name, a_report(), **({"width": 400} if name == "text" else {}))
    plain = re.sub(r"&#8203;", "", told)
    plain = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), plain)
    assert f"» {WORD}, not measured by us: " in plain
    assert f" (signed with {ACME.key})" in plain
    assert f"» {theirs(a_report())} self-reported" in plain
    assert "»" not in render(name, a_report_with_a_past())


def test_json_says_it_of_the_cell_and_of_each_measurement():
    document = json.loads(render("json", a_report()))
    by_id = {cell["id"]: cell for cell in document["cells"]}
    cell = by_id[str(THEIRS)]
    assert (cell["reported_by"], cell["reported_key"]) == (ACME.name, ACME.key)
    assert [one["reported_by"] for one in cell["history"][:2]] == ["acme", ""]
    assert by_id["queue@qa"]["reported_by"] == ""


def test_csv_and_junit_say_it_too():
    rows = list(csv.DictReader(io.StringIO(render("csv", a_report()))))
    assert {row["reported_by"] for row in rows if row["environment"] == "qa"} == {""}
    assert sum(row["reported_by"] == "acme" for row in rows) == theirs(a_report())
    suites = ElementTree.fromstring(render("junit", a_report()))
    named = suites.findall(".//property[@name='reported-by:queue'][@value='acme']")
    assert len(named) == 1


def test_what_a_customer_is_called_does_nothing_on_a_page():
    page = render("html", a_report(Reporter(name=HOSTILE, key=HOSTILE)))
    assert "<img src=x" not in page
    assert "\x1b" not in page
