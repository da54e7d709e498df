"""Several reports or stores joined to one grid, and decided anew by the project's policy."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from matrix import __version__
from matrix.answer import read_report
from matrix.core.errors import UsageError
from matrix.core.grid import Report
from matrix.core.model import CellId, Project
from matrix.core.result import CellResult, EnvironmentFinding, Reporter, Run, RunState
from matrix.core.store_ports import Store
from matrix.core.text import one_line
from matrix.report.replay import read_replay
from matrix.site import Site
from matrix.store import new_run_id, open_store

#: How every SQLite file begins (sqlite.org/fileformat2.html).
SQLITE = b"SQLite format 3\0"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: Characters of another project's name that are shown.
_LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one of the inputs knows."""

    plan_digest: str
    release: str
    started_at: datetime
    results: tuple[CellResult, ...]
    findings: tuple[EnvironmentFinding, ...]
    #: Cells that are somebody's own word → whose.
    reporters: Mapping[CellId, Reporter]


def merge(site: Site, paths: Sequence[Path]) -> Report:
    """The grid of all *paths*, JSON reports or stores, as the policy of *site* decides over it.

    Of a cell that several know the newest measurement counts. Nothing is written into the store of
    *site*. Raises UsageError for a file that is neither, or is of another project, saying what is
    wrong with it.
    """
    parts = sorted((_part(path, site.project) for path in paths), key=lambda one: one.started_at)
    now = datetime.now(UTC)
    with closing(open_store("memory://")) as store:
        run = Run(
            id=new_run_id(now),
            state=RunState.RUNNING,
            started_at=parts[0].started_at,
            release=_common({part.release for part in parts}),
            by=f"merge of {len(parts)} {'part' if len(parts) == 1 else 'parts'}",
            plan_digest=_common({part.plan_digest for part in parts}),
            cells=(),
            version=__version__,
        )
        store.begin(run)
        for part in parts:
            for finding in part.findings:
                store.record_finding(run.id, finding)
        for reporter, results in _newest(parts).items():
            # A run is one's word as a whole, so each customer's cells are in one of their own.
            of = run.id if reporter is None else _begin(store, replace(run, reporter=reporter), now)
            for result in results:
                store.record_cell(of, result)
        store.finish(run.id, state=RunState.FINISHED.value, at=now, leftovers=())
        return read_report(replace(site, store=store), run=run.id)


def _begin(store: Store, like: Run, now: datetime) -> str:
    """One more run of the merge; returns its id."""
    run = replace(like, id=new_run_id(now))
    store.begin(run)
    return run.id


def _newest(parts: Sequence[Part]) -> Mapping[Reporter | None, Sequence[CellResult]]:
    """The newest result of each cell, by whose word it is; None for what was measured by us."""
    found: dict[CellId, tuple[Reporter | None, CellResult]] = {}
    for part in parts:
        for result in part.results:
            _, old = found.get(result.cell, (None, None))
            if old is None or (old.finished_at or _LONG_AGO) <= (result.finished_at or _LONG_AGO):
                found[result.cell] = part.reporters.get(result.cell), result
    by_reporter: dict[Reporter | None, list[CellResult]] = {}
    for reporter, result in found.values():
        by_reporter.setdefault(reporter, []).append(result)
    return by_reporter


def _part(path: Path, project: Project) -> Part:
    part = _read(path, project)
    rows = {one.name for one in project.services}
    columns = {one.name for one in project.environments}
    cells = [result.cell for result in part.results]
    if cells and not any(at.service in rows and at.environment in columns for at in cells):
        raise UsageError(f"{path}: none of its cells is one of this project, such as {cells[0]}")
    return part


def _read(path: Path, project: Project) -> Part:
    try:
        with path.open("rb") as file:
            begins = file.read(len(SQLITE))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if begins == SQLITE:
        return _of_store(path)
    replay = read_replay(path)
    if replay.project != project.name:
        found = one_line(replay.project, _LONGEST_NAME)
        raise UsageError(f'{path}: is a report of project "{found}", and this is "{project.name}"')
    return Part(
        plan_digest=replay.plan_digest,
        release=replay.release,
        started_at=replay.started_at,
        results=replay.results,
        findings=replay.findings,
        reporters=replay.reporters,
    )


def _of_store(path: Path) -> Part:
    """The newest of each cell in a store; opening may change it, so it is a copy that is opened."""
    with tempfile.TemporaryDirectory(prefix="matrix-merge-") as folder:
        copy = Path(folder) / "store.sqlite"
        shutil.copyfile(path, copy)
        with closing(open_store(copy)) as store:
            heading = next(iter(store.heads(1)), None)
            newest, reporters = store.newest_whole_cells(), store.reporters()
            return Part(
                plan_digest=heading.plan_digest if heading else "",
                release=heading.release if heading else "",
                started_at=heading.started_at if heading else _LONG_AGO,
                results=tuple(result for _, result in newest.values()),
                findings=tuple(store.newest_findings().values()),
                reporters={
                    cell: reporters[run] for cell, (run, _) in newest.items() if run in reporters
                },
            )


def _common(values: set[str]) -> str:
    """What all of them say, "" when they differ."""
    return values.pop() if len(values) == 1 else ""
