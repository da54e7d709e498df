"""One attempt at one service on the local engine, with something wrong on purpose."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from docker import APIClient

from matrix.core.model import CellId, Environment, Host, Image, Kind, Service
from matrix.core.plan import PlannedCell
from matrix.core.ports import CellAccess, ContainerSpec, Engine, Prober, ProbeRequest
from matrix.core.result import Json, ProbeResult, Side
from matrix.engines.profile import container_payload
from matrix.execution.attempt import AttemptRun
from matrix.execution.host import HostSession
from matrix.execution.metadata import service_metadata
from matrix.execution.toolbox import Halt, RunOrder, Toolbox
from matrix.store import new_run_id, open_store
from matrix.wiring import build_socket, open_toolbox

HERE = Environment(
    name="here",
    title="This machine",
    kind=Kind.LAPTOP,
    hosts=(Host(name="here", connection="local"),),
    engine="docker",
)


@dataclass(frozen=True, kw_only=True)
class Sabotage:
    """One thing that is put wrong."""

    name: str
    #: ``<file>::<function>`` each.
    probes: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    host: Mapping[str, Json] = field(default_factory=dict)
    aliases: tuple[str, ...] | None = None
    exec: str = ""
    target: str = ""
    answers: Mapping[str, Json] = field(default_factory=dict)


NOTHING = Sabotage(name="nothing", probes=())


class SabotagedEngine:
    """The engine, but for how the service's own container is created."""

    def __init__(self, engine: Engine, sabotage: Sabotage, service: Service) -> None:
        self._engine = engine
        self._sabotage = sabotage
        self._service = service

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def create_container(self, spec: ContainerSpec) -> str:
        if self._service.name not in spec.aliases:
            return self._engine.create_container(spec)
        wrong = self._sabotage
        settings = replace(spec.settings, **wrong.settings)
        aliases = spec.aliases if wrong.aliases is None else wrong.aliases
        payload = container_payload(replace(spec, settings=settings, aliases=aliases))
        payload["HostConfig"] = {**payload["HostConfig"], **wrong.host}
        with APIClient(base_url=f"unix://{build_socket()}", version="auto") as client:
            return str(client.create_container_from_config(payload, spec.name)["Id"])


class SabotagedAccess:
    """What probes ask of the cell, but for the verbs that are answered without being done."""

    def __init__(self, access: CellAccess, answers: Mapping[str, Json]) -> None:
        self._access = access
        self._answers = answers

    def run(self, **question):
        return self._access.run(**question)

    def control(self, *, target: str, verb: str, arguments: Mapping[str, Json]) -> Json:
        if verb not in self._answers:
            return self._access.control(target=target, verb=verb, arguments=arguments)
        answer = self._answers[verb]
        if verb == "exec" and isinstance(answer, dict):
            return answer | {name: _packed(answer[name]) for name in ("stdout", "stderr")}
        return answer


def _packed(text: Json) -> str:
    return base64.b64encode(str(text).encode()).decode()


class SabotagedProber:
    """The prober, told of the service as it is declared, and of a cell that is not."""

    def __init__(self, prober: Prober, sabotage: Sabotage, service: Service) -> None:
        self._prober = prober
        self._sabotage = sabotage
        self._service = service

    def collect(self, folders):
        return self._prober.collect(folders)

    def run(self, request: ProbeRequest, access: CellAccess, **how):
        wrong = self._sabotage
        if wrong.exec:
            done = access.run(
                side=Side.INSIDE, target=wrong.target, command=wrong.exec, deadline_seconds=30
            )
            assert done.exit_status == 0, done
        declared = replace(request, service=service_metadata(self._service, ""))
        return self._prober.run(declared, SabotagedAccess(access, wrong.answers), **how)


@contextmanager
def open_tools(folder: Path, prober: Prober) -> Iterator[Toolbox]:
    """Everything that a run has, with a store in *folder*."""
    store = open_store(folder / "store.sqlite")
    try:
        with open_toolbox(store, prober, halt=Halt(), watch=lambda _: None) as tools:
            yield tools
    finally:
        store.close()


def attempt(
    tools: Toolbox,
    service: Service,
    image_ids: Mapping[str, str],
    *,
    folders: tuple[Path, ...],
    sabotage: Sabotage,
    only: frozenset[str] | None = None,
) -> dict[str, ProbeResult]:
    """Results by ``<file>::<function>`` of the probes in *folders*, or *only* those named.

    The first folder is the one whose probes are meant; what *sabotage* says is wrong meanwhile.
    """
    probes = tools.prober.collect(folders)
    prefix = f"{folders[0].name}/"
    wanted = tuple(
        probe
        for probe in probes
        if probe.id.startswith("control/")
        or (probe.id.startswith(prefix) and (only is None or probe.id.removeprefix(prefix) in only))
    )
    wrong = replace(
        tools,
        prober=SabotagedProber(tools.prober, sabotage, service),
        open_engine=lambda *place: SabotagedEngine(tools.open_engine(*place), sabotage, service),
    )
    run = new_run_id(tools.now())
    order = RunOrder(
        run=run,
        image_ids=image_ids,
        images={name: Image(name=name, context=None) for name in image_ids},
        probe_folders={service.name: folders},
        probes_digests={},
    )
    cell = PlannedCell(
        cell=CellId(service=service.name, environment=HERE.name),
        service=service,
        environment=HERE,
        probes=wanted,
    )
    session = HostSession(wrong, HERE, HERE.hosts[0], run=run)
    trial = AttemptRun(wrong, order, cell, session, 1)
    try:
        finding = session.examine()
        assert finding.fault is None, finding
        trial.measure()
    finally:
        left = trial.clean()
        session.close()
    assert not left
    assert trial.report is not None
    results = (*trial.report.results, *trial.left_out)
    return {one.id.removeprefix(prefix): one for one in results if one.id.startswith(prefix)}
