"""Rows back into values. Every function runs inside the caller's transaction.

A cell is read in one of two forms: *whole*, or as a *summary* without the commands its probes
ran, what they printed and the containers' logs, which is most of the bytes.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, func, or_, select

from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Fact,
    Facts,
    Fault,
    HostFinding,
    Leftover,
    ProbeResult,
    Reporter,
    Run,
    RunState,
    Side,
)
from matrix.core.store_ports import Intent
from matrix.core.verdict import Verdict
from matrix.store.blobs import Texts, fetch_texts
from matrix.store.schema import (
    ATTEMPTS,
    CELLS,
    COMMANDS,
    FACTS,
    FINDINGS,
    HOST_FINDINGS,
    LEFTOVERS,
    LOGS,
    PROBE_RESULTS,
    RUNS,
)

# Any: the columns of a row are those of its select.
AnyRow = Row[Any]
#: Selects the ids of the cells to be read.
Chosen = Select[int]
#: Cell id and position of an attempt; a probe has its own position as third.
AttemptKey = tuple[int, int]
ProbeKey = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """The larger part of some cells, by where it belongs."""

    #: Companion → text of its log.
    logs: Mapping[AttemptKey, Mapping[str, str]]
    #: What a probe printed; one that printed nothing is not there.
    outputs: Mapping[ProbeKey, str]
    commands: Mapping[ProbeKey, tuple[CommandRecord, ...]]


PROBE_KEY = (PROBE_RESULTS.c.cell, PROBE_RESULTS.c.attempt, PROBE_RESULTS.c.position)
#: For a summary.
NO_EVIDENCE = Evidence(logs={}, outputs={}, commands={})


def read_run(connection: Connection, run: str) -> Run | None:
    """A run with everything in it."""
    chosen = _cells_of(run)
    return _read_run(connection, run, read_evidence(connection, chosen))


def read_run_summary(connection: Connection, run: str) -> Run | None:
    """A run with summaries of its cells."""
    return _read_run(connection, run, NO_EVIDENCE)


def read_cells(
    connection: Connection, chosen: Chosen, evidence: Evidence
) -> tuple[tuple[str, CellResult], ...]:
    """The chosen cells, each with the run that measured it, in the order they were written."""
    attempts = _read_attempts(connection, _origins(chosen), evidence)
    rows = connection.execute(select(CELLS).where(CELLS.c.id.in_(chosen)).order_by(CELLS.c.id))
    return tuple((row.run, _cell(row, tuple(attempts[row.origin or row.id]))) for row in rows)


def read_evidence(connection: Connection, chosen: Chosen) -> Evidence:
    """Everything of the chosen cells that a summary leaves out."""
    chosen = _origins(chosen)
    logs = _rows_of(connection, LOGS, chosen)
    outputs = connection.execute(
        select(*PROBE_KEY, PROBE_RESULTS.c.output, PROBE_RESULTS.c.output_blob)
        .where(PROBE_RESULTS.c.cell.in_(chosen))
        .where(or_(PROBE_RESULTS.c.output != "", PROBE_RESULTS.c.output_blob.is_not(None)))
    ).all()
    commands = _rows_of(connection, COMMANDS, chosen)
    texts = fetch_texts(
        connection,
        chain(
            (row.text_blob for row in logs),
            (row.output_blob for row in outputs),
            (row.command_blob for row in commands),
            (row.stdout_blob for row in commands),
            (row.stderr_blob for row in commands),
        ),
    )
    by_attempt: dict[AttemptKey, dict[str, str]] = defaultdict(dict)
    for row in logs:
        by_attempt[row.cell, row.attempt][row.name] = texts.of(row.text, row.text_blob)
    return Evidence(
        logs=by_attempt,
        outputs={
            (row.cell, row.attempt, row.position): texts.of(row.output, row.output_blob)
            for row in outputs
        },
        commands=_commands(commands, texts),
    )


def read_leftovers(connection: Connection, run: str) -> tuple[Leftover, ...]:
    """What the run left on hosts."""
    rows = connection.execute(
        select(LEFTOVERS).where(LEFTOVERS.c.run == run).order_by(LEFTOVERS.c.position)
    )
    return tuple(
        Leftover(
            environment=row.environment,
            host=row.host,
            kind=row.kind,
            id=row.object_id,
            name=row.name,
            remedy=row.remedy,
        )
        for row in rows
    )


def read_findings(connection: Connection, run: str) -> tuple[EnvironmentFinding, ...]:
    """What the run found out about its environments, in the order it did."""
    return _findings(connection, select(FINDINGS.c.id).where(FINDINGS.c.run == run))


def read_newest_findings(connection: Connection, *, but: int = 0) -> tuple[EnvironmentFinding, ...]:
    """What was found out last about each environment, by whichever run began last; of those but
    the newest *but* of each."""
    began = RUNS.c.started_at.desc()
    rank = func.row_number().over(
        partition_by=FINDINGS.c.environment, order_by=(began, RUNS.c.id.desc())
    )
    ranked = (
        select(FINDINGS.c.id, rank.label("rank")).join(RUNS, RUNS.c.id == FINDINGS.c.run).subquery()
    )
    return _findings(connection, select(ranked.c.id).where(ranked.c.rank == but + 1))


def _findings(connection: Connection, chosen: Select[int]) -> tuple[EnvironmentFinding, ...]:
    facts: dict[tuple[int, int], dict[str, Fact]] = defaultdict(dict)
    for row in connection.execute(select(FACTS).where(FACTS.c.finding.in_(chosen))):
        facts[row.finding, row.host][row.name] = json.loads(row.value)
    hosts: dict[int, list[HostFinding]] = defaultdict(list)
    for row in connection.execute(
        select(HOST_FINDINGS)
        .where(HOST_FINDINGS.c.finding.in_(chosen))
        .order_by(HOST_FINDINGS.c.position)
    ):
        hosts[row.finding].append(_host(row, facts[row.finding, row.position]))
    rows = connection.execute(
        select(FINDINGS).where(FINDINGS.c.id.in_(chosen)).order_by(FINDINGS.c.id)
    )
    return tuple(
        EnvironmentFinding(environment=row.environment, hosts=tuple(hosts[row.id])) for row in rows
    )


def reporter_of(row: AnyRow) -> Reporter | None:
    """Whose word a run is; None for one of ours."""
    return Reporter(name=row.reported_by, key=row.reported_key) if row.reported_by else None


def intent_of(row: AnyRow) -> Intent:
    """The entry a row of the journal holds."""
    cell = None
    if row.service is not None:
        cell = CellId(service=row.service, environment=row.environment_of_cell)
    return Intent(
        run=row.run,
        cell=cell,
        environment=row.environment,
        host=row.host,
        kind=row.kind,
        name=row.name,
        id=row.object_id,
    )


def _cells_of(run: str) -> Chosen:
    return select(CELLS.c.id).where(CELLS.c.run == run)


def _origins(chosen: Chosen) -> Chosen:
    """The rows that attempts hang on: those a cell was taken over from, or its own."""
    return select(func.coalesce(CELLS.c.origin, CELLS.c.id)).where(CELLS.c.id.in_(chosen))


def _rows_of(connection: Connection, table: Table, chosen: Chosen) -> Sequence[AnyRow]:
    """In the order of the primary key, which is the order of the values."""
    ordered = select(table).where(table.c.cell.in_(chosen)).order_by(*table.primary_key)
    return connection.execute(ordered).all()


def _read_run(connection: Connection, run: str, evidence: Evidence) -> Run | None:
    row = connection.execute(select(RUNS).where(RUNS.c.id == run)).one_or_none()
    if row is None:
        return None
    texts = fetch_texts(connection, [row.plan_blob])
    plan = json.loads(texts.of(row.plan, row.plan_blob))
    return Run(
        id=row.id,
        state=RunState(row.state),
        started_at=row.started_at,
        finished_at=row.finished_at,
        release=row.release,
        by=row.by,
        plan_digest=row.plan_digest,
        cells=tuple(CellId(service=service, environment=place) for service, place in plan),
        results=tuple(cell for _, cell in read_cells(connection, _cells_of(run), evidence)),
        findings=read_findings(connection, run),
        leftovers=read_leftovers(connection, run),
        version=row.version,
        reporter=reporter_of(row),
    )


def _read_attempts(
    connection: Connection, chosen: Chosen, evidence: Evidence
) -> Mapping[int, list[Attempt]]:
    rows = _rows_of(connection, ATTEMPTS, chosen)
    probe_rows = connection.execute(
        select(*(column for column in PROBE_RESULTS.c if not column.name.startswith("output")))
        .where(PROBE_RESULTS.c.cell.in_(chosen))
        .order_by(*PROBE_KEY)
    ).all()
    texts = fetch_texts(
        connection,
        chain(
            (row.detail_blob for row in probe_rows),
            (row.faults_blob for row in rows),
            (row.planned_blob for row in rows),
            (row.traceback_blob for row in rows),
        ),
    )
    probes: dict[AttemptKey, list[ProbeResult]] = defaultdict(list)
    for row in probe_rows:
        probes[row.cell, row.attempt].append(_probe(row, texts, evidence))
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    for row in rows:
        key = row.cell, row.position
        logs = evidence.logs.get(key, {})
        attempts[row.cell].append(_attempt(row, tuple(probes[key]), texts, logs))
    return attempts


def _cell(row: AnyRow, attempts: tuple[Attempt, ...]) -> CellResult:
    return CellResult(
        cell=CellId(service=row.service, environment=row.environment),
        verdict=Verdict(row.verdict),
        reason=row.reason,
        message=row.message,
        attempts=attempts,
        image_id=row.image_id,
        fingerprint=row.fingerprint,
        probes_digest=row.probes_digest,
        settings_digest=row.settings_digest,
        finished_at=row.finished_at,
        reused_from=row.reused_from,
    )


def _attempt(
    row: AnyRow, probes: tuple[ProbeResult, ...], texts: Texts, logs: Mapping[str, str]
) -> Attempt:
    faults = json.loads(texts.of(row.faults, row.faults_blob))
    return Attempt(
        number=row.number,
        host=row.host,
        verdict=Verdict(row.verdict),
        reason=row.reason,
        message=row.message,
        probes=probes,
        faults=tuple(Fault(reason=fault["reason"], message=fault["message"]) for fault in faults),
        planned=tuple(json.loads(texts.of(row.planned, row.planned_blob))),
        image_id=row.image_id,
        logs=logs,
        traceback=texts.of(row.traceback, row.traceback_blob),
        started_at=row.started_at,
        seconds=row.seconds,
        steps=json.loads(row.steps),
    )


def _probe(row: AnyRow, texts: Texts, evidence: Evidence) -> ProbeResult:
    key = row.cell, row.attempt, row.position
    return ProbeResult(
        id=row.probe,
        side=Side(row.side),
        title=row.title,
        verdict=Verdict(row.verdict),
        reason=row.reason,
        message=row.message,
        detail=texts.of(row.detail, row.detail_blob),
        seconds=row.seconds,
        commands=evidence.commands.get(key, ()),
        output=evidence.outputs.get(key, ""),
    )


def _commands(rows: Sequence[AnyRow], texts: Texts) -> Mapping[ProbeKey, tuple[CommandRecord, ...]]:
    by_probe: dict[ProbeKey, list[CommandRecord]] = defaultdict(list)
    for row in rows:
        result = CommandResult(
            command=texts.of(row.command, row.command_blob),
            exit_status=row.exit_status,
            stdout=texts.of(row.stdout, row.stdout_blob).encode(),
            stderr=texts.of(row.stderr, row.stderr_blob).encode(),
            stdout_bytes=row.stdout_bytes,
            stderr_bytes=row.stderr_bytes,
            seconds=row.seconds,
        )
        record = CommandRecord(side=Side(row.side), target=row.target, result=result)
        by_probe[row.cell, row.attempt, row.probe].append(record)
    return {key: tuple(records) for key, records in by_probe.items()}


def _host(row: AnyRow, facts: Facts) -> HostFinding:
    fault = None
    if row.fault_reason is not None:
        fault = Fault(reason=row.fault_reason, message=row.fault_message)
    return HostFinding(
        host=row.host,
        facts=facts,
        fingerprint=row.fingerprint,
        fault=fault,
        deviations=tuple(json.loads(row.deviations)),
    )
