"""What every store remembers of a cell, over every row of STORES."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matrix.core.history import PANEL_LENGTH, STRIP_LENGTH
from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    EnvironmentFinding,
    HostFinding,
    Leftover,
    Run,
    RunState,
)
from matrix.core.store_ports import Store
from matrix.core.verdict import Verdict
from matrix.store import STORES, open_store

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
QUEUE = CellId(service="queue", environment="qa")
WEB = CellId(service="web", environment="qa")
PLACES = {"memory": "memory://", "sqlite": "{folder}/state/store.db"}


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path) -> Iterator[Store]:
    opened = open_store(PLACES[request.param].format(folder=tmp_path))
    yield opened
    opened.close()


def begin(store: Store, number: int, *, release: str = "") -> str:
    run = Run(
        id=f"run{number:03}",
        state=RunState.RUNNING,
        started_at=NOW + timedelta(hours=number),
        release=release,
        by="dana@laptop",
        plan_digest="d",
        cells=(QUEUE,),
        version="1",
    )
    store.begin(run)
    return run.id


def measure(store: Store, number: int, verdict: Verdict, *, of: CellId = QUEUE, tries: int = 1):
    attempts = tuple(
        Attempt(number=n + 1, host="one", verdict=verdict, started_at=NOW, seconds=1.0)
        for n in range(tries)
    )
    result = CellResult(
        cell=of,
        verdict=verdict,
        reason="" if verdict is Verdict.PASSED else "assertion",
        attempts=attempts,
        image_id="sha256:1",
        fingerprint="f",
        probes_digest="p",
        finished_at=NOW + timedelta(hours=number, minutes=1),
    )
    store.record_cell(f"run{number:03}", result)


def test_a_store_without_runs_remembers_nothing(store):
    assert store.histories() == {}


def test_measurements_are_remembered_newest_first(store):
    begin(store, 1, release="1.0")
    begin(store, 2)
    measure(store, 1, Verdict.PASSED)
    measure(store, 2, Verdict.FAILED, tries=2)
    measure(store, 2, Verdict.PASSED, of=WEB)
    found = store.histories()
    new, old = found[QUEUE].past
    assert (new.run, new.verdict, new.reason, new.release, new.retries) == (
        "run002", Verdict.FAILED, "assertion", "", 1,
    )  # fmt: skip
    assert (old.run, old.verdict, old.reason, old.release, old.retries) == (
        "run001", Verdict.PASSED, "", "1.0", 0,
    )  # fmt: skip
    assert new.finished_at == NOW + timedelta(hours=2, minutes=1)
    assert (old.image_id, old.fingerprint, old.probes_digest) == ("sha256:1", "f", "p")
    assert (found[QUEUE].first_bad, found[QUEUE].flaky) == (new, False)
    assert [past.run for past in found[WEB].past] == ["run002"]


def test_an_answer_that_replaces_another_is_remembered_once(store):
    begin(store, 1)
    measure(store, 1, Verdict.FAILED)
    measure(store, 1, Verdict.PASSED)
    history = store.histories()[QUEUE]
    assert [past.verdict for past in history.past] == [Verdict.PASSED]
    assert history.first_bad is None


def test_the_first_bad_one_is_remembered_for_longer_than_the_panel(store):
    for number in range(PANEL_LENGTH + 5):
        begin(store, number)
        measure(store, number, Verdict.PASSED if number == 0 else Verdict.FAILED)
    history = store.histories()[QUEUE]
    assert (len(history.past), history.first_bad.run) == (PANEL_LENGTH, "run001")


@pytest.mark.parametrize("count", [1, STRIP_LENGTH, STRIP_LENGTH + 1, PANEL_LENGTH])
def test_as_many_as_are_asked_for_come_back(store, count):
    for number in range(PANEL_LENGTH + 1):
        begin(store, number)
        measure(store, number, (Verdict.PASSED, Verdict.FAILED)[number % 2])
    history = store.histories(count)[QUEUE]
    wanted = [f"run{number:03}" for number in range(PANEL_LENGTH, PANEL_LENGTH - count, -1)]
    assert [past.run for past in history.past] == wanted
    assert history.flaky is True
    assert [past.image_id for past in history.past] == ["sha256:1"] * count


def test_a_head_is_a_run_without_results_and_findings(store):
    begin(store, 1, release="1.0")
    begin(store, 2)
    measure(store, 1, Verdict.FAILED)
    host = HostFinding(host="one", facts={"cpus": 2}, fingerprint="f")
    store.record_finding("run001", EnvironmentFinding(environment="qa", hosts=(host,)))
    left = Leftover(environment="qa", host="one", kind="volume", id="v", name="v")
    store.finish("run001", state="finished", at=NOW, leftovers=[left])
    whole = store.load("run001")
    assert store.head("run001") == replace(whole, results=(), findings=())
    assert store.head("run001").leftovers == (left,)
    assert [run.id for run in store.heads(5)] == ["run002", "run001"]
    assert [run.id for run in store.heads(1)] == ["run002"]
    assert store.head("run9") is None


def test_the_runs_of_a_release_are_found_oldest_first(store):
    for number, release in ((1, "1.0"), (3, "1.0"), (2, ""), (4, "1.1")):
        begin(store, number, release=release)
    assert store.runs_of("1.0") == ("run001", "run003")
    assert store.runs_of("2.0") == ()


def test_a_headline_is_a_cell_without_attempts(store):
    begin(store, 1)
    begin(store, 2)
    measure(store, 1, Verdict.FAILED)
    measure(store, 2, Verdict.PASSED)
    measure(store, 1, Verdict.FAILED, of=WEB)
    of_run = {one.cell: replace(one, attempts=()) for one in store.load("run001").results}
    assert store.headlines("run001") == of_run
    assert set(of_run) == {QUEUE, WEB}
    assert store.headlines("run9") == {}
    newest = store.newest_headlines()
    assert {cell: run for cell, (run, _) in newest.items()} == {QUEUE: "run002", WEB: "run001"}
    assert newest[QUEUE][1] == store.headlines("run002")[QUEUE]


def test_the_newest_cells_come_whole_where_that_is_asked(store):
    begin(store, 1)
    measure(store, 1, Verdict.FAILED, tries=2)
    assert store.newest_whole_cells() == {QUEUE: ("run001", store.load_cell("run001", QUEUE))}


def test_the_newest_finding_is_that_of_the_run_that_began_last(store):
    begin(store, 1)
    begin(store, 2)
    for run, cpus, environment in (("run002", 4, "qa"), ("run001", 2, "qa"), ("run001", 1, "lab")):
        host = HostFinding(host="one", facts={"cpus": cpus}, fingerprint="f")
        store.record_finding(run, EnvironmentFinding(environment=environment, hosts=(host,)))
    found = store.newest_findings()
    assert {name: one.hosts[0].facts["cpus"] for name, one in found.items()} == {"qa": 4, "lab": 1}
