"""The report as Markdown: for a pull request, a job summary, a wiki.

Foreign text is either in a fence longer than any in it, or every punctuation character in it is a
numeric reference, which CommonMark (section 2.5) never takes for markup. So nothing from a host
becomes a link, an image, a table cell, HTML or a mention of a person.
"""

import re
from collections.abc import Iterator, Sequence

from matrix.core.grid import GridCell, Report
from matrix.core.model import Service
from matrix.core.result import Attempt, ProbeResult
from matrix.core.text import neutralise, one_line, seconds_text
from matrix.core.verdict import Verdict
from matrix.report import summary
from matrix.report.summary import Place
from matrix.report.told import past_lines, reported_lines

#: Most platforms cut a comment at 65,536 characters.
PAGE_BYTES = 60_000
DETAIL_CHARACTERS = 2_000
_LINE = 300
_MORE = "\n{count} more are not shown here.\n"
_GONE = "The report is too large to be shown here.\n"

_PUNCTUATION = re.compile("[!-/:-@[-`{-~]")
_NOT_GREEN = (Verdict.FAILED, Verdict.ERROR, Verdict.MISSING, Verdict.STALE, Verdict.WARNED)


def render(report: Report, *, width: int) -> str:
    """Gate, grid and what is not green; *width* is of no use to it."""
    del width
    return page(report, room_bytes=PAGE_BYTES)


def page(report: Report, *, room_bytes: int) -> str:
    """Gate, grid and as many details as there is room for.

    A grid that is too large is shown by its rows that are not green, and if that is too large still
    it is left out, with a sentence that says so.
    """
    head, legend = "\n\n".join(_head(report)), _legend(report)
    tops = (f"{head}\n\n{table}\n\n{legend}\n" for table in _tables(report))
    top = next((top for top in tops if _size(top) <= room_bytes), _GONE)
    return top + "".join(_within(_details(report), room_bytes - _size(top) - _size(_MORE)))


def inert(found: str) -> str:
    """*found* on one line, as text and nothing else.

    Platforms look for people and issues after references are resolved, and only outside code; a
    space of no width keeps them from finding any.
    """
    return re.sub("&#(64|35);", r"&#\1;&#8203;", _references(found))


def fenced(found: str, *, limit: int = DETAIL_CHARACTERS) -> str:
    """*found* as a block of code that it cannot end."""
    shown = neutralise(found, limit=limit)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _head(report: Report) -> Iterator[str]:
    decision = report.decision
    name = inert(f"{report.project} {report.release}".strip())
    yield f"## {name}: gate {decision.door.value}"
    yield summary.known_line(decision) + "."
    if decision.reasons:
        yield "\n".join(f"- {_code(reason)}" for reason in decision.reasons[:10])
    if decision.notes:
        yield "\n".join(f"- {_code(note)}" for note in decision.notes)
    yield _run(report)
    if report.leftovers:
        yield "\n".join(
            f"- still on {_code(left.host)}: {left.kind} {_code(left.name)} {_code(left.remedy)}"
            for left in report.leftovers
        )
    if told := (*past_lines(report), *reported_lines(report)):
        yield "\n".join(f"- {inert(line)}" for line in told)


def _run(report: Report) -> str:
    if not report.run:
        return "Nothing was run yet."
    took = "not finished" if report.seconds is None else seconds_text(report.seconds)
    by = f", by {_code(report.by)}" if report.by else ""
    return f"Run {_code(report.run)}, {report.started_at:%Y-%m-%d %H:%M %Z}, {took}{by}."


def _tables(report: Report) -> Iterator[str]:
    """The grid, and what to show of it where there is no room."""
    yield "\n".join(_table(report, report.grid.services))
    bad = {place.service.name for place in summary.places(report) if _is_bad(place)}
    rows = [service for service in report.grid.services if service.name in bad]
    hidden = len(report.grid.services) - len(rows)
    note = f"{hidden} rows without a problem are not shown here."
    yield "\n".join((*_table(report, rows), "", note))
    yield "The grid is too large to be shown here."


def _is_bad(place: Place) -> bool:
    return place.cell.verdict in _NOT_GREEN


def _size(text: str) -> int:
    return len(text.encode())


def _table(report: Report, services: Sequence[Service]) -> Iterator[str]:
    environments = report.grid.environments
    yield _line("", *(f"{inert(environment.title)}" for environment in environments))
    yield _line("---", *("---" for _ in environments))
    rows: dict[str, list[GridCell]] = {service.name: [] for service in report.grid.services}
    for place in summary.places(report):
        rows[place.service.name].append(place.cell)
    for service in services:
        here = rows[service.name]
        yield _line(f"**{inert(service.title)}**", *map(_shown, here))


def _shown(cell: GridCell) -> str:
    whose = summary.REPORTED if cell.reporter else ""
    return " ".join(filter(None, (cell.verdict.glyph, inert(summary.short(cell)), whose)))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _legend(report: Report) -> str:
    counts = summary.counts(report).items()
    shown = (f"{verdict.glyph} {count} {verdict.value.lower()}" for verdict, count in counts)
    reported = sum(place.cell.reporter is not None for place in summary.places(report))
    return " · ".join(filter(None, (*shown, summary.reported_line(reported))))


def _details(report: Report) -> Iterator[str]:
    for finding in report.grid.findings.values():
        if finding.fault:
            found = f"{finding.fault.reason}: {finding.fault.message}"
            yield f"\n- ! {_code(finding.environment)} {inert(found)}\n"
    for place in summary.by_urgency(summary.places(report)):
        if _is_bad(place):
            yield _detail(place)


def _detail(place: Place) -> str:
    cell = place.cell
    lines = [
        f"\n<details><summary>{cell.verdict.glyph} {cell.verdict.value} {_code(str(cell.cell))} "
        f"{inert(summary.why(cell))}</summary>\n",
        fenced(summary.run_command(cell.cell)),
    ]
    if cell.reporter:
        lines.append(f"\n- {inert(summary.whose_word(cell.reporter))}")
    for attempt in summary.deciding(cell.result):
        lines += _attempt(attempt)
    return "\n".join((*lines, "", "</details>", ""))


def _attempt(attempt: Attempt) -> Iterator[str]:
    for fault in attempt.faults:
        yield f"\n- {inert(f'{fault.reason}: {fault.message}')}"
    for probe in attempt.probes:
        if probe.verdict is not Verdict.PASSED:
            yield f"\n- {probe.verdict.glyph} {inert(probe.title)}: {inert(probe.message)}\n"
            yield _evidence(probe)
    for planned in summary.unreported(attempt):
        yield f"\n- {Verdict.MISSING.glyph} {_code(planned)} never reported"


def _evidence(probe: ProbeResult) -> str:
    return fenced(probe.detail) if probe.detail else ""


def _within(details: Iterator[str], room: int) -> Iterator[str]:
    """As many whole details as there is room for."""
    left_out = 0
    for detail in details:
        if left_out or _size(detail) > room:
            left_out += 1
            continue
        room -= _size(detail)
        yield detail
    if left_out:
        yield _MORE.format(count=left_out)


def _code(found: str) -> str:
    return f"<code>{_references(found)}</code>" if found else ""


def _references(found: str) -> str:
    return _PUNCTUATION.sub(lambda match: f"&#{ord(match[0])};", one_line(found, _LINE))
