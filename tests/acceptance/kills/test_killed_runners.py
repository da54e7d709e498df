"""P4, P5, X1: a runner that is killed, at whatever moment, leaves nothing behind."""

import random
import time

import pytest
from builders.host_snapshot import Snapshot
from builders.remains import (
    guarded_remains,
    ours_here,
    wait_until_as_before,
    wait_until_nothing,
)
from builders.rig import Lab, Rig, going_on

pytestmark = [pytest.mark.engine, pytest.mark.lab]

#: What is promised is 30 seconds.
CLEAN_SECONDS = 90
MOMENTS = 20
IN_THE_LANE = 5


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=() if seed < IN_THE_LANE else pytest.mark.full)
        for seed in range(MOMENTS)
    ],
)
def test_a_runner_killed_at_any_moment_leaves_nothing(
    rig: Rig, before: dict[str, Snapshot], whole_seconds: float, seed: int
):
    moment = random.Random(seed).uniform(0.3, whole_seconds)
    with going_on(rig.start("run")) as runner:
        time.sleep(moment)
        runner.kill()
    taken = wait_until_nothing(lambda: guarded_remains(rig, before), seconds=CLEAN_SECONDS)
    print(f"killed after {moment:.1f} s, clean by itself after {taken:.1f} s")
    rig.matrix("sweep")
    wait_until_as_before(before)
    wait_until_nothing(lambda: ours_here(rig), seconds=CLEAN_SECONDS)


def test_every_host_of_these_tests_is_looked_at(lab: Lab, before: dict[str, Snapshot]):
    assert list(before) == lab.hosts
    for then in before.values():
        assert any("mx-decoy" in line for line in then.containers)
        assert any("MATRIX_RUN" not in line and "99999" in line for line in then.processes)
