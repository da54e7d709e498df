"""Report files read back; they may come from anybody."""

import json
from pathlib import Path

import pytest
from builders.reports import a_hostile_report, an_empty_report
from builders.shop import shop_report

from matrix.core.changes import sides_of_grid
from matrix.core.errors import UsageError
from matrix.report import recorded, render
from matrix.report.recorded import read_sides


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "report"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", ["json", "html"])
@pytest.mark.parametrize(
    "report", [shop_report(), an_empty_report(), a_hostile_report()], ids=["shop", "empty", "evil"]
)
def test_a_report_read_back_has_the_cells_of_its_grid(tmp_path, name, report):
    found = read_sides(written(tmp_path, render(name, report)))
    expected = {str(cell): side for cell, side in sides_of_grid(report.grid).items()}
    if report.project == "shop":
        assert {str(cell): side for cell, side in found.items()} == expected
    assert {side.verdict for side in found.values()} == {one.verdict for one in expected.values()}


def changed(**more: object) -> str:
    document = json.loads(render("json", shop_report()))
    return json.dumps(document | more)


CELL = {"service": "a", "environment": "b", "verdict": "PASSED", "reason": "", "run": "r",
        "fingerprint": "f", "probes_digest": "p"}  # fmt: skip
REFUSED = {
    "nothing": ("", "neither a JSON report nor a page"),
    "another page": ("<html><script>alert(1)</script>", "neither a JSON report nor a page"),
    "a page cut off": ('<script type="application/json" id="grid-data">{', "neither a JSON"),
    "no UTF-8": (b"\xff\xfe{}", "not UTF-8"),
    "half": ('{"schema_version": 1,', "Invalid JSON"),
    "a list": ("[]", "neither"),
    "deep": ("{" + '"a":[' * 100_000, "not a report this program can read"),
    "another version": (changed(schema_version=2), "schema_version"),
    "no cells": (changed(cells=None), "cells"),
    "a verdict nobody knows": (changed(cells=[CELL | {"verdict": "GREEN"}]), "cells.0.verdict"),
    "a long name": (changed(cells=[CELL | {"service": "a" * 300}]), "cells.0.service"),
    "a number for a name": (changed(cells=[CELL | {"service": 7}]), "cells.0.service"),
    "a cell twice": (changed(cells=[CELL, CELL]), "a@b twice"),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_report_is_refused_with_the_reason(tmp_path, content, said):
    with pytest.raises(UsageError) as refused:
        read_sides(written(tmp_path, content))
    assert said in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_file_larger_than_a_report_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(recorded, "MOST_BYTES", 1000)
    with pytest.raises(UsageError, match="larger than a report"):
        read_sides(written(tmp_path, "{" + " " * 2000))


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_sides(tmp_path)
