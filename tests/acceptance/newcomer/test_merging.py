"""The results of shards, joined: as the command line shows it."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from builders.seeded import NO_ENGINE, a_result, keep

from matrix.cli import execute
from matrix.core.verdict import Verdict
from matrix.loading import load_project

MORE = """
[environments.qa]
kind = "qa"
engine = "docker"
[[environments.qa.hosts]]
name = "qa"
connection = "local"
"""
PASSED, FAILED = Verdict.PASSED, Verdict.FAILED


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A new project with a second environment, hello@local and hello@qa."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
    assert execute(["init", "."]) == 0
    with (tmp_path / "inventories/local.toml").open("a") as file:
        file.write(MORE)
    return tmp_path


@pytest.fixture
def shard(project):
    """The JSON report of a store of its own that knows one cell."""

    def make(name, cell, verdict, **changes):
        keep(project, [a_result(load_project(project), cell, verdict, **changes)])
        assert execute(["report", "--format", "json", "-o", f"{name}.json"]) == 0
        (project / ".matrix").rename(project / f"state-{name}")
        return f"{name}.json"

    return make


def cells(path):
    return {cell["id"]: cell["verdict"] for cell in json.loads(path.read_text())["cells"]}


def test_shards_make_one_grid_and_one_decision(project, shard, capsys):
    one, two = shard("one", "hello@local", PASSED), shard("two", "hello@qa", PASSED)
    assert execute(["merge", one]) == 4
    capsys.readouterr()
    assert execute(["merge", one, two, "-o", "whole.json"]) == 0
    assert "GATE OPEN: 2 of 2" in capsys.readouterr().out
    assert cells(project / "whole.json") == {"hello@local": "PASSED", "hello@qa": "PASSED"}
    evidence = json.loads((project / "whole.json").read_text())["cells"][0]["attempts"]
    assert evidence == json.loads((project / one).read_text())["cells"][0]["attempts"]
    assert execute(["gate"]) == 4


def test_stores_can_be_joined_as_well_and_are_not_changed(project, shard):
    shard("one", "hello@local", PASSED)
    shard("two", "hello@qa", FAILED, message="no")
    stores = [f"state-{name}/store.sqlite" for name in ("one", "two")]
    before = [(project / store).read_bytes() for store in stores]
    assert execute(["merge", *stores]) == 1
    assert execute(["merge", stores[0], "two.json"]) == 1
    assert [(project / store).read_bytes() for store in stores] == before


def test_of_a_cell_that_several_know_the_newest_measurement_counts(project, shard):
    earlier = datetime.now(UTC) - timedelta(hours=1)
    old = shard("old", "hello@local", FAILED, message="no", finished_at=earlier)
    new = shard("new", "hello@local", PASSED)
    other = shard("other", "hello@qa", PASSED)
    assert execute(["merge", new, other, old]) == 0
    assert execute(["merge", old, other, new]) == 0
    assert execute(["merge", old, other]) == 1


def _claim(cell):
    cell["verdict"] = "PASSED"


def _drop_evidence(cell):
    cell["attempts"] = []


def _forge(cell):
    _claim(cell)
    cell["attempts"][0]["verdict"] = "PASSED"


def _make_stale(cell):
    cell["attempts"][0]["verdict"] = "STALE"


def _without_zone(cell):
    cell["finished_at"] = "2026-01-01T00:00:00"


def _nonsense(cell):
    cell["attempts"] = 7


@pytest.mark.parametrize(
    ("bend", "says"),
    [
        (_claim, "is PASSED, but its attempts say FAILED"),
        (_drop_evidence, "is FAILED, but its attempts say nothing"),
        (_forge, "an attempt is PASSED without its probes being so"),
        (_make_stale, "cannot be measured"),
        (_without_zone, "has no time zone"),
        (_nonsense, "cells.0.attempts"),
    ],
)
def test_a_report_that_says_more_than_its_evidence_is_refused(project, shard, capsys, bend, says):
    path = project / shard("one", "hello@local", FAILED, message="no")
    document = json.loads(path.read_text())
    bend(document["cells"][0])
    path.write_text(json.dumps(document))
    capsys.readouterr()
    assert execute(["merge", "one.json"]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""


def test_a_report_of_another_project_is_refused(project, shard, capsys):
    path = project / shard("one", "hello@local", PASSED)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "project": "other"}))
    capsys.readouterr()
    assert execute(["merge", "one.json"]) == 2
    said = capsys.readouterr()
    assert 'one.json: is a report of project "other"' in said.err
    assert said.out == ""


def test_a_store_without_a_cell_of_this_project_is_refused(project, shard, capsys):
    shard("one", "hello@local", PASSED)
    inventory = project / "inventories/local.toml"
    inventory.write_text(inventory.read_text().replace("environments.local", "environments.here"))
    capsys.readouterr()
    assert execute(["merge", "state-one/store.sqlite"]) == 2
    assert (
        "none of its cells is one of this project, such as hello@local" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 100_000, b"{}", b"<html>", b"SQLite format 3\0 and no more"],
    ids=["empty", "not text", "deep", "no report", "a page", "half a store"],
)
def test_what_is_no_report_is_refused(project, capsys, content):
    (project / "part").write_bytes(content)
    capsys.readouterr()
    assert execute(["merge", "part"]) in (2, 3)
    said = capsys.readouterr()
    assert "defect" not in said.err
    assert said.out == ""


@pytest.mark.parametrize("value", ["0/5", "6/5", "2", "a/b", "1/0", "1/9999", "-1/2"])
def test_a_shard_is_a_part_of_parts(project, capsys, value):
    assert execute(["plan", f"--shard={value}"]) == 2
    assert "such as 2/5" in capsys.readouterr().err


def test_the_shards_of_a_plan_are_the_plan(project, capsys):
    found = []
    for number in (1, 2, 3):
        capsys.readouterr()
        assert execute(["plan", "--shard", f"{number}/3", "--json"]) in (0, 4)
        found += [one["cell"] for one in json.loads(capsys.readouterr().out)["cells"]]
    assert sorted(found) == ["hello@local", "hello@qa"]
