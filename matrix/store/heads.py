"""Runs without what they found, and cells without their attempts: a fraction of the rows."""

import json
from typing import Any

from sqlalchemy import Connection, Select, select

from matrix.core.collector import resting
from matrix.core.model import CellId
from matrix.core.result import CellResult, Run, RunState
from matrix.core.verdict import Verdict
from matrix.store.blobs import fetch_texts
from matrix.store.read import read_leftovers, reporter_of
from matrix.store.schema import CELLS, RUNS

NEWEST_FIRST = (RUNS.c.started_at.desc(), RUNS.c.id.desc())
_HEADLINE = (
    CELLS.c.run,
    CELLS.c.service,
    CELLS.c.environment,
    CELLS.c.verdict,
    CELLS.c.reason,
    CELLS.c.message,
    CELLS.c.image_id,
    CELLS.c.fingerprint,
    CELLS.c.probes_digest,
    CELLS.c.finished_at,
    CELLS.c.settings_digest,
    CELLS.c.reused_from,
)
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


def read_heads(connection: Connection, chosen: Select[str]) -> tuple[Run, ...]:
    """The chosen runs, newest first, without results and findings."""
    rows = connection.execute(select(RUNS).where(RUNS.c.id.in_(chosen)).order_by(*NEWEST_FIRST))
    found = rows.all()
    texts = fetch_texts(connection, [row.plan_blob for row in found])
    return tuple(
        Run(
            id=row.id,
            state=RunState(row.state),
            started_at=row.started_at,
            finished_at=row.finished_at,
            release=row.release,
            by=row.by,
            plan_digest=row.plan_digest,
            cells=tuple(
                CellId(service=service, environment=place)
                for service, place in json.loads(texts.of(row.plan, row.plan_blob))
            ),
            leftovers=read_leftovers(connection, row.id),
            version=row.version,
            reporter=reporter_of(row),
        )
        for row in found
    )


def read_headlines(
    connection: Connection, chosen: Select[int]
) -> tuple[tuple[str, CellResult], ...]:
    """The chosen cells without attempts, each with its run, in the order they were written."""
    headlines = select(*_HEADLINE).where(CELLS.c.id.in_(chosen)).order_by(CELLS.c.id)
    with resting():
        return tuple((row.run, _headline(row)) for row in connection.execute(headlines))


# Any: a row of _HEADLINE.
def _headline(row: Any) -> CellResult:  # noqa: ANN401
    _, service, environment, verdict, *rest = row
    reason, message, image_id, fingerprint, probes_digest, finished_at, *more = rest
    settings_digest, reused_from = more
    return CellResult(
        cell=CellId(service=service, environment=environment),
        verdict=_VERDICTS[verdict],
        reason=reason,
        message=message,
        image_id=image_id,
        fingerprint=fingerprint,
        probes_digest=probes_digest,
        settings_digest=settings_digest,
        finished_at=finished_at,
        reused_from=reused_from,
    )
