"""How many probes of a row are known to be able to fail, where it is shown."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
from builders.shop import shop_report

from matrix.core.grid import Report
from matrix.core.vitality import Strength
from matrix.report import render
from matrix.report.data import schema

WEAK = Strength(
    proven=8,
    all=9,
    unproven=("queue/test_queue.py::test_it_is_fast",),
    measured_at=datetime(2026, 11, 22, 17, 0, tzinfo=UTC),
)


def report_with_strength() -> Report:
    report = shop_report()
    return replace(report, grid=replace(report.grid, strengths={"queue": WEAK}))


def test_json_has_it_on_the_row():
    document = json.loads(render("json", report_with_strength()))
    jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)
    rows = {row["name"]: row["strength"] for row in document["services"]}
    assert rows["queue"]["proven"] == 8
    assert rows["queue"]["all"] == 9
    assert rows["queue"]["unproven"] == ["queue/test_queue.py::test_it_is_fast"]
    assert rows["api"] is None


def test_text_says_it_below_the_grid():
    assert "probes seen to fail: queue 8/9" in render("text", report_with_strength())
    assert "probes seen to fail" not in render("text", shop_report())
