"""What was measured, as it is to be read now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.model import CellId, Environment, Kind, Policy, RunSettings, Service
from matrix.core.reading import Current, build_grid, name_cancelled, spoken_seconds
from matrix.core.result import CellResult, Run, RunState
from matrix.core.verdict import Verdict

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CELL = CellId(service="queue", environment="qa")
WEEK = Policy(fresh_seconds=7 * 86400.0)
SAME = Current(
    image_ids={"queue": "sha256:aaa"}, probes_digests={"queue": "ppp"}, fingerprints={"qa": "fff"}
)
SERVICE = Service(name="queue", title="Queue", contents="", image="queue", settings=RunSettings())
QA = Environment(name="qa", title="QA", kind=Kind.QA, hosts=(), engine="docker")


def a_result(**changes):
    result = CellResult(
        cell=CELL,
        verdict=Verdict.PASSED,
        image_id="sha256:aaa",
        fingerprint="fff",
        probes_digest="ppp",
        finished_at=NOW - timedelta(days=1),
    )
    return replace(result, **changes)


def read(result, *, policy=WEEK, current=SAME, environment=QA):
    newest = {} if result is None else {CELL: ("run-1", result)}
    grid = build_grid(
        [SERVICE], [environment], newest, now=NOW, policy=policy, current=current, findings={}
    )
    return grid.cells[CELL]


def test_a_cell_never_measured_is_missing():
    cell = read(None)
    assert (cell.verdict, cell.reason, cell.run) == (Verdict.MISSING, "never", "")


def test_a_fresh_result_for_the_same_things_counts():
    cell = read(a_result())
    assert (cell.verdict, cell.run, cell.message) == (Verdict.PASSED, "run-1", "")


@pytest.mark.parametrize(
    ("changes", "current", "reason", "words"),
    [
        (
            {"finished_at": NOW - timedelta(days=9, hours=4)},
            SAME,
            "age",
            "PASSED then, but that was 9 days 4 hours ago and the policy allows 7 days",
        ),
        ({"finished_at": None}, SAME, "age", "nobody knows when"),
        ({"finished_at": NOW + timedelta(hours=2)}, SAME, "age", "2 hours ahead of our clock"),
        (
            {},
            replace(SAME, image_ids={"queue": "sha256:bbb"}),
            "image",
            "for another image (aaa, now bbb)",
        ),
        ({"image_id": ""}, SAME, "image", "for which image is not known"),
        ({}, replace(SAME, probes_digests={"queue": "q"}), "probes", "another set of probes"),
        ({}, replace(SAME, fingerprints={"qa": "g"}), "fingerprint", "another state of the"),
    ],
)
def test_a_result_for_something_else_is_stale_and_says_why(changes, current, reason, words):
    cell = read(a_result(**changes), current=current)
    assert (cell.verdict, cell.reason) == (Verdict.STALE, reason)
    assert words in cell.message
    assert cell.result is not None


def test_without_a_freshness_in_the_policy_age_does_not_matter():
    old = a_result(finished_at=NOW - timedelta(days=999))
    assert read(old, policy=Policy()).verdict is Verdict.PASSED


def test_clocks_may_differ_by_a_little():
    assert read(a_result(finished_at=NOW + timedelta(minutes=4))).verdict is Verdict.PASSED


def test_what_is_asked_for_now_may_not_be_known():
    assert read(a_result(), current=Current()).verdict is Verdict.PASSED


def test_an_error_before_the_image_was_known_stays_an_error():
    broken = a_result(verdict=Verdict.ERROR, image_id="", fingerprint="", reason="unreachable")
    assert read(broken).verdict is Verdict.ERROR


def test_a_missing_result_never_becomes_stale():
    cut = a_result(verdict=Verdict.MISSING, reason="cancelled", finished_at=None)
    assert (read(cut).verdict, read(cut).reason) == (Verdict.MISSING, "cancelled")


def test_an_exclusion_is_shown_even_over_an_older_result():
    cell = read(a_result(), environment=replace(QA, exclusions={"queue": "no licence"}))
    assert (cell.verdict, cell.reason, cell.message) == (
        Verdict.UNSUPPORTED,
        "excluded",
        "no licence",
    )


def test_every_pair_has_a_cell():
    other = replace(QA, name="prod")
    grid = build_grid(
        [SERVICE, replace(SERVICE, name="web")],
        [QA, other],
        {},
        now=NOW,
        policy=WEEK,
        current=SAME,
        findings={},
    )
    assert len(grid.cells) == 4


@settings(deadline=None)
@given(
    st.sampled_from([verdict for verdict in Verdict if verdict is not Verdict.STALE]),
    st.sampled_from(["sha256:aaa", "sha256:bbb", ""]),
    st.sampled_from(["ppp", "qqq", ""]),
    st.sampled_from(["fff", "ggg", ""]),
    st.integers(-20, 20),
)
def test_a_claim_is_shown_only_when_all_of_it_still_holds(verdict, image, probes, print_, days):
    measured = a_result(
        verdict=verdict,
        image_id=image,
        probes_digest=probes,
        fingerprint=print_,
        finished_at=NOW - timedelta(days=days),
    )
    shown = read(measured).verdict
    assert shown in (verdict, Verdict.STALE)
    if shown in (Verdict.PASSED, Verdict.WARNED, Verdict.FAILED):
        assert (image, probes, print_) == ("sha256:aaa", "ppp", "fff")
        assert 0 <= days <= 7


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"),
        (1, "1 second"),
        (3600, "1 hour"),
        (93784, "1 day 2 hours"),
        (61, "1 minute 1 second"),
    ],
)
def test_spans_are_spoken_in_two_units(seconds, words):
    assert spoken_seconds(seconds) == words


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (RunState.INTERRUPTED, "cancelled"),
        (RunState.FINISHED, "never"),
        (RunState.RUNNING, "never"),
    ],
)
def test_a_cell_that_an_interrupted_run_never_came_to_is_missing_for_that(state, reason):
    run = Run(
        id="run-1",
        state=state,
        started_at=NOW,
        by="me@here",
        plan_digest="d",
        cells=(CELL, CellId(service="gone", environment="qa")),
        version="0",
    )
    grid = build_grid([SERVICE], [QA], {}, now=NOW, policy=WEEK, current=SAME, findings={})
    named = name_cancelled(grid, run)
    cell = named.cells[CELL]
    assert (cell.verdict, cell.reason, len(named.cells)) == (Verdict.MISSING, reason, 1)


def test_what_was_measured_before_an_interrupted_run_still_counts():
    run = Run(
        id="run-2",
        state=RunState.INTERRUPTED,
        started_at=NOW,
        by="me@here",
        plan_digest="d",
        cells=(CELL,),
        version="0",
    )
    newest = {CELL: ("run-1", a_result())}
    grid = build_grid([SERVICE], [QA], newest, now=NOW, policy=WEEK, current=SAME, findings={})
    assert name_cancelled(grid, run).cells[CELL].verdict is Verdict.PASSED
