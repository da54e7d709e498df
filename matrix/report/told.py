"""What was different before, in lines of text: changes since the baseline, and flaky cells."""

from collections.abc import Iterator, Sequence

from matrix.core.changes import ORDER
from matrix.core.grid import Report
from matrix.core.model import CellId

#: Cells named in one line.
NAMED = 8


def past_lines(report: Report) -> Iterator[str]:
    """One line for each kind of change with its cells, and one for the flaky ones."""
    if report.comparison is not None:
        baseline, changes = report.comparison.baseline, report.comparison.changes
        if not changes:
            yield f"nothing changed since {baseline}"
        for kind in ORDER:
            cells = [cell for cell, change in changes.items() if change is kind]
            if cells:
                yield f"{kind.value} since {baseline}: {_named(cells)}"
    shown = report.grid.cells.keys()
    flaky = [cell for cell, one in report.history.items() if one.flaky and cell in shown]
    if flaky:
        yield f"flaky: {_named(flaky)}"


def _named(cells: Sequence[CellId]) -> str:
    rest = len(cells) - NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(map(str, cells[:NAMED])) + more
