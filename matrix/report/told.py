"""What a grid alone does not show, in lines of text: changes, flaky cells, and whose word it is."""

from collections.abc import Iterator, Sequence

from matrix.core.changes import ORDER
from matrix.core.grid import Report
from matrix.core.model import CellId
from matrix.core.result import Reporter
from matrix.report.summary import REPORTED, places

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


def reported_lines(report: Report) -> Iterator[str]:
    """One line for each customer whose own word some cells are, with the cells."""
    found: dict[Reporter, list[CellId]] = {}
    for place in places(report):
        if place.cell.reporter:
            found.setdefault(place.cell.reporter, []).append(place.cell.cell)
    for reporter, cells in found.items():
        said = f"self-reported by {reporter.name}, not measured by us"
        yield f"{REPORTED} {said}: {_named(cells)} (signed with {reporter.key})"


def _named(cells: Sequence[CellId]) -> str:
    rest = len(cells) - NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return ", ".join(map(str, cells[:NAMED])) + more
