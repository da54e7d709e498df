"""A cell on several hosts: measured on all of them at once, green only if it is on each."""

from dataclasses import replace
from threading import Barrier

import pytest
from builders.hosts import World, a_planned_cell, found

from matrix.core.model import CellId, Host
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict
from matrix.execution.pool import Pool

ANSWERS = {
    "both pass": ((Verdict.PASSED, Verdict.PASSED), Verdict.PASSED),
    "one fails": ((Verdict.PASSED, Verdict.FAILED), Verdict.FAILED),
}


def measured(world: World) -> CellResult:
    planned = a_planned_cell("queue/x")
    hosts = tuple(Host(name=f"qa-{number}", connection="local") for number in (1, 2))
    pair = replace(planned, environment=replace(planned.environment, hosts=hosts))
    Pool(world.tools(), world.order).run(world.plan(pair))
    result = world.store.load_cell("r1", CellId(service="queue", environment="qa"))
    assert result is not None
    return result


@pytest.mark.parametrize(("answers", "verdict"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_cell_is_as_good_as_it_is_on_the_worst_host(
    answers: tuple[Verdict, Verdict], verdict: Verdict
) -> None:
    world, left = World(), list(answers)
    world.prober.probes["queue/x"] = lambda _: found("queue/x", left.pop())
    result = measured(world)
    assert result.verdict is verdict
    assert {attempt.host for attempt in result.attempts} == {"qa-1", "qa-2"}
    assert [attempt.number for attempt in result.attempts] == [1, 2]


def test_the_hosts_of_an_environment_are_measured_at_once() -> None:
    world, both = World(), Barrier(2, timeout=90)

    def probe(_: object):  # type: ignore[no-untyped-def]
        both.wait()
        return found("queue/x")

    world.prober.probes["queue/x"] = probe
    assert measured(world).verdict is Verdict.PASSED
