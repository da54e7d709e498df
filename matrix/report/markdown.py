"""The report as Markdown: for a pull request, a job summary, a wiki.

Foreign text is either in a fence longer than any in it, or every punctuation character in it is a
numeric reference, which CommonMark (section 2.5) never takes for markup. So nothing from a host
becomes a link, an image, a table cell, HTML or a mention of a person.
"""

import re
from collections.abc import Iterator

from matrix.core.grid import Report
from matrix.core.result import Attempt, ProbeResult
from matrix.core.text import neutralise, one_line, seconds_text
from matrix.core.verdict import Verdict
from matrix.report import summary
from matrix.report.summary import Place

#: Most platforms cut a comment at 65,536 characters.
PAGE_CHARACTERS = 60_000
DETAIL_CHARACTERS = 2_000
_LINE = 300

_PUNCTUATION = re.compile("[!-/:-@[-`{-~]")
_NOT_GREEN = (Verdict.FAILED, Verdict.ERROR, Verdict.MISSING, Verdict.STALE, Verdict.WARNED)


def render(report: Report, *, width: int) -> str:
    """Gate, grid and what is not green; *width* is of no use to it."""
    del width
    top = "\n\n".join((*_head(report), "\n".join(_table(report)), _legend(report)))
    return top + "\n" + "".join(_within(_details(report), PAGE_CHARACTERS - len(top)))


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
    took = (
        seconds_text((report.finished_at - report.started_at).total_seconds())
        if report.finished_at
        else "not finished"
    )
    started = f"{report.started_at:%Y-%m-%d %H:%M %Z}"
    yield f"Run {_code(report.run or '–')}, {started}, {took}, by {_code(report.by)}."
    if report.leftovers:
        yield "\n".join(
            f"- still on {_code(left.host)}: {left.kind} {_code(left.name)} {_code(left.remedy)}"
            for left in report.leftovers
        )


def _table(report: Report) -> Iterator[str]:
    environments = report.grid.environments
    yield _line("", *(f"{inert(environment.title)}" for environment in environments))
    yield _line("---", *("---" for _ in environments))
    everything = tuple(summary.places(report))
    for service in report.grid.services:
        here = (place.cell for place in everything if place.service is service)
        cells = (f"{cell.verdict.glyph} {inert(summary.short(cell))}".strip() for cell in here)
        yield _line(f"**{inert(service.title)}**", *cells)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _legend(report: Report) -> str:
    return " · ".join(
        f"{verdict.glyph} {count} {verdict.value.lower()}"
        for verdict, count in summary.counts(report).items()
    )


def _details(report: Report) -> Iterator[str]:
    for finding in report.grid.findings.values():
        if finding.fault:
            found = f"{finding.fault.reason}: {finding.fault.message}"
            yield f"\n- ! {_code(finding.environment)} {inert(found)}\n"
    for place in summary.by_urgency(summary.places(report)):
        if place.cell.verdict in _NOT_GREEN:
            yield _detail(place)


def _detail(place: Place) -> str:
    cell = place.cell
    lines = [
        f"\n<details><summary>{cell.verdict.glyph} {cell.verdict.value} {_code(str(cell.cell))} "
        f"{inert(summary.why(cell))}</summary>\n",
        fenced(summary.run_command(cell.cell)),
    ]
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
        if left_out or len(detail) > room:
            left_out += 1
            continue
        room -= len(detail)
        yield detail
    if left_out:
        yield f"\n{left_out} more cells are not shown here.\n"


def _code(found: str) -> str:
    return f"<code>{_references(found)}</code>" if found else ""


def _references(found: str) -> str:
    return _PUNCTUATION.sub(lambda match: f"&#{ord(match[0])};", one_line(found, _LINE))
