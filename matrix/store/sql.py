"""The store's port, over SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from matrix.core.errors import StoreError
from matrix.core.history import PANEL_LENGTH, CellHistory
from matrix.core.kits import Import, IssuedKit
from matrix.core.model import CellId
from matrix.core.result import CellResult, EnvironmentFinding, Leftover, Reporter, Run, RunState
from matrix.core.retention import Keep, Pruned
from matrix.core.sink import (
    Clean,
    clean_cell,
    clean_finding,
    clean_intent,
    clean_leftover,
    clean_run,
    clean_vitality,
)
from matrix.core.store_ports import Intent
from matrix.core.vitality import Vitality
from matrix.store.database import Database
from matrix.store.heads import NEWEST_FIRST, read_headlines, read_heads
from matrix.store.kits import read_import, read_kit, read_reporters, write_import, write_kit
from matrix.store.locks import RunLocks
from matrix.store.prune import count_prunable, prune
from matrix.store.read import (
    NO_EVIDENCE,
    Chosen,
    intent_of,
    read_cells,
    read_evidence,
    read_newest_findings,
    read_run,
    read_run_summary,
)
from matrix.store.schema import CELLS, JOURNAL, RUNS
from matrix.store.strips import newest_ids, read_histories
from matrix.store.vitality import read_vitality, write_vitality
from matrix.store.write import (
    journal_row,
    write_cell,
    write_finding,
    write_leftovers,
    write_run,
)


class SqlStore:
    """Journal, run log and runs in one database. Each writing call is one transaction.

    Everything measured passes the sink (core.sink) here and nowhere else: what is read back is
    harmless, and without the secrets that *clean* knows. Output of commands is kept as that text
    in UTF-8; the raw bytes are not kept.
    """

    def __init__(self, database: Database, *, locks: RunLocks, clean: Clean) -> None:
        self._database = database
        self._locks = locks
        self._clean = clean

    def intend(self, intent: Intent) -> int:
        row = journal_row(clean_intent(intent, self._clean))
        with self._database.write() as connection:
            key = connection.execute(insert(JOURNAL), row).inserted_primary_key
        return int(key[0]) if key else 0

    def confirm(self, entry: int, object_id: str) -> None:
        self._update_entry(entry, object_id=self._clean(object_id))

    def forget(self, entry: int) -> None:
        self._update_entry(entry, open=False)

    def open_entries(self, *, run: str | None = None) -> tuple[tuple[int, Intent], ...]:
        chosen = select(JOURNAL).where(JOURNAL.c.open).order_by(JOURNAL.c.entry)
        if run is not None:
            chosen = chosen.where(JOURNAL.c.run == run)
        with self._database.read() as connection:
            return tuple((row.entry, intent_of(row)) for row in connection.execute(chosen))

    def begin(self, run: Run) -> None:
        """Write down a new run, or go on with one that was begun before.

        The run counts as alive until ``finish``, ``close`` or the end of the process. Raises
        StoreError when another process carries it, or when the id belongs to another run.
        """
        already = self._locks.holds(run.id)
        self._locks.hold(run.id)
        try:
            with self._database.write() as connection:
                self._begin(connection, clean_run(run, self._clean))
        except StoreError:
            if not already:
                self._locks.release(run.id)
            raise

    def record_finding(self, run: str, finding: EnvironmentFinding) -> None:
        with self._database.write() as connection:
            _begun(connection, run)
            write_finding(connection, run, clean_finding(finding, self._clean))

    def record_cell(self, run: str, result: CellResult) -> None:
        cleaned = clean_cell(result, self._clean)
        with self._database.write() as connection:
            release, begun_at = _begun(connection, run)
            write_cell(connection, run, cleaned, release=release, begun_at=begun_at)

    def finish(self, run: str, *, state: str, at: datetime, leftovers: Sequence[Leftover]) -> None:
        values = {"state": RunState(state).value, "finished_at": at}
        cleaned = [clean_leftover(leftover, self._clean) for leftover in leftovers]
        with self._database.write() as connection:
            _begun(connection, run)
            connection.execute(update(RUNS).where(RUNS.c.id == run).values(values))
            write_leftovers(connection, run, cleaned)
        self._locks.release(run)

    def load(self, run: str) -> Run | None:
        with self._database.read() as connection:
            return read_run(connection, run)

    def load_cell(self, run: str, cell: CellId) -> CellResult | None:
        chosen: Chosen = select(CELLS.c.id).where(
            CELLS.c.run == run,
            CELLS.c.service == cell.service,
            CELLS.c.environment == cell.environment,
        )
        with self._database.read() as connection:
            found = read_cells(connection, chosen, read_evidence(connection, chosen))
        return found[0][1] if found else None

    def latest(self, count: int = 1) -> tuple[Run, ...]:
        newest = select(RUNS.c.id).order_by(*NEWEST_FIRST)
        with self._database.read() as connection:
            runs = connection.scalars(newest.limit(count)).all()
            found = [read_run_summary(connection, run) for run in runs]
        return tuple(run for run in found if run is not None)

    def newest_cells(self) -> Mapping[CellId, tuple[str, CellResult]]:
        with self._database.read() as connection:
            found = read_cells(connection, newest_ids(), NO_EVIDENCE)
        return {result.cell: (run, result) for run, result in found}

    def histories(self, count: int = PANEL_LENGTH) -> Mapping[CellId, CellHistory]:
        with self._database.read() as connection:
            return read_histories(connection, count)

    def heads(self, count: int) -> tuple[Run, ...]:
        with self._database.read() as connection:
            return read_heads(connection, select(RUNS.c.id).order_by(*NEWEST_FIRST).limit(count))

    def head(self, run: str) -> Run | None:
        with self._database.read() as connection:
            found = read_heads(connection, select(RUNS.c.id).where(RUNS.c.id == run))
        return found[0] if found else None

    def runs_of(self, release: str) -> tuple[str, ...]:
        chosen = select(RUNS.c.id).where(RUNS.c.release == release)
        with self._database.read() as connection:
            return tuple(connection.scalars(chosen.order_by(RUNS.c.started_at, RUNS.c.id)))

    def headlines(self, run: str) -> Mapping[CellId, CellResult]:
        with self._database.read() as connection:
            found = read_headlines(connection, select(CELLS.c.id).where(CELLS.c.run == run))
        return {result.cell: result for _, result in found}

    def newest_headlines(self) -> Mapping[CellId, tuple[str, CellResult]]:
        with self._database.read() as connection:
            found = read_headlines(connection, newest_ids())
        return {result.cell: (run, result) for run, result in found}

    def newest_whole_cells(self) -> Mapping[CellId, tuple[str, CellResult]]:
        with self._database.read() as connection:
            evidence = read_evidence(connection, newest_ids())
            found = read_cells(connection, newest_ids(), evidence)
        return {result.cell: (run, result) for run, result in found}

    def newest_findings(self) -> Mapping[str, EnvironmentFinding]:
        with self._database.read() as connection:
            return {one.environment: one for one in read_newest_findings(connection)}

    def earlier_findings(self) -> Mapping[str, EnvironmentFinding]:
        with self._database.read() as connection:
            return {one.environment: one for one in read_newest_findings(connection, but=1)}

    def count_prunable(self, keep: Keep, *, now: datetime) -> Pruned:
        alive = self._alive()
        with self._database.read() as connection:
            return count_prunable(connection, keep, now=now, alive=alive)

    def prune(self, keep: Keep, *, now: datetime) -> Pruned:
        return prune(self._database, keep, now=now, alive=self._alive())

    def unfinished_runs(self) -> tuple[str, ...]:
        open_runs = select(RUNS.c.id).where(RUNS.c.state != RunState.FINISHED.value)
        with self._database.read() as connection:
            return tuple(connection.scalars(open_runs.order_by(*NEWEST_FIRST)))

    def record_vitality(self, found: Vitality) -> None:
        with self._database.write() as connection:
            write_vitality(connection, clean_vitality(found, self._clean))

    def load_vitality(self, service: str, *, image_id: str, probes_digest: str) -> Vitality | None:
        with self._database.read() as connection:
            return read_vitality(
                connection, service, image_id=image_id, probes_digest=probes_digest
            )

    def record_kit(self, kit: IssuedKit) -> None:
        with self._database.write() as connection:
            write_kit(connection, kit)

    def load_kit(self, nonce: str) -> IssuedKit | None:
        with self._database.read() as connection:
            return read_kit(connection, nonce)

    def load_import(self, nonce: str) -> Import | None:
        with self._database.read() as connection:
            return read_import(connection, nonce)

    def record_import(self, kit: IssuedKit, imported: Import, run: Run) -> Import:
        cleaned = clean_run(run, self._clean)
        with self._database.write() as connection:
            return write_import(connection, kit, imported, cleaned)

    def reporters(self) -> Mapping[str, Reporter]:
        with self._database.read() as connection:
            return read_reporters(connection)

    def hold(self, run: str) -> None:
        self._locks.hold(run)

    def let_go(self, run: str) -> None:
        self._locks.release(run)

    def is_alive(self, run: str) -> bool:
        return self._locks.is_alive(run)

    def _alive(self) -> list[str]:
        return [run for run in self.unfinished_runs() if self.is_alive(run)]

    def close(self) -> None:
        self._database.close()
        self._locks.close()

    def _begin(self, connection: Connection, run: Run) -> None:
        known = connection.execute(select(RUNS).where(RUNS.c.id == run.id)).one_or_none()
        if known is None:
            write_run(connection, run)
        elif known.started_at == run.started_at:
            again = {"state": RunState.RUNNING.value, "finished_at": None}
            connection.execute(update(RUNS).where(RUNS.c.id == run.id).values(again))
        else:
            message = f"run {run.id} is another run, of {known.started_at}: take a new id"
            raise StoreError(message)

    # Any column of the journal, by name.
    def _update_entry(self, entry: int, **values: str | bool) -> None:
        change = update(JOURNAL).where(JOURNAL.c.entry == entry).values(values)
        with self._database.write() as connection:
            if connection.execute(change).rowcount != 1:
                message = f"{self._database.where}: the journal has no entry {entry}"
                raise StoreError(message)


def _begun(connection: Connection, run: str) -> tuple[str, datetime]:
    """Release and start of a run; raises StoreError when it was never begun."""
    chosen = select(RUNS.c.release, RUNS.c.started_at).where(RUNS.c.id == run)
    row = connection.execute(chosen).one_or_none()
    if row is None:
        message = f"run {run} was never begun in this store"
        raise StoreError(message)
    return row.release, row.started_at
