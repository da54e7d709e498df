"""What CI systems take: never more than they show, and nothing of it acts."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from builders.reports import (
    HOSTILE,
    a_cell,
    a_hostile_report,
    a_probe,
    a_report,
    a_service,
    an_attempt,
    an_environment,
    digest,
)
from builders.shop import shop_report
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.grid import Door
from matrix.core.history import Cluster
from matrix.core.model import CellId
from matrix.core.verdict import Verdict
from matrix.report import RENDERERS, render
from matrix.report.writing import append_report, write_report

QUEUE_QA = CellId(service="queue", environment="qa")


def small(verdict=Verdict.PASSED, *, door=Door.OPEN, exit_code=0, **changes):
    cell = a_cell("queue", "qa", verdict, an_attempt([a_probe("works", verdict)], verdict=verdict))
    report = a_report(
        (a_service("queue"),),
        (an_environment("qa"),),
        [replace(cell, waived=changes.pop("waived", False))],
        door=door,
        exit_code=exit_code,
        known=1,
    )
    return replace(report, **changes)


def a_cluster(number, *, cells=(QUEUE_QA,), message="port <n> is closed"):
    return Cluster(
        signature=f"{number:016x}", message=message, cells=cells, probes=(), count=len(cells)
    )


def annotations(report):
    return render("github-annotations", report).splitlines()


@pytest.mark.parametrize("count", [0, 1, 9, 10, 200])
def test_there_are_at_most_ten_annotations_one_for_each_cluster(count):
    clusters = tuple(a_cluster(number, message=f"m{number}.") for number in range(count))
    lines = annotations(small(Verdict.FAILED, door=Door.CLOSED, clusters=clusters))
    assert len(lines) == min(10, count + 1)
    assert lines[0].startswith("::error title=gate CLOSED::GATE CLOSED")
    assert sum("title=queue@qa::m" in line for line in lines) == (count if count <= 9 else 8)
    if count > 9:
        assert f"{count - 8} more groups of failures" in lines[-1]


def test_an_annotation_says_how_bad_it_is():
    clusters = (a_cluster(1),)
    assert annotations(small(Verdict.FAILED, clusters=clusters))[1].startswith("::error ")
    assert annotations(small(Verdict.ERROR, clusters=clusters))[1].startswith("::warning ")
    waived = small(Verdict.FAILED, clusters=clusters, waived=True)
    assert annotations(waived)[1].startswith("::notice ")


def test_hostile_text_is_one_annotation_and_no_command():
    said = f"{HOSTILE}\n::set-output name=x::y\r\n::error::forged, 100%0A"
    lines = annotations(small(clusters=(a_cluster(1, message=said),)))
    assert len(lines) == 2
    assert lines[0].startswith("::notice title=gate OPEN::")
    assert lines[1].startswith("::warning title=queue@qa::</script>")
    assert "100%250A" in lines[1]


def test_many_cells_of_a_cluster_are_counted_in_its_title():
    cells = tuple(CellId(service=f"s{number}", environment="qa") for number in range(30))
    (_, line) = annotations(small(clusters=(a_cluster(1, cells=cells),)))
    assert "title=s0@qa%2C s1@qa%2C s2@qa%2C s3@qa%2C s4@qa and 25 more::" in line


def large(verdict, *, failed_rows=0):
    """900 cells, each with more in it than a table has room for."""
    rows, columns = range(30), range(30)
    return a_report(
        tuple(a_service(f"s{row}") for row in rows),
        tuple(an_environment(f"e{column}") for column in columns),
        [
            a_cell(
                f"s{row}",
                f"e{column}",
                Verdict.ERROR if row < failed_rows else verdict,
                reason="short" if row < failed_rows else "." * 300,
                message="m" * 300,
            )
            for row in rows
            for column in columns
        ],
    )


@pytest.mark.parametrize(("name", "most"), [("github-summary", 1024 * 1024), ("markdown", 65536)])
@pytest.mark.parametrize(
    ("report", "says"),
    [
        (large(Verdict.UNSUPPORTED, failed_rows=1), "29 rows without a problem are not shown here"),
        (large(Verdict.ERROR), "too large to be shown here"),
        (large(Verdict.PASSED, failed_rows=30), "more are not shown here"),
    ],
    ids=["rows", "everything", "details"],
)
def test_a_page_for_a_platform_stays_within_its_limit_and_says_what_is_not_there(
    name, most, report, says
):
    shown = render(name, report)
    assert len(shown.encode()) < most
    assert says in shown or (says.startswith("more") and name == "github-summary")
    assert "gate INCOMPLETE" in shown


def test_a_summary_is_added_to_what_other_steps_have_written(tmp_path):
    path = tmp_path / "summary.md"
    path.write_text("# before\n")
    append_report(small(), "github-summary", path)
    append_report(small(), "github-summary", path)
    text = path.read_text()
    assert text.startswith("# before\n## shop")
    assert text.count("gate OPEN") == 2


@pytest.mark.parametrize("report", [shop_report, a_hostile_report, small])
def test_variables_are_what_gitlab_takes(report):
    text = render("dotenv", report())
    lines = text.splitlines()
    assert len(lines) <= 20
    assert len(text) < 5 * 1024
    assert text.isascii()
    for line in lines:
        name, _, value = line.partition("=")
        assert name.replace("_", "").isalnum()
        assert value.isalnum()
    assert "MATRIX_EXIT_CODE=" in text


@pytest.mark.parametrize(
    ("door", "colour", "named", "state"),
    [
        (Door.OPEN, "#2f7d32", "brightgreen", "success"),
        (Door.CLOSED, "#b3261e", "red", "failure"),
        (Door.INCOMPLETE, "#6b6b6b", "lightgrey", "error"),
    ],
)
def test_a_badge_is_green_only_when_the_gate_is_open_and_grey_when_nobody_knows(
    door, colour, named, state
):
    report = small(door=door)
    picture = ET.fromstring(render("badge", report))
    fills = [one.get("fill") for one in picture.iter() if one.tag.endswith("rect")]
    assert fills == ["#444", colour]
    assert picture.get("aria-label") == f"compatibility: {door.value.lower()} 1/1"
    shield = json.loads(render("shields", report))
    assert shield == {
        "schemaVersion": 1,
        "label": "compatibility",
        "message": f"{door.value.lower()} 1/1",
        "color": named,
    }
    status = json.loads(render("status", report))
    assert status["state"] == state
    assert status["description"].startswith(f"GATE {door.value}")
    assert len(status["description"]) <= 140


FORMULA = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "%x", "|x"]
)


@given(FORMULA, st.text(max_size=5))
def test_no_cell_of_the_csv_file_is_a_formula(formula, rest):
    cell = a_cell("queue", "qa", Verdict.FAILED, reason=formula, message=f"{formula}{rest}")
    report = a_report((a_service("queue"),), (an_environment("qa"),), [cell])
    rows = list(csv.reader(io.StringIO(render("csv", report))))
    assert len(rows) == 2
    for text in rows[1]:
        assert not text.strip().startswith(tuple("=+-@|%\t\r＝＋－＠"))


def test_a_line_of_the_csv_file_says_all_about_a_cell():
    (row,) = csv.DictReader(io.StringIO(render("csv", small(Verdict.FAILED, waived=True))))
    assert row["verdict"] == "FAILED"
    assert (row["waived"], row["not_passed"], row["probes"]) == ("yes", "1", "1")
    assert row["image_id"] == digest("queue")


def statement(report):
    return json.loads(render("in-toto", report))


def test_a_statement_names_what_was_measured_by_digest():
    found = statement(small())
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    hexadecimal = digest("queue").removeprefix("sha256:")
    assert found["subject"] == [{"name": "queue", "digest": {"sha256": hexadecimal}}]
    assert found["predicate"]["passedTests"] == ["queue@qa"]


@pytest.mark.parametrize(
    ("report", "result", "where"),
    [
        (small(), "PASSED", "passedTests"),
        (small(Verdict.WARNED), "WARNED", "warnedTests"),
        (small(Verdict.FAILED, waived=True), "WARNED", "failedTests"),
        (small(Verdict.FAILED, door=Door.CLOSED), "FAILED", "failedTests"),
        (small(Verdict.ERROR, door=Door.INCOMPLETE), "FAILED", "failedTests"),
        (small(Verdict.STALE, door=Door.INCOMPLETE), "FAILED", "failedTests"),
        (small(Verdict.PASSED, door=Door.INCOMPLETE), "FAILED", "passedTests"),
    ],
)
def test_a_statement_never_says_more_than_is_known(report, result, where):
    predicate = statement(report)["predicate"]
    assert predicate["result"] == result
    lists = {name: predicate[name] for name in ("passedTests", "warnedTests", "failedTests")}
    assert [name for name, cells in lists.items() if cells] == [where]


@pytest.mark.parametrize("report", [shop_report, a_hostile_report, small])
def test_ctrf_has_all_that_its_specification_asks_and_counts_right(report):
    document = json.loads(render("ctrf", report()))
    assert (document["reportFormat"], document["specVersion"]) == ("CTRF", "1.0.0")
    results = document["results"]
    tests, summary = results["tests"], results["summary"]
    assert results["tool"]["name"]
    assert set(summary) == {
        *("tests", "passed", "failed", "skipped", "pending", "other", "start", "stop")
    }
    assert summary["tests"] == len(tests)
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert summary[status] == sum(test["status"] == status for test in tests)
    known = {"name", "status", "duration", "rawStatus", "suite", "message", "trace"}
    for test in tests:
        assert set(test) <= known
        assert test["name"]
        assert isinstance(test["duration"], int)


def test_ctrf_is_one_file_for_each_environment(tmp_path):
    report = shop_report()
    paths = write_report(report, "ctrf", tmp_path / "out/ctrf.json")
    names = [one.name for one in report.grid.environments]
    assert [path.name for path in paths] == [f"ctrf-{name}.json" for name in names]
    for name, path in zip(names, paths, strict=True):
        document = json.loads(path.read_text())
        assert document["results"]["environment"]["testEnvironment"] == name
        assert {test["suite"][0] for test in document["results"]["tests"]} == {name}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        path.name for path in paths
    )


def test_nothing_is_written_for_code_scanners():
    # A finding of theirs has a place in a file of the source; a cell has none.
    assert not [name for name in RENDERERS if "sarif" in name]
