"""What a store of a thousand runs costs to ask; a large one, made anew."""

import tempfile
from pathlib import Path

from bench.big_store import RUNS, fill, make_project
from bench.measuring import Side, interleave, timed
from matrix.answer import read_report
from matrix.baseline import sides_of
from matrix.core.changes import compare
from matrix.core.history import STRIP_LENGTH
from matrix.core.model import Project
from matrix.core.query import parse, select_cells
from matrix.report.asking import asked_of
from matrix.report.writing import write_report
from matrix.site import opened, opened_store

TITLE = f"A store of {RUNS:,} runs of a grid of 100 x 50 cells"
NEWEST = "newest grid with strips of ten"
PAGE = "page written"
DIFF = "two runs compared, as `matrix diff` does"
#: Most seconds.
GOALS = {NEWEST: 0.3, PAGE: 3.0, DIFF: 1.0}


def large_store(rounds: int, *, runs: int = RUNS) -> dict[str, list[float]]:
    """The steps by name; the store is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="matrix-bench-") as folder:
        project = make_project(Path(folder) / "project")
        fill(project, runs=runs)
        return ask(project, Path(folder), rounds)


def ask(project: Project, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Each question *rounds* times, in turns."""
    query = parse("fails:one kind:customer is:flaky")

    with opened_store(project) as store, opened(project) as site:
        now, before = (run.id for run in store.heads(2))
        report = read_report(site)

        def newest() -> None:
            store.newest_headlines()
            store.histories(STRIP_LENGTH)

        sides: dict[str, Side] = {
            NEWEST: lambda: timed(newest),
            "the same with panels of thirty": lambda: timed(store.histories),
            DIFF: lambda: timed(
                lambda: compare(sides_of(store, before), sides_of(store, now), baseline=before)
            ),
            "the report put together": lambda: timed(lambda: read_report(site)),
            PAGE: lambda: timed(lambda: list(write_report(report, "html", folder / "report.html"))),
            "a query": lambda: timed(
                lambda: select_cells(asked_of(report), query, now=report.started_at)
            ),
        }
        return interleave(sides, rounds=rounds)
