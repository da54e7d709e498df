"""Whose fault it is that a container does not run."""

import pytest

from matrix.core.errors import ContainerExited, ContainerLost, MatrixError, OutOfMemory
from matrix.core.ports import ContainerState
from matrix.core.verdict import Verdict
from matrix.execution.life import judge_life


def a_state(**changes: object) -> ContainerState:
    values: dict[str, object] = {
        "id": "c1",
        "name": "mx-r-queue-qa-1",
        "image_id": "sha256:1",
        "running": True,
        "paused": False,
        "restarting": False,
        "exit_code": 0,
        "oom_killed": False,
        "started_at": "then",
        "error": "",
        "published": {},
        "raw": {},
    }
    return ContainerState(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "error", "verdict"),
    [
        pytest.param(None, ContainerLost, Verdict.ERROR, id="vanished"),
        pytest.param(a_state(paused=True), ContainerLost, Verdict.ERROR, id="paused by another"),
        pytest.param(a_state(restarting=True), ContainerLost, Verdict.ERROR, id="restarting"),
        pytest.param(a_state(started_at="now"), ContainerLost, Verdict.ERROR, id="started again"),
        pytest.param(
            a_state(running=False, exit_code=137), ContainerLost, Verdict.ERROR, id="killed"
        ),
        pytest.param(
            a_state(running=False, exit_code=143), ContainerLost, Verdict.ERROR, id="terminated"
        ),
        pytest.param(
            a_state(running=False, exit_code=137, oom_killed=True),
            OutOfMemory,
            Verdict.FAILED,
            id="out of its own memory",
        ),
        pytest.param(
            a_state(running=False, exit_code=1), ContainerExited, Verdict.FAILED, id="gave up"
        ),
        pytest.param(
            a_state(running=False, exit_code=0), ContainerExited, Verdict.FAILED, id="just ended"
        ),
    ],
)
def test_a_container_that_should_run_is_judged_by_how_it_does_not(
    state: ContainerState | None, error: type[MatrixError], verdict: Verdict
) -> None:
    judged = judge_life("mx-r-queue-qa-1", state, started_at="then")
    assert type(judged) is error
    assert judged.verdict is verdict


def test_a_running_container_is_alive() -> None:
    assert judge_life("c", a_state(), started_at="then") is None


def test_a_start_that_nobody_remembers_is_not_compared() -> None:
    assert judge_life("c", a_state(started_at="now"), started_at="") is None
