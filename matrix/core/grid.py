"""The grid, the decision made from it, and the report that shows both. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from matrix.core.drift import FactChange
from matrix.core.history import CellHistory, Cluster, Comparison
from matrix.core.model import CellId, Environment, Service
from matrix.core.redaction import Removed
from matrix.core.result import CellResult, EnvironmentFinding, Leftover, Reporter
from matrix.core.verdict import Verdict
from matrix.core.vitality import Strength
from matrix.core.waivers import JudgedWaiver


@dataclass(frozen=True, kw_only=True, slots=True)
class GridCell:
    """The newest verdict of one cell, as it is to be read now."""

    cell: CellId
    #: STALE when the result is too old or was measured for something else.
    verdict: Verdict
    #: Short word, "" when PASSED.
    reason: str = ""
    #: One sentence.
    message: str = ""
    #: Run that measured it, "" when never measured.
    run: str = ""
    #: None for a cell that was never measured or was left out of the plan.
    result: CellResult | None = None
    #: Whether a waiver that is USED covers all that fails in it.
    waived: bool = False
    #: Run that the result was taken over from without measuring again, "" when it was measured.
    reused_from: str = ""
    #: Whose word it is; None for what we measured ourselves.
    reporter: Reporter | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Every service in every environment; a cell that was never measured is MISSING."""

    services: tuple[Service, ...]
    environments: tuple[Environment, ...]
    cells: Mapping[CellId, GridCell]
    #: Environment name → what was found out about it before its cells.
    findings: Mapping[str, EnvironmentFinding] = field(default_factory=dict)
    #: Service name → how many of its present probes are proven on its present image; a service
    #: for which nobody has tried is not there.
    strengths: Mapping[str, Strength] = field(default_factory=dict)
    #: Environment name → facts that changed since they were asked the time before.
    drift: Mapping[str, tuple[FactChange, ...]] = field(default_factory=dict)


class Door(Enum):
    """What the gate says."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Whether to go on, and why not."""

    door: Door
    #: One of design's exit codes, without those that only a command can know.
    exit_code: int
    #: Most important first, one line each, starting with the cell id.
    reasons: tuple[str, ...]
    #: Required cells, and how many of them have a verdict.
    required: int
    known: int
    #: Waivers and quarantines as they stand, one line each, starting with the cell id or pattern.
    notes: tuple[str, ...] = ()
    #: The required cell that was measured longest ago; None when none of them was ever measured.
    oldest: CellId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything a renderer shows; it decides nothing."""

    project: str
    grid: Grid
    decision: Decision
    run: str
    #: RunState of the run, "" when the grid is put together from several.
    state: str
    started_at: datetime
    finished_at: datetime | None
    by: str
    release: str
    plan_digest: str
    version: str
    leftovers: tuple[Leftover, ...] = ()
    #: Every cell that was ever measured; a cell without an entry has no history.
    history: Mapping[CellId, CellHistory] = field(default_factory=dict)
    #: None when the grid is compared with nothing.
    comparison: Comparison | None = None
    #: Most cells first.
    clusters: tuple[Cluster, ...] = ()
    #: All waivers of the policy, as they stand.
    waivers: tuple[JudgedWaiver, ...] = ()
    #: Fingerprint of the key that the file is signed with when it is written; "" for no signature.
    signed_by: str = ""
    #: What was taken out before anything was written; () where nothing is ever taken out.
    redacted: tuple[Removed, ...] = ()
    #: Run → whose word it is, for every run that is not ours.
    reporters: Mapping[str, Reporter] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """How long the run took; 0 where the runner's clock was put back meanwhile, and None while
        it goes on."""
        if self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())
