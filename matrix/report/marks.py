"""What a cell carries beside its verdict: its past, what changed, and what is being done."""

from collections.abc import Iterator

from matrix.core.grid import GridCell, Report
from matrix.core.history import STRIP_LENGTH, CellHistory, Change
from matrix.core.model import CellId
from matrix.core.result import Fact, RunState
from matrix.core.verdict import Verdict
from matrix.report.summary import Place, places

#: One letter a verdict, for a strip.
LETTERS = {verdict: verdict.value[0] for verdict in Verdict}
#: How high a measurement stands in a strip of ten: trouble sticks out, whatever the colours are.
HEIGHTS = {
    Verdict.PASSED: 3,
    Verdict.WARNED: 5,
    Verdict.ERROR: 8,
    Verdict.FAILED: 10,
    Verdict.MISSING: 1,
    Verdict.STALE: 1,
    Verdict.UNSUPPORTED: 1,
}
PITCH = 4
#: Reason of a cell that no run has measured yet.
_NEVER = "never"


def change(report: Report, cell: CellId) -> Change | None:
    """What became of the cell since the baseline; None when nothing did or there is none."""
    return report.comparison.changes.get(cell) if report.comparison else None


def changes(report: Report) -> dict[str, list[str]]:
    """Class of change → ids of its cells, in the order of the classes, without empty ones."""
    if report.comparison is None:
        return {}
    found: dict[str, list[str]] = {kind.value: [] for kind in Change}
    for cell, kind in report.comparison.changes.items():
        found[kind.value].append(str(cell))
    return {kind: cells for kind, cells in found.items() if cells}


def running(report: Report, cell: GridCell) -> bool:
    """Whether a run that goes on now may still come to the cell."""
    goes_on = report.state == RunState.RUNNING.value
    return goes_on and cell.verdict is Verdict.MISSING and cell.reason in ("", _NEVER)


def letters(history: CellHistory | None) -> str:
    """The last ten measurements, oldest first, a letter each."""
    past = history.past[:STRIP_LENGTH] if history else ()
    return "".join(LETTERS[each.verdict] for each in reversed(past))


def strip(report: Report, cell: CellId) -> str:
    """The last ten measurements as the path of a drawing, newest at the right; "" for none."""
    history = report.history.get(cell)
    past = history.past[:STRIP_LENGTH] if history else ()
    first = STRIP_LENGTH - len(past)
    return "".join(
        f"M{PITCH * (first + at)} 10v-{HEIGHTS[each.verdict]}h3v{HEIGHTS[each.verdict]}z"
        for at, each in enumerate(reversed(past))
    )


def words(report: Report, cell: GridCell) -> tuple[str, ...]:
    """Everything beside the verdict in words, for who does not see the marks."""
    return tuple(_words(report, cell))


def tallies(report: Report) -> dict[str, int]:
    """How many cells are running, flaky, waived, somebody else's word, or changed."""
    cells = tuple(place.cell for place in places(report))
    return {
        "running": sum(running(report, cell) for cell in cells),
        "flaky": sum(_flaky(report, cell) for cell in cells),
        "waived": sum(cell.waived for cell in cells),
        "reported": sum(cell.reporter is not None for cell in cells),
        "changed": sum(change(report, cell.cell) is not None for cell in cells),
    }


def drift(report: Report, environment: str) -> tuple[str, ...]:
    """Facts of its hosts that changed since they were asked before, in words."""
    return tuple(
        f"{one.host}: {one.fact} was {_value(one.before)}, is {_value(one.after)}"
        for one in report.grid.drift.get(environment, ())
    )


def oldest(report: Report) -> Place | None:
    """The required cell that was measured longest ago; None when none of them was."""
    oldest = report.decision.oldest
    return next((place for place in places(report) if place.cell.cell == oldest), None)


def _value(fact: Fact) -> str:
    words = {None: "not to be had", True: "yes", False: "no"}
    return words[fact] if fact is None or isinstance(fact, bool) else str(fact)


def _flaky(report: Report, cell: GridCell) -> bool:
    history = report.history.get(cell.cell)
    return bool(history and history.flaky)


def _words(report: Report, cell: GridCell) -> Iterator[str]:
    if what := change(report, cell.cell):
        yield f"{what.value} since {report.comparison.baseline if report.comparison else ''}"
    if _flaky(report, cell):
        yield "flaky"
    if cell.waived:
        yield "waived"
    if cell.reused_from:
        yield f"taken over from run {cell.reused_from}"
    if cell.reporter:
        yield f"self-reported by {cell.reporter.name}, not measured by us"
    if running(report, cell):
        yield "the run goes on"
