"""The report as JSON, for programs; its schema is docs/reference/report.schema.json.

``schema_version`` grows when a program that reads the older form could go wrong. Texts are
neutralised as everywhere; times are ISO 8601, durations seconds, sizes bytes.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from matrix.core import vitality
from matrix.core.grid import Report
from matrix.core.model import Environment
from matrix.core.result import (
    Attempt,
    CommandRecord,
    EnvironmentFinding,
    Fact,
    HostFinding,
    ProbeResult,
)
from matrix.core.verdict import Verdict
from matrix.report import summary
from matrix.report.harmless import shown_bytes
from matrix.report.summary import Place

SCHEMA_VERSION: Literal[1] = 1


class Shape(BaseModel):
    """One object of the document: every field is always there; later versions may add some."""

    model_config = ConfigDict(frozen=True)


class Gate(Shape):
    """The decision."""

    door: Literal["OPEN", "CLOSED", "INCOMPLETE"]
    exit_code: int
    required: int = Field(description="Required cells")
    known: int = Field(description="Required cells that have a verdict")
    reasons: tuple[str, ...] = Field(description="Most important first, cell id first")


class Fault(Shape):
    """Something that taints what was measured."""

    reason: str
    message: str


class Host(Shape):
    """What was found out about one host."""

    name: str
    facts: dict[str, str | int | float | bool | None]
    fingerprint: str
    fault: Fault | None
    deviations: tuple[str, ...]


class Column(Shape):
    """An environment."""

    name: str
    title: str
    kind: str
    engine: str
    hosts: tuple[Host, ...] = Field(description="Empty when nothing was found out about it")


class Strength(Shape):
    """How many of a service's probes were seen red under a sabotage and green without it."""

    proven: int
    all: int
    unproven: tuple[str, ...] = Field(description="Ids of the other probes")
    measured_at: datetime


class Row(Shape):
    """A service."""

    name: str
    title: str
    contents: str
    image: str
    strength: Strength | None = Field(description="Null when nobody has tried")


class Command(Shape):
    """One command a probe ran."""

    side: Literal["inside", "outside"]
    target: str = Field(description="Companion it ran in; empty for the service or the host")
    command: str
    exit_status: int
    stdout: str
    stderr: str
    stdout_bytes: int = Field(description="All that came, kept or not")
    stderr_bytes: int
    truncated: bool
    seconds: float


class Probe(Shape):
    """What one probe found."""

    id: str
    side: Literal["inside", "outside"]
    title: str
    verdict: Verdict
    reason: str
    message: str
    detail: str
    seconds: float
    commands: tuple[Command, ...]
    output: str


class Try(Shape):
    """One attempt at a cell on one host."""

    number: int
    host: str
    verdict: Verdict
    reason: str
    message: str
    planned: tuple[str, ...] = Field(description="Ids of the probes that were planned")
    probes: tuple[Probe, ...]
    faults: tuple[Fault, ...]
    image_id: str = Field(description="Image that really ran; empty when no container was made")
    logs: dict[str, str] = Field(description="Companion to log tail; the empty name is the service")
    traceback: str
    started_at: datetime
    seconds: float
    steps: dict[str, float]


class Cell(Shape):
    """One service in one environment."""

    id: str
    service: str
    environment: str
    verdict: Verdict
    reason: str
    message: str
    run: str = Field(description="Run that measured it, empty when never measured")
    image_id: str = Field(description="Image that was asked for")
    fingerprint: str
    probes_digest: str
    finished_at: datetime | None
    attempts: tuple[Try, ...]


class Left(Shape):
    """Something of ours that is still on a host."""

    environment: str
    host: str
    kind: str
    id: str
    name: str
    remedy: str


class Document(Shape):
    """A report of compat-matrix: the grid, the evidence and the gate's decision."""

    schema_version: Literal[1]
    project: str
    release: str
    run: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    by: str
    plan_digest: str
    version: str
    gate: Gate
    counts: dict[Verdict, int] = Field(description="Cells with each verdict")
    services: tuple[Row, ...]
    environments: tuple[Column, ...]
    cells: tuple[Cell, ...] = Field(description="Every cell once, row by row")
    leftovers: tuple[Left, ...]


def render(report: Report, *, width: int) -> str:
    """The JSON document, ending in a newline; *width* is of no use to it."""
    del width
    return document(report).model_dump_json(indent=1) + "\n"


def schema() -> dict[str, object]:
    """The JSON Schema that every document of this module fulfils."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Document.model_json_schema(mode="serialization"),
    }


def published_schema() -> str:
    """The text of docs/reference/report.schema.json."""
    return json.dumps(schema(), indent=1) + "\n"


def document(report: Report) -> Document:
    """*report* in the published shape."""
    decision = report.decision
    return Document(
        schema_version=SCHEMA_VERSION,
        project=report.project,
        release=report.release,
        run=report.run,
        state=report.state,
        started_at=report.started_at,
        finished_at=report.finished_at,
        by=report.by,
        plan_digest=report.plan_digest,
        version=report.version,
        gate=Gate(
            door=decision.door.value,
            exit_code=decision.exit_code,
            required=decision.required,
            known=decision.known,
            reasons=decision.reasons,
        ),
        counts=summary.counts(report),
        services=tuple(_rows(report)),
        environments=tuple(
            _column(environment, report.grid.findings.get(environment.name))
            for environment in report.grid.environments
        ),
        cells=tuple(map(_cell, summary.places(report))),
        leftovers=tuple(_leftovers(report)),
    )


def _rows(report: Report) -> Iterator[Row]:
    for service in report.grid.services:
        yield Row(
            name=service.name,
            title=service.title,
            contents=service.contents,
            image=service.image,
            strength=_strength(report.grid.strengths.get(service.name)),
        )


def _strength(found: vitality.Strength | None) -> Strength | None:
    if found is None:
        return None
    return Strength(
        proven=found.proven,
        all=found.all,
        unproven=found.unproven,
        measured_at=found.measured_at,
    )


def _column(environment: Environment, finding: EnvironmentFinding | None) -> Column:
    return Column(
        name=environment.name,
        title=environment.title,
        kind=environment.kind.value,
        engine=" + ".join(dict.fromkeys(map(environment.engine_on, environment.hosts))),
        hosts=tuple(map(_host, finding.hosts if finding else ())),
    )


def _host(finding: HostFinding) -> Host:
    fault = finding.fault
    facts: dict[str, Fact] = dict(finding.facts)
    return Host(
        name=finding.host,
        facts=facts,
        fingerprint=finding.fingerprint,
        fault=Fault(reason=fault.reason, message=fault.message) if fault else None,
        deviations=finding.deviations,
    )


def _cell(place: Place) -> Cell:
    cell, result = place.cell, place.cell.result
    return Cell(
        id=str(cell.cell),
        service=cell.cell.service,
        environment=cell.cell.environment,
        verdict=cell.verdict,
        reason=cell.reason,
        message=cell.message,
        run=cell.run,
        image_id=result.image_id if result else "",
        fingerprint=result.fingerprint if result else "",
        probes_digest=result.probes_digest if result else "",
        finished_at=result.finished_at if result else None,
        attempts=tuple(map(_try, result.attempts if result else ())),
    )


def _try(attempt: Attempt) -> Try:
    return Try(
        number=attempt.number,
        host=attempt.host,
        verdict=attempt.verdict,
        reason=attempt.reason,
        message=attempt.message,
        planned=attempt.planned,
        probes=tuple(map(_probe, attempt.probes)),
        faults=tuple(Fault(reason=each.reason, message=each.message) for each in attempt.faults),
        image_id=attempt.image_id,
        logs=dict(attempt.logs),
        traceback=attempt.traceback,
        started_at=attempt.started_at,
        seconds=attempt.seconds,
        steps=dict(attempt.steps),
    )


def _probe(probe: ProbeResult) -> Probe:
    return Probe(
        id=probe.id,
        side=probe.side.value,
        title=probe.title,
        verdict=probe.verdict,
        reason=probe.reason,
        message=probe.message,
        detail=probe.detail,
        seconds=probe.seconds,
        commands=tuple(_commands(probe.commands)),
        output=probe.output,
    )


def _commands(records: Iterable[CommandRecord]) -> Iterator[Command]:
    for record in records:
        result = record.result
        yield Command(
            side=record.side.value,
            target=record.target,
            command=result.command,
            exit_status=result.exit_status,
            stdout=shown_bytes(result.stdout),
            stderr=shown_bytes(result.stderr),
            stdout_bytes=result.stdout_bytes,
            stderr_bytes=result.stderr_bytes,
            truncated=result.truncated,
            seconds=result.seconds,
        )


def _leftovers(report: Report) -> Iterator[Left]:
    for left in report.leftovers:
        yield Left(
            environment=left.environment,
            host=left.host,
            kind=left.kind,
            id=left.id,
            name=left.name,
            remedy=left.remedy,
        )
