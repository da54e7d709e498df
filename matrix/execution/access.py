"""What a probe may ask of a cell, and how the runner does it.

The verbs and their arguments are those of the table in ``probing.requests``.
"""

import base64
import time
from collections.abc import Callable, Mapping

from matrix.core.errors import DeadlineExceeded, MatrixError, NotReady, UsageError
from matrix.core.ports import Chunk, ContainerState, Shell, Stream
from matrix.core.result import CommandResult, Json, Side
from matrix.execution.containers import Ensemble, Running
from matrix.execution.rack import Place, ShellRack

#: The most that copying a file out or reading a log may bring.
COPY_CAP_BYTES = 1024 * 1024
CONTROL_SECONDS = 60.0
EXEC_SECONDS = 60.0
ATTACH_SECONDS_MOST = 30.0
LOG_LINES_MOST = 10_000


class CellAccess:
    """Commands and container verbs for the probes of one attempt."""

    def __init__(
        self,
        ensemble: Ensemble,
        rack: ShellRack,
        *,
        open_shell: Callable[[Callable[[], Stream]], Shell],
        ports: Mapping[str, int],
    ) -> None:
        self._ensemble = ensemble
        self._rack = rack
        self._open_shell = open_shell
        self._ports = ports
        self._verbs: Mapping[str, Callable[[str, Mapping[str, Json]], Json]] = {
            "name": lambda target, _: self._member(target).name,
            "id": lambda target, _: self._member(target).id,
            "stop": self._rest,
            "kill": self._rest,
            "pause": self._rest,
            "start": self._wake,
            "restart": self._wake,
            "unpause": self._wake,
            "wait_until_ready": self._wait,
            "state": lambda target, _: _state_json(self._state(target)),
            "inspect": lambda target, _: dict(self._state(target).raw),
            "logs": self._logs,
            "stats": lambda target, _: dict(self._engine.stats(self._member(target).id)),
            "copy_out": self._copy_out,
            "attach": self._attach,
            "exec": self._exec,
            "address": self._address,
            "companions": lambda _target, _: sorted(name for name in ensemble.members if name),
        }

    def run(
        self, *, side: Side, target: str, command: str, deadline_seconds: float
    ) -> CommandResult:
        """Run a command by the kept shell; a lost stream is explained by the container's state."""
        place: Place = (side, target if side is Side.INSIDE else "")
        if side is Side.INSIDE:
            self._member(target)
        try:
            return self._rack.shell(place).run(command, deadline_seconds=deadline_seconds)
        except DeadlineExceeded:
            raise
        except MatrixError:
            self._rack.drop(place)
            self.explain()
            raise

    def control(self, *, target: str, verb: str, arguments: Mapping[str, Json]) -> Json:
        """Carry out one verb of the ``container`` fixture."""
        if verb not in self._verbs:
            raise UsageError(f'the container fixture has no "{verb}" (it has {list(self._verbs)})')
        return self._verbs[verb](target, arguments)

    def explain(self) -> None:
        """Raises why a member of the ensemble is dead, when one is."""
        error = self._ensemble.find_dead()
        if error is not None:
            raise error

    def wait_until_ready(self, target: str, *, seconds: float) -> None:
        """Wait until the readiness command of *target* exits 0.

        Raises NotReady with the last answer, or why the container died meanwhile.
        """
        member = self._member(target)
        readiness = member.settings.readiness
        until = time.monotonic() + seconds
        last = "its readiness command gave no answer"
        while readiness.command:
            self.explain()
            left = max(1.0, until - time.monotonic())
            try:
                result = self.run(
                    side=Side.INSIDE,
                    target=target,
                    command=readiness.command,
                    deadline_seconds=left,
                )
            except DeadlineExceeded as error:
                result, last = None, str(error)
            if result is not None and result.exit_status == 0:
                return
            if result is not None:
                last = _answer(result)
            if time.monotonic() >= until:
                raise NotReady(f"{member.name} was not ready after {seconds:.0f} s: {last}")
            time.sleep(readiness.interval_seconds)

    # The verbs.

    def _rest(self, target: str, arguments: Mapping[str, Json], verb: str = "") -> Json:
        raise UsageError(f"{verb} is bound in control")

    @property
    def _engine(self):  # type: ignore[no-untyped-def]
        return self._ensemble.engine
