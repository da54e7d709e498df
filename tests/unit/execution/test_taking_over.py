"""Answers of an earlier run in a new one, over hosts that exist in memory."""

from dataclasses import replace

import pytest
from builders.hosts import IMAGE, World, a_planned_cell, found

from matrix.core.errors import Unreachable
from matrix.core.fingerprint import fingerprint
from matrix.core.model import CellId
from matrix.core.result import CellResult
from matrix.core.verdict import Verdict
from matrix.execution.pool import Pool

QUEUE_QA = CellId(service="queue", environment="qa")
PROBE = "queue/test.py::works"


@pytest.fixture
def world():
    made = World()
    engine = made.engine.describe().facts
    kept = CellResult(
        cell=QUEUE_QA,
        verdict=Verdict.PASSED,
        image_id=IMAGE,
        fingerprint=fingerprint({**made.facts, **engine}),
        probes_digest="p",
        settings_digest="s",
        reused_from="r0",
    )
    made.order = replace(made.order, kept={QUEUE_QA: kept}, settings_digests={QUEUE_QA: "s"})
    return made


def run(world):
    pool = Pool(world.tools(), world.order)
    pool.run(world.plan(a_planned_cell(PROBE)))
    return pool, world.store.load_cell("r1", QUEUE_QA)


def test_an_answer_is_taken_over_when_the_environment_is_what_it_was(world):
    pool, result = run(world)
    assert result == world.order.kept[QUEUE_QA]
    assert world.prober.runs == 0
    assert pool.differences == []
    assert [event.result for event in world.events if event.kind == "cell"] == [result]


def test_where_everything_is_taken_over_nothing_is_started_on_the_host(world):
    world.unhealthy = Unreachable("a container was started")
    _, result = run(world)
    assert result.verdict is Verdict.PASSED


def test_another_fingerprint_means_that_it_is_measured(world):
    world.facts["kernel"] = "another"
    _, result = run(world)
    assert (result.verdict, result.reused_from) == (Verdict.PASSED, "")
    assert result.settings_digest == "s"
    assert world.prober.runs == 1


def test_a_host_that_cannot_be_asked_gives_no_answer_at_all(world):
    def lost():
        raise Unreachable("no route to qa-1")

    world.engine.describe = lost
    _, result = run(world)
    assert result.verdict is Verdict.ERROR
    assert result.reused_from == ""


def test_what_is_drawn_for_the_audit_is_measured(world):
    world.order = replace(world.order, audited=frozenset({QUEUE_QA}))
    pool, result = run(world)
    assert (result.verdict, result.reused_from) == (Verdict.PASSED, "")
    assert world.prober.runs == 1
    assert pool.differences == []


def test_an_answer_that_is_not_true_any_more_is_said_loudly(world):
    world.order = replace(world.order, audited=frozenset({QUEUE_QA}))
    world.prober.probes[PROBE] = lambda _: found(PROBE, Verdict.FAILED, "assertion")
    pool, result = run(world)
    assert result.verdict is Verdict.FAILED
    (text,) = pool.differences
    assert text.startswith("AUDIT: queue@qa is FAILED, but would have been taken over as PASSED")
    assert text in [event.text for event in world.events]
