"""What became of each cell between two grids. Pure.

| before \\ now       | green        | FAILED        | unclear      | nothing      |
|--------------------|--------------|---------------|--------------|--------------|
| green              | same *       | regression    | disappeared  | disappeared  |
| FAILED             | fixed        | still failing | disappeared  | disappeared  |
| unclear            | new pass     | new failure   | same *       | disappeared  |
| nothing            | appeared     | new failure   | appeared     | same         |

Green is PASSED and WARNED. Unclear is every verdict that says nothing about the service: ERROR,
STALE, UNSUPPORTED, and MISSING where something was planned. Nothing is a cell that is not there,
or was never measured. An answer that is no longer there has disappeared, whatever it was: it is
not fixed. A cell that fails is never called "appeared".

\\* Unless what was measured is not the same: another set of probes is "probe set changed", else
another fingerprint is "environment changed". What is not known on one side does not differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from matrix.core.grid import Grid
from matrix.core.history import Change, Comparison
from matrix.core.model import CellId
from matrix.core.result import CellResult
from matrix.core.series import GREEN
from matrix.core.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """A cell as one of two grids has it."""

    verdict: Verdict
    #: "" for not known.
    fingerprint: str
    probes_digest: str


#: What a verdict counts as.
_FAILED, _GREEN, _UNCLEAR, _NOTHING = "failed", "green", "unclear", "nothing"
_CHANGES = {
    (_GREEN, _FAILED): Change.REGRESSION,
    (_GREEN, _UNCLEAR): Change.DISAPPEARED,
    (_GREEN, _NOTHING): Change.DISAPPEARED,
    (_FAILED, _GREEN): Change.FIXED,
    (_FAILED, _FAILED): Change.STILL_FAILING,
    (_FAILED, _UNCLEAR): Change.DISAPPEARED,
    (_FAILED, _NOTHING): Change.DISAPPEARED,
    (_UNCLEAR, _GREEN): Change.NEW_PASS,
    (_UNCLEAR, _FAILED): Change.NEW_FAILURE,
    (_UNCLEAR, _NOTHING): Change.DISAPPEARED,
    (_NOTHING, _GREEN): Change.APPEARED,
    (_NOTHING, _FAILED): Change.NEW_FAILURE,
    (_NOTHING, _UNCLEAR): Change.APPEARED,
}
#: In which order changes are told: what needs a look first.
ORDER = (
    Change.REGRESSION,
    Change.NEW_FAILURE,
    Change.STILL_FAILING,
    Change.DISAPPEARED,
    Change.FIXED,
    Change.NEW_PASS,
    Change.APPEARED,
    Change.ENVIRONMENT_CHANGED,
    Change.PROBES_CHANGED,
)


def change(before: Side | None, now: Side | None) -> Change | None:
    """What became of one cell, None for the same; a side is None for a cell that is not there."""
    found = _CHANGES.get((_counts_as(before), _counts_as(now)))
    if found is not None or before is None or now is None:
        return found
    if _differ(before.probes_digest, now.probes_digest):
        return Change.PROBES_CHANGED
    if _differ(before.fingerprint, now.fingerprint):
        return Change.ENVIRONMENT_CHANGED
    return None


def compare(
    before: Mapping[CellId, Side], now: Mapping[CellId, Side], *, baseline: str
) -> Comparison:
    """*now* against *before*, which is called *baseline*; the most urgent changes first."""
    cells = dict.fromkeys((*now, *before))
    changes = {cell: change(before.get(cell), now.get(cell)) for cell in cells}
    found = {cell: change for cell, change in changes.items() if change is not None}
    return Comparison(
        baseline=baseline,
        changes=dict(sorted(found.items(), key=lambda one: ORDER.index(one[1]))),
    )


def sides_of_grid(grid: Grid) -> dict[CellId, Side]:
    """The cells of a grid that anything is known about."""
    return {
        at: Side(
            verdict=cell.verdict,
            fingerprint=cell.result.fingerprint if cell.result else "",
            probes_digest=cell.result.probes_digest if cell.result else "",
        )
        for at, cell in grid.cells.items()
        if cell.result is not None or cell.verdict is not Verdict.MISSING
    }


def side_of(result: CellResult) -> Side:
    """A cell as its run left it."""
    return Side(
        verdict=result.verdict,
        fingerprint=result.fingerprint,
        probes_digest=result.probes_digest,
    )


def _counts_as(side: Side | None) -> str:
    if side is None:
        return _NOTHING
    if side.verdict is Verdict.FAILED:
        return _FAILED
    return _GREEN if side.verdict in GREEN else _UNCLEAR


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)
