"""``matrix requirements`` over our own catalogue and probes."""

import json
from pathlib import Path

import pytest
from builders.seeded import NO_ENGINE

from matrix.cli import execute
from matrix.loading import load_project

ROOT = Path(__file__).parents[3]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("MATRIX_BUILD_SOCKET", NO_ENGINE)

    def run(*words: str) -> str:
        capsys.readouterr()
        assert execute(["requirements", "-C", str(ROOT), *words]) == 0
        return capsys.readouterr().out

    return run


def test_everything_that_our_services_declare_is_linked_to_what_checks_it(printed):
    data = json.loads(printed("--json"))
    linked = {check["id"] for need in data["needs"] for check in need["checked_by"]}
    services = load_project(ROOT).services
    declared = {
        f"{service.name}.requires.{one.fact}"
        for service in services
        for one in service.requirements
    }
    assert declared
    assert declared <= linked
    assert data["services"] == [service.name for service in services]
    topics = {need["topic"] for need in data["needs"]}
    wanted = ("processor", "memory", "disk", "engine", "control groups", "kernel", "privileges")
    assert topics >= {*wanted, "ports", "network"}
    # A pattern that meets no probe any more links nothing.
    for topic in ("memory", "processes", "ports", "network", "disk", "engine"):
        checks = [one for need in data["needs"] if need["topic"] == topic
                  for one in need["checked_by"]]  # fmt: skip
        assert any(check["kind"] == "probe" for check in checks), topic


def test_it_is_for_the_services_that_are_asked_for(printed):
    text = printed("-s", "queue")
    assert text.startswith("What a server needs for: queue\n")
    assert "api" not in text.split("Checked by:")[0]
    assert "384 MiB of memory free while it runs" in text


def test_a_service_that_is_none_is_said(capsys):
    assert execute(["requirements", "-C", str(ROOT), "-s", "quue"]) == 2
    assert 'did you mean "queue"' in capsys.readouterr().err
