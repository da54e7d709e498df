"""What every store promises, over every row of STORES."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matrix.core.errors import StoreError
from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Fault,
    HostFinding,
    Leftover,
    ProbeResult,
    Run,
    RunState,
    Side,
)
from matrix.core.store_ports import Intent, Store
from matrix.core.verdict import Verdict
from matrix.store import STORES, open_store

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
SECRET = "hunter2hunter2"
#: Scheme → where the tests have theirs; a new row of STORES needs one here.
PLACES = {"memory": "memory://", "sqlite": "{folder}/state/store.db"}


@pytest.fixture(params=sorted(STORES))
def store(request, tmp_path) -> Iterator[Store]:
    opened = open_store(PLACES[request.param].format(folder=tmp_path), secrets=[SECRET])
    yield opened
    opened.close()


def cell(service: str = "queue", environment: str = "qa") -> CellId:
    return CellId(service=service, environment=environment)


def a_run(name: str = "run1", *, at: datetime = NOW) -> Run:
    return Run(
        id=name,
        state=RunState.RUNNING,
        started_at=at,
        by="dana@laptop",
        plan_digest="d",
        cells=(cell(), cell("web")),
        version="1",
    )


def a_result(of: CellId, verdict: Verdict = Verdict.PASSED, text: str = "text") -> CellResult:
    output = CommandResult(
        command="cat /etc/motd",
        exit_status=0,
        stdout=text.encode(),
        stderr=b"",
        stdout_bytes=len(text.encode()) + 7,
        stderr_bytes=0,
        seconds=0.1,
    )
    probe = ProbeResult(
        id="queue/test_a.py::test_a",
        side=Side.INSIDE,
        title="it answers",
        verdict=verdict,
        reason="assertion",
        message="no",
        detail=text,
        seconds=0.2,
        commands=(CommandRecord(side=Side.OUTSIDE, target="replica", result=output),),
        output=text,
    )
    attempt = Attempt(
        number=1,
        host="one",
        verdict=verdict,
        probes=(probe,),
        faults=(Fault(reason="conn-lost", message="it broke"),),
        planned=(probe.id,),
        image_id="sha256:1",
        logs={"": text, "replica": "ready"},
        started_at=NOW,
        seconds=2.5,
        steps={"start": 1.5, "probe": 1.0},
    )
    return CellResult(cell=of, verdict=verdict, attempts=(attempt,), finished_at=NOW)


def an_intent(run: str = "run1", name: str = "mx-run1-queue-qa-1") -> Intent:
    return Intent(run=run, cell=cell(), environment="qa", host="one", kind="container", name=name)


def test_a_run_that_was_never_begun_is_none(store):
    assert store.load("run1") is None
    assert store.load_cell("run1", cell()) is None
    assert store.latest() == ()
    assert store.newest_cells() == {}


def test_a_cell_recorded_twice_in_a_run_is_counted_once(store):
    store.begin(a_run())
    store.record_cell("run1", a_result(cell(), Verdict.ERROR, "first"))
    store.record_cell("run1", a_result(cell("web")))
    later = a_result(cell(), Verdict.PASSED, "second")
    store.record_cell("run1", later)
    assert store.load("run1").results == (a_result(cell("web")), later)
    assert store.newest_cells()[cell()][1].verdict is Verdict.PASSED


def test_a_finding_recorded_twice_in_a_run_is_counted_once(store):
    store.begin(a_run())
    for facts in ({"cpus": 2, "gone": 1}, {"cpus": 4}):
        host = HostFinding(host="one", facts=facts, fingerprint="f")
        finding = EnvironmentFinding(environment="qa", hosts=(host,))
        store.record_finding("run1", finding)
    assert store.load("run1").findings == (finding,)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda store: store.record_cell("run9", a_result(cell())), id="cell"),
        pytest.param(
            lambda store: store.record_finding(
                "run9", EnvironmentFinding(environment="qa", hosts=())
            ),
            id="finding",
        ),
        pytest.param(
            lambda store: store.finish("run9", state="finished", at=NOW, leftovers=()), id="finish"
        ),
    ],
)
def test_nothing_is_recorded_for_a_run_that_was_never_begun(store, write):
    with pytest.raises(StoreError, match="run9"):
        write(store)


def test_a_run_begun_again_goes_on_with_what_it_has(store):
    store.begin(a_run())
    store.record_cell("run1", a_result(cell()))
    store.finish("run1", state="interrupted", at=NOW, leftovers=())
    store.begin(replace(a_run(), cells=()))
    again = store.load("run1")
    assert again == replace(a_run(), results=(a_result(cell()),))


def test_a_run_with_the_id_of_another_is_refused(store):
    store.begin(a_run())
    with pytest.raises(StoreError, match="take a new id"):
        store.begin(a_run(at=NOW + timedelta(seconds=1)))
    assert store.load("run1") == a_run()
    assert store.is_alive("run1")


def test_a_run_that_was_refused_is_not_alive(store):
    store.begin(a_run())
    store.finish("run1", state="finished", at=NOW, leftovers=())
    with pytest.raises(StoreError, match="take a new id"):
        store.begin(a_run(at=NOW + timedelta(seconds=1)))
    assert not store.is_alive("run1")


def test_finishing_keeps_the_state_the_time_and_what_was_left(store):
    left = Leftover(
        environment="qa", host="one", kind="container", id="1", name="n", remedy="docker rm n"
    )
    store.begin(a_run())
    store.finish("run1", state="interrupted", at=NOW, leftovers=[left, left])
    store.finish("run1", state="finished", at=NOW + timedelta(1), leftovers=[left])
    finished = store.load("run1")
    assert finished.state is RunState.FINISHED
    assert finished.finished_at == NOW + timedelta(1)
    assert finished.leftovers == (left,)


def test_a_state_that_is_none_is_refused(store):
    store.begin(a_run())
    with pytest.raises(ValueError, match="done"):
        store.finish("run1", state="done", at=NOW, leftovers=())
    assert store.load("run1").state is RunState.RUNNING


def test_the_latest_runs_come_newest_first_and_without_evidence(store):
    for day in (2, 3, 1):
        store.begin(a_run(f"run{day}", at=NOW + timedelta(day)))
    store.record_cell("run3", a_result(cell()))
    assert [run.id for run in store.latest(2)] == ["run3", "run2"]
    (attempt,) = store.latest()[0].results[0].attempts
    assert attempt.probes[0].detail == "text"
    assert (attempt.logs, attempt.probes[0].commands, attempt.probes[0].output) == ({}, (), "")


def test_the_newest_answer_of_a_cell_is_the_one_written_last(store):
    """By the order of writing: a clock that was set back must not bring an old answer to light."""
    store.begin(a_run("run2", at=NOW + timedelta(2)))
    store.begin(a_run("run1", at=NOW + timedelta(1)))
    store.record_cell("run2", a_result(cell(), Verdict.FAILED))
    store.record_cell("run2", a_result(cell("web")))
    store.record_cell("run1", a_result(cell(), Verdict.PASSED))
    newest = store.newest_cells()
    assert {of: (run, result.verdict) for of, (run, result) in newest.items()} == {
        cell(): ("run1", Verdict.PASSED),
        cell("web"): ("run2", Verdict.PASSED),
    }


def test_an_intent_stays_open_until_it_is_forgotten(store):
    first, second = store.intend(an_intent()), store.intend(an_intent(name="other"))
    store.confirm(second, "sha256:2")
    assert store.open_entries() == (
        (first, an_intent()),
        (second, replace(an_intent(name="other"), id="sha256:2")),
    )
    store.forget(first)
    assert [entry for entry, _ in store.open_entries()] == [second]


def test_the_open_entries_of_one_run_can_be_asked_for(store):
    store.intend(an_intent("run1"))
    entry = store.intend(an_intent("run2"))
    assert store.open_entries(run="run2") == ((entry, an_intent("run2")),)


def test_forgetting_twice_is_fine(store):
    entry = store.intend(an_intent())
    store.forget(entry)
    store.forget(entry)
    assert store.open_entries() == ()


def test_an_entry_number_is_never_given_twice(store):
    first = store.intend(an_intent())
    store.forget(first)
    assert store.intend(an_intent()) > first


@pytest.mark.parametrize("change", ["confirm", "forget"])
def test_an_entry_that_is_not_there_is_an_error(store, change):
    with pytest.raises(StoreError, match="no entry 77"):
        store.confirm(77, "x") if change == "confirm" else store.forget(77)


def test_a_run_is_alive_from_its_beginning_to_its_end(store):
    assert not store.is_alive("run1")
    store.begin(a_run())
    assert store.is_alive("run1")
    assert store.unfinished_runs() == ("run1",)
    store.finish("run1", state="finished", at=NOW, leftovers=())
    assert not store.is_alive("run1")
    assert store.unfinished_runs() == ()


def test_what_is_no_run_can_be_alive_too(store):
    store.hold("check1")
    store.hold("check1")
    assert store.is_alive("check1")
    assert store.unfinished_runs() == ()
    store.let_go("check1")
    store.let_go("check1")
    assert not store.is_alive("check1")


def test_runs_that_were_not_finished_come_newest_first(store):
    for day, state in ((1, "interrupted"), (2, "finished"), (3, "running")):
        store.begin(a_run(f"run{day}", at=NOW + timedelta(day)))
        store.finish(f"run{day}", state=state, at=NOW, leftovers=())
    assert store.unfinished_runs() == ("run3", "run1")


def test_nothing_harmful_or_secret_is_kept(store):
    text = f"\x1b]0;owned\x07 {SECRET} \u202e"
    host = HostFinding(host="one", facts={"motd": text}, fingerprint="f")
    left = Leftover(environment="qa", host="one", kind="volume", id=text, name=text, remedy=text)
    store.begin(replace(a_run(), release=text))
    store.record_finding("run1", EnvironmentFinding(environment="qa", hosts=(host,)))
    store.record_cell("run1", a_result(cell(), Verdict.FAILED, text))
    store.confirm(store.intend(an_intent()), text)
    store.finish("run1", state="finished", at=NOW, leftovers=(left,))
    everything = repr((store.load("run1"), store.open_entries(), store.newest_cells()))
    for bad in (SECRET, "\\x1b", "\x1b", "\\x07"):
        assert bad not in everything
    assert store.load("run1").results[0].attempts[0].probes[0].commands[0].result.truncated


def test_many_threads_write_at_once(store):
    store.begin(a_run())
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda n: store.intend(an_intent(name=f"n{n}")), range(40)))
        list(pool.map(lambda n: store.record_cell("run1", a_result(cell(f"s{n}"))), range(24)))
        list(pool.map(store.forget, entries[:20]))
    assert len(set(entries)) == len(entries)
    assert [entry for entry, _ in store.open_entries()] == sorted(entries[20:])
    assert {result.cell.service for result in store.load("run1").results} == {
        f"s{number}" for number in range(24)
    }


def test_a_store_of_an_unknown_kind_names_the_known_ones():
    with pytest.raises(StoreError, match="known: memory, sqlite"):
        open_store("redis://localhost")
