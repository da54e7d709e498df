"""A JSON report read back with its evidence, so that several can be joined to one grid.

The file may come from anybody: its size is capped, its shape is checked, and a verdict that is more
than its own attempts say is refused. It is no proof of anything, only well-formed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from matrix.core.errors import UsageError
from matrix.core.fold import fold_hosts
from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Fault,
    HostFinding,
    ProbeResult,
    Reporter,
    Side,
)
from matrix.core.verdict import Verdict
from matrix.report.recorded import read_capped
from matrix.report.shapes import Cell, Column, Command, Document, Host, Probe, Try

#: A claim about the service needs evidence; that nobody can tell does not.
_NEED_EVIDENCE = (Verdict.PASSED, Verdict.WARNED, Verdict.FAILED)
#: Verdicts that are no measurement: they are found out anew.
_NOT_MEASURED = (Verdict.MISSING, Verdict.STALE)
#: Reasons that are given by reading, not by measuring.
_EXCLUDED = "excluded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Replay:
    """What a report says was measured."""

    project: str
    plan_digest: str
    release: str
    started_at: datetime
    results: tuple[CellResult, ...]
    findings: tuple[EnvironmentFinding, ...]
    #: Cells that are somebody's own word → whose.
    reporters: Mapping[CellId, Reporter]


def read_replay(path: Path) -> Replay:
    """The measurements in a JSON report; raises UsageError, saying what is wrong with it."""
    return replay_of(read_document(path, read_capped(path)), path)


def read_document(path: Path, text: str) -> Document:
    """*text*, which came from *path*, in the published shape; raises UsageError."""
    try:
        # Its parser limits depth and takes no NaN.
        return Document.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path}: is not a report this program can read: {where}: {first['msg']}"
        ) from error


def replay_of(document: Document, path: Path) -> Replay:
    """The measurements in *document*, which came from *path*; raises UsageError."""
    results = tuple(_results(path, document))
    return Replay(
        project=document.project,
        plan_digest=document.plan_digest,
        release=document.release,
        started_at=_moment(path, document.started_at),
        results=results,
        findings=tuple(_finding(column) for column in document.environments if column.hosts),
        reporters={
            CellId(service=cell.service, environment=cell.environment): Reporter(
                name=cell.reported_by, key=cell.reported_key
            )
            for cell in document.cells
            if cell.reported_by
        },
    )


def _results(path: Path, document: Document) -> Iterator[CellResult]:
    seen = set()
    for cell in document.cells:
        at = CellId(service=cell.service, environment=cell.environment)
        if at in seen:
            raise UsageError(f"{path}: is not a report of ours: it has {str(at)[:200]} twice")
        seen.add(at)
        if cell.verdict not in _NOT_MEASURED and cell.reason != _EXCLUDED:
            yield _result(path, at, cell)


def _result(path: Path, at: CellId, cell: Cell) -> CellResult:
    attempts = tuple(_attempt(path, one) for one in cell.attempts)
    hosts = tuple(dict.fromkeys(attempt.host for attempt in attempts))
    said = fold_hosts(attempts, hosts=hosts)[0] if attempts else None
    if said is not cell.verdict and (attempts or cell.verdict in _NEED_EVIDENCE):
        found = said.value if said else "nothing"
        raise UsageError(
            f"{path}: {str(at)[:200]} is {cell.verdict.value}, but its attempts say {found}"
        )
    return CellResult(
        cell=at,
        verdict=cell.verdict,
        reason=cell.reason,
        message=cell.message,
        attempts=attempts,
        image_id=cell.image_id,
        fingerprint=cell.fingerprint,
        probes_digest=cell.probes_digest,
        finished_at=_moment(path, cell.finished_at) if cell.finished_at else None,
        reused_from=cell.reused_from,
    )


def _attempt(path: Path, one: Try) -> Attempt:
    if Verdict.STALE in (one.verdict, *(probe.verdict for probe in one.probes)):
        raise UsageError(f"{path}: an attempt is STALE, which cannot be measured")
    bad = any(probe.verdict is Verdict.FAILED for probe in one.probes)
    silent = set(one.planned) - {probe.id for probe in one.probes}
    if one.verdict in (Verdict.PASSED, Verdict.WARNED) and (bad or silent or not one.probes):
        raise UsageError(f"{path}: an attempt is {one.verdict.value} without its probes being so")
    return Attempt(
        number=one.number,
        host=one.host,
        verdict=one.verdict,
        reason=one.reason,
        message=one.message,
        probes=tuple(map(_probe, one.probes)),
        faults=tuple(Fault(reason=each.reason, message=each.message) for each in one.faults),
        planned=one.planned,
        image_id=one.image_id,
        logs=one.logs,
        traceback=one.traceback,
        started_at=_moment(path, one.started_at),
        seconds=one.seconds,
        steps=one.steps,
    )


def _probe(one: Probe) -> ProbeResult:
    return ProbeResult(
        id=one.id,
        side=Side(one.side),
        title=one.title,
        verdict=one.verdict,
        reason=one.reason,
        message=one.message,
        detail=one.detail,
        seconds=one.seconds,
        commands=tuple(map(_command, one.commands)),
        output=one.output,
    )


def _command(one: Command) -> CommandRecord:
    result = CommandResult(
        command=one.command,
        exit_status=one.exit_status,
        stdout=one.stdout.encode("utf-8", "backslashreplace"),
        stderr=one.stderr.encode("utf-8", "backslashreplace"),
        stdout_bytes=one.stdout_bytes,
        stderr_bytes=one.stderr_bytes,
        seconds=one.seconds,
    )
    return CommandRecord(side=Side(one.side), target=one.target, result=result)


def _finding(column: Column) -> EnvironmentFinding:
    return EnvironmentFinding(environment=column.name, hosts=tuple(map(_host, column.hosts)))


def _host(one: Host) -> HostFinding:
    return HostFinding(
        host=one.name,
        facts=one.facts,
        fingerprint=one.fingerprint,
        fault=Fault(reason=one.fault.reason, message=one.fault.message) if one.fault else None,
        deviations=one.deviations,
    )


def _moment(path: Path, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise UsageError(f"{path}: {moment} has no time zone")
    return moment
