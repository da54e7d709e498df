"""`matrix history` and `matrix diff` over a project's store, as they are typed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders.past import a_report_with_a_past
from builders.shop import shop_report

from matrix.cli import execute
from matrix.core.model import CellId
from matrix.core.result import CellResult, Run, RunState
from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.store import open_store

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LETTERS = {"P": Verdict.PASSED, "F": Verdict.FAILED, "E": Verdict.ERROR}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project with three runs: of queue P F F, of web F P E; the second is release 1.0."""
    folder = tmp_path / "project"
    assert execute(["init", str(folder)]) == 0
    store = open_store(folder / ".matrix/store.sqlite")
    for number, (queue, web) in enumerate(zip("PFF", "FPE", strict=True)):
        record(store, number, release="1.0" if number == 1 else "", queue=queue, web=web)
    store.close()
    return folder


def record(store, number: int, *, release: str, **answers: str) -> None:
    name, at = f"run{number}", NOW + timedelta(hours=number)
    cells = {CellId(service=one, environment="local"): LETTERS[to] for one, to in answers.items()}
    store.begin(
        Run(
            id=name,
            state=RunState.RUNNING,
            started_at=at,
            release=release,
            by="dana@laptop",
            plan_digest="d",
            cells=tuple(cells),
            version="1",
        )
    )
    for cell, verdict in cells.items():
        image = f"sha256:{'b' if number else 'a'}"
        store.record_cell(
            name,
            CellResult(cell=cell, verdict=verdict, image_id=image, fingerprint="f", finished_at=at),
        )
    store.finish(name, state="finished", at=at, leftovers=())


def test_a_history_tells_since_when_a_cell_is_bad_and_what_changed_then(project, capsys):
    capsys.readouterr()
    assert execute(["history", "queue@local", "--project", str(project)]) == 0
    first, strip, bad, since, _, *table = capsys.readouterr().out.splitlines()
    assert first == "queue@local: FAILED"
    assert strip.startswith("✓✗✗  3 measurements")
    assert bad == "first bad: run run1, 2026-11-22 01:00, release 1.0"
    assert since == "  since run run0: image a to b"
    assert [line.split()[0] for line in table[2:]] == ["✗", "✗", "✓"]


def test_a_history_is_data_where_that_is_asked(project, capsys):
    capsys.readouterr()
    assert execute(["history", "web@local", "--json", "--project", str(project)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cell"], found["flaky"]) == ("web@local", False)
    assert [past["verdict"] for past in found["past"]] == ["ERROR", "PASSED", "FAILED"]
    assert found["first_bad"]["run"] == "run2"


def test_a_cell_that_was_never_measured_has_no_history(project, capsys):
    assert execute(["history", "que@local", "--project", str(project)]) == 2
    assert 'no cell "que@local" was ever measured' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "now", "changes", "code"),
    [
        ("run0", "run1", {"queue@local": "regression", "web@local": "fixed"}, 1),
        ("run0", "1.0", {"queue@local": "regression", "web@local": "fixed"}, 1),
        ("1.0", "run2", {"queue@local": "still failing", "web@local": "disappeared"}, 4),
        ("run2", "run2", {"queue@local": "still failing"}, 0),
    ],
)
def test_a_diff_names_what_became_of_each_cell(project, capsys, *, before, now, changes, code):
    capsys.readouterr()
    asked = ["diff", before, now, "--project", str(project), "--json"]
    assert execute(asked) == 0
    found = json.loads(capsys.readouterr().out)
    assert {one["cell"]: one["change"] for one in found["changes"]} == changes
    assert execute([*asked, "--exit-code"]) == code


def test_a_diff_is_told_in_words(project, capsys):
    capsys.readouterr()
    execute(["diff", "run0", "1.0", "--project", str(project)])
    assert capsys.readouterr().out.splitlines() == [
        "regression: 1 cell",
        "  ✓ PASSED to ✗ FAILED  queue@local",
        "fixed: 1 cell",
        "  ✗ FAILED to ✓ PASSED  web@local",
        "run0 to 1.0: 2 cells to look at, 0 the same",
    ]


def test_what_is_no_run_release_or_file_is_refused_with_what_there_is(project, capsys):
    assert execute(["diff", "run0", "9.9", "--project", str(project)]) == 2
    said = capsys.readouterr().err
    assert '"9.9" is no run, no release and no file (the newest runs: run2, run1 1.0, run0)' in said


@pytest.mark.parametrize("name", ["json", "html"])
def test_report_files_are_compared_outside_of_any_project(tmp_path, capsys, name):
    one, other = tmp_path / f"one.{name}", tmp_path / f"other.{name}"
    one.write_text(render(name, shop_report()), encoding="utf-8")
    other.write_text(render("json", a_report_with_a_past()), encoding="utf-8")
    assert execute(["diff", str(one), str(one), "--project", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {item["change"] for item in found["changes"]} == {"still failing"}
    assert execute(["diff", str(one), str(other), "--project", str(tmp_path)]) == 0
