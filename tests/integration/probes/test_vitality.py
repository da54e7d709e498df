"""Every probe we ship is seen red when what it looks at is wrong, and green when nothing is.

What is put wrong stands in ``probes/*/sabotage.toml``; the probes for every service are tried with
each of them.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders.vitality import REPOSITORY, a_project, matrix, services, unproven
from docker import APIClient

from matrix.core.names import PREFIX
from matrix.loading import load_project, load_saboteurs
from matrix.probing.prober import PytestProber
from matrix.wiring import build_socket

pytestmark = pytest.mark.engine

#: The one that is tried in the CI lane, since all of them take long.
QUICK = "queue"
#: Those that are at least seen green there.
ALSO_QUICK = ("web", "api")
WRONG_CLOCK = "a clock that is three days ahead"
#: Probes of its own folder that each service must have at least, and of those for all.
LEAST_OF_ITS_OWN, LEAST_FOR_ALL = 8, 15


def try_all(folder: Path, service: str) -> Mapping[str, list[str]]:
    """Probe id → the saboteurs it was red under, when all of them are proven."""
    project = a_project(folder)
    done = matrix(
        "probe", "vitality", "--service", service, "--parallel", "3", "--json", at=project
    )
    assert unproven(done) == {}, done.stderr
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    names = [probe["id"].partition("/")[0] for probe in found["probes"]]
    assert names.count("outside") >= LEAST_FOR_ALL
    assert len(names) - names.count("outside") >= LEAST_OF_ITS_OWN
    return {probe["id"]: probe["red_under"] for probe in found["probes"]}


def labelled_with(project: Path) -> list[str]:
    """Containers of the project's runs that are still there."""
    with APIClient(base_url=f"unix://{build_socket()}", version="auto") as client:
        ours = client.containers(all=True, filters={"label": f"{PREFIX}.run"})
    text = (project / ".matrix/store.sqlite").read_bytes()
    return [one["Names"][0] for one in ours if one["Names"][0].lstrip("/").encode() in text]


def test_every_probe_is_named_by_a_saboteur():
    project = load_project(REPOSITORY)
    with PytestProber() as prober:
        for service in project.services:
            folders = (*service.probes, project.outside_probes)
            functions = {folder: functions_in(prober, folder) for folder in folders}
            named = {name for one in load_saboteurs(service, functions) for name in one.probes}
            known = {f"{folder.name}/{name}" for folder in folders for name in functions[folder]}
            assert named == known, service.name


def functions_in(prober: PytestProber, folder: Path) -> list[str]:
    # One that is only for another engine is never planned where this is tried.
    here = (one for one in prober.collect((folder,)) if not one.engines or "docker" in one.engines)
    ids = [probe.id for probe in here]
    mine = (one.removeprefix(f"{folder.name}/") for one in ids if one.startswith(f"{folder.name}/"))
    return list(dict.fromkeys(one.partition("[")[0] for one in mine))


def test_services_as_they_should_be_pass_all(tmp_path):
    project = a_project(tmp_path)
    words = [word for name in ALSO_QUICK for word in ("--service", name)]
    done = matrix("run", *words, "--json", at=project)
    cells = {one["service"]: one for one in json.loads(done.stdout)["cells"]}
    seen = {name: (cells[name]["verdict"], cells[name]["message"]) for name in ALSO_QUICK}
    assert seen == dict.fromkeys(ALSO_QUICK, ("PASSED", ""))


def test_every_probe_of_the_queue_can_fail(tmp_path):
    red_under = try_all(tmp_path, QUICK)
    # The engine can be made to answer anything: what counts here is a clock that is really off.
    assert WRONG_CLOCK in red_under["outside/test_clock.py::test_its_clock_is_the_machines"]
    report = matrix("report", "--format", "json", at=tmp_path)
    rows = {row["name"]: row["strength"] for row in json.loads(report.stdout)["services"]}
    strength = rows.pop(QUICK)
    assert strength["proven"] == strength["all"] > 0
    assert strength["unproven"] == []
    assert set(rows.values()) == {None}
    assert labelled_with(tmp_path) == []


@pytest.mark.full
@pytest.mark.parametrize("service", [name for name in services() if name != QUICK])
def test_every_probe_can_fail(service, tmp_path):
    try_all(tmp_path, service)
