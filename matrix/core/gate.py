"""Whether to go on: a decision from a grid and a policy, and the one exit code that says it. Pure.

What the required cells of the grid decide, the first row that holds:

| a required cell is                                        | door       | code |
|-----------------------------------------------------------|------------|------|
| FAILED and not waived                                     | CLOSED     | 1    |
| WARNED where that closes and is not allowed by name       | CLOSED     | 1    |
| flaky where that closes                                   | CLOSED     | 1    |
| ERROR                                                     | INCOMPLETE | 3    |
| MISSING, STALE, or UNSUPPORTED and not allowed by name    | INCOMPLETE | 4    |
| none of these, but a required pattern matches no cell     | INCOMPLETE | 4    |
| none of these, but nothing is known of the baseline       | INCOMPLETE | 4    |
| none of these                                             | OPEN       | 0    |

A waived cell counts as what it were without its failures (``core.waiving``): an ERROR beside them
is still an ERROR. With a baseline a cell that is not required closes the gate, too, when it is
FAILED, not waived, and was not FAILED in that release. A cell in quarantine counts in neither way.

What a command adds to that, and which code wins when several hold:

| rank | code    | holds when                                                         |
|------|---------|--------------------------------------------------------------------|
| 1    | 6       | a bundle or signature is refused                                   |
| 2    | 70      | internal error                                                     |
| 3    | 5       | something of ours was left on a host                               |
| 4    | 130/143 | interrupted by SIGINT / by any other signal                        |
| 5    | 2       | usage or configuration: nothing was run                            |
| 6    | 1       | a required cell FAILED                                             |
| 7    | 3       | no FAILED, but an ERROR                                            |
| 8    | 4       | incomplete: MISSING, STALE, not allowed UNSUPPORTED, or no cell    |
| 9    | 0       | the gate is open                                                   |
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from signal import SIGINT, Signals

from matrix.core.errors import ConfigError, MatrixError, Refused, UsageError
from matrix.core.grid import Decision, Door, Grid, GridCell
from matrix.core.history import Change
from matrix.core.model import CellId, Policy, Quarantine, SelfReported
from matrix.core.selection import matches_any
from matrix.core.verdict import Verdict
from matrix.core.waivers import JudgedWaiver, WaiverState
from matrix.core.waiving import remainder


class Exit(IntEnum):
    """Every exit code there is."""

    OPEN = 0
    FAILED = 1
    USAGE = 2
    ERROR = 3
    INCOMPLETE = 4
    LEFTOVERS = 5
    REFUSED = 6
    INTERNAL = 70
    INTERRUPTED = 130
    TERMINATED = 143


#: The first of these that holds is the one to exit with.
PRECEDENCE = (
    Exit.REFUSED,
    Exit.INTERNAL,
    Exit.LEFTOVERS,
    Exit.INTERRUPTED,
    Exit.TERMINATED,
    Exit.USAGE,
    Exit.FAILED,
    Exit.ERROR,
    Exit.INCOMPLETE,
    Exit.OPEN,
)

DOORS = {
    Exit.OPEN: Door.OPEN,
    Exit.FAILED: Door.CLOSED,
    Exit.ERROR: Door.INCOMPLETE,
    Exit.INCOMPLETE: Door.INCOMPLETE,
}

#: Verdicts that say something about the service there; the others only say that we do not know.
KNOWN = frozenset({Verdict.PASSED, Verdict.WARNED, Verdict.FAILED, Verdict.UNSUPPORTED})


#: Cells named in one note.
NAMED_CELLS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Objection:
    """One reason not to go on."""

    code: Exit
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Background:
    """What the gate goes by beside the grid."""

    #: In UTC.
    today: date
    #: Cells that are flaky.
    flaky: Collection[CellId]
    #: What the policy's baseline came to; None when it names none, or one nobody has measured.
    baseline: Mapping[CellId, Verdict] | None
    #: As they stand; the cells they excuse are marked in the grid.
    waivers: tuple[JudgedWaiver, ...]


def judge(grid: Grid, policy: Policy, background: Background) -> Decision:
    """Whether the required cells of *grid* are as *policy* asks.

    Every service of the grid in every environment of it counts: a pair without a cell is MISSING.
    A verdict the table above does not name can therefore never open the gate. Cells that are a
    customer's own word count like others, and the notes name them; or they are MISSING.
    """
    grid = _without_words(grid) if policy.self_reported is SelfReported.IGNORE else grid
    case = _Case(grid=grid, policy=policy, background=background)
    required = tuple(cell for cell in every_cell(grid) if case.is_required(cell))
    objections = sorted(
        (*case.objections(required), *case.new_failures(required), *case.unmatched(required)),
        key=lambda objection: PRECEDENCE.index(objection.code),
    )
    code = objections[0].code if objections else Exit.OPEN
    return Decision(
        door=DOORS[code],
        exit_code=int(code),
        reasons=tuple(objection.text for objection in objections),
        required=len(required),
        known=sum(case.verdict(cell) in KNOWN for cell in required),
        notes=(*case.notes(), *_words_relied_on(grid, required)),
        oldest=_oldest(grid, required),
    )


def every_cell(grid: Grid) -> Iterator[CellId]:
    """All cells of the grid, row by row, whether or not anything is known about them."""
    for service in grid.services:
        for environment in grid.environments:
            yield CellId(service=service.name, environment=environment.name)


def _oldest(grid: Grid, required: Iterable[CellId]) -> CellId | None:
    """The one measured longest ago."""
    found = (grid.cells[cell] for cell in required if cell in grid.cells)
    measured = {
        cell.cell: cell.result.finished_at
        for cell in found
        if cell.result and cell.result.finished_at
    }
    return min(measured, key=measured.__getitem__, default=None)


def _without_words(grid: Grid) -> Grid:
    """*grid* with only what we measured ourselves."""
    cells = {
        cell.cell: GridCell(
            cell=cell.cell,
            verdict=Verdict.MISSING,
            reason="self-reported",
            message=f"{cell.reporter.name} says {cell.verdict.value}, and the policy counts only"
            " what we measured",
        )
        for cell in grid.cells.values()
        if cell.reporter is not None
    }
    return replace(grid, cells={**grid.cells, **cells})


def _words_relied_on(grid: Grid, required: Iterable[CellId]) -> Iterator[str]:
    """One line for each customer on whose word required cells rest."""
    relied: dict[str, list[str]] = {}
    for cell in required:
        found = grid.cells.get(cell)
        if found is not None and found.reporter is not None:
            relied.setdefault(found.reporter.name, []).append(str(cell))
    for name, cells in relied.items():
        rest = len(cells) - NAMED_CELLS
        more = f" and {rest} more" if rest > 0 else ""
        yield f"{', '.join(cells[:NAMED_CELLS])}{more}: self-reported by {name}, not measured by us"


def exit_code(decision: Decision, *, leftovers: bool, interrupted: int | None) -> int:
    """The code to end ``run`` or ``gate`` with.

    *leftovers*: whether something of ours is still on a host. *interrupted*: number of the signal
    that ended the run early, None for none. Raises ValueError for a number that is no signal.
    """
    codes = [Exit(decision.exit_code)]
    if leftovers:
        codes.append(Exit.LEFTOVERS)
    if interrupted is not None:
        codes.append(code_of_signal(interrupted))
    return first_of(codes)


def code_of_signal(number: int) -> Exit:
    """130 for SIGINT, 143 for every other signal that ends a run."""
    return Exit.INTERRUPTED if Signals(number) is SIGINT else Exit.TERMINATED


def code_of_error(error: BaseException) -> Exit:
    """The code for an error that ended a command.

    Configuration and usage are 2, whatever else is in our tree of errors counts as the verdict it
    means for a cell, and anything foreign is a fault of ours, 70.
    """
    if isinstance(error, UsageError | ConfigError):
        return Exit.USAGE
    if isinstance(error, Refused):
        return Exit.REFUSED
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(error, MatrixError) and type(error) is not MatrixError:
        return CODES_OF_VERDICTS.get(error.verdict, Exit.ERROR)
    return Exit.INTERNAL


def code_of_changes(changes: Iterable[Change]) -> int:
    """What ``diff --exit-code`` ends with: 1 for a cell that FAILED only now, 4 for a lost answer.

    What failed before and still does is 0: it is no change for the worse.
    """
    return first_of(CODES_OF_CHANGES.get(change, Exit.OPEN) for change in changes)


def first_of(codes: Iterable[Exit]) -> int:
    """The one of *codes* that wins; 0 for none."""
    return int(min(codes, key=PRECEDENCE.index, default=Exit.OPEN))


#: What one change costs; one that is not here costs nothing.
CODES_OF_CHANGES = {
    Change.REGRESSION: Exit.FAILED,
    Change.NEW_FAILURE: Exit.FAILED,
    Change.DISAPPEARED: Exit.INCOMPLETE,
}

#: What one verdict costs when the policy does not say otherwise; a verdict not here is an ERROR.
CODES_OF_VERDICTS = {
    Verdict.PASSED: Exit.OPEN,
    Verdict.WARNED: Exit.OPEN,
    Verdict.FAILED: Exit.FAILED,
    Verdict.ERROR: Exit.ERROR,
    Verdict.MISSING: Exit.INCOMPLETE,
    Verdict.STALE: Exit.INCOMPLETE,
    Verdict.UNSUPPORTED: Exit.INCOMPLETE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """What is judged, with everything it is judged by."""

    grid: Grid
    policy: Policy
    background: Background

    def is_required(self, cell: CellId) -> bool:
        asked = matches_any(str(cell), self.policy.required)
        return asked and not self.in_quarantine(cell)

    def in_quarantine(self, cell: CellId) -> bool:
        return any(matches_any(str(cell), (one.cells,)) for one in self._open_quarantines())

    def verdict(self, cell: CellId) -> Verdict:
        found = self.grid.cells.get(cell)
        return Verdict.MISSING if found is None else found.verdict

    def objections(self, required: Iterable[CellId]) -> Iterator[_Objection]:
        for cell in required:
            found, verdict = self.grid.cells.get(cell), self._effective(cell)
            code = self._code(verdict, cell)
            if code is not Exit.OPEN:
                yield _Objection(code=code, text=_sentence(cell, found) + self._aside(cell))
            elif self.policy.flaky_closes and cell in self.background.flaky:
                text = f"{cell}: flaky, and the policy lets nothing flaky through"
                yield _Objection(code=Exit.FAILED, text=text)

    def new_failures(self, required: Collection[CellId]) -> Iterator[_Objection]:
        """Cells beside the required ones that began to fail since the baseline."""
        release, before = self.policy.baseline, self.background.baseline
        if not release:
            return
        if before is None:
            text = f"no run of release {release} is known, so nobody can tell what is new since"
            yield _Objection(code=Exit.INCOMPLETE, text=text)
            return
        for cell in every_cell(self.grid):
            beside = cell not in required and not self.in_quarantine(cell)
            failed = self._effective(cell) is Verdict.FAILED
            if beside and failed and before.get(cell) is not Verdict.FAILED:
                text = f"{_sentence(cell, self.grid.cells.get(cell))} (not in release {release})"
                yield _Objection(code=Exit.FAILED, text=text)

    def unmatched(self, required: Collection[CellId]) -> Iterator[_Objection]:
        """A required pattern that stands for nothing is not met by nothing."""
        ids = tuple(str(cell) for cell in every_cell(self.grid))
        if not self.policy.required:
            yield _Objection(code=Exit.INCOMPLETE, text="the policy requires no cell at all")
        for pattern in self.policy.required:
            if not any(matches_any(name, (pattern,)) for name in ids):
                text = (
                    f"{pattern}: MISSING: the policy requires it, but no cell of the grid matches"
                )
                yield _Objection(code=Exit.INCOMPLETE, text=text)
        if self.policy.required and ids and not required:
            text = "no cell is required: those that were asked for are all in quarantine"
            yield _Objection(code=Exit.INCOMPLETE, text=text)

    def notes(self) -> Iterator[str]:
        """What the decision rests on besides verdicts, and what needs tidying up."""
        for judged in self.background.waivers:
            waiver = judged.waiver
            yield (
                f"{waiver.cell}: waiver {NOTES[judged.state]}: {waiver.probe}, until"
                f" {waiver.until}, {waiver.owner}: {waiver.reason}"
            )
        for one in self.policy.quarantine:
            state = "holds" if one in self._open_quarantines() else "is over"
            yield f"{one.cells}: quarantine {state}: until {one.until}, {one.owner}: {one.reason}"

    def _open_quarantines(self) -> tuple[Quarantine, ...]:
        today = self.background.today
        return tuple(one for one in self.policy.quarantine if one.until >= today)

    def _effective(self, cell: CellId) -> Verdict:
        """What the cell counts as: its verdict, or what is left of it when it is waived."""
        found = self.grid.cells.get(cell)
        if found is None or not found.waived or found.verdict is not Verdict.FAILED:
            return self.verdict(cell)
        hosts = (one.hosts for one in self.grid.environments if one.name == cell.environment)
        return remainder(found, hosts=[host.name for several in hosts for host in several])

    def _code(self, verdict: Verdict, cell: CellId) -> Exit:
        if verdict is Verdict.WARNED and self.policy.warned_closes:
            allowed = matches_any(str(cell), self.policy.allow_warned)
            return Exit.OPEN if allowed else Exit.FAILED
        if verdict is Verdict.UNSUPPORTED and matches_any(str(cell), self.policy.allow_unsupported):
            return Exit.OPEN
        return CODES_OF_VERDICTS.get(verdict, Exit.ERROR)

    def _aside(self, cell: CellId) -> str:
        """Why a waiver of the cell does not help."""
        said = {
            WHY_NOT[one.state].format(until=one.waiver.until)
            for one in self.background.waivers
            if one.waiver.cell == cell and one.state in WHY_NOT
        }
        return f" ({'; '.join(sorted(said))})" if said else ""


#: How a waiver stands, for the list below the decision.
NOTES = {
    WaiverState.USED: "in use",
    WaiverState.UNUSED: "not needed",
    WaiverState.EXPIRED: "expired",
    WaiverState.VOID: "void, it fails in another way now",
}
#: Why a waiver does not excuse its cell.
WHY_NOT = {
    WaiverState.EXPIRED: "its waiver ended on {until}",
    WaiverState.VOID: "its waiver is void: it fails in another way now",
}


def _sentence(cell: CellId, found: GridCell | None) -> str:
    """``queue@qa: FAILED (assertion): port 6379 is not reachable``, always one line."""
    if found is None:
        return f"{cell}: {Verdict.MISSING.value}: never measured"
    reason = f" ({found.reason})" if found.reason else ""
    message = f": {' '.join(found.message.split())}" if found.message else ""
    return f"{cell}: {found.verdict.value}{reason}{message}"
