"""The newest measurements of each cell, packed in one row of ``strips``.

A grid of 5,000 cells over a thousand runs is five million rows of ``cells``; looking for the
newest ten of each costs seconds, however they are indexed. So each answer that is written is
added to its cell's strip in the same transaction, and a whole grid is read in one pass over 5,000
rows. A strip outlives the runs in it: what was pruned is still to be seen there.

A measurement is a JSON list in the order of ``_pack``; null means "as in the one before it in the
list", which is newer.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from matrix.core.collector import resting
from matrix.core.history import PANEL_LENGTH, STRIP_LENGTH, CellHistory, Past
from matrix.core.model import CellId
from matrix.core.result import CellResult
from matrix.core.series import BAD, history_of, past_of, remember
from matrix.core.verdict import Verdict
from matrix.store.schema import ATTEMPTS, CELLS, RUNS, STRIPS

#: A list without a measurement.
_NOTHING = "[]"
#: Fields that are often the same from one measurement to the next, at the end of a list.
_REPEATED = 5
_AS_BEFORE = [None] * _REPEATED
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
# Any: one measurement as JSON has it.
Packed = list[Any]


def add_to_strip(
    connection: Connection, result: CellResult, *, cell: int, run: str, release: str, at: datetime
) -> None:
    """The strip of a cell whose row *cell* was just written; *at* is when its run began."""
    here = _is_cell(result.cell)
    row = connection.execute(select(STRIPS).where(*here)).one_or_none()
    newest = past_of(result, run=run, release=release, begun_at=at)
    known = _unpack_row(row) if row else None
    history = remember(known, newest)
    connection.execute(delete(STRIPS).where(*here))
    connection.execute(insert(STRIPS), _row(result.cell, cell, history))


def point_strip_at(connection: Connection, at: CellId, cell: int) -> None:
    """The newest row of a cell is *cell*, which was taken over: no measurement came to it."""
    connection.execute(update(STRIPS).where(*_is_cell(at)).values(cell=cell))


def read_histories(connection: Connection, count: int) -> Mapping[CellId, CellHistory]:
    """The newest *count* measurements of each cell, at most PANEL_LENGTH."""
    with resting():
        return dict(_histories(connection, count))


def _histories(connection: Connection, count: int) -> Iterator[tuple[CellId, CellHistory]]:
    older = [STRIPS.c.older] if count > STRIP_LENGTH else []
    columns = (STRIPS.c.service, STRIPS.c.environment, STRIPS.c.first_bad, STRIPS.c.flaky)
    for service, environment, bad, flaky, newest, *rest in connection.execute(
        select(*columns, STRIPS.c.newest, *older)
    ):
        packed = _lists((newest, *rest)) if rest else json.loads(newest)
        yield (
            CellId(service=service, environment=environment),
            CellHistory(
                past=tuple(_unpack(packed[:count])),
                first_bad=None if bad == _NOTHING else next(_unpack(json.loads(bad)), None),
                flaky=flaky,
            ),
        )


def _is_cell(at: CellId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return STRIPS.c.service == at.service, STRIPS.c.environment == at.environment


def newest_ids() -> Select[int]:
    """Selects the ids of the newest row of every cell."""
    return select(STRIPS.c.cell)


def rebuild_strips(connection: Connection) -> None:
    """Fill the table from what ``cells`` has: once, for a store of an older schema."""
    retries = _retries(connection)
    rank = func.row_number().over(
        partition_by=(CELLS.c.service, CELLS.c.environment), order_by=CELLS.c.id.desc()
    )
    ranked = select(CELLS.c.id, rank.label("rank")).subquery()
    rows = connection.execute(
        select(CELLS, RUNS.c.release, RUNS.c.started_at)
        .join(ranked, ranked.c.id == CELLS.c.id)
        .join(RUNS, RUNS.c.id == CELLS.c.run)
        .where(ranked.c.rank <= PANEL_LENGTH)
        .order_by(CELLS.c.id.desc())
    )
    newest: dict[CellId, int] = {}
    past: dict[CellId, list[Past]] = defaultdict(list)
    for row in rows:
        at = CellId(service=row.service, environment=row.environment)
        newest.setdefault(at, row.id)
        if row.origin is None:
            past[at].append(_past_of_row(row, retries.get(row.id, 0)))
    connection.execute(delete(STRIPS))
    if newest:
        connection.execute(
            insert(STRIPS),
            [
                _row(at, newest[at], history_of(ones, first_bad=_far_back(connection, at, ones)))
                for at, ones in past.items()
            ],
        )


# Any: a row of cells with two columns of its run.
def _past_of_row(row: Any, retries: int) -> Past:  # noqa: ANN401
    return Past(
        run=row.run,
        release=row.release,
        verdict=_VERDICTS[row.verdict],
        reason=row.reason,
        finished_at=row.finished_at or row.started_at,
        image_id=row.image_id,
        fingerprint=row.fingerprint,
        probes_digest=row.probes_digest,
        retries=retries,
    )


def _retries(connection: Connection) -> Mapping[int, int]:
    """Cell id → attempts beyond one a host, where there were any."""
    beyond = func.count() - func.count(ATTEMPTS.c.host.distinct())
    found = select(ATTEMPTS.c.cell, beyond.label("beyond")).group_by(ATTEMPTS.c.cell)
    return {row.cell: row.beyond for row in connection.execute(found.having(beyond > 0))}


def _far_back(connection: Connection, at: CellId, past: Sequence[Past]) -> Past | None:
    """The first bad one where all that is kept is bad."""
    if len(past) < PANEL_LENGTH or any(one.verdict not in BAD for one in past):
        return None
    here = (CELLS.c.service == at.service, CELLS.c.environment == at.environment)
    good = CELLS.c.verdict.not_in([verdict.value for verdict in BAD])
    last_good = select(func.coalesce(func.max(CELLS.c.id), 0)).where(*here, good).scalar_subquery()
    row = connection.execute(
        select(CELLS, RUNS.c.release, RUNS.c.started_at)
        .join(RUNS, RUNS.c.id == CELLS.c.run)
        .where(*here, CELLS.c.id > last_good)
        .order_by(CELLS.c.id)
        .limit(1)
    ).one()
    return _past_of_row(row, 0)


def _row(at: CellId, cell: int, history: CellHistory) -> dict[str, Any]:
    newest, older = history.past[:STRIP_LENGTH], history.past[STRIP_LENGTH:]
    return {
        "service": at.service,
        "environment": at.environment,
        "cell": cell,
        "newest": _pack(newest),
        "older": _pack(older),
        "first_bad": _pack((history.first_bad,) if history.first_bad else ()),
        "flaky": history.flaky,
    }


def _pack(past: Sequence[Past]) -> str:
    packed: list[Packed] = []
    before: Packed = []
    for one in past:
        whole: Packed = [
            one.run,
            one.verdict.value,
            one.reason,
            one.finished_at.astimezone(UTC).isoformat(),
            one.image_id,
            one.fingerprint,
            one.probes_digest,
            one.release,
            one.retries,
        ]
        same = zip(whole[-_REPEATED:], before[-_REPEATED:], strict=False)
        again = [None if new == old else new for new, old in same]
        packed.append(whole[:-_REPEATED] + (again or whole[-_REPEATED:]))
        before = whole
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":"))


# Any: a row of strips.
def _unpack_row(row: Any) -> CellHistory:  # noqa: ANN401
    return CellHistory(
        past=tuple(_unpack(_lists((row.newest, row.older)))),
        first_bad=next(_unpack(_lists((row.first_bad,))), None),
        flaky=row.flaky,
    )


def _lists(texts: Sequence[str]) -> list[Packed]:
    return [one for text in texts for one in json.loads(text)]


def _unpack(packed: Sequence[Packed]) -> Iterator[Past]:
    now: Packed = ["", "", "", "", 0]
    for run, verdict, reason, at, *repeated in packed:
        if repeated != _AS_BEFORE:
            now = [
                was if is_now is None else is_now for was, is_now in zip(now, repeated, strict=True)
            ]
        image, fingerprint, probes, release, retries = now
        yield Past(
            run=run,
            release=release,
            verdict=_VERDICTS[verdict],
            reason=reason,
            finished_at=datetime.fromisoformat(at),
            image_id=image,
            fingerprint=fingerprint,
            probes_digest=probes,
            retries=retries,
        )
