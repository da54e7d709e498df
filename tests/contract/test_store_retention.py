"""What every store keeps and lets go, over every row of STORES."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from matrix.core.model import CellId
from matrix.core.result import CellResult, EnvironmentFinding, HostFinding, Run, RunState
from matrix.core.retention import DAY, Keep
from matrix.core.store_ports import Intent, Store
from matrix.core.verdict import Verdict
from matrix.store import STORES, open_store

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLACES = {"memory": "memory://", "sqlite": "{folder}/state/store.db"}
KEEP = Keep(run_seconds=10 * DAY, failure_seconds=100 * DAY, release_seconds=1000 * DAY)
PASSED, FAILED = Verdict.PASSED, Verdict.FAILED


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path) -> Iterator[Store]:
    opened = open_store(PLACES[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


def record(
    store: Store, name: str, days: int, *, release: str = "", finish: bool = True, **cells: Verdict
):
    at = NOW - timedelta(days=days)
    store.begin(
        Run(
            id=name,
            state=RunState.RUNNING,
            started_at=at,
            release=release,
            by="dana@laptop",
            plan_digest="d",
            cells=(),
            version="1",
        )
    )
    for service, verdict in cells.items():
        cell = CellId(service=service, environment="qa")
        store.record_cell(name, CellResult(cell=cell, verdict=verdict, finished_at=at))
    if finish:
        store.finish(name, state="finished", at=at, leftovers=())


def left(store: Store) -> dict[str, set[str]]:
    """Run id → the services it still has an answer for."""
    return {run.id: {cell.service for cell in store.headlines(run.id)} for run in store.heads(99)}


def test_a_new_store_has_nothing_to_lose(store):
    assert store.prune(KEEP, now=NOW) == store.count_prunable(KEEP, now=NOW)
    assert store.prune(KEEP, now=NOW).cells == 0


def test_releases_stay_longest_then_failures_then_the_rest(store):
    for days in (2000, 500, 50, 5):
        record(store, f"release{days}", days, release="1.0", a=PASSED)
        record(store, f"run{days}", days, a=PASSED, b=FAILED)
    record(store, "last", 1, a=PASSED, b=PASSED)
    counted = store.count_prunable(KEEP, now=NOW)
    pruned = store.prune(KEEP, now=NOW)
    assert left(store) == {
        "last": {"a", "b"}, "run5": {"a", "b"}, "release5": {"a"},
        "run50": {"b"}, "release50": {"a"}, "release500": {"a"},
    }  # fmt: skip
    assert (counted.cells, counted.runs) == (pruned.cells, pruned.runs) == (6, 3)
    assert store.prune(KEEP, now=NOW).cells == 0


def test_the_newest_measurement_of_a_cell_stays_however_old(store):
    record(store, "first", 9000, a=PASSED, b=PASSED)
    record(store, "second", 8000, b=PASSED)
    store.prune(KEEP, now=NOW)
    assert left(store) == {"first": {"a"}, "second": {"b"}}


def test_a_history_outlives_its_runs(store):
    record(store, "first", 900, a=FAILED)
    record(store, "second", 1, a=FAILED)
    before = store.histories()
    assert store.prune(KEEP, now=NOW).runs == 1
    assert store.histories() == before
    assert before[CellId(service="a", environment="qa")].first_bad.run == "first"


def test_a_run_that_goes_on_or_left_something_on_a_host_stays(store):
    record(store, "alive", 9000, finish=False, a=PASSED)
    record(store, "left", 9000, a=PASSED)
    record(store, "swept", 9000, a=PASSED)
    for run in ("left", "swept"):
        entry = store.intend(
            Intent(run=run, cell=None, environment="qa", host="h", kind="container", name=run)
        )
    store.forget(entry)
    record(store, "last", 1, a=PASSED)
    store.prune(KEEP, now=NOW)
    assert set(left(store)) == {"alive", "left", "last"}
    assert [intent.run for _, intent in store.open_entries()] == ["left"]


def test_what_was_last_found_out_about_an_environment_stays(store):
    for name, days in (("old", 9000), ("older", 9500), ("last", 1)):
        record(store, name, days, a=PASSED)
        if name != "last":
            host = HostFinding(host=name, facts={}, fingerprint="f")
            store.record_finding(name, EnvironmentFinding(environment="qa", hosts=(host,)))
    known = store.newest_findings()
    store.prune(KEEP, now=NOW)
    assert store.newest_findings() == known
    assert "old" in left(store)


def test_what_a_later_run_has_taken_over_stays(store):
    record(store, "measured", 9000, a=PASSED)
    record(store, "again", 8000, a=PASSED)
    record(store, "last", 1)
    cell = CellId(service="a", environment="qa")
    over = CellResult(cell=cell, verdict=PASSED, reused_from="measured", finished_at=NOW)
    store.record_cell("last", over)
    store.prune(KEEP, now=NOW)
    assert "measured" in left(store)
    assert store.newest_cells()[cell][0] == "last"
