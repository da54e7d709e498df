"""Columns, cells and attempts over hosts that exist in memory."""

from dataclasses import replace

import pytest
from builders.hosts import IMAGE, World, a_planned_cell, found

from matrix.core.errors import (
    ConnectionLost,
    ContainerExited,
    EngineError,
    ImageMismatch,
    NameConflict,
    StoreError,
    Unhealthy,
    Unreachable,
)
from matrix.core.model import CellId, Companion, Readiness, Requirement, RunSettings, Start
from matrix.core.ports import CellAccess
from matrix.core.result import CellResult, ProbeResult, Side
from matrix.core.verdict import Verdict
from matrix.execution.pool import Pool

QUEUE_QA = CellId(service="queue", environment="qa")


@pytest.fixture
def world() -> World:
    return World()


def run(world: World, *cells: object) -> CellResult:
    """Run the cells; returns the result of queue@qa, which must have been recorded."""
    Pool(world.tools(), world.order).run(world.plan(*cells))  # type: ignore[arg-type]
    result = world.store.load_cell("r1", QUEUE_QA)
    assert result is not None
    return result


def test_a_cell_whose_probes_all_pass_is_green_and_leaves_nothing(world: World) -> None:
    result = run(world, a_planned_cell("queue/test.py::works"))
    assert (result.verdict, result.reason) == (Verdict.PASSED, "")
    assert result.attempts[0].image_id == IMAGE
    assert world.engine.objects == {}
    assert world.store.open_entries() == ()


def test_a_probe_that_never_came_back_is_never_green(world: World) -> None:
    world.prober.probes["queue/test.py::works"] = lambda _: found("control/seen")
    assert run(world, a_planned_cell("queue/test.py::works")).verdict is Verdict.ERROR


def test_a_dead_host_is_one_error_on_the_column_not_a_failure(world: World) -> None:
    world.unhealthy = Unreachable("no route to qa-1")
    result = run(world, a_planned_cell("queue/test.py::works"))
    assert (result.verdict, result.reason) == (Verdict.ERROR, "environment")
    assert "no route to qa-1" in result.message
    assert result.attempts == ()
    assert world.prober.runs == 0


def test_an_error_is_tried_again_on_a_fresh_container_and_only_warns(world: World) -> None:
    answers = [found("queue/x", Verdict.ERROR, "conn-lost"), found("queue/x")]
    world.prober.probes["queue/x"] = lambda _: answers.pop(0)
    result = run(world, a_planned_cell("queue/x"))
    assert (result.verdict, result.reason) == (Verdict.WARNED, "retried")
    assert [attempt.verdict for attempt in result.attempts] == [Verdict.ERROR, Verdict.PASSED]


def test_a_failure_is_not_tried_again(world: World) -> None:
    world.prober.probes["queue/x"] = lambda _: found("queue/x", Verdict.FAILED, "assertion")
    result = run(world, a_planned_cell("queue/x"))
    assert (result.verdict, len(result.attempts)) == (Verdict.FAILED, 1)


def test_a_service_is_not_blamed_where_the_hosts_name_service_hangs(world: World) -> None:
    world.prober.probes["queue/x"] = lambda _: found("queue/x", Verdict.FAILED, "assertion")
    world.nameless = Unhealthy("host qa-1: names are dead")
    result = run(world, a_planned_cell("queue/x"))
    assert (result.verdict, result.reason) == (Verdict.ERROR, "environment")
    assert result.message.startswith("host qa-1: names are dead (the cell: ")
    assert [one.verdict for one in result.attempts[0].probes if one.id == "queue/x"] == [
        Verdict.FAILED
    ]


def test_a_service_that_is_not_ready_is_not_blamed_either(world: World) -> None:
    world.engine.raises["start"] = ContainerExited("exited with status 3")
    world.nameless = Unhealthy("host qa-1: names are dead")
    assert run(world, a_planned_cell("queue/x")).verdict is Verdict.ERROR


def test_what_works_is_not_asked_for_the_hosts_names(world: World) -> None:
    world.nameless = Unhealthy("host qa-1: names are dead")
    assert run(world, a_planned_cell("queue/x")).verdict is Verdict.PASSED


def test_a_dead_container_does_not_look_like_a_failed_probe(world: World) -> None:
    def probe(_: CellAccess) -> ProbeResult:
        world.engine.states.clear()
        return found("queue/x", Verdict.FAILED, "assertion")

    world.prober.probes["queue/x"] = probe
    result = run(world, a_planned_cell("queue/x"))
    assert (result.verdict, result.reason) == (Verdict.ERROR, "container-lost")


def test_a_probe_that_hides_a_dead_container_is_not_green(world: World) -> None:
    def probe(_: CellAccess) -> ProbeResult:
        world.engine.states.clear()
        return found("queue/x")

    world.prober.probes["queue/x"] = probe
    assert run(world, a_planned_cell("queue/x")).reason == "container-lost"


def test_a_lost_host_taints_what_was_measured_meanwhile(world: World) -> None:
    def probe(_: CellAccess) -> ProbeResult:
        world.tether.lost = ConnectionLost("silent for 12 s")
        return found("queue/x", Verdict.FAILED, "assertion")

    world.prober.probes["queue/x"] = probe
    result = run(world, a_planned_cell("queue/x"))
    assert result.attempts[0].reason == "conn-lost"


def test_a_container_that_gives_up_is_a_failure_of_the_service(world: World) -> None:
    world.engine.raises["start"] = ContainerExited("exited with status 3")
    result = run(world, a_planned_cell("queue/x"))
    assert (result.verdict, result.reason) == (Verdict.FAILED, "exited")


def test_each_probe_is_told_of_with_its_verdict_when_it_is_known(world: World) -> None:
    world.prober.probes["queue/y"] = lambda _: replace(
        found("queue/y", Verdict.FAILED), title="It answers", message="nobody is there"
    )
    run(world, a_planned_cell("queue/x", "queue/y"))
    told = [event for event in world.events if event.kind == "probe"]
    assert [(one.verdict, one.done, one.total) for one in told[2:]] == [
        (Verdict.PASSED, 3, 4),
        (Verdict.FAILED, 4, 4),
    ]
    assert told[-1].text == "It answers: nobody is there"


def test_what_a_probe_has_stopped_is_started_again_for_the_next(world: World) -> None:
    def stop(access: CellAccess) -> ProbeResult:
        access.control(target="", verb="stop", arguments={})
        return found("queue/stop")

    def look(access: CellAccess) -> ProbeResult:
        state = access.control(target="", verb="state", arguments={})
        assert isinstance(state, dict)
        return found("queue/look", Verdict.PASSED if state["running"] else Verdict.FAILED)

    world.prober.probes |= {"queue/stop": stop, "queue/look": look}
    assert run(world, a_planned_cell("queue/stop", "queue/look")).verdict is Verdict.PASSED


def test_another_image_than_asked_for_is_an_error(world: World) -> None:
    world.engine.image = "sha256:" + "2" * 64
    result = run(world, a_planned_cell("queue/x"))
    assert (result.verdict, result.reason) == (Verdict.ERROR, ImageMismatch.reason)
    assert world.engine.objects == {}


def test_a_foreign_container_of_our_name_is_not_removed(world: World) -> None:
    theirs = world.engine.add("container", "mx-r1-queue-qa-1", {})
    world.engine.raises["create"] = NameConflict("mx-r1-queue-qa-1 is taken")
    assert run(world, a_planned_cell("queue/x")).reason == "name"
    assert list(world.engine.objects) == [theirs]


def test_a_create_whose_answer_was_lost_is_found_by_name_and_label(world: World) -> None:
    create = world.engine.create_container

    def lose_answer(spec: object) -> str:
        create(spec)  # type: ignore[arg-type]
        raise EngineError("the answer was lost")

    world.engine.create_container = lose_answer  # type: ignore[method-assign,assignment]
    assert run(world, a_planned_cell("queue/x")).verdict is Verdict.ERROR
    assert world.engine.objects == {}


def test_an_unmet_requirement_says_what_was_asked_and_found(world: World) -> None:
    need = Requirement(fact="architecture", operator="in", asked=("arm64",))
    result = run(world, a_planned_cell("queue/x", requirements=(need,)))
    assert (result.verdict, result.reason) == (Verdict.UNSUPPORTED, "requirement")
    assert "arm64" in result.message
    assert "amd64" in result.message
    assert world.engine.states == {}


def test_companions_start_in_the_order_they_declare(world: World) -> None:
    names: list[str] = []
    create = world.engine.create_container

    def note(spec: object) -> str:
        names.append(spec.aliases[0])  # type: ignore[attr-defined]
        return create(spec)  # type: ignore[arg-type]

    world.engine.create_container = note  # type: ignore[method-assign,assignment]
    companions = (
        Companion(name="after", image="queue", start=Start.AFTER, settings=RunSettings()),
        Companion(name="before", image="queue", start=Start.BEFORE, settings=RunSettings()),
    )
    run(world, a_planned_cell("queue/x", companions=companions))
    assert names == ["before", "queue", "after"]


def test_a_companion_that_comes_before_is_ready_before_the_service_starts(world: World) -> None:
    need = RunSettings(readiness=Readiness(command="ask db"))
    companions = (Companion(name="db", image="queue", start=Start.BEFORE, settings=need),)
    started: list[int] = []
    world.shell_run = lambda command: started.append(len(world.engine.states))
    run(world, a_planned_cell("queue/x", companions=companions))
    assert started[0] == 1


def test_a_store_that_fails_stops_the_run_and_still_cleans(world: World) -> None:
    def full(*_: object) -> None:
        raise StoreError("disk full")

    plan = world.plan(a_planned_cell("queue/x"))
    world.store.record_cell = full  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="disk full"):
        Pool(world.tools(), world.order).run(plan)
    assert world.engine.objects == {}
    assert world.halt.draining


def test_a_cancelled_cell_is_not_recorded_so_that_a_resume_measures_it(world: World) -> None:
    def cancel(access: CellAccess) -> ProbeResult:
        world.halt.drain()
        access.run(side=Side.INSIDE, target="", command="true", deadline_seconds=1)
        return found("queue/x")

    world.prober.probes["queue/x"] = cancel
    Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x", "queue/y")))
    assert world.store.load_cell("r1", QUEUE_QA) is None
    assert world.engine.objects == {}


def test_what_cannot_be_removed_is_said_with_a_remedy(world: World) -> None:
    world.engine.stuck = {"network-1"}
    plan = world.plan(a_planned_cell("queue/x"))
    leftovers = Pool(world.tools(), world.order).run(plan)
    assert {(one.kind, one.id) for one in leftovers} == {("network", "network-1")}
    assert all(one.remedy for one in leftovers)
    assert [intent.kind for _, intent in world.store.open_entries()] == ["network"]


def test_the_oldest_images_leave_a_cache_that_is_too_full(world: World) -> None:
    brought = [
        world.bring_image("sha256:old", run="r0"),
        world.bring_image("sha256:theirs", run="r9"),
        world.bring_image(IMAGE, run="r0"),
    ]
    world.alive = {"r9"}
    Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x", cache_bytes=2)))
    kept = [number for number, intent in world.store.open_entries() if intent.kind == "image"]
    assert kept == brought[1:]
    assert world.engine.removed == ["sha256:old"]


def test_a_cache_that_fits_keeps_its_images(world: World) -> None:
    world.bring_image("sha256:old", run="r0")
    Pool(world.tools(), world.order).run(world.plan(a_planned_cell("queue/x", cache_bytes=2)))
    assert "sha256:old" not in world.engine.removed
