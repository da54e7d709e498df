"""P16: two runs on the same hosts at once, and a sweep between them."""

import json

import pytest
from builders.host_snapshot import Snapshot
from builders.remains import remaining_objects, wait_until_as_before
from builders.rig import Rig, going_on

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.usefixtures("whole_seconds")]

RUN_SECONDS = 900


def sweep(rig: Rig) -> dict[str, list[object]]:
    done = rig.matrix("sweep", "--json")
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


def test_two_projects_measure_on_the_same_hosts_at_once(
    rig: Rig, other_rig: Rig, before: dict[str, Snapshot]
):
    with going_on(rig.start("run")) as one, going_on(other_rig.start("run")) as two:
        one.wait_until_measuring("web@prod")
        two.wait_until_measuring("web@prod")
        mine = sweep(rig)
        assert (mine["removed"], mine["remaining"]) == ([], [])
        assert one.wait(seconds=RUN_SECONDS) == 0, one.text
        assert two.wait(seconds=RUN_SECONDS) == 0, two.text
    assert {row[3] for row in rig.cells() + other_rig.cells()} == {"PASSED"}
    sweep(rig)
    sweep(other_rig)
    for one_of_both in (rig, other_rig):
        assert remaining_objects(one_of_both, before) == []
    wait_until_as_before(before)


def test_two_runs_of_one_project_and_a_sweep_during_the_second(
    rig: Rig, before: dict[str, Snapshot]
):
    with going_on(rig.start("run")) as one, going_on(rig.start("run")) as two:
        assert one.wait(seconds=RUN_SECONDS) == 0, one.text
        assert two.wait(seconds=RUN_SECONDS) == 0, two.text
    assert len(rig.cells()) == 12
    rig.make_probes_take(seconds=10)
    with going_on(rig.start("run")) as third:
        third.wait_until_measuring("web@prod")
        during = sweep(rig)
        assert third.wait(seconds=RUN_SECONDS) == 0, third.text
    assert (during["removed"], during["remaining"]) == ([], [])
    assert len(during["kept"]) >= 2, "the images that the third run uses"
    after = sweep(rig)
    assert {entry["kind"] for entry in after["removed"]} == {"image"}  # type: ignore[index]
    wait_until_as_before(before)
