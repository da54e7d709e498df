"""A waiver excuses one failure of one cell, and nothing else ever."""

from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase

import pytest
from builders.seeded import a_probe, an_attempt
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.clusters import signature_of
from matrix.core.gate import Background, judge
from matrix.core.grid import Door, Grid, GridCell
from matrix.core.model import (
    CellId,
    Environment,
    Host,
    Kind,
    Policy,
    Quarantine,
    RunSettings,
    Service,
    Waiver,
)
from matrix.core.result import CellResult, Fault
from matrix.core.verdict import Verdict
from matrix.core.waivers import WHOLE, WaiverState
from matrix.core.waiving import apply_waivers, failures_of, remainder

TODAY = date(2026, 11, 22)
ROWS, COLUMNS = ("queue", "web"), ("laptop", "qa")
IDS = tuple(CellId(service=row, environment=column) for row in ROWS for column in COLUMNS)
QUEUE_QA = CellId(service="queue", environment="qa")
MESSAGES = ("port 6379 is not reachable", "the page is empty")
FAILED, PASSED, ERROR = Verdict.FAILED, Verdict.PASSED, Verdict.ERROR


def a_cell(at, verdict, *attempts):
    result = CellResult(cell=at, verdict=verdict, attempts=attempts)
    return GridCell(cell=at, verdict=verdict, result=result)


def failing(at=QUEUE_QA, *messages, others=(), host="one", **more):
    probes = [
        a_probe(FAILED, name=f"p{number}", message=message)
        for number, message in enumerate(messages or MESSAGES[:1])
    ]
    probes += [a_probe(verdict, name=f"o{n}") for n, verdict in enumerate(others)]
    return a_cell(at, FAILED, an_attempt(FAILED, probes, host=host, **more))


def a_grid(*cells):
    found = {at: a_cell(at, PASSED, an_attempt(PASSED, [], host="one")) for at in IDS}
    host = Host(name="one", connection="local")
    return Grid(
        services=tuple(
            Service(name=row, title=row, contents="", image=row, settings=RunSettings())
            for row in ROWS
        ),
        environments=tuple(
            Environment(name=column, title=column, kind=Kind.QA, hosts=(host,), engine="docker")
            for column in COLUMNS
        ),
        cells={**found, **{cell.cell: cell for cell in cells}},
    )


def a_waiver(at=QUEUE_QA, probe="p0", message=MESSAGES[0], until=TODAY):
    signature = signature_of(a_probe(FAILED, message=message))
    return Waiver(
        cell=at, probe=probe, signature=signature, reason="known", owner="anna", until=until
    )


def applied(grid, *waivers):
    return apply_waivers(grid, waivers, today=TODAY, sign=signature_of)


def decided(grid, *waivers, flaky=(), before=None, **policy):
    grid, judged = applied(grid, *waivers)
    background = Background(today=TODAY, flaky=flaky, baseline=before, waivers=judged)
    return judge(grid, Policy(waivers=waivers, **policy), background)


@pytest.mark.parametrize(
    ("cell", "waiver", "state", "code"),
    [
        (failing(), a_waiver(), WaiverState.USED, 0),
        (failing(), a_waiver(until=TODAY - timedelta(days=1)), WaiverState.EXPIRED, 1),
        (failing(), a_waiver(message="the disk is full"), WaiverState.VOID, 1),
        (failing(), a_waiver(probe="another"), WaiverState.UNUSED, 1),
        (failing(), a_waiver(at=IDS[0]), WaiverState.UNUSED, 1),
        (a_cell(QUEUE_QA, PASSED), a_waiver(), WaiverState.UNUSED, 0),
        (replace(failing(), verdict=Verdict.STALE), a_waiver(), WaiverState.UNUSED, 4),
        (replace(failing(), verdict=ERROR), a_waiver(), WaiverState.UNUSED, 3),
        (replace(failing(), result=None), a_waiver(), WaiverState.UNUSED, 1),
        (failing(QUEUE_QA, *MESSAGES), a_waiver(), WaiverState.USED, 1),
        (failing(others=[ERROR]), a_waiver(), WaiverState.USED, 3),
        (failing(others=[Verdict.MISSING]), a_waiver(), WaiverState.USED, 4),
        (failing(others=[Verdict.UNSUPPORTED]), a_waiver(), WaiverState.USED, 4),
        (failing(others=[PASSED]), a_waiver(), WaiverState.USED, 0),
        (failing(host="two"), a_waiver(), WaiverState.USED, 4),
        (
            failing(faults=(Fault(reason="exited", message="gone"),)),
            a_waiver(),
            WaiverState.USED,
            1,
        ),
    ],
    ids=[
        "holds",
        "expired yesterday",
        "says something else",
        "another probe",
        "another cell",
        "green",
        "stale",
        "error",
        "nothing known",
        "only one of two failures",
        "an error beside it",
        "a silent probe beside it",
        "unsupported beside it",
        "green beside it",
        "a host was never tried",
        "it failed as a whole too",
    ],
)
def test_a_waiver_stands_and_the_gate_says_what_is_left(cell, waiver, state, code):
    _, (judged,) = applied(a_grid(cell), waiver)
    assert judged.state is state
    assert decided(a_grid(cell), waiver).exit_code == code


def test_a_waived_cell_stays_failed_and_its_waiver_is_listed_with_the_verdict():
    grid, _ = applied(a_grid(failing()), a_waiver())
    assert grid.cells[QUEUE_QA].verdict is FAILED
    assert grid.cells[QUEUE_QA].waived
    decision = decided(a_grid(failing()), a_waiver())
    assert decision.door is Door.OPEN
    assert decision.notes == ("queue@qa: waiver in use: p0, until 2026-11-22, anna: known",)


def test_why_a_waiver_does_not_help_is_said_with_the_failure():
    late = a_waiver(until=TODAY - timedelta(days=1))
    assert decided(a_grid(failing()), late).reasons == (
        "queue@qa: FAILED (its waiver ended on 2026-11-21)",
    )


def test_a_failure_of_the_whole_cell_can_be_waived_by_that_name():
    attempt = an_attempt(FAILED, [], host="one", reason="exited", message="it exited with 3")
    cell = a_cell(QUEUE_QA, FAILED, replace(attempt, planned=("p0", "p1")))
    (failure,) = failures_of(cell, sign=signature_of)
    assert failure.probe == WHOLE
    waiver = replace(a_waiver(probe=WHOLE), signature=failure.signature)
    assert decided(a_grid(cell), waiver).exit_code == 0


def test_each_host_needs_its_own_failure_waived():
    one = an_attempt(FAILED, [a_probe(FAILED, name="p0", message=MESSAGES[0])], host="one")
    two = an_attempt(FAILED, [a_probe(FAILED, name="p0", message=MESSAGES[1])], host="two")
    grid = a_grid(a_cell(QUEUE_QA, FAILED, one, two))
    first, second = a_waiver(), a_waiver(message=MESSAGES[1])
    assert decided(grid, first).exit_code == 1
    assert decided(grid, first, second).exit_code == 0


def test_what_is_not_known_is_not_excused():
    assert remainder(replace(failing(), result=None), hosts=["one"]) is Verdict.MISSING
    skipped = replace(a_probe(PASSED, name="s"), reason="skipped")
    attempt = an_attempt(FAILED, [a_probe(FAILED, name="p0"), skipped], host="one")
    assert remainder(a_cell(QUEUE_QA, FAILED, attempt), hosts=["one"]) is Verdict.MISSING


def test_flaky_closes_where_the_policy_says_so():
    assert decided(a_grid(), flaky={QUEUE_QA}).exit_code == 0
    decision = decided(a_grid(), flaky={QUEUE_QA}, flaky_closes=True)
    assert (decision.door, decision.exit_code) == (Door.CLOSED, 1)
    assert decision.reasons[0].startswith("queue@qa: flaky")


def test_warned_may_be_allowed_by_name():
    grid = a_grid(a_cell(QUEUE_QA, Verdict.WARNED))
    assert decided(grid, warned_closes=True).exit_code == 1
    assert decided(grid, warned_closes=True, allow_warned=("queue@*",)).exit_code == 0


@pytest.mark.parametrize(
    ("before", "waivers", "code"),
    [
        ({QUEUE_QA: PASSED}, (), 1),
        ({QUEUE_QA: ERROR}, (), 1),
        ({}, (), 1),
        ({QUEUE_QA: FAILED}, (), 0),
        ({QUEUE_QA: PASSED}, (a_waiver(),), 0),
        (None, (), 4),
    ],
    ids=[
        "passed then",
        "unknown then",
        "not there then",
        "failed then",
        "waived",
        "no such release",
    ],
)
def test_what_began_to_fail_since_the_baseline_closes_though_it_is_not_required(
    before, waivers, code
):
    asked = {"required": ("web@*",), "baseline": "2.3"}
    assert decided(a_grid(failing()), *waivers, before=before, **asked).exit_code == code


def test_a_baseline_excuses_nothing_that_is_required():
    decision = decided(a_grid(failing()), before={QUEUE_QA: FAILED}, baseline="2.3")
    assert decision.exit_code == 1
    assert len(decision.reasons) == 1


def quarantined(cells, until=TODAY):
    return Quarantine(cells=cells, reason="new", owner="anna", until=until)


def test_a_cell_in_quarantine_is_not_required_until_its_day_is_over():
    grid = a_grid(failing())
    held = decided(grid, quarantine=(quarantined("queue@qa"),))
    assert (held.exit_code, held.required) == (0, 3)
    assert held.notes == ("queue@qa: quarantine holds: until 2026-11-22, anna: new",)
    over = decided(grid, quarantine=(quarantined("queue@qa", TODAY - timedelta(days=1)),))
    assert (over.exit_code, over.required) == (1, 4)


def test_with_everything_in_quarantine_nothing_is_open():
    assert decided(a_grid(), quarantine=(quarantined("*"),)).exit_code == 4


SOME_CELL = st.builds(
    lambda at, verdict, messages, others: (
        failing(at, *messages, others=others) if verdict is FAILED else a_cell(at, verdict)
    ),
    st.sampled_from(IDS),
    st.sampled_from(Verdict),
    st.lists(st.sampled_from(MESSAGES), min_size=1, max_size=2),
    st.lists(st.sampled_from([PASSED, Verdict.WARNED, ERROR, Verdict.MISSING]), max_size=2),
)
SOME_WAIVER = st.builds(
    a_waiver,
    st.sampled_from(IDS),
    st.sampled_from(["p0", "p1", WHOLE]),
    st.sampled_from(MESSAGES),
    st.sampled_from([TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=9)]),
)


@given(st.lists(SOME_CELL, max_size=6), SOME_WAIVER, st.lists(SOME_WAIVER, max_size=3))
def test_a_waiver_never_changes_another_cell(cells, waiver, others):
    without, _ = applied(a_grid(*cells), *others)
    grid, judged = applied(a_grid(*cells), *others, waiver)
    assert len(judged) == len(others) + 1
    for at, cell in grid.cells.items():
        assert replace(cell, waived=False) == a_grid(*cells).cells[at]
        if at != waiver.cell:
            assert cell == without.cells[at]


@given(
    st.lists(SOME_CELL, max_size=6),
    st.lists(SOME_WAIVER, max_size=6),
    st.lists(st.sampled_from(["*", "queue@*", "*@qa", "web@laptop"]), min_size=1, max_size=2),
    st.lists(st.sampled_from(["queue@qa", "web@*"]), max_size=2),
    st.booleans(),
)
def test_the_gate_is_never_open_with_a_required_cell_that_is_not_good(
    cells, waivers, required, allowed, flaky_closes
):
    """Good: green, allowed by name, or FAILED with a waiver in use for each thing that fails."""
    grid = a_grid(*cells)
    decision = decided(
        grid,
        *waivers,
        required=tuple(required),
        allow_unsupported=tuple(allowed),
        flaky_closes=flaky_closes,
        flaky={QUEUE_QA},
    )
    if decision.door is not Door.OPEN:
        return

    def excused(at, probe):
        return any(
            one.cell == at
            and one.probe == probe.id
            and one.signature == signature_of(probe)
            and one.until >= TODAY
            for one in waivers
        )

    for at, cell in grid.cells.items():
        if not any(fnmatchcase(str(at), one) for one in required):
            continue
        if cell.verdict is FAILED:
            (attempt,) = cell.result.attempts
            for probe in attempt.probes:
                assert probe.verdict in (PASSED, Verdict.WARNED) or excused(at, probe)
        elif cell.verdict is Verdict.UNSUPPORTED:
            assert any(fnmatchcase(str(at), one) for one in allowed)
        else:
            assert cell.verdict in (PASSED, Verdict.WARNED)
        assert not (flaky_closes and at == QUEUE_QA)
