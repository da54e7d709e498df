"""The page's parts as values: rows, columns, reasons, what is not green, and where time went."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from matrix.core.grid import Report
from matrix.core.model import CellId, Environment, Service
from matrix.core.result import Fault, HostFinding
from matrix.core.text import seconds_text
from matrix.core.verdict import Verdict
from matrix.report.summary import (
    Place,
    by_urgency,
    column_facts,
    places,
    reason_cell,
    short,
    short_id,
)

#: Verdicts that are listed as not green; one left out on purpose is listed apart.
_NOT_GREEN = (Verdict.FAILED, Verdict.ERROR, Verdict.MISSING, Verdict.STALE, Verdict.WARNED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """A cell of the grid as it is drawn."""

    place: Place
    #: Beside the glyph; "" where the column's head has said it already.
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A service with its cells."""

    service: Service
    #: Short ids of the images asked for in this row; usually one.
    images: tuple[str, ...]
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """An environment with what was found out about it."""

    environment: Environment
    hosts: tuple[HostFinding, ...]
    #: Distribution, architecture, engine: of its first host.
    facts: tuple[str, ...]
    fault: Fault | None
    #: What its engines cannot do of the run profile.
    deviations: tuple[str, ...]
    #: How many of its cells this fault explains.
    explains: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why the gate says what it says."""

    text: str
    #: Anchor of the panel of the cell it is about, "" when it is about no single cell.
    anchor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A part of an attempt, as a stretch of a bar that is 100 long."""

    name: str
    seconds: str
    start: float
    length: float


def anchor(cell: CellId) -> str:
    """The fragment of a cell's panel, ``cell=queue@qa``; the script keeps its state in the same
    form, so a link works with and without it."""
    return f"cell={quote(str(cell), safe='@')}"


def rows(report: Report) -> tuple[Row, ...]:
    """The grid by services."""
    everything = tuple(places(report))
    return tuple(
        _row(report, service, [place for place in everything if place.service is service])
        for service in report.grid.services
    )


def columns(report: Report) -> tuple[Column, ...]:
    """The grid's head, from left to right."""
    everything = tuple(places(report))
    return tuple(
        _column(report, environment, [at for at in everything if at.environment is environment])
        for environment in report.grid.environments
    )


def reasons(report: Report) -> tuple[Reason, ...]:
    """The gate's reasons with their links."""
    named = ((reason, reason_cell(report, reason)) for reason in report.decision.reasons)
    return tuple(Reason(text=text, anchor=anchor(cell) if cell else "") for text, cell in named)


def not_green(report: Report) -> tuple[Place, ...]:
    """Cells that need a look, worst first, without those that a finding on a column explains."""
    return tuple(
        place
        for place in by_urgency(places(report))
        if place.cell.verdict in _NOT_GREEN and not _explained(report, place)
    )


def left_out(report: Report) -> tuple[Place, ...]:
    """Cells left out on purpose."""
    return tuple(at for at in places(report) if at.cell.verdict is Verdict.UNSUPPORTED)


def steps(durations: Mapping[str, float]) -> tuple[Step, ...]:
    """Where the time of an attempt went, in order."""
    return tuple(_steps(durations, whole=sum(durations.values())))


def passed(verdicts: Sequence[Verdict]) -> str:
    """How many of a group of probes passed, in words."""
    good = sum(verdict is Verdict.PASSED for verdict in verdicts)
    whole = len(verdicts)
    return f"all {good} passed" if good == whole else f"{good} of {whole} passed"


def _row(report: Report, service: Service, at: Sequence[Place]) -> Row:
    asked = {short_id(place.cell.result.image_id): None for place in at if place.cell.result}
    return Row(
        service=service,
        images=tuple(filter(None, asked)),
        tiles=tuple(Tile(place=place, text=_text(report, place)) for place in at),
    )


def _text(report: Report, place: Place) -> str:
    return "" if _explained(report, place) else short(place.cell)


def _column(report: Report, environment: Environment, at: Sequence[Place]) -> Column:
    finding = report.grid.findings.get(environment.name)
    hosts = finding.hosts if finding else ()
    deviations = {deviation: None for host in hosts for deviation in host.deviations}
    return Column(
        environment=environment,
        hosts=hosts,
        facts=column_facts(next(iter(hosts), None)),
        fault=finding.fault if finding else None,
        deviations=tuple(deviations),
        explains=sum(_explained(report, place) for place in at),
    )


def _explained(report: Report, place: Place) -> bool:
    """An ERROR that never got as far as an attempt, in a column that has a fault."""
    finding = report.grid.findings.get(place.environment.name)
    tried = place.cell.result.attempts if place.cell.result else ()
    return bool(place.cell.verdict is Verdict.ERROR and finding and finding.fault and not tried)


def _steps(durations: Mapping[str, float], *, whole: float) -> Iterator[Step]:
    start = 0.0
    for name, seconds in durations.items():
        length = 100 * seconds / whole if whole > 0 else 0.0
        yield Step(name=name, seconds=seconds_text(seconds), start=start, length=length)
        start += length
