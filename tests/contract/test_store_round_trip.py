"""Whatever goes into a store comes out of it equal, over every row of STORES."""

import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from matrix.core.text import clean
from matrix.core.verdict import Verdict
from matrix.store import STORES, open_store

NUMBERS = count()
#: Scheme → where the tests have theirs; a new row of STORES needs one here.
PLACES = {"memory": "memory://", "sqlite": "{folder}/store.db"}


@pytest.fixture(scope="module", params=sorted(STORES))
def store(request, tmp_path_factory) -> Iterator[Store]:
    """One for all examples, each with a run of its own."""
    place = PLACES[request.param].format(folder=tmp_path_factory.mktemp("kept"))
    opened = open_store(place)
    yield opened
    opened.close()


TEXTS = st.one_of(
    st.text(max_size=20), st.text(min_size=1, max_size=8).map(lambda text: text * 400)
).map(clean)
NAMES = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)
CELLS = st.builds(CellId, service=NAMES, environment=NAMES)
SECONDS = st.floats(0, 1e6)
ZONES = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001
VERDICTS = st.sampled_from(Verdict)
FAULTS = st.builds(Fault, reason=TEXTS, message=TEXTS)
FACTS = st.dictionaries(
    NAMES,
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    max_size=4,
)


def tuples(values: st.SearchStrategy, size: int = 3, **options: object) -> st.SearchStrategy:
    return st.lists(values, max_size=size, **options).map(tuple)


OUTPUTS = TEXTS.map(str.encode)
RESULTS = st.builds(
    CommandResult,
    command=TEXTS,
    exit_status=st.integers(-1, 255),
    stdout=OUTPUTS,
    stderr=OUTPUTS,
    stdout_bytes=st.integers(0, 2**60),
    stderr_bytes=st.integers(0, 2**60),
    seconds=SECONDS,
)
COMMANDS = st.builds(
    CommandRecord, side=st.sampled_from(Side), target=NAMES | st.just(""), result=RESULTS
)
PROBES = st.builds(
    ProbeResult,
    id=TEXTS,
    side=st.sampled_from(Side),
    title=TEXTS,
    verdict=VERDICTS,
    reason=TEXTS,
    message=TEXTS,
    detail=TEXTS,
    seconds=SECONDS,
    commands=tuples(COMMANDS, 2),
    output=TEXTS,
)
ATTEMPTS = st.builds(
    Attempt,
    number=st.integers(1, 9),
    host=NAMES,
    verdict=VERDICTS,
    reason=TEXTS,
    message=TEXTS,
    probes=tuples(PROBES, 2),
    faults=tuples(FAULTS),
    planned=tuples(TEXTS),
    image_id=TEXTS,
    logs=st.dictionaries(NAMES | st.just(""), TEXTS, max_size=2),
    traceback=TEXTS,
    started_at=MOMENTS,
    seconds=SECONDS,
    steps=st.dictionaries(NAMES, SECONDS, max_size=3),
)
CELL_RESULTS = st.builds(
    CellResult,
    cell=CELLS,
    verdict=VERDICTS,
    reason=TEXTS,
    message=TEXTS,
    attempts=tuples(ATTEMPTS, 2),
    image_id=TEXTS,
    fingerprint=NAMES,
    probes_digest=NAMES,
    finished_at=st.none() | MOMENTS,
)
HOSTS = st.builds(
    HostFinding,
    host=NAMES,
    facts=FACTS,
    fingerprint=NAMES,
    fault=st.none() | FAULTS,
    deviations=tuples(TEXTS),
)
FINDINGS = st.builds(EnvironmentFinding, environment=NAMES, hosts=tuples(HOSTS, 2))
LEFTOVERS = st.builds(
    Leftover, environment=NAMES, host=NAMES, kind=NAMES, id=TEXTS, name=TEXTS, remedy=TEXTS
)
RUNS = st.builds(
    Run,
    id=st.builds(lambda: f"h{next(NUMBERS)}"),
    state=st.sampled_from(RunState),
    started_at=MOMENTS,
    finished_at=st.none() | MOMENTS,
    release=TEXTS,
    by=TEXTS,
    plan_digest=NAMES,
    cells=tuples(CELLS, 40),
    results=tuples(CELL_RESULTS, 2, unique_by=lambda result: result.cell),
    findings=tuples(FINDINGS, 2, unique_by=lambda finding: finding.environment),
    leftovers=tuples(LEFTOVERS),
    version=NAMES,
)
thorough = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


INTENTS = st.builds(
    Intent,
    run=NAMES,
    cell=st.none() | CELLS,
    environment=NAMES,
    host=NAMES,
    kind=NAMES,
    name=NAMES,
    id=TEXTS,
)


def typed(run: Run) -> list[object]:
    """Facts with their types: 1, 1.0 and True are equal to Python but not the same fact."""
    return [
        sorted((name, type(value).__name__) for name, value in host.facts.items())
        for finding in run.findings
        for host in finding.hosts
    ]


def without_evidence(result: CellResult) -> CellResult:
    return replace(
        result,
        attempts=tuple(
            replace(
                attempt,
                logs={},
                probes=tuple(replace(probe, commands=(), output="") for probe in attempt.probes),
            )
            for attempt in result.attempts
        ),
    )


@thorough
@given(run=RUNS)
def test_a_whole_run_comes_back_equal(store, run):
    store.begin(run)
    loaded = store.load(run.id)
    assert loaded == run
    assert typed(loaded) == typed(run)


@thorough
@given(run=RUNS)
def test_a_run_written_step_by_step_comes_back_equal(store, run):
    store.begin(replace(run, results=(), findings=(), leftovers=(), finished_at=None))
    for finding in run.findings:
        store.record_finding(run.id, finding)
    for result in run.results:
        store.record_cell(run.id, result)
    at = run.finished_at or run.started_at
    store.finish(run.id, state=run.state.value, at=at, leftovers=run.leftovers)
    assert store.load(run.id) == replace(run, finished_at=at)


@thorough
@given(run=RUNS)
def test_one_cell_comes_back_whole_and_as_a_summary(store, run):
    store.begin(run)
    newest = store.newest_cells()
    for result in run.results:
        assert store.load_cell(run.id, result.cell) == result
        assert newest[result.cell] == (run.id, without_evidence(result))


@thorough
@given(intent=INTENTS)
def test_a_journal_entry_comes_back_equal(store, intent):
    entry = store.intend(intent)
    assert dict(store.open_entries())[entry] == intent
    store.forget(entry)
