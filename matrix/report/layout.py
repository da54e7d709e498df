"""The page's parts as values: rows, columns, reasons, and what is not green."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from matrix.core.grid import Report
from matrix.core.history import Change
from matrix.core.model import CellId, Environment, Service
from matrix.core.result import Fault, HostFinding, Reporter
from matrix.core.verdict import Verdict
from matrix.core.vitality import Strength
from matrix.report import marks
from matrix.report.summary import (
    Place,
    by_urgency,
    column_facts,
    places,
    reason_cell,
    sentence,
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
    #: The verdict as a sentence, and on a second line in words what else the tile shows.
    title: str
    anchor: str
    #: Whether it has an entry in one of the lists below the grid, which its link then leads to.
    listed: bool
    #: Path of the drawing of the last ten measurements, "" for none.
    strip: str
    #: None when it is not changed or compared with nothing.
    change: Change | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A service with its cells."""

    service: Service
    #: Short ids of the images asked for in this row; usually one.
    images: tuple[str, ...]
    tiles: tuple[Tile, ...]
    #: None when nobody has tried whether its probes can fail.
    strength: Strength | None


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
    #: Facts that changed lately, in words.
    drift: tuple[str, ...]
    #: How many of its cells this fault explains.
    explains: int
    #: On whose word some of its cells rest.
    reporters: tuple[Reporter, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why the gate says what it says."""

    text: str
    #: Anchor of the cell it is about, "" when it is about no single cell.
    anchor: str


def anchor(cell: CellId | str) -> str:
    """The fragment of a cell, ``cell=queue@qa``; the script keeps its state in the same form, so
    a link works with and without it."""
    return f"cell={quote(str(cell), safe='@')}"


def rows(report: Report, *, listed: Collection[CellId]) -> tuple[Row, ...]:
    """The grid by services; *listed* have an entry below the grid."""
    by_service: dict[str, list[Place]] = {service.name: [] for service in report.grid.services}
    for place in places(report):
        by_service[place.service.name].append(place)
    return tuple(
        _row(report, service, by_service[service.name], listed=listed)
        for service in report.grid.services
    )


def columns(report: Report) -> tuple[Column, ...]:
    """The grid's head, from left to right."""
    by_name: dict[str, list[Place]] = {one.name: [] for one in report.grid.environments}
    for place in places(report):
        by_name[place.environment.name].append(place)
    return tuple(_column(report, one, by_name[one.name]) for one in report.grid.environments)


def reasons(report: Report) -> tuple[Reason, ...]:
    """The gate's reasons with their links."""
    return _linked(report, report.decision.reasons)


def notes(report: Report) -> tuple[Reason, ...]:
    """Waivers and quarantines as the gate tells of them, with their links."""
    return _linked(report, report.decision.notes)


def not_green(report: Report) -> tuple[Place, ...]:
    """Cells that need a look, worst first, without those that a finding on a column explains and
    those of which nothing is known at all."""
    return tuple(
        place
        for place in by_urgency(places(report))
        if place.cell.verdict in _NOT_GREEN and not _explained(report, place) and not _never(place)
    )


def never(report: Report) -> tuple[Place, ...]:
    """Cells that nobody ever tried: many, and all there is to say of them is the same."""
    return tuple(filter(_never, places(report)))


def left_out(report: Report) -> tuple[Place, ...]:
    """Cells left out on purpose."""
    return tuple(at for at in places(report) if at.cell.verdict is Verdict.UNSUPPORTED)


def images(report: Report) -> dict[str, tuple[str, ...]]:
    """Service title → ids of the images it was measured with, without services that were not."""
    found: dict[str, dict[str, None]] = {}
    for place in places(report):
        if place.cell.result and place.cell.result.image_id:
            found.setdefault(place.service.title, {})[place.cell.result.image_id] = None
    return {title: tuple(ids) for title, ids in found.items()}


def _linked(report: Report, lines: Sequence[str]) -> tuple[Reason, ...]:
    ids = {str(place.cell.cell): place.cell.cell for place in places(report)}
    named = ((line, reason_cell(ids, line)) for line in lines)
    return tuple(Reason(text=text, anchor=anchor(cell) if cell else "") for text, cell in named)


def _row(
    report: Report, service: Service, at: Sequence[Place], *, listed: Collection[CellId]
) -> Row:
    asked = {short_id(place.cell.result.image_id): None for place in at if place.cell.result}
    return Row(
        service=service,
        images=tuple(filter(None, asked)),
        tiles=tuple(_tile(report, place, listed=place.cell.cell in listed) for place in at),
        strength=report.grid.strengths.get(service.name),
    )


def _tile(report: Report, place: Place, *, listed: bool) -> Tile:
    cell = place.cell.cell
    more = marks.words(report, place.cell)
    return Tile(
        place=place,
        text=_text(report, place),
        title="\n".join(filter(None, (" ".join(sentence(place).split()), ", ".join(more)))),
        anchor=anchor(cell),
        listed=listed,
        strip=marks.strip(report, cell),
        change=marks.change(report, cell),
    )


def _text(report: Report, place: Place) -> str:
    if place.cell.waived:
        return "waived"
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
        drift=marks.drift(report, environment.name),
        explains=sum(_explained(report, place) for place in at),
        reporters=tuple(dict.fromkeys(one.cell.reporter for one in at if one.cell.reporter)),
    )


def _never(place: Place) -> bool:
    cell = place.cell
    return cell.verdict is Verdict.MISSING and cell.result is None and cell.reason in ("", "never")


def _explained(report: Report, place: Place) -> bool:
    """An ERROR that never got as far as an attempt, in a column that has a fault."""
    finding = report.grid.findings.get(place.environment.name)
    tried = place.cell.result.attempts if place.cell.result else ()
    return bool(place.cell.verdict is Verdict.ERROR and finding and finding.fault and not tried)
