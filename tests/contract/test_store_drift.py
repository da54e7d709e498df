"""The findings a store gives to compare the newest with."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matrix.core.result import EnvironmentFinding, HostFinding, Run, RunState
from matrix.store import open_store

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
RUN = Run(
    id="",
    state=RunState.RUNNING,
    started_at=BEGAN,
    by="me",
    plan_digest="",
    cells=(),
    version="1",
)


PLACES = {"memory": "memory://", "sqlite": "{folder}/state/store.db"}


@pytest.fixture(params=sorted(PLACES))
def store(request, tmp_path):
    opened = open_store(PLACES[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


def test_the_earlier_finding_is_that_of_the_run_before_in_which_it_was_measured(store):
    measured = {"run001": {"qa": 1, "lab": 1}, "run002": {"lab": 2}, "run003": {"qa": 3, "new": 3}}
    for hour, (run, cpus) in enumerate(measured.items()):
        store.begin(replace(RUN, id=run, started_at=BEGAN + timedelta(hours=hour)))
        for environment, count in cpus.items():
            host = HostFinding(host="one", facts={"cpus": count}, fingerprint="f")
            store.record_finding(run, EnvironmentFinding(environment=environment, hosts=(host,)))
    earlier = {name: one.hosts[0].facts["cpus"] for name, one in store.earlier_findings().items()}
    assert earlier == {"qa": 1, "lab": 1}
