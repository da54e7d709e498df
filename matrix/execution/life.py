"""Whether a container that should run is still there, and whose fault it is when it is not.

| engine says              | and                          | so it is                          |
|--------------------------|------------------------------|-----------------------------------|
| nothing                  |                              | what the engine or tether raised  |
| no such container        |                              | ERROR container-lost              |
| paused, restarting       | the probe did not ask for it | ERROR container-lost              |
| started again            | the probe did not ask for it | ERROR container-lost              |
| not running, out of memory |                            | FAILED limit:memory               |
| not running, signal 9 or 15 | somebody or the engine did it | ERROR container-lost           |
| not running, other status |                             | FAILED exited                     |
| running                  |                              | alive                             |

The limit is the one the service declares, so running into it is the service's own doing.
"""

from matrix.core.errors import ContainerExited, ContainerLost, MatrixError, OutOfMemory
from matrix.core.ports import ContainerState

#: 128 + SIGKILL and 128 + SIGTERM: what an engine or an administrator sends from outside.
KILLED_FROM_OUTSIDE = (137, 143)


def judge_life(name: str, state: ContainerState | None, *, started_at: str) -> MatrixError | None:
    """Why the container *name* is not as it should be; None when it is alive.

    *started_at* is the start we know of; "" skips the comparison.
    """
    if state is None:
        return ContainerLost(f"container {name} is gone, and not by our doing")
    if state.paused or state.restarting:
        what = "paused" if state.paused else "restarting"
        return ContainerLost(f"container {name} is {what}, and not by our doing")
    if not state.running:
        return _judge_exit(name, state)
    if started_at and state.started_at != started_at:
        return ContainerLost(f"container {name} was started again at {state.started_at}, not by us")
    return None


def _judge_exit(name: str, state: ContainerState) -> MatrixError:
    if state.oom_killed:
        return OutOfMemory(f"container {name} was killed: it needs more memory than it declares")
    if state.exit_code in KILLED_FROM_OUTSIDE:
        return ContainerLost(
            f"container {name} was killed from outside (exit status {state.exit_code})"
        )
    return ContainerExited(
        f"container {name} does not stay up: it exited with status {state.exit_code}"
        + (f" ({state.error})" if state.error else "")
    )
