"""What a grid is compared with: a run, the runs of a release, or a report file."""

from collections.abc import Mapping
from pathlib import Path

from matrix.core.changes import Side, side_of
from matrix.core.errors import UsageError
from matrix.core.model import CellId
from matrix.core.result import CellResult
from matrix.core.store_ports import Store
from matrix.report.recorded import read_sides

#: Runs named in a message about one that is not there.
NAMED_RUNS = 5


def sides_of(store: Store, name: str) -> Mapping[CellId, Side]:
    """The cells of what *name* means; the first of these that there is:

    the run of that id, the newest answers of the runs made for that release, the report file.
    Raises UsageError for none of them, or for a file that is no report.
    """
    if store.head(name) is not None:
        return {cell: side_of(result) for cell, result in store.headlines(name).items()}
    released = answers_of_release(store, name)
    if released is not None:
        return {cell: side_of(result) for cell, result in released.items()}
    path = Path(name)
    if path.is_file():
        return read_sides(path)
    raise UsageError(f'"{name}" is no run, no release and no file{_known(store)}')


def answers_of_release(store: Store, release: str) -> Mapping[CellId, CellResult] | None:
    """The newest answer of each cell, of all runs of a release; None when it was never run."""
    runs = store.runs_of(release) if release else ()
    answers: dict[CellId, CellResult] = {}
    for run in runs:
        answers.update(store.headlines(run))
    return answers if runs else None


def _known(store: Store) -> str:
    heads = store.heads(NAMED_RUNS)
    if not heads:
        return " (nothing was run yet)"
    names = ", ".join(f"{head.id} {head.release}".strip() for head in heads)
    return f" (the newest runs: {names})"
