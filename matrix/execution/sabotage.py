"""What stands between an attempt and its engine and probes while a saboteur is at work."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from matrix.core.errors import UsageError
from matrix.core.fold import is_control
from matrix.core.model import Service
from matrix.core.ports import CellAccess, ContainerSpec, Engine, Prober, ProbeRequest
from matrix.core.result import (
    CommandResult,
    Ending,
    Json,
    PlannedProbe,
    ProbeReport,
    ProbeResult,
    Side,
)
from matrix.core.saboteur import VOLUMES, Saboteur
from matrix.execution.clock import FOLDER_OF_LIBRARIES, UNPACK, read_library, with_wrong_clock
from matrix.execution.host import HostSession, Link
from matrix.execution.metadata import service_metadata

#: Seconds for what a saboteur runs inside.
COMMAND_SECONDS = 60.0
#: A wrapped start that changes nothing.
OWN_START = 'exec "$@"'


def sabotaged(service: Service, saboteur: Saboteur) -> Service:
    """*service* as it is started: settings of the target changed, companions left out."""
    kept = tuple(one for one in service.companions if one.start not in saboteur.without)
    settings = saboteur.settings
    if settings is None:
        return replace(service, companions=kept)
    if not saboteur.target:
        return replace(service, settings=settings, companions=kept)
    companions = (
        replace(one, settings=settings) if one.name == saboteur.target else one for one in kept
    )
    return replace(service, companions=tuple(companions))


class SabotagedEngine:
    """The engine, but for how the saboteur's target is created."""

    def __init__(self, engine: Engine, saboteur: Saboteur, service: Service) -> None:
        self._engine = engine
        self._saboteur = saboteur
        self._alias = saboteur.target or service.name

    # Any: every other verb is the engine's own.
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._engine, name)

    def create_container(self, spec: ContainerSpec) -> str:
        """As the engine does, with what is wrong for the target."""
        if self._alias in spec.aliases:
            spec = self._spoil(spec)
        return self._engine.create_container(spec)

    def _spoil(self, spec: ContainerSpec) -> ContainerSpec:
        wrong = self._saboteur
        spec = replace(spec, weakened=wrong.weakened)
        if wrong.aliases is not None:
            spec = replace(spec, aliases=wrong.aliases)
        line = wrong.wrap
        if wrong.clock:
            spec = with_wrong_clock(spec, wrong.clock, read_library(FOLDER_OF_LIBRARIES))
            line = UNPACK + (line or OWN_START)
        return self._wrap(spec, line) if line else spec

    def _wrap(self, spec: ContainerSpec, line: str) -> ContainerSpec:
        """Start *line* in place of what the image would be started with, and give it that."""
        image = self._engine.inspect_image(spec.image_id)
        if image is None:
            raise UsageError(f"image {spec.image_id} is not there to be wrapped")
        own = (*image.entrypoint, *(spec.settings.command or image.command))
        return replace(
            spec,
            extra_environment={**spec.extra_environment, VOLUMES: " ".join(spec.settings.volumes)},
            entrypoint=("sh", "-c", line, "sh"),
            settings=replace(spec.settings, command=own),
        )


class SabotagedSession:
    """The host, with an engine that the saboteur has got at."""

    def __init__(self, session: HostSession, saboteur: Saboteur, service: Service) -> None:
        self._session = session
        self._saboteur = saboteur
        self._service = service

    # Any: everything else is the session's own.
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._session, name)

    def link(self) -> Link:
        """As the session has it, but for the engine."""
        link = self._session.link()
        engine = SabotagedEngine(link.engine, self._saboteur, self._service)
        return replace(link, engine=cast(Engine, engine))


class SabotagedAccess:
    """What probes ask of the cell, but for the verbs that are answered without being done."""

    def __init__(self, access: CellAccess, answers: Mapping[str, Json]) -> None:
        self._access = access
        self._answers = answers

    def run(
        self, *, side: Side, target: str, command: str, deadline_seconds: float
    ) -> CommandResult:
        """Done as asked."""
        return self._access.run(
            side=side, target=target, command=command, deadline_seconds=deadline_seconds
        )

    def control(self, *, target: str, verb: str, arguments: Mapping[str, Json]) -> Json:
        """The saboteur's answer, or the true one."""
        if verb not in self._answers:
            return self._access.control(target=target, verb=verb, arguments=arguments)
        answer = self._answers[verb]
        if verb == "exec" and isinstance(answer, dict):
            return _exec_answer(answer)
        return _packed(answer) if verb == "copy_out" else answer


def _exec_answer(given: Mapping[str, Json]) -> Json:
    """What ``exec`` gives back, from rc, stdout and stderr as text; what is left out is empty."""
    outputs = {name: str(given.get(name, "")) for name in ("stdout", "stderr")}
    return {
        "rc": given.get("rc", 0),
        **{name: _packed(text) for name, text in outputs.items()},
        **{f"{name}_bytes": len(text.encode()) for name, text in outputs.items()},
    }


def _packed(text: Json) -> str:
    return base64.b64encode(str(text).encode()).decode("ascii")


@dataclass(frozen=True, kw_only=True, slots=True)
class SabotagedProber:
    """The prober, on one set of containers for one round after the other.

    Each round has its saboteur, None for none, and runs the probes it is for. Probes are told of
    the service as it is declared, never of what is wrong with it.
    """

    prober: Prober
    #: As it is declared.
    service: Service
    rounds: Sequence[Saboteur | None]
    #: What came back, one for each round that was begun.
    reports: list[ProbeReport] = field(default_factory=list)

    def collect(self, folders: Sequence[Path]) -> tuple[PlannedProbe, ...]:
        """As ever."""
        return self.prober.collect(folders)

    def run(
        self,
        request: ProbeRequest,
        access: CellAccess,
        *,
        observe: Callable[[ProbeResult], ProbeResult],
        cancelled: Callable[[], bool],
    ) -> ProbeReport:
        """All rounds; returns the report of the first. Raises UsageError for a saboteur's command
        that fails, and what *access* raises for it."""
        until = time.monotonic() + request.deadline_seconds
        image_id = str(request.service.get("image_id", ""))
        declared = replace(request, service=service_metadata(self.service, image_id))
        for saboteur in self.rounds:
            left = until - time.monotonic()
            if left <= 0 or cancelled():
                break
            mine = replace(
                declared,
                planned=tuple(probes_of(saboteur, request.planned)),
                deadline_seconds=left,
            )
            _act(saboteur, access)
            answers = saboteur.answers if saboteur else {}
            spoiled = SabotagedAccess(access, answers)
            self.reports.append(
                self.prober.run(mine, spoiled, observe=observe, cancelled=cancelled)
            )
        return self.reports[0] if self.reports else _nothing()


def probes_of(saboteur: Saboteur | None, planned: Sequence[PlannedProbe]) -> Iterator[PlannedProbe]:
    """The probes of a round: those that its saboteur names with the controls, or all."""
    for probe in planned:
        if saboteur is None or is_control(probe.id) or saboteur.names(probe.id):
            yield probe


def _act(saboteur: Saboteur | None, access: CellAccess) -> None:
    if saboteur is None or not saboteur.command:
        return
    done = access.run(
        side=Side.INSIDE,
        target=saboteur.target,
        command=saboteur.command,
        deadline_seconds=COMMAND_SECONDS,
    )
    if done.exit_status != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "backslashreplace").strip()
        raise UsageError(f"the saboteur's own command exits with {done.exit_status}: {said[-300:]}")


def _nothing() -> ProbeReport:
    return ProbeReport(results=(), faults=(), ending=Ending.DEADLINE)
