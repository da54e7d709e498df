"""A report as what queries are asked of, and the part of it that a query means."""

from collections.abc import Collection

from matrix.core.grid import Report
from matrix.core.model import CellId
from matrix.core.query import Asked
from matrix.core.result import EnvironmentFinding
from matrix.core.text import one_line
from matrix.core.verdict import Verdict
from matrix.report import marks, summary
from matrix.report.plain import tables
from matrix.report.summary import Place

_WIDEST = 24


def asked_of(report: Report) -> tuple[Asked, ...]:
    """Every cell of the grid, row by row, as a query sees it."""
    return tuple(_asked(report, place) for place in summary.places(report))


def part(report: Report, cells: Collection[CellId], *, width: int) -> str:
    """The rows and columns that hold *cells*, with nothing in between; then why, one a line."""
    places = [place for place in summary.places(report) if place.cell.cell in cells]
    rows = tuple(dict.fromkeys(place.service.name for place in places))
    shown = {(at.service.name, at.environment.name): _cell(at) for at in places}
    columns = [
        [one.name, *(shown.get((row, one.name), "") for row in rows)]
        for one in report.grid.environments
        if any((row, one.name) in shown for row in rows)
    ]
    lines = [f"{table}\n" for table in tables(rows, columns, width=width)]
    lines += [one_line(_why(report, place), width) for place in summary.by_urgency(iter(places))]
    told = f"{len(places)} of {len(asked_of(report))} cells"
    return "\n".join((*lines, "", told) if lines else (told,))


def _cell(place: Place) -> str:
    return one_line(f"{place.cell.verdict.glyph} {summary.short(place.cell)}", _WIDEST)


def _asked(report: Report, place: Place) -> Asked:
    cell = place.cell
    history = report.history.get(cell.cell)
    return Asked(
        cell=cell.cell,
        verdict=cell.verdict,
        reason=cell.reason,
        message=cell.message,
        service_title=place.service.title,
        environment_title=place.environment.title,
        owner=place.service.owner,
        kind=place.environment.kind.value,
        engine=place.environment.engine,
        architecture=_architecture(report.grid.findings.get(place.environment.name)),
        labels=place.environment.labels,
        flaky=bool(history and history.flaky),
        changed=marks.change(report, cell.cell) is not None,
        waived=cell.waived,
        reported=cell.reporter is not None,
        reused=bool(cell.reused_from),
        running=marks.running(report, cell),
        finished_at=cell.result.finished_at if cell.result else None,
    )


def _architecture(finding: EnvironmentFinding | None) -> str:
    hosts = finding.hosts if finding else ()
    return next((str(host.facts.get("architecture") or "") for host in hosts), "")


def _why(report: Report, place: Place) -> str:
    cell = place.cell
    said = "" if cell.verdict is Verdict.PASSED else summary.why(cell)
    told = "; ".join(filter(None, (said, *marks.words(report, cell))))
    return f"{cell.verdict.glyph} {cell.verdict.value} {cell.cell}{': ' if told else ''}{told}"
