"""The report as JSON, for programs; its schema is docs/reference/report.schema.json.

``schema_version`` grows when a program that reads the older form could go wrong. Texts are
neutralised as everywhere; times are ISO 8601, durations seconds, sizes bytes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from matrix.core import vitality
from matrix.core.grid import Report
from matrix.core.history import STRIP_LENGTH, CellHistory, Change, Cluster, Past
from matrix.core.model import CellId, Environment
from matrix.core.result import (
    Attempt,
    CommandRecord,
    EnvironmentFinding,
    Fact,
    HostFinding,
    ProbeResult,
)
from matrix.report import summary
from matrix.report.harmless import shown_bytes
from matrix.report.shapes import (
    SCHEMA_VERSION,
    Cell,
    Column,
    Command,
    Document,
    Excuse,
    Fault,
    Gate,
    Group,
    Host,
    Left,
    Measurement,
    Probe,
    Removal,
    Row,
    Strength,
    Try,
)
from matrix.report.summary import Place

_NO_HISTORY = CellHistory(past=(), first_bad=None, flaky=False)


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
        redacted=tuple(
            Removal(kind=one.kind, where=one.where, count=one.count) for one in report.redacted
        ),
        gate=Gate(
            door=decision.door.value,
            exit_code=decision.exit_code,
            required=decision.required,
            known=decision.known,
            reasons=decision.reasons,
            notes=decision.notes,
        ),
        counts=summary.counts(report),
        services=tuple(_rows(report)),
        environments=tuple(
            _column(environment, report.grid.findings.get(environment.name))
            for environment in report.grid.environments
        ),
        baseline=report.comparison.baseline if report.comparison else "",
        changes={str(cell): kind.value for cell, kind in _changes(report).items()},
        cells=tuple(_cell(place, report) for place in summary.places(report)),
        clusters=tuple(map(_group, report.clusters)),
        leftovers=tuple(_leftovers(report)),
        waivers=tuple(_excuses(report)),
        signed_by=report.signed_by,
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
        labels=dict(environment.labels),
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


def _cell(place: Place, report: Report) -> Cell:
    cell, result = place.cell, place.cell.result
    history = report.history.get(cell.cell, _NO_HISTORY)
    change = _changes(report).get(cell.cell)
    return Cell(
        id=str(cell.cell),
        service=cell.cell.service,
        environment=cell.cell.environment,
        verdict=cell.verdict,
        reason=cell.reason,
        message=cell.message,
        waived=cell.waived,
        run=cell.run,
        reused_from=cell.reused_from,
        reported_by=cell.reporter.name if cell.reporter else "",
        reported_key=cell.reporter.key if cell.reporter else "",
        image_id=result.image_id if result else "",
        fingerprint=result.fingerprint if result else "",
        probes_digest=result.probes_digest if result else "",
        finished_at=result.finished_at if result else None,
        flaky=history.flaky,
        change=change.value if change else "",
        history=tuple(_measurement(past, report) for past in history.past[:STRIP_LENGTH]),
        first_bad=_measurement(history.first_bad, report) if history.first_bad else None,
        attempts=tuple(map(_try, result.attempts if result else ())),
    )


def _changes(report: Report) -> Mapping[CellId, Change]:
    return report.comparison.changes if report.comparison else {}


def _measurement(past: Past, report: Report) -> Measurement:
    reporter = report.reporters.get(past.run)
    return Measurement(
        run=past.run,
        release=past.release,
        verdict=past.verdict,
        reason=past.reason,
        finished_at=past.finished_at,
        image_id=past.image_id,
        fingerprint=past.fingerprint,
        probes_digest=past.probes_digest,
        retries=past.retries,
        reported_by=reporter.name if reporter else "",
    )


def _group(cluster: Cluster) -> Group:
    return Group(
        signature=cluster.signature,
        message=cluster.message,
        cells=tuple(map(str, cluster.cells)),
        probes=cluster.probes,
        count=cluster.count,
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


def _excuses(report: Report) -> Iterator[Excuse]:
    for judged in report.waivers:
        waiver = judged.waiver
        yield Excuse(
            cell=str(waiver.cell),
            probe=waiver.probe,
            signature=waiver.signature,
            reason=waiver.reason,
            owner=waiver.owner,
            until=waiver.until,
            state=judged.state.value,
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
