"""The report as plain text: for a terminal, a log, a mail. No colour, no control characters."""

from collections.abc import Iterator, Sequence
from itertools import chain

from tabulate import tabulate

from matrix.core.grid import Report
from matrix.core.text import display_width, one_line, seconds_text
from matrix.core.verdict import Verdict
from matrix.report import summary
from matrix.report.told import past_lines, reported_lines

#: For who colours the same words on a terminal: verdict → a style as rich understands it.
STYLES = {
    Verdict.PASSED: "green",
    Verdict.WARNED: "yellow",
    Verdict.FAILED: "bold white on red",
    Verdict.ERROR: "bold magenta",
    Verdict.MISSING: "dim",
    Verdict.STALE: "dim cyan",
    Verdict.UNSUPPORTED: "dim",
}

#: Reasons of the gate that are shown.
MOST_REASONS = 10

_WIDEST_CELL = 18
_WIDEST_NAME = 24
_GAP = 2


def render(report: Report, *, width: int) -> str:
    """Grid, legend, findings and gate, in lines of at most *width* columns where they can be cut.

    A grid that is wider is shown in several parts below each other, never cut.
    """
    parts = (
        _title(report, width),
        *_tables(report, width),
        _legend(report),
        _strengths(report),
        "\n".join(one_line(line, width) for line in past_lines(report)),
        "\n".join(one_line(line, width) for line in reported_lines(report)),
        "\n".join(_findings(report, width)),
        "\n".join(_redacted(report)),
        "\n".join(_gate(report, width)),
    )
    return "\n\n".join(filter(None, parts)) + "\n"


def _title(report: Report, width: int) -> str:
    known = (
        report.project,
        f"release {report.release}" if report.release else "",
        *(_run(report) if report.run else ("nothing was run yet",)),
    )
    return one_line(" · ".join(filter(None, known)), width)


def _run(report: Report) -> tuple[str, ...]:
    return (
        f"run {report.run}",
        report.state,
        f"{report.started_at:%Y-%m-%d %H:%M %Z}",
        "not finished" if report.seconds is None else seconds_text(report.seconds),
        f"by {report.by}" if report.by else "",
    )


def _tables(report: Report, width: int) -> Iterator[str]:
    names = [one_line(service.name, _WIDEST_NAME) for service in report.grid.services]
    return tables(names, _columns(report), width=width)


def tables(names: Sequence[str], columns: Sequence[list[str]], *, width: int) -> Iterator[str]:
    """A table of the rows *names*, in as many parts as *width* takes; each column has its head
    first."""
    for part in _parts(columns, room=width - max(map(display_width, names), default=0)):
        lines = zip(names, *(column[1:] for column in part), strict=True)
        yield tabulate(
            list(lines), headers=["", *(column[0] for column in part)], disable_numparse=True
        )


def _columns(report: Report) -> list[list[str]]:
    """Each column with its head first."""
    environments = report.grid.environments
    columns = [[one_line(environment.name, _WIDEST_NAME)] for environment in environments]
    for place, column in zip(summary.places(report), _repeat(columns), strict=False):
        shown = f"{place.cell.verdict.glyph} {summary.short(place.cell)}"
        if place.cell.reporter:
            shown = f"{one_line(shown, _WIDEST_CELL - _GAP)} {summary.REPORTED}"
        column.append(one_line(shown, _WIDEST_CELL))
    return columns


def _repeat(columns: list[list[str]]) -> Iterator[list[str]]:
    while columns:
        yield from columns


def _parts(columns: Sequence[list[str]], *, room: int) -> Iterator[list[list[str]]]:
    """As many columns side by side as there is room for, at least one."""
    part: list[list[str]] = []
    used = 0
    for column in columns:
        wide = max(map(display_width, column)) + _GAP
        if part and used + wide > room:
            yield part
            part, used = [], 0
        part.append(column)
        used += wide
    if part:
        yield part


def _legend(report: Report) -> str:
    shown = (
        f"{verdict.glyph} {count} {verdict.value.lower()}"
        for verdict, count in summary.counts(report).items()
        if count
    )
    reused = sum(bool(place.cell.reused_from) for place in summary.places(report))
    reported = sum(place.cell.reporter is not None for place in summary.places(report))
    told = (f"↺ {reused} taken over" if reused else "", summary.reported_line(reported))
    return "   ".join((*shown, *filter(None, told)))


def _strengths(report: Report) -> str:
    """Which of the probes are known to be able to fail."""
    known = report.grid.strengths
    said = (f"{name} {known[name]}" for name in known)
    return f"probes seen to fail: {', '.join(said)}" if known else ""


def _findings(report: Report, width: int) -> Iterator[str]:
    for finding in report.grid.findings.values():
        for host in finding.hosts:
            if host.fault:
                where = f"! {finding.environment} ({host.host}): {host.fault.reason}"
                yield one_line(f"{where}, {host.fault.message}", width)
    for left in report.leftovers:
        yield one_line(
            f"! left on {left.environment} ({left.host}): {left.kind} {left.name}", width
        )
        if left.remedy:
            yield f"  {left.remedy}"


def _redacted(report: Report) -> Iterator[str]:
    """What is not in the report, place by place."""
    places = summary.redacted(report)
    if places:
        yield "taken out before anything was written:"
    for where, counts in places.items():
        yield f"  {where}: {', '.join(counts)}"


def _gate(report: Report, width: int) -> Iterator[str]:
    reasons = report.decision.reasons
    rest = len(reasons) - MOST_REASONS
    more = (f"  and {rest} more",) if rest > 0 else ()
    shown = (f"  {one_line(reason, width - 2)}" for reason in reasons[:MOST_REASONS])
    notes = (f"  {one_line(note, width - 2)}" for note in report.decision.notes)
    yield from chain((summary.gate_line(report.decision),), shown, more, notes)
