"""Removing what is not kept any longer: one transaction a run, so that a kill costs nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, or_, select

from matrix.core.retention import DULL, Keep, Pruned
from matrix.store.database import Database
from matrix.store.schema import BLOBS, CELLS, FINDINGS, JOURNAL, METADATA, RUNS, STRIPS

#: Long texts looked at in one transaction.
BATCH = 500
#: Every column that may hold the hash of a long text.
_REFERENCES = tuple(
    column
    for table in METADATA.sorted_tables
    for column in table.columns
    if any(key.column.table is BLOBS for key in column.foreign_keys)
)


def count_prunable(
    connection: Connection, keep: Keep, *, now: datetime, alive: Collection[str]
) -> Pruned:
    """What ``prune`` would remove, without the long texts."""
    runs = _old_runs(connection, keep, now=now, alive=alive)
    doomed = [(run, _count(connection, _doomed(run, keep, now=now))) for run in runs]
    empty = [
        run
        for run, cells in doomed
        if cells == _count(connection, select(CELLS.c.id).where(CELLS.c.run == run))
        and not _is_needed(connection, run)
    ]
    return Pruned(cells=sum(cells for _, cells in doomed), runs=len(empty), texts=0, text_bytes=0)


def prune(database: Database, keep: Keep, *, now: datetime, alive: Collection[str]) -> Pruned:
    """Remove it. Whatever was done when this process dies, the store is whole, and the next time
    goes on from there."""
    with database.read() as connection:
        runs = _old_runs(connection, keep, now=now, alive=alive)
    cells = empty = 0
    for run in runs:
        with database.write() as connection:
            doomed = _doomed(run, keep, now=now)
            cells += connection.execute(delete(CELLS).where(CELLS.c.id.in_(doomed))).rowcount
            empty += _remove_if_empty(connection, run)
    texts, size = _remove_texts(database)
    return Pruned(cells=cells, runs=empty, texts=texts, text_bytes=size)


def _old_runs(
    connection: Connection, keep: Keep, *, now: datetime, alive: Collection[str]
) -> Sequence[str]:
    """Runs old enough to lose cells, oldest first."""
    shortest = min(keep.run_seconds, keep.failure_seconds, keep.release_seconds)
    still_out = select(JOURNAL.c.run).where(JOURNAL.c.open)
    return connection.scalars(
        select(RUNS.c.id)
        .where(RUNS.c.started_at < now - timedelta(seconds=shortest))
        .where(RUNS.c.id.not_in(still_out), RUNS.c.id.not_in(list(alive)))
        .order_by(RUNS.c.started_at)
    ).all()


def _doomed(run: str, keep: Keep, *, now: datetime) -> Select[int]:
    """Ids of the cells of one run that may go, by the table of ``core.retention``."""

    def older(seconds: float) -> ColumnElement[bool]:
        return RUNS.c.started_at < now - timedelta(seconds=seconds)

    dull = CELLS.c.verdict.in_([verdict.value for verdict in DULL])
    over = or_(
        and_(RUNS.c.release != "", older(keep.release_seconds)),
        and_(RUNS.c.release == "", dull, older(keep.run_seconds)),
        and_(RUNS.c.release == "", ~dull, older(keep.failure_seconds)),
    )
    taken_over = CELLS.alias()
    return (
        select(CELLS.c.id)
        .join(RUNS, RUNS.c.id == CELLS.c.run)
        .where(CELLS.c.run == run, CELLS.c.id.not_in(select(STRIPS.c.cell)), over)
        .where(~select(taken_over.c.id).where(taken_over.c.origin == CELLS.c.id).exists())
    )


def _remove_if_empty(connection: Connection, run: str) -> int:
    if _count(connection, select(CELLS.c.id).where(CELLS.c.run == run)):
        return 0
    if _is_needed(connection, run):
        return 0
    connection.execute(delete(JOURNAL).where(JOURNAL.c.run == run, ~JOURNAL.c.open))
    return connection.execute(delete(RUNS).where(RUNS.c.id == run)).rowcount


def _is_needed(connection: Connection, run: str) -> bool:
    """Whether it found out something about an environment that was not found out again."""
    newer, mine, theirs = FINDINGS.alias(), RUNS.alias(), RUNS.alias()
    again = (
        select(newer.c.id)
        .join(theirs, theirs.c.id == newer.c.run)
        .where(newer.c.environment == FINDINGS.c.environment)
        .where(theirs.c.started_at > mine.c.started_at)
        .exists()
    )
    only_here = (
        select(FINDINGS.c.id)
        .join(mine, mine.c.id == FINDINGS.c.run)
        .where(FINDINGS.c.run == run, ~again)
    )
    return bool(_count(connection, only_here))


def _remove_texts(database: Database) -> tuple[int, int]:
    """Number and bytes of the long texts that nothing referred to."""
    number = size = 0
    last = ""
    while True:
        with database.write() as connection:
            batch = connection.execute(
                select(BLOBS.c.sha256, func.length(BLOBS.c.content))
                .where(BLOBS.c.sha256 > last)
                .order_by(BLOBS.c.sha256)
                .limit(BATCH)
            ).all()
            if not batch:
                return number, size
            last = batch[-1][0]
            used = _used(connection, [digest for digest, _ in batch])
            gone = {digest: length for digest, length in batch if digest not in used}
            connection.execute(delete(BLOBS).where(BLOBS.c.sha256.in_(list(gone))))
        number += len(gone)
        size += sum(gone.values())


def _used(connection: Connection, digests: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for column in _REFERENCES:
        found.update(connection.scalars(select(column).where(column.in_(digests)).distinct()))
    return found


# Any kind of key.
def _count(connection: Connection, chosen: Select[int]) -> int:
    return connection.scalar(select(func.count()).select_from(chosen.subquery())) or 0
