"""An answer that is taken over: kept once, read with its evidence, and no measurement."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders.seeded import a_probe as probe
from builders.seeded import an_attempt

from matrix.core.model import CellId
from matrix.core.result import CellResult, Run, RunState
from matrix.core.verdict import Verdict
from matrix.store import STORES, open_store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AT = CellId(service="queue", environment="qa")
PLACES = {"memory": "memory://", "sqlite": "{folder}/store.db"}
MEASURED = CellResult(
    cell=AT,
    verdict=Verdict.PASSED,
    attempts=(an_attempt(Verdict.PASSED, [probe(Verdict.PASSED)], host="one"),),
    image_id="sha256:1",
    fingerprint="f",
    probes_digest="p",
    settings_digest="s",
    finished_at=NOW,
)
TAKEN_OVER = replace(MEASURED, attempts=(), reused_from="run1")


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path):
    opened = open_store(PLACES[request.param].format(folder=tmp_path))
    for number, result in enumerate((MEASURED, TAKEN_OVER), 1):
        run = Run(
            id=f"run{number}",
            state=RunState.RUNNING,
            started_at=NOW + timedelta(hours=number),
            by="dana@laptop",
            plan_digest="d",
            cells=(AT,),
            version="1",
        )
        opened.begin(run)
        opened.record_cell(run.id, result)
    yield opened
    opened.close()


def test_it_is_read_with_the_evidence_of_the_run_that_measured_it(store):
    whole = replace(MEASURED, reused_from="run1")
    assert store.load_cell("run2", AT) == whole
    assert store.load("run2").results == (whole,)
    assert store.newest_whole_cells() == {AT: ("run2", whole)}
    assert store.newest_cells()[AT] == ("run2", whole)
    assert store.load_cell("run1", AT) == MEASURED


def test_it_says_where_it_comes_from_in_short_as_well(store):
    run, result = store.newest_headlines()[AT]
    assert (run, result.reused_from, result.settings_digest) == ("run2", "run1", "s")


def test_it_is_no_measurement_in_the_history(store):
    assert [past.run for past in store.histories()[AT].past] == ["run1"]


def test_a_result_whose_origin_is_not_here_stands_for_itself(store):
    stray = replace(MEASURED, reused_from="elsewhere")
    store.record_cell("run2", stray)
    assert store.load_cell("run2", AT) == stray
    assert len(store.histories()[AT].past) == 2
