"""A grid against what was expected of it."""

from dataclasses import replace
from datetime import UTC, datetime

from matrix.core.expected import Expectation, compare, within
from matrix.core.gate import every_cell
from matrix.core.grid import Grid, GridCell
from matrix.core.model import CellId, Environment, Kind, Requirement, RunSettings, Service
from matrix.core.result import (
    Attempt,
    CellResult,
    EnvironmentFinding,
    HostFinding,
    ProbeResult,
    Side,
)
from matrix.core.verdict import Verdict

CELL = CellId(service="queue", environment="qa")
V1 = {"cgroup.version": 1}
V2 = {"cgroup.version": 2}


def probe(name, verdict):
    return ProbeResult(id=name, side=Side.OUTSIDE, title=name, verdict=verdict, seconds=1.0)


def attempt(*probes, host="one", number=1):
    return Attempt(
        number=number,
        host=host,
        verdict=Verdict.FAILED,
        probes=probes,
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
    )


def a_grid(verdict=Verdict.PASSED, reason="", *, facts=(V1,), attempts=()):
    hosts = tuple(
        HostFinding(host=str(number), facts=one, fingerprint="f")
        for number, one in enumerate(facts)
    )
    result = CellResult(cell=CELL, verdict=verdict, attempts=attempts)
    shown = GridCell(
        cell=CELL, verdict=verdict, reason=reason, message="what\nhappened", result=result
    )
    return Grid(
        services=(Service(name="queue", title="", contents="", image="q", settings=RunSettings()),),
        environments=(Environment(name="qa", title="", kind=Kind.QA, hosts=(), engine="docker"),),
        cells={CELL: shown},
        findings={"qa": EnvironmentFinding(environment="qa", hosts=hosts)},
    )


def expecting(verdict=Verdict.PASSED, reason="", **more):
    return Expectation(verdict=verdict, reason=reason, because=more.pop("because", ""), **more)


def texts(expected, grid, among=(CELL,)):
    return [str(one) for one in compare(expected, grid, among=among)]


def on(version):
    return (Requirement(fact="cgroup.version", operator="==", asked=version),)


def test_a_grid_that_is_as_expected_has_no_difference():
    assert texts({CELL: (expecting(),)}, a_grid()) == []


def test_another_verdict_says_what_was_expected_why_and_what_was_found():
    wanted = expecting(Verdict.FAILED, "assertion", because="limits are ignored there")
    assert texts({CELL: (wanted,)}, a_grid()) == [
        "queue@qa: expected FAILED (assertion), because limits are ignored there;"
        " found PASSED: what happened"
    ]


def test_the_right_verdict_with_another_reason_is_a_difference():
    grid = a_grid(Verdict.FAILED, "deadline")
    assert texts({CELL: (expecting(Verdict.FAILED, "assertion"),)}, grid)
    assert texts({CELL: (expecting(Verdict.FAILED, None),)}, grid) == []


def test_the_first_alternative_whose_facts_hold_counts():
    expected = {CELL: (expecting(Verdict.FAILED, "assertion", when=on(2)), expecting())}
    assert texts(expected, a_grid(facts=(V1,))) == []
    assert texts(expected, a_grid(facts=(V2,)))


def test_a_fact_must_hold_on_every_host_and_is_not_made_up():
    expected = {CELL: (expecting(when=on(1)),)}
    assert texts(expected, a_grid(facts=(V1, V1))) == []
    for facts in ((V1, V2), (), ({},)):
        (text,) = texts(expected, a_grid(facts=facts))
        assert "no alternative applies" in text


def test_a_failure_of_the_wrong_probe_is_a_difference():
    bad = probe("outside/test_limits.py::test_memory", Verdict.FAILED)
    good = probe("outside/test_limits.py::test_pids", Verdict.PASSED)
    also_bad = replace(good, verdict=Verdict.WARNED)
    expected = {CELL: (expecting(Verdict.FAILED, "", probes=("*::test_memory",)),)}
    assert texts(expected, a_grid(Verdict.FAILED, attempts=(attempt(bad, good),))) == []
    for probes in ((good,), (bad, also_bad), ()):
        assert texts(expected, a_grid(Verdict.FAILED, attempts=(attempt(*probes),)))


def test_only_the_last_attempt_on_each_host_counts():
    bad, good = probe("p", Verdict.FAILED), probe("p", Verdict.PASSED)
    expected = {CELL: (expecting(Verdict.FAILED, "", probes=("p",)),)}
    retried = (attempt(bad), attempt(good, number=2))
    assert texts(expected, a_grid(Verdict.FAILED, attempts=retried))
    two_hosts = (attempt(bad), attempt(good, host="two"))
    assert texts(expected, a_grid(Verdict.FAILED, attempts=two_hosts)) == []


def test_a_cell_nobody_expected_anything_of_is_a_difference():
    assert "nothing is written for it" in texts({}, a_grid())[0]


def test_cells_outside_of_the_run_are_not_compared():
    assert texts({CELL: (expecting(Verdict.FAILED),)}, a_grid(), among=()) == []


def test_an_expected_cell_that_the_grid_does_not_know_is_a_difference():
    stranger = CellId(service="queue", environment="qaa")
    assert "queue@qaa" in texts({stranger: (expecting(),)}, a_grid(), among=())[0]


def test_of_other_inventories_nothing_is_expected():
    elsewhere = CellId(service="queue", environment="elsewhere")
    typo = replace(CELL, service="quue")
    wanted = {CELL: (expecting(),), elsewhere: (expecting(),), typo: (expecting(),)}
    assert set(within(wanted, a_grid())) == {CELL, typo}


def test_a_cell_of_the_run_that_is_not_in_the_grid_is_missing():
    grid = replace(a_grid(), cells={})
    assert list(every_cell(grid)) == [CELL]
    assert "found MISSING" in texts({CELL: (expecting(),)}, grid)[0]
