"""What a probe may ask of a cell, and how the runner does it.

The verbs and their arguments are those of the table in ``probing.requests``.
"""

import base64
import time
from collections.abc import Callable, Mapping

from matrix.core.errors import (
    Cancelled,
    ContainerLost,
    DeadlineExceeded,
    MatrixError,
    NotReady,
    ToolMissing,
    UsageError,
)
from matrix.core.ports import ContainerState, Shell, Stream
from matrix.core.result import CommandResult, Json, Side
from matrix.execution.containers import Ensemble, Running
from matrix.execution.halting import HaltingStream
from matrix.execution.rack import Place, ShellRack
from matrix.execution.toolbox import Halt

#: The most that copying a file out or reading a log may bring.
COPY_CAP_BYTES = 1024 * 1024
LOG_CAP_BYTES = 1024 * 1024
LOG_LINES_MOST = 10_000
EXEC_SECONDS = 60.0
ATTACH_SECONDS_MOST = 30.0
READY_SECONDS = 60.0

#: How a KeptShell is made from whatever opens a stream to a ``sh``.
OpenShell = Callable[[Callable[[], Stream]], Shell]


class CellAccess:
    """Commands and container verbs for the probes of one attempt."""

    def __init__(
        self,
        ensemble: Ensemble,
        rack: ShellRack,
        *,
        open_shell: OpenShell,
        check_host: Callable[[], None],
        halt: Halt,
    ) -> None:
        self._halt = halt
        self._ensemble = ensemble
        self._rack = rack
        self._open_shell = open_shell
        self._check_host = check_host

    def run(
        self, *, side: Side, target: str, command: str, deadline_seconds: float
    ) -> CommandResult:
        """Run a command by the kept shell; a lost stream is explained by the container's state."""
        place: Place = (side, target if side is Side.INSIDE else "")
        self._member(place[1])
        try:
            return self._rack.shell(place).run(command, deadline_seconds=deadline_seconds)
        except (DeadlineExceeded, Cancelled):
            raise
        except MatrixError:
            self._rack.drop(place)
            self.explain()
            raise

    def control(self, *, target: str, verb: str, arguments: Mapping[str, Json]) -> Json:
        """Carry out one verb of the ``container`` fixture."""
        if verb in RESTING:
            self._rest(target, verb, _number(arguments, "seconds", -1.0))
            return None
        if verb in WAKING:
            self._wake(target, verb)
            return None
        if verb not in VERBS:
            known = ", ".join(sorted([*RESTING, *WAKING, *VERBS]))
            raise UsageError(f'the container fixture has no verb "{verb}" (known: {known})')
        return VERBS[verb](self, target, arguments)

    def has_shell(self) -> bool:
        """Whether commands can be run inside the service's container at all."""
        try:
            self.run(side=Side.INSIDE, target="", command=":", deadline_seconds=EXEC_SECONDS)
        except ToolMissing:
            return False
        return True

    def explain(self) -> None:
        """Raises why the host or a member of the ensemble is dead, when one is."""
        self._check_host()
        error = self._ensemble.find_dead()
        if error is not None:
            raise error

    def wait_until_ready(self, target: str, *, seconds: float) -> None:
        """Wait until the readiness command of *target* exits 0.

        Raises NotReady with the last answer, why a container died meanwhile, or DeadlineExceeded
        when the command itself never came back: then we cannot tell whose fault it is.
        """
        member = self._member(target)
        readiness = member.settings.readiness
        until = time.monotonic() + seconds
        while readiness.command:
            self._halt.check()
            left = max(1.0, until - time.monotonic())
            answer = self.run(
                side=Side.INSIDE, target=target, command=readiness.command, deadline_seconds=left
            )
            if answer.exit_status == 0:
                return
            self.explain()
            if time.monotonic() >= until:
                raise NotReady(f"{member.name} not ready after {seconds:.0f} s: {_said(answer)}")
            time.sleep(readiness.interval_seconds)

    def restore(self) -> None:
        """Start again what a probe has left stopped or paused, and wait until it is ready."""
        for target, member in self._ensemble.members.items():
            if member.at_rest:
                state = self._ensemble.state(target)
                self._wake(target, "unpause" if state is not None and state.paused else "start")
                self.wait_until_ready(target, seconds=member.settings.readiness.timeout_seconds)

    def _member(self, target: str) -> Running:
        members = self._ensemble.members
        if target not in members:
            known = ", ".join(sorted(name for name in members if name)) or "none"
            raise UsageError(f'there is no companion "{target}" (there are: {known})')
        return members[target]

    def _state(self, target: str) -> ContainerState:
        state = self._ensemble.state(target)
        if state is None:
            self.explain()
            raise ContainerLost(f"container {self._member(target).name} does not exist any more")
        return state

    def _rest(self, target: str, verb: str, seconds: float) -> None:
        member = self._member(target)
        member.at_rest = True
        grace = member.settings.stop_grace_seconds if seconds < 0 else seconds
        self._ensemble.engine.control(member.id, verb, seconds=grace)
        if verb != "pause":
            self._rack.drop_inside(target)

    def _wake(self, target: str, verb: str) -> None:
        member = self._member(target)
        member.at_rest = True
        self._ensemble.engine.control(member.id, verb, seconds=member.settings.stop_grace_seconds)
        if verb != "unpause":
            self._rack.drop_inside(target)
        self._ensemble.note_started(target)

    def _wait(self, target: str, arguments: Mapping[str, Json]) -> None:
        self.wait_until_ready(target, seconds=_number(arguments, "seconds", READY_SECONDS))

    def _look(self, target: str, _: Mapping[str, Json]) -> Json:
        state = self._state(target)
        return {
            "running": state.running,
            "paused": state.paused,
            "restarting": state.restarting,
            "exit_code": state.exit_code,
            "oom_killed": state.oom_killed,
            "started_at": state.started_at,
            "image_id": state.image_id,
        }

    def _identify(self, target: str, _: Mapping[str, Json]) -> Json:
        member = self._member(target)
        return {"name": member.name, "id": member.id}

    def _inspect(self, target: str, _: Mapping[str, Json]) -> Json:
        return dict(self._state(target).raw)

    def _logs(self, target: str, arguments: Mapping[str, Json]) -> Json:
        tail = int(min(_number(arguments, "tail", 200), LOG_LINES_MOST))
        member = self._member(target)
        data = self._ensemble.engine.logs(member.id, tail=tail, cap_bytes=LOG_CAP_BYTES)
        return data.decode("utf-8", "backslashreplace")

    def _stats(self, target: str, _: Mapping[str, Json]) -> Json:
        return dict(self._ensemble.engine.stats(self._member(target).id))

    def _copy_out(self, target: str, arguments: Mapping[str, Json]) -> Json:
        path = str(arguments.get("path", ""))
        member = self._member(target)
        data = self._ensemble.engine.copy_out(member.id, path, cap_bytes=COPY_CAP_BYTES)
        return base64.b64encode(data).decode("ascii")

    def _attach(self, target: str, arguments: Mapping[str, Json]) -> Json:
        seconds = min(_number(arguments, "seconds", 1.0), ATTACH_SECONDS_MOST)
        awaited = str(arguments.get("until", "")).encode("utf-8")
        self._rack.make_room()
        stream = HaltingStream(self._ensemble.engine.attach(self._member(target).id), self._halt)
        try:
            return _read_for(stream, seconds, awaited).decode("utf-8", "backslashreplace")
        finally:
            stream.close()

    def _exec(self, target: str, arguments: Mapping[str, Json]) -> Json:
        member, engine = self._member(target), self._ensemble.engine
        self._rack.make_room()
        shell = self._open_shell(lambda: engine.open_exec(member.id, ["sh"]))
        try:
            result = shell.run(
                str(arguments.get("command", "")),
                deadline_seconds=_number(arguments, "seconds", EXEC_SECONDS),
            )
        finally:
            shell.close()
        answer: dict[str, Json] = {
            "rc": result.exit_status,
            "stdout": base64.b64encode(result.stdout).decode("ascii"),
            "stderr": base64.b64encode(result.stderr).decode("ascii"),
        }
        if result.truncated:
            answer |= {"stdout_bytes": result.stdout_bytes, "stderr_bytes": result.stderr_bytes}
        return answer

    def _address(self, target: str, arguments: Mapping[str, Json]) -> Json:
        name = str(arguments.get("port_name", ""))
        ports = {port.name: port.container for port in self._member(target).settings.ports}
        if name not in ports:
            known = ", ".join(sorted(ports)) or "none"
            raise UsageError(f'no port is called "{name}" (there are: {known})')
        published = self._state(target).published
        if ports[name] not in published:
            raise UsageError(f'port "{name}" is not published while the container does not run')
        return list(published[ports[name]])


#: Verbs after which a container is not running, because the probe wanted it so.
RESTING = ("stop", "kill", "pause")
#: Verbs after which it runs again.
WAKING = ("start", "restart", "unpause")
VERBS: Mapping[str, Callable[[CellAccess, str, Mapping[str, Json]], Json]] = {
    "identify": CellAccess._identify,
    "wait_until_ready": CellAccess._wait,
    "state": CellAccess._look,
    "inspect": CellAccess._inspect,
    "logs": CellAccess._logs,
    "stats": CellAccess._stats,
    "copy_out": CellAccess._copy_out,
    "attach": CellAccess._attach,
    "exec": CellAccess._exec,
    "address": CellAccess._address,
}


def _said(result: CommandResult) -> str:
    output = (result.stderr or result.stdout).decode("utf-8", "backslashreplace").strip()
    said = f"`{result.command}` exits with {result.exit_status}"
    return f"{said}: {output[-500:]}" if output else said


def _number(arguments: Mapping[str, Json], name: str, default: float) -> float:
    value = arguments.get(name)
    return float(value) if isinstance(value, int | float) else default


def _read_for(stream: Stream, seconds: float, awaited: bytes) -> bytes:
    """What *stream* brings within *seconds*, at most LOG_CAP_BYTES; b"" is waited for in vain."""
    until = time.monotonic() + seconds
    data = bytearray()
    while (left := until - time.monotonic()) > 0 and len(data) < LOG_CAP_BYTES:
        try:
            chunk = stream.receive(deadline_seconds=left)
        except DeadlineExceeded:
            break
        if chunk is None:
            break
        # It may have begun in the piece before.
        since = max(0, len(data) - len(awaited))
        data += chunk.data
        if awaited and data.find(awaited, since) >= 0:
            break
    return bytes(data[:LOG_CAP_BYTES])
