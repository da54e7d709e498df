"""How waivers stand against a grid, and what is left of a cell that is waived. Pure.

The first row that holds:

| the waiver                                                       | state   |
|------------------------------------------------------------------|---------|
| its end date is over                                             | EXPIRED |
| its cell is FAILED, its probe is, and says what was waived       | USED    |
| its cell is FAILED, its probe is, but says something else        | VOID    |
| anything else: the cell is green, or not known to be FAILED now  | UNUSED  |

A cell is waived when it is FAILED and each of its failures has a waiver that is USED. It stays
FAILED: the gate alone goes on, and only when nothing else is wrong with the cell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from matrix.core.fold import GREEN, NOT_RUN
from matrix.core.grid import Grid, GridCell
from matrix.core.model import CellId
from matrix.core.result import Attempt, CellResult, ProbeResult, Side
from matrix.core.verdict import Verdict, worst
from matrix.core.waivers import WHOLE, JudgedWaiver, Waiver, WaiverState

#: Gives a failure its signature, which is the same between runs.
Sign = Callable[[ProbeResult], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One thing that makes a cell FAILED."""

    #: Id of the probe, or WHOLE.
    probe: str
    signature: str


def apply_waivers(
    grid: Grid, waivers: Sequence[Waiver], *, today: date, sign: Sign
) -> tuple[Grid, tuple[JudgedWaiver, ...]]:
    """*grid* with its waived cells marked, and each waiver as it stands; *today* is in UTC."""
    judged = tuple(
        JudgedWaiver(
            waiver=waiver, state=_state(waiver, grid.cells.get(waiver.cell), today=today, sign=sign)
        )
        for waiver in waivers
    )
    used = {
        (one.waiver.cell, one.waiver.probe, one.waiver.signature)
        for one in judged
        if one.state is WaiverState.USED
    }
    # To sign a failure takes time, and most grids have none that is waived.
    cells = {
        cell: replace(found, waived=bool(used) and _is_waived(found, used, sign=sign))
        for cell, found in grid.cells.items()
    }
    return replace(grid, cells=cells), judged


def failures_of(cell: GridCell, *, sign: Sign) -> tuple[Failure, ...]:
    """What makes *cell* FAILED, in the last attempt on each host; () for any other verdict."""
    if cell.verdict is not Verdict.FAILED or cell.result is None:
        return ()
    found = (
        Failure(probe=probe.id, signature=sign(probe))
        for attempt in _last(cell.result)
        for probe in _failed(attempt)
    )
    return tuple(dict.fromkeys(found))


def remainder(cell: GridCell, *, hosts: Sequence[str]) -> Verdict:
    """The verdict of *cell* were it not for its failures: what a waiver does not excuse.

    PASSED when nothing else is wrong. *hosts* are those of its environment; one that was never
    tried is MISSING, and so is a cell without a result.
    """
    if cell.result is None:
        return Verdict.MISSING
    tried = {attempt.host: attempt for attempt in _last(cell.result)}
    return worst(
        verdict
        for host in {*hosts, *tried}
        for verdict in (_rest(tried[host]) if host in tried else (Verdict.MISSING,))
    )


def whole_failure(attempt: Attempt) -> ProbeResult:
    """A failure that no probe is to blame for, in the form of one."""
    return ProbeResult(
        id=WHOLE,
        side=Side.OUTSIDE,
        title="",
        verdict=attempt.verdict,
        reason=attempt.reason,
        message=attempt.message,
        seconds=attempt.seconds,
    )


def _state(waiver: Waiver, cell: GridCell | None, *, today: date, sign: Sign) -> WaiverState:
    if waiver.until < today:
        return WaiverState.EXPIRED
    failures = failures_of(cell, sign=sign) if cell else ()
    said = {failure.signature for failure in failures if failure.probe == waiver.probe}
    if waiver.signature in said:
        return WaiverState.USED
    return WaiverState.VOID if said else WaiverState.UNUSED


def _is_waived(cell: GridCell, used: set[tuple[CellId, str, str]], *, sign: Sign) -> bool:
    failures = failures_of(cell, sign=sign)
    return bool(failures) and all(
        (cell.cell, failure.probe, failure.signature) in used for failure in failures
    )


def _last(result: CellResult) -> tuple[Attempt, ...]:
    """The last attempt on each host: those that decide."""
    return tuple({attempt.host: attempt for attempt in result.attempts}.values())


def _failed(attempt: Attempt) -> Iterator[ProbeResult]:
    """The failures of one attempt; that it failed as a whole is one of its own."""
    if attempt.verdict is not Verdict.FAILED:
        return
    probes = [probe for probe in attempt.probes if probe.verdict is Verdict.FAILED]
    if attempt.faults or not probes:
        yield whole_failure(attempt)
    yield from probes


def _rest(attempt: Attempt) -> Iterable[Verdict]:
    """Verdicts of an attempt without those of its failures."""
    if attempt.verdict is not Verdict.FAILED:
        return (attempt.verdict,)
    others = [_counted(probe) for probe in attempt.probes if probe.verdict is not Verdict.FAILED]
    as_a_whole = any(failure.id == WHOLE for failure in _failed(attempt))
    silent = set(attempt.planned) - {probe.id for probe in attempt.probes}
    # What came to no answer because the whole failed is part of that failure.
    missing = [] if as_a_whole else [Verdict.MISSING for _ in silent]
    return [Verdict.PASSED, *others, *missing]


def _counted(probe: ProbeResult) -> Verdict:
    """As ``fold`` counts it: green without having run is MISSING."""
    skipped = probe.verdict in GREEN and probe.reason in NOT_RUN
    unclear = probe.verdict is Verdict.PASSED and bool(probe.reason)
    return Verdict.MISSING if skipped or unclear else probe.verdict
