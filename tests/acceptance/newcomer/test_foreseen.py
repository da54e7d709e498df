"""`matrix plan` holds what services require against what was found out about the hosts before."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest

from matrix.cli import execute
from matrix.core.result import EnvironmentFinding, HostFinding, Run, RunState
from matrix.loading import load_project
from matrix.store import new_run_id, open_store

NEEDS = '[services.hello.requires]\nmemory_bytes = { ">=" = "8GiB" }\n'


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert execute(["init", "."]) == 0
    with (tmp_path / "images/catalogue.toml").open("a") as file:
        file.write(NEEDS)
    return tmp_path


@pytest.fixture
def plan(capsys):
    """What the command prints: on stdout, and to people."""

    def call(*words):
        capsys.readouterr()
        assert execute(["plan", *words]) == 0
        return capsys.readouterr()

    return call


def remember(folder, memory_bytes):
    """A run found out how much memory the machine has."""
    at = datetime.now(UTC)
    facts = {"memory_bytes": memory_bytes}
    finding = HostFinding(host="local", facts=facts, fingerprint="f")
    run = Run(
        id=new_run_id(at),
        state=RunState.RUNNING,
        started_at=at,
        by="qa@build",
        plan_digest="plan",
        cells=(),
        version="0",
    )
    with closing(open_store(load_project(folder).state / "store.sqlite")) as store:
        store.begin(run)
        store.record_finding(run.id, EnvironmentFinding(environment="local", hosts=(finding,)))
        store.finish(run.id, state=RunState.FINISHED.value, at=at, leftovers=())


def test_a_cell_that_is_going_to_be_unsupported_says_why(project, plan):
    remember(project, 4 * 2**30)
    said = plan().out
    assert "UNSUPPORTED: memory_bytes: asked >= 8589934592, found 4294967296" in said
    (cell,) = json.loads(plan("--json").out)["cells"]
    assert cell["unknown_hosts"] == []
    assert cell["unmet"] == [
        {"host": "local", "fact": "memory_bytes", "asked": ">= 8589934592", "found": "4294967296"}
    ]


def test_a_cell_whose_requirements_are_met_is_to_run(project, plan):
    remember(project, 16 * 2**30)
    assert "UNSUPPORTED" not in plan().out
    (cell,) = json.loads(plan("--json").out)["cells"]
    assert (cell["unknown_hosts"], cell["unmet"]) == ([], [])


def test_before_the_first_run_it_says_that_nothing_is_known(project, plan):
    said = plan()
    assert "UNSUPPORTED" not in said.out
    assert "nothing is known yet of local" in said.err
    (cell,) = json.loads(plan("--json").out)["cells"]
    assert cell["unknown_hosts"] == ["local"]
