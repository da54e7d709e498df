"""A report as what queries are asked of, and the part of it that a query means."""

from collections.abc import Collection

from tabulate import tabulate

from matrix.core.grid import Report
from matrix.core.model import CellId
from matrix.core.query import Asked
from matrix.core.result import EnvironmentFinding
from matrix.core.text import one_line
from matrix.core.verdict import Verdict
from matrix.report import marks, summary
from matrix.report.summary import Place

_WIDEST = 24


def asked_of(report: Report) -> tuple[Asked, ...]:
    """Every cell of the grid, row by row, as a query sees it."""
    return tuple(_asked(report, place) for place in summary.places(report))


def part(report: Report, cells: Collection[CellId], *, width: int) -> str:
    """The rows and columns that hold *cells*, with nothing in between; then why, one a line."""
    places = [place for place in summary.places(report) if place.cell.cell in cells]
    heads = tuple(dict.fromkeys(place.environment.name for place in places))
    rows: dict[str, dict[str, str]] = {}
    for place in places:
        shown = f"{place.cell.verdict.glyph} {summary.short(place.cell)}"
        rows.setdefault(place.service.name, {})[place.environment.name] = one_line(shown, _WIDEST)
    table = [[name, *(row.get(head, "") for head in heads)] for name, row in rows.items()]
    lines = [tabulate(table, headers=["", *heads], disable_numparse=True), ""] if table else []
    lines += [one_line(_why(report, place), width) for place in summary.by_urgency(iter(places))]
    return "\n".join((*lines, "", f"{len(places)} of {len(asked_of(report))} cells"))


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
