"""A failure, let through until a day: as the command line shows it."""

import json
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from builders.seeded import NO_ENGINE, PROBE, a_result, keep

from matrix.cli import execute
from matrix.core.verdict import Verdict
from matrix.loading import load_project

CELL = "hello@local"
TOMORROW = f"{datetime.now(UTC).date() + timedelta(days=1)}"
YESTERDAY = f"{datetime.now(UTC).date() - timedelta(days=1)}"
WHO = ("--reason", "the vendor knows", "--owner", "anna")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A new project whose only cell is FAILED."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)
    assert execute(["init", "."]) == 0
    fail(tmp_path, "port 8080 is not reachable from 10.0.0.1")
    return tmp_path


def fail(folder, message):
    project = load_project(folder)
    keep(folder, [a_result(project, CELL, Verdict.FAILED, message=message)])


def waivers(capsys):
    capsys.readouterr()
    assert execute(["waive", "list", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_valid_waiver_opens_the_gate_and_is_listed_in_the_verdict(project, capsys):
    assert execute(["gate"]) == 1
    assert execute(["waive", "add", CELL, PROBE, *WHO, "--until", TOMORROW]) == 0
    capsys.readouterr()
    assert execute(["gate"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("GATE OPEN")
    assert f"{CELL}: waiver in use: {PROBE}, until {TOMORROW}, anna: the vendor knows" in said
    assert execute(["report"]) == 0
    said = capsys.readouterr().out
    assert "1 failed" in said
    assert "waiver in use" in said


def test_a_waiver_that_expired_yesterday_leaves_the_cell_failed_and_the_gate_closed(
    project, capsys
):
    assert execute(["waive", "add", CELL, PROBE, *WHO, "--until", TOMORROW]) == 0
    path = project / "policy.toml"
    path.write_text(path.read_text().replace(TOMORROW, YESTERDAY))
    assert [one["state"] for one in waivers(capsys)] == ["expired"]
    assert execute(["gate"]) == 1
    said = capsys.readouterr().out
    assert f"{CELL}: FAILED" in said
    assert f"its waiver ended on {YESTERDAY}" in said


def test_a_waiver_is_void_when_the_probe_says_something_else(project, capsys):
    assert execute(["waive", "add", CELL, "*page_is_served", *WHO, "--until", TOMORROW]) == 0
    fail(project, "port 9090 is not reachable from 10.9.9.9")
    assert [one["state"] for one in waivers(capsys)] == ["used"]
    fail(project, "the page is empty")
    assert [one["state"] for one in waivers(capsys)] == ["void"]
    assert execute(["gate"]) == 1


def test_a_waiver_whose_cell_is_green_is_reported_as_unused(project, capsys):
    assert execute(["waive", "add", CELL, PROBE, *WHO, "--until", TOMORROW]) == 0
    keep(project, [a_result(load_project(project), CELL, Verdict.PASSED)])
    assert [one["state"] for one in waivers(capsys)] == ["unused"]
    assert execute(["gate"]) == 0
    assert "waiver not needed" in capsys.readouterr().out


def test_expire_removes_those_whose_day_is_over_and_others_by_name(project, capsys):
    assert execute(["waive", "add", CELL, PROBE, *WHO, "--until", TOMORROW]) == 0
    assert execute(["waive", "expire"]) == 0
    assert len(waivers(capsys)) == 1
    path = project / "policy.toml"
    path.write_text(path.read_text().replace(TOMORROW, YESTERDAY))
    assert execute(["waive", "expire"]) == 0
    assert waivers(capsys) == []
    assert execute(["waive", "add", CELL, PROBE, *WHO, "--until", TOMORROW]) == 0
    assert execute(["waive", "expire", "hello@*"]) == 0
    assert waivers(capsys) == []
    assert "waivers" not in tomllib.loads(path.read_text())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["hello@nowhere", PROBE, *WHO, "--until", TOMORROW], "known: hello@local"),
        ([CELL, "nothing", *WHO, "--until", TOMORROW], f"known: {PROBE}"),
        ([CELL, PROBE, *WHO, "--until", YESTERDAY], "is over"),
        ([CELL, PROBE, "--reason", "", "--owner", "x", "--until", TOMORROW], "not empty"),
        ([CELL, PROBE, "--reason", "r", "--until", TOMORROW], "--owner"),
        ([CELL, PROBE, *WHO], "--until"),
    ],
)
def test_a_waiver_needs_all_that_it_is_made_of(project, capsys, words, says):
    capsys.readouterr()
    assert execute(["waive", "add", *words]) == 2
    assert says in capsys.readouterr().err
    assert not (project / "policy.toml").exists()


def test_what_works_cannot_be_waived(project, capsys):
    keep(project, [a_result(load_project(project), CELL, Verdict.PASSED)])
    assert execute(["waive", "add", CELL, PROBE, *WHO, "--until", TOMORROW]) == 2
    assert "there is no failure to waive" in capsys.readouterr().err
