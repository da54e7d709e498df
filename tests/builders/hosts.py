"""A host that exists in memory: engine, shells, tether and prober, for tests of the flow."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from matrix.core.errors import EngineError, MatrixError
from matrix.core.model import CellId, Environment, Host, Image, Kind, Limits, RunSettings, Service
from matrix.core.plan import Plan, PlannedCell
from matrix.core.ports import (
    CellAccess,
    ContainerSpec,
    ContainerState,
    EngineInfo,
    EngineObject,
    Event,
    ImageInfo,
    ProbeRequest,
    Stream,
)
from matrix.core.result import (
    CommandResult,
    Ending,
    Fault,
    PlannedProbe,
    ProbeReport,
    ProbeResult,
    Run,
    RunState,
    Side,
)
from matrix.core.store_ports import Intent, Store
from matrix.core.verdict import Verdict
from matrix.execution.toolbox import Halt, Order, RunOrder, Toolbox
from matrix.store import open_store

IMAGE = "sha256:" + "1" * 64


class FakeEngine:
    """Containers, networks and volumes in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, EngineObject] = {}
        self.states: dict[str, ContainerState] = {}
        self.image = IMAGE
        #: Verb → what to raise when it is asked for.
        self.raises: dict[str, MatrixError] = {}
        #: Ids whose removal fails.
        self.stuck: set[str] = set()
        #: What is said then; None for an error of the engine.
        self.refusal: MatrixError | None = None
        #: Ids of the images that were removed.
        self.removed: list[str] = []
        self._numbers = itertools.count(1)

    def _may_raise(self, verb: str) -> None:
        if verb in self.raises:
            raise self.raises[verb]

    def add(self, kind: str, name: str, labels: Mapping[str, str]) -> str:
        identity = f"{kind}-{next(self._numbers)}"
        self.objects[identity] = EngineObject(kind=kind, id=identity, name=name, labels=labels)
        return identity

    def describe(self) -> EngineInfo:
        return EngineInfo(id="e", architecture="amd64", root="/", facts={"engine.name": "fake"})

    def inspect_image(self, reference: str) -> ImageInfo | None:
        return ImageInfo(id=reference, architecture="amd64", size_bytes=1)

    def create_network(self, name: str, *, labels: Mapping[str, str]) -> str:
        self._may_raise("network")
        return self.add("network", name, labels)

    def create_container(self, spec: ContainerSpec) -> str:
        self._may_raise("create")
        identity = self.add("container", spec.name, spec.labels)
        self.states[identity] = ContainerState(
            id=identity,
            name=spec.name,
            image_id=self.image,
            running=False,
            paused=False,
            restarting=False,
            exit_code=0,
            oom_killed=False,
            started_at="",
            error="",
            published={},
            raw={},
        )
        return identity

    def control(self, container: str, verb: str, *, seconds: float = 0) -> None:
        del seconds
        self._may_raise(verb)
        start = verb in ("start", "restart", "unpause")
        state = self.states[container]
        self.states[container] = replace(
            state, running=start, started_at=f"{next(self._numbers)}" if start else state.started_at
        )

    def open_exec(self, container: str, argv: Sequence[str], *, user: str = "") -> Stream:
        raise EngineError("the fake has no exec: its shells do not need one")

    def inspect_container(self, container: str) -> ContainerState | None:
        self._may_raise("inspect")
        return self.states.get(container)

    def logs(self, container: str, *, tail: int, cap_bytes: int) -> bytes:
        del tail, cap_bytes
        return f"log of {container}".encode()

    def list_objects(self, *, label: str) -> tuple[EngineObject, ...]:
        key, _, value = label.partition("=")
        return tuple(one for one in self.objects.values() if one.labels.get(key) == value)

    def find_object(self, kind: str, reference: str) -> EngineObject | None:
        found = (one for one in self.objects.values() if one.kind == kind)
        return next((one for one in found if reference in (one.id, one.name)), None)

    def remove_object(self, kind: str, reference: str) -> None:
        if kind == "image":
            self.removed.append(reference)
        if reference in self.stuck:
            raise self.refusal or EngineError(f"docker rm -f {reference}")
        self.objects.pop(reference, None)
        self.states.pop(reference, None)

    def close(self) -> None:
        pass


class FakeShell:
    """Answers every command with exit status 0, and tells of it."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell

    def run(self, command: str, *, deadline_seconds: float, cap_bytes: int = 0) -> CommandResult:
        del deadline_seconds, cap_bytes
        self._tell(command)
        return CommandResult(
            command=command,
            exit_status=0,
            stdout=b"",
            stderr=b"",
            stdout_bytes=0,
            stderr_bytes=0,
            seconds=0.0,
        )

    def close(self) -> None:
        pass


class FakeTether:
    """Notices nothing unless told to."""

    def __init__(self) -> None:
        self.lost: MatrixError | None = None

    def check(self) -> None:
        if self.lost is not None:
            raise self.lost

    def close(self) -> None:
        pass


class FakeConnection:
    def open_stream(self, argv: Sequence[str]) -> Stream:
        raise EngineError("the fake has no streams")

    def engine_socket(self) -> Path:
        return Path("/nowhere")

    def close(self) -> None:
        pass


#: What a probe does: it may use the access, and says what it found.
Probe = Callable[[CellAccess], ProbeResult]


class FakeProber:
    """Runs functions as probes, in this process."""

    def __init__(self) -> None:
        self.probes: dict[str, Probe] = {}
        self.faults: tuple[Fault, ...] = ()
        self.runs = 0

    def collect(self, folders: Sequence[Path]) -> tuple[PlannedProbe, ...]:
        raise EngineError("plans are made by the test")

    def run(
        self,
        request: ProbeRequest,
        access: CellAccess,
        *,
        observe: Callable[[ProbeResult], ProbeResult],
        cancelled: Callable[[], bool],
    ) -> ProbeReport:
        self.runs += 1
        results = []
        for planned in request.planned:
            if cancelled():
                return ProbeReport(
                    results=tuple(results), faults=self.faults, ending=Ending.CANCELLED
                )
            probe = self.probes.get(planned.id, lambda _, of=planned: found(of.id))
            results.append(observe(probe(access)))
        return ProbeReport(results=tuple(results), faults=self.faults, ending=Ending.COMPLETE)


def found(probe: str, verdict: Verdict = Verdict.PASSED, reason: str = "") -> ProbeResult:
    return ProbeResult(
        id=probe, side=Side.INSIDE, title=probe, verdict=verdict, reason=reason, seconds=0.0
    )


def planned_probe(name: str) -> PlannedProbe:
    return PlannedProbe(id=name, side=Side.INSIDE, title=name, file=Path("/p.py"))


CONTROLS = ("control/seen", "control/unseen")


class World:
    """One run over fake hosts; tests reach into its parts."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.tether = FakeTether()
        self.prober = FakeProber()
        self.store: Store = open_store("memory://")
        self.halt = Halt()
        self.events: list[Event] = []
        self.unhealthy: MatrixError | None = None
        #: What is found when names are tried after a FAILED cell.
        self.nameless: MatrixError | None = None
        self.alive: set[str] = set()
        #: Is told of every command that a shell runs.
        self.shell_run: Callable[[str], object] = lambda _: None
        self.facts: dict[str, str | int | float | bool | None] = {"architecture": "amd64"}
        self.order = RunOrder(
            run="r1",
            image_ids={"queue": IMAGE},
            images={"queue": Image(name="queue", context=None)},
            probe_folders={"queue": ()},
            probes_digests={"queue": "p"},
        )

    def tools(self) -> Toolbox:
        return Toolbox(
            connect=lambda *_: FakeConnection(),
            open_engine=lambda *_: self.engine,  # type: ignore[arg-type,return-value]
            open_shell=lambda _: FakeShell(self.shell_run),
            tie=lambda *_: self.tether,
            gather_facts=lambda *_: self.facts,
            check_health=self._check_health,
            check_names=self._check_names,
            find_processes=lambda *_, **__: (),
            deliver=self._deliver,
            prober=self.prober,
            outside_controls=(),
            journal=self.store,
            log=self.store,
            is_alive=lambda run: run in self.alive,
            source=None,
            now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
            watch=self.events.append,
            halt=self.halt,
        )

    def plan(self, *cells: PlannedCell) -> Plan:
        self.store.begin(
            Run(
                id="r1",
                state=RunState.RUNNING,
                started_at=datetime(2026, 11, 22, tzinfo=UTC),
                by="me@here",
                plan_digest="d",
                cells=tuple(cell.cell for cell in cells),
                version="0",
            )
        )
        return Plan(cells=cells, digest="d", probes_digests={"queue": "p"})

    def bring_image(self, identity: str, *, run: str) -> int:
        """An image of one byte that an earlier run has brought to qa-1; its journal entry."""
        return self.store.intend(
            Intent(
                run=run,
                cell=None,
                environment="qa",
                host="qa-1",
                kind="image",
                name=identity,
                id=identity,
            )
        )

    def _check_health(self, *_: object, **__: object) -> None:
        if self.unhealthy is not None:
            raise self.unhealthy

    def _check_names(self, *_: object, **__: object) -> None:
        if self.nameless is not None:
            raise self.nameless

    def _deliver(self, order: Order, *, progress: object) -> ImageInfo:
        del progress
        return ImageInfo(id=order.image_id, architecture="amd64", size_bytes=1)


def a_planned_cell(
    *probes: str, environment: str = "qa", cache_bytes: int = 1000, **service: object
) -> PlannedCell:
    values: dict[str, object] = {"settings": RunSettings()}
    return PlannedCell(
        cell=CellId(service="queue", environment=environment),
        service=Service(  # type: ignore[arg-type]
            name="queue", title="Queue", contents="Redis", image="queue", **(values | service)
        ),
        environment=Environment(
            name=environment,
            title=environment.upper(),
            kind=Kind.QA,
            hosts=(Host(name=f"{environment}-1", connection="local"),),
            engine="docker",
            limits=Limits(image_cache_bytes=cache_bytes),
        ),
        probes=tuple(planned_probe(name) for name in (*CONTROLS, *probes)),
    )
