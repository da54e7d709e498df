"""Values into rows. Every function runs inside the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    EnvironmentFinding,
    HostFinding,
    Json,
    Leftover,
    ProbeResult,
    Reporter,
    Run,
)
from matrix.core.store_ports import Intent
from matrix.store.blobs import Shelf
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
from matrix.store.strips import add_to_strip, point_strip_at

# Any: what a column takes is the column's business.
Row = dict[str, Any]


def write_run(connection: Connection, run: Run) -> None:
    """A new run with all that it holds."""
    shelf = Shelf()
    plan = shelf.columns("plan", to_json([[cell.service, cell.environment] for cell in run.cells]))
    shelf.put_away(connection)
    row = {
        "id": run.id,
        "state": run.state.value,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "release": run.release,
        "by": run.by,
        "plan_digest": run.plan_digest,
        "version": run.version,
        **reporter_row(run.reporter),
    }
    connection.execute(insert(RUNS), row | plan)
    for result in run.results:
        write_cell(connection, run.id, result, release=run.release, begun_at=run.started_at)
    for finding in run.findings:
        write_finding(connection, run.id, finding)
    write_leftovers(connection, run.id, run.leftovers)


def write_cell(
    connection: Connection, run: str, result: CellResult, *, release: str, begun_at: datetime
) -> None:
    """One answer; the earlier one of the same cell in the same run goes, with its evidence."""
    connection.execute(delete(CELLS).where(CELLS.c.run == run, *_is_cell(result.cell)))
    origin = _origin(connection, result)
    cell = _new_key(connection, CELLS, _cell_row(run, result) | {"origin": origin})
    if origin is not None:
        point_strip_at(connection, result.cell, cell)
        return
    shelf, rows = Shelf(), _Rows()
    for position, attempt in enumerate(result.attempts):
        rows.add_attempt(cell, position, attempt, shelf)
    shelf.put_away(connection)
    for table, found in rows.by_table.items():
        if found:
            connection.execute(insert(table), found)
    add_to_strip(connection, result, cell=cell, run=run, release=release, at=begun_at)


def write_finding(connection: Connection, run: str, finding: EnvironmentFinding) -> None:
    """One finding on a column, in place of the earlier one of the same run."""
    here = (FINDINGS.c.run == run, FINDINGS.c.environment == finding.environment)
    connection.execute(delete(FINDINGS).where(*here))
    key = _new_key(connection, FINDINGS, {"run": run, "environment": finding.environment})
    hosts = [_host_row(key, position, host) for position, host in enumerate(finding.hosts)]
    facts: list[Row] = [
        {"finding": key, "host": position, "name": name, "value": to_json(value)}
        for position, host in enumerate(finding.hosts)
        for name, value in host.facts.items()
    ]
    if hosts:
        connection.execute(insert(HOST_FINDINGS), hosts)
    if facts:
        connection.execute(insert(FACTS), facts)


def write_leftovers(connection: Connection, run: str, leftovers: Sequence[Leftover]) -> None:
    """What is still on hosts, in place of what was said of the run before."""
    connection.execute(delete(LEFTOVERS).where(LEFTOVERS.c.run == run))
    rows = [
        {
            "run": run,
            "position": position,
            "environment": leftover.environment,
            "host": leftover.host,
            "kind": leftover.kind,
            "object_id": leftover.id,
            "name": leftover.name,
            "remedy": leftover.remedy,
        }
        for position, leftover in enumerate(leftovers)
    ]
    if rows:
        connection.execute(insert(LEFTOVERS), rows)


def reporter_row(reporter: Reporter | None) -> Row:
    """Whose word a run is."""
    return {
        "reported_by": reporter.name if reporter else "",
        "reported_key": reporter.key if reporter else "",
    }


def journal_row(intent: Intent) -> Row:
    """An open entry of the journal."""
    return {
        "run": intent.run,
        "service": intent.cell.service if intent.cell else None,
        "environment_of_cell": intent.cell.environment if intent.cell else None,
        "environment": intent.environment,
        "host": intent.host,
        "kind": intent.kind,
        "name": intent.name,
        "object_id": intent.id,
        "open": True,
    }


def to_json(value: Json | Sequence[Json] | Mapping[str, Json]) -> str:
    """Compact JSON; the order of keys stays as given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Rows:
    """The rows of one cell, table by table, in an order that foreign keys allow."""

    def __init__(self) -> None:
        tables = (ATTEMPTS, LOGS, PROBE_RESULTS, COMMANDS)
        self.by_table: dict[Table, list[Row]] = {table: [] for table in tables}

    def add_attempt(self, cell: int, position: int, attempt: Attempt, shelf: Shelf) -> None:
        key = {"cell": cell, "attempt": position}
        self.by_table[ATTEMPTS].append(
            {"cell": cell, "position": position} | _attempt_row(attempt, shelf)
        )
        self.by_table[LOGS] += [
            key | {"name": name} | shelf.columns("text", text)
            for name, text in attempt.logs.items()
        ]
        for number, probe in enumerate(attempt.probes):
            self.add_probe(key, number, probe, shelf)

    def add_probe(self, attempt: Row, position: int, probe: ProbeResult, shelf: Shelf) -> None:
        self.by_table[PROBE_RESULTS].append(
            attempt | {"position": position} | _probe_row(probe, shelf)
        )
        self.by_table[COMMANDS] += [
            {
                **attempt,
                "probe": position,
                "position": number,
                "side": record.side.value,
                "target": record.target,
                **shelf.columns("command", record.result.command),
                "exit_status": record.result.exit_status,
                **shelf.columns("stdout", record.result.stdout.decode()),
                **shelf.columns("stderr", record.result.stderr.decode()),
                "stdout_bytes": record.result.stdout_bytes,
                "stderr_bytes": record.result.stderr_bytes,
                "seconds": record.result.seconds,
            }
            for number, record in enumerate(probe.commands)
        ]


def _cell_row(run: str, result: CellResult) -> Row:
    return {
        "run": run,
        "service": result.cell.service,
        "environment": result.cell.environment,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "message": result.message,
        "image_id": result.image_id,
        "fingerprint": result.fingerprint,
        "probes_digest": result.probes_digest,
        "finished_at": result.finished_at,
        "settings_digest": result.settings_digest,
        "reused_from": result.reused_from,
    }


def _origin(connection: Connection, result: CellResult) -> int | None:
    """The row that a result was taken over from; None when it was measured, or that is gone."""
    if not result.reused_from:
        return None
    there = (CELLS.c.run == result.reused_from, *_is_cell(result.cell))
    return connection.scalar(select(CELLS.c.id).where(*there))


def _attempt_row(attempt: Attempt, shelf: Shelf) -> Row:
    faults: list[Json] = [
        {"reason": fault.reason, "message": fault.message} for fault in attempt.faults
    ]
    return {
        "number": attempt.number,
        "host": attempt.host,
        "verdict": attempt.verdict.value,
        "reason": attempt.reason,
        "message": attempt.message,
        **shelf.columns("faults", to_json(faults)),
        **shelf.columns("planned", to_json(attempt.planned)),
        "image_id": attempt.image_id,
        **shelf.columns("traceback", attempt.traceback),
        "started_at": attempt.started_at,
        "seconds": attempt.seconds,
        "steps": to_json(dict(attempt.steps)),
    }


def _probe_row(probe: ProbeResult, shelf: Shelf) -> Row:
    return {
        "probe": probe.id,
        "side": probe.side.value,
        "title": probe.title,
        "verdict": probe.verdict.value,
        "reason": probe.reason,
        "message": probe.message,
        **shelf.columns("detail", probe.detail),
        "seconds": probe.seconds,
        **shelf.columns("output", probe.output),
    }


def _host_row(finding: int, position: int, host: HostFinding) -> Row:
    return {
        "finding": finding,
        "position": position,
        "host": host.host,
        "fingerprint": host.fingerprint,
        "fault_reason": host.fault.reason if host.fault else None,
        "fault_message": host.fault.message if host.fault else None,
        "deviations": to_json(host.deviations),
    }


def _is_cell(cell: CellId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return CELLS.c.service == cell.service, CELLS.c.environment == cell.environment


def _new_key(connection: Connection, table: Table, row: Row) -> int:
    key = connection.execute(insert(table), row).inserted_primary_key
    return int(key[0]) if key else 0
