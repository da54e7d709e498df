"""Whether to go on: a decision from a grid and a policy, and the one exit code that says it. Pure.

What the required cells of the grid decide, the first row that holds:

| a required cell is                                        | door       | code |
|-----------------------------------------------------------|------------|------|
| FAILED, or WARNED where the policy says that WARNED closes | CLOSED     | 1    |
| ERROR                                                     | INCOMPLETE | 3    |
| MISSING, STALE, or UNSUPPORTED and not allowed by name    | INCOMPLETE | 4    |
| none of these, but a required pattern matches no cell     | INCOMPLETE | 4    |
| none of these                                             | OPEN       | 0    |

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

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from signal import SIGINT, Signals

from matrix.core.errors import ConfigError, MatrixError, UsageError
from matrix.core.grid import Decision, Door, Grid, GridCell
from matrix.core.model import CellId, Policy
from matrix.core.selection import matches_any
from matrix.core.verdict import Verdict


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Objection:
    """One reason not to go on."""

    code: Exit
    text: str


def judge(grid: Grid, policy: Policy) -> Decision:
    """Whether the required cells of *grid* are as *policy* asks.

    Every service of the grid in every environment of it counts: a pair without a cell is MISSING.
    A verdict the table above does not name can therefore never open the gate.
    """
    required = tuple(cell for cell in every_cell(grid) if matches_any(str(cell), policy.required))
    verdicts = {cell: _verdict(grid, cell) for cell in required}
    objections = sorted(
        (*_objections(grid, required, policy), *_unmatched(grid, policy)),
        key=lambda objection: PRECEDENCE.index(objection.code),
    )
    code = objections[0].code if objections else Exit.OPEN
    return Decision(
        door=DOORS[code],
        exit_code=int(code),
        reasons=tuple(objection.text for objection in objections),
        required=len(required),
        known=sum(verdict in KNOWN for verdict in verdicts.values()),
    )


def every_cell(grid: Grid) -> Iterator[CellId]:
    """All cells of the grid, row by row, whether or not anything is known about them."""
    for service in grid.services:
        for environment in grid.environments:
            yield CellId(service=service.name, environment=environment.name)


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
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if isinstance(error, MatrixError) and type(error) is not MatrixError:
        return CODES_OF_VERDICTS.get(error.verdict, Exit.ERROR)
    return Exit.INTERNAL


def first_of(codes: Iterable[Exit]) -> int:
    """The one of *codes* that wins; 0 for none."""
    return int(min(codes, key=PRECEDENCE.index, default=Exit.OPEN))


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


def _objections(grid: Grid, cells: Iterable[CellId], policy: Policy) -> Iterator[_Objection]:
    for cell in cells:
        code = _code(_verdict(grid, cell), cell, policy)
        if code is not Exit.OPEN:
            yield _Objection(code=code, text=_sentence(cell, grid.cells.get(cell)))


def _code(verdict: Verdict, cell: CellId, policy: Policy) -> Exit:
    if verdict is Verdict.WARNED and policy.warned_closes:
        return Exit.FAILED
    if verdict is Verdict.UNSUPPORTED and matches_any(str(cell), policy.allow_unsupported):
        return Exit.OPEN
    return CODES_OF_VERDICTS.get(verdict, Exit.ERROR)


def _unmatched(grid: Grid, policy: Policy) -> Iterator[_Objection]:
    """A required pattern that stands for nothing is not met by nothing."""
    ids = tuple(str(cell) for cell in every_cell(grid))
    if not policy.required:
        yield _Objection(code=Exit.INCOMPLETE, text="the policy requires no cell at all")
    for pattern in policy.required:
        if not any(matches_any(name, (pattern,)) for name in ids):
            text = f"{pattern}: MISSING: the policy requires it, but no cell of the grid matches"
            yield _Objection(code=Exit.INCOMPLETE, text=text)


def _verdict(grid: Grid, cell: CellId) -> Verdict:
    found = grid.cells.get(cell)
    return Verdict.MISSING if found is None else found.verdict


def _sentence(cell: CellId, found: GridCell | None) -> str:
    """``queue@qa: FAILED (assertion): port 6379 is not reachable``, always one line."""
    if found is None:
        return f"{cell}: {Verdict.MISSING.value}: never measured"
    reason = f" ({found.reason})" if found.reason else ""
    message = f": {' '.join(found.message.split())}" if found.message else ""
    return f"{cell}: {found.verdict.value}{reason}{message}"
