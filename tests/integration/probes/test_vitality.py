"""Every probe we ship is seen red when what it looks at is wrong, and green when nothing is.

What is put wrong stands in ``probes/*/sabotage.toml``; the probes for every service are tried with
each of them.
"""

import json
from pathlib import Path

import pytest
from builders.vitality import a_project, matrix, services, unproven
from docker import APIClient

from matrix.core.names import PREFIX
from matrix.wiring import build_socket

pytestmark = pytest.mark.engine

#: The one that is tried in the CI lane, since all of them take long.
QUICK = "queue"
#: Probes of its own folder that each service must have at least, and of those for all.
LEAST_OF_ITS_OWN, LEAST_FOR_ALL = 8, 15


def try_all(folder: Path, service: str) -> None:
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


def labelled_with(project: Path) -> list[str]:
    """Containers of the project's runs that are still there."""
    with APIClient(base_url=f"unix://{build_socket()}", version="auto") as client:
        ours = client.containers(all=True, filters={"label": f"{PREFIX}.run"})
    text = (project / ".matrix/store.sqlite").read_bytes()
    return [one["Names"][0] for one in ours if one["Names"][0].lstrip("/").encode() in text]


def test_every_probe_of_the_queue_can_fail(tmp_path):
    try_all(tmp_path, QUICK)
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
