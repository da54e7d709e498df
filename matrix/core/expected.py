"""What a grid is expected to be, written down before it is measured, against what it is. Pure."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from matrix.core.gate import every_cell
from matrix.core.grid import Grid, GridCell
from matrix.core.model import CellId, Requirement
from matrix.core.requirements import holds
from matrix.core.result import CellResult
from matrix.core.selection import matches_any
from matrix.core.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """One answer a cell may give, and where that is the right one."""

    verdict: Verdict
    #: The result's short reason, "" for none; None where any will do.
    reason: str | None
    #: Why this is the right answer, for people.
    because: str
    #: Facts under which it is; () for always.
    when: tuple[Requirement, ...] = ()
    #: Patterns of probe ids: those that are not PASSED are exactly these; () where any will do.
    probes: tuple[str, ...] = ()


#: For each cell its alternatives; the first whose facts hold is the one that counts.
Expected = Mapping[CellId, tuple[Expectation, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One cell that is not as expected."""

    cell: CellId
    expected: str
    found: str
    #: What the author of the expectation gave as its reason, "" for none.
    because: str = ""

    def __str__(self) -> str:
        because = f", because {self.because}" if self.because else ""
        return f"{self.cell}: expected {self.expected}{because}; found {self.found}"


def compare(expected: Expected, grid: Grid, *, among: Collection[CellId]) -> tuple[Difference, ...]:
    """Where *grid* is not as expected, looking at the cells in *among*: those of the run.

    A cell nobody expected anything of is a difference, and so is an expected cell whose service or
    environment the grid does not have at all. Facts come from the grid's findings; in an
    environment of several hosts a fact holds when it does on each of them.
    """
    there = tuple(every_cell(grid))
    looked_at = [*(cell for cell in there if cell in among), *sorted(set(among) - set(there))]
    strangers = [cell for cell in sorted(expected) if cell not in there and cell not in among]
    return (
        *(one for cell in looked_at for one in _differences(expected, grid, cell)),
        *(
            Difference(cell=cell, expected="a cell of this name", found="no such cell in the grid")
            for cell in strangers
        ),
    )


def within(expected: Expected, grid: Grid) -> Expected:
    """What is expected of the environments that *grid* has."""
    there = {environment.name for environment in grid.environments}
    return {cell: wanted for cell, wanted in expected.items() if cell.environment in there}


def _differences(expected: Expected, grid: Grid, cell: CellId) -> Iterator[Difference]:
    found = grid.cells.get(cell) or GridCell(cell=cell, verdict=Verdict.MISSING)
    wanted = next((one for one in expected.get(cell, ()) if _applies(one, grid, cell)), None)
    if wanted is None:
        nothing = "nothing is written for it" if cell not in expected else "no alternative applies"
        yield Difference(cell=cell, expected=f"something, but {nothing}", found=_said(found))
    elif (wanted.verdict, wanted.reason) != (
        found.verdict,
        None if wanted.reason is None else found.reason,
    ):
        yield Difference(
            cell=cell,
            expected=_answer(wanted.verdict, wanted.reason or ""),
            found=_said(found),
            because=wanted.because,
        )
    else:
        yield from _probe_differences(wanted, found)


def _probe_differences(wanted: Expectation, found: GridCell) -> Iterator[Difference]:
    """The right verdict for the wrong reason is not the right verdict."""
    if not wanted.probes:
        return
    bad = _not_passed(found.result)
    silent = [name for name in wanted.probes if not any(matches_any(id_, (name,)) for id_ in bad)]
    surprising = [id_ for id_ in bad if not matches_any(id_, wanted.probes)]
    if silent or surprising:
        yield Difference(
            cell=found.cell,
            expected=f"only {', '.join(wanted.probes)} not to pass",
            found=f"not passed: {', '.join(bad) or 'none'}",
            because=wanted.because,
        )


def _not_passed(result: CellResult | None) -> tuple[str, ...]:
    """Ids of the probes that did not pass, in the last attempt on each host."""
    last = {attempt.host: attempt for attempt in result.attempts} if result else {}
    probes = [probe for attempt in last.values() for probe in attempt.probes]
    bad = (probe.id for probe in probes if probe.verdict is not Verdict.PASSED)
    return tuple(dict.fromkeys(bad))


def _applies(wanted: Expectation, grid: Grid, cell: CellId) -> bool:
    finding = grid.findings.get(cell.environment)
    if not wanted.when:
        return True
    return (
        finding is not None
        and bool(finding.hosts)
        and all(holds(fact, host.facts) for fact in wanted.when for host in finding.hosts)
    )


def _answer(verdict: Verdict, reason: str) -> str:
    return f"{verdict.value} ({reason})" if reason else verdict.value


def _said(found: GridCell) -> str:
    message = f": {' '.join(found.message.split())}" if found.message else ""
    return _answer(found.verdict, found.reason) + message
