"""JSON with a published schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from builders.past import a_report_with_a_past
from builders.reports import a_hostile_report, an_empty_report
from builders.shop import shop_report

from matrix.core.grid import Report
from matrix.report import render
from matrix.report.data import SCHEMA_VERSION, published_schema, schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "report.schema.json"


@pytest.mark.parametrize(
    "report", [shop_report(), an_empty_report(), a_hostile_report()], ids=["shop", "empty", "evil"]
)
def test_every_document_fulfils_the_schema(report: Report) -> None:
    document = json.loads(render("json", report))
    jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)
    assert document["schema_version"] == SCHEMA_VERSION


def test_the_schema_refuses_what_is_not_a_report() -> None:
    document = json.loads(render("json", an_empty_report()))
    document["cells"][0]["verdict"] = "GREEN"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)


def test_the_published_schema_is_the_one_in_the_code() -> None:
    # To publish it again, write published_schema() to that file.
    assert PUBLISHED.read_text(encoding="utf-8") == published_schema()


def test_counts_are_those_of_the_cells() -> None:
    document = json.loads(render("json", shop_report()))
    found = [cell["verdict"] for cell in document["cells"]]
    assert document["counts"] == {verdict: found.count(verdict) for verdict in document["counts"]}
    assert sum(document["counts"].values()) == len(found)


def test_no_path_or_credential_of_an_environment_is_published() -> None:
    document = render("json", shop_report())
    assert "identity" not in document
    assert '"ssh"' not in document


def test_past_changes_and_clusters_are_those_of_the_report() -> None:
    report = a_report_with_a_past()
    document = json.loads(render("json", report))
    jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)
    cells = {cell["id"]: cell for cell in document["cells"]}
    assert document["baseline"] == report.comparison.baseline
    assert document["changes"] == {
        str(cell): change.value for cell, change in report.comparison.changes.items()
    }
    for at, history in report.history.items():
        cell = cells[str(at)]
        assert cell["flaky"] is history.flaky
        assert cell["change"] == document["changes"].get(str(at), "")
        assert [one["run"] for one in cell["history"]] == [one.run for one in history.past[:10]]
        assert (cell["first_bad"] or {}).get("run") == getattr(history.first_bad, "run", None)
    assert [one["signature"] for one in document["clusters"]] == [
        one.signature for one in report.clusters
    ]
    assert document["clusters"]
