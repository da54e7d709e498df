"""What a sweep removes, spares and waits for."""

from collections.abc import Sequence
from dataclasses import replace

from builders.hosts import World, a_planned_cell

from matrix.core.names import LABEL_RUN
from matrix.core.ports import Connection, EngineObject
from matrix.core.store_ports import Intent
from matrix.execution.sweep import Sweep, Swept, sweep

ALL = Sweep(remove=True, keep_images=False, pause_seconds=0)
OURS = {LABEL_RUN: "r0"}


def intend(world: World, kind: str, name: str, identity: str = "") -> int:
    return world.store.intend(
        Intent(
            run="r0", cell=None, environment="qa", host="qa-1", kind=kind, name=name, id=identity
        )
    )


def run(world: World, wish: Sweep = ALL, *, busy: Sequence[str] = ()) -> Swept:
    environments = [a_planned_cell().environment]
    return sweep(world.tools(), environments, world.store.open_entries(), wish, busy=busy)


def test_what_is_in_the_journal_and_has_our_label_is_removed() -> None:
    world = World()
    identity = world.engine.add("container", "mx-r0-queue-qa-1", OURS)
    intend(world, "container", "mx-r0-queue-qa-1", identity)
    swept = run(world)
    assert [(one.kind, one.id) for one in swept.removed] == [("container", identity)]
    assert world.store.open_entries() == ()
    assert world.engine.objects == {}


def test_neither_the_name_nor_the_label_alone_is_enough() -> None:
    world = World()
    intend(world, "container", "mx-r0-queue-qa-1")
    world.engine.add("container", "mx-r0-queue-qa-1", {LABEL_RUN: "other"})
    world.engine.add("container", "mx-r0-web-qa-1", OURS)
    assert run(world).removed == []
    assert len(world.engine.objects) == 2


def test_what_an_engine_makes_for_a_dead_runner_is_waited_for() -> None:
    world = World()
    intend(world, "container", "mx-r0-queue-qa-1")
    looks = 0
    list_objects = world.engine.list_objects

    def look(*, label: str) -> tuple[EngineObject, ...]:
        nonlocal looks
        looks += 1
        if looks == 3:
            world.engine.add("container", "mx-r0-queue-qa-1", OURS)
        return list_objects(label=label)

    world.engine.list_objects = look  # type: ignore[method-assign]
    assert [one.name for one in run(world).removed] == ["mx-r0-queue-qa-1"]
    assert world.store.open_entries() == ()


def test_what_is_known_to_have_been_made_is_not_waited_for() -> None:
    world = World()
    intend(world, "container", "mx-r0-queue-qa-1", "c1")
    run(world, replace(ALL, pause_seconds=1000))
    assert world.store.open_entries() == ()


def test_a_dry_run_removes_and_forgets_nothing() -> None:
    world = World()
    intend(world, "network", "mx-r0-queue-qa-1-net")
    identity = world.engine.add("container", "mx-r0-queue-qa-1", OURS)
    intend(world, "container", "mx-r0-queue-qa-1", identity)
    swept = run(world, replace(ALL, remove=False))
    assert ([one.id for one in swept.remaining], swept.removed) == ([identity], [])
    assert len(world.store.open_entries()) == 2


def test_images_stay_where_another_run_goes_on() -> None:
    world = World()
    world.bring_image("sha256:1", run="r0")
    world.engine.objects["sha256:1"] = EngineObject(kind="image", id="sha256:1", name="", labels={})
    swept = run(world, busy=["qa"])
    assert ([one.id for one in swept.kept], world.engine.removed) == (["sha256:1"], [])
    assert len(world.store.open_entries()) == 1
    assert [one.id for one in run(world).removed] == ["sha256:1"]


def test_an_image_that_two_runs_brought_is_removed_once() -> None:
    world = World()
    world.bring_image("sha256:1", run="r0")
    world.bring_image("sha256:1", run="r9")
    world.engine.objects["sha256:1"] = EngineObject(kind="image", id="sha256:1", name="", labels={})
    swept = run(world, replace(ALL, pause_seconds=1000))
    assert len(swept.removed) == 1
    assert world.store.open_entries() == ()


def test_a_guard_at_work_is_given_time_before_its_processes_are_ended() -> None:
    world = World()
    intend(world, "container", "mx-r0-queue-qa-1", "c1")
    asked: list[bool] = []

    def find(_: Connection, run: str, *, remove: bool) -> Sequence[str]:
        asked.append(remove)
        return () if len(asked) > 3 else (f"12 sh of {run}",)

    tools = replace(world.tools(), find_processes=find)
    environments = [a_planned_cell().environment]
    swept = sweep(tools, environments, world.store.open_entries(), ALL)
    assert asked == [False, False, False, False, True]
    assert swept.removed == []
