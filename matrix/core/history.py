"""What a cell came to before, and what changed between two grids. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from matrix.core.model import CellId
from matrix.core.verdict import Verdict

#: Measurements shown in the strip of a cell, and in its panel.
STRIP_LENGTH = 10
PANEL_LENGTH = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """One measurement of one cell, of whatever run."""

    run: str
    #: Given by ``run --release``, "" for none.
    release: str
    verdict: Verdict
    reason: str
    finished_at: datetime
    image_id: str
    fingerprint: str
    probes_digest: str
    #: Attempts that were needed over all hosts, beyond one a host.
    retries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CellHistory:
    """The measurements of one cell, newest first, at most PANEL_LENGTH."""

    past: tuple[Past, ...]
    #: The oldest of the unbroken series of bad ones that goes on now; None when it is green now.
    first_bad: Past | None
    #: Passed only after a retry, or two or more changes between pass and fail in the last ten
    #: measurements of the same image and fingerprint.
    flaky: bool


class Change(Enum):
    """What became of a cell between two grids: nine classes."""

    REGRESSION = "regression"
    FIXED = "fixed"
    STILL_FAILING = "still failing"
    NEW_FAILURE = "new failure"
    NEW_PASS = "new pass"  # noqa: S105
    APPEARED = "appeared"
    DISAPPEARED = "disappeared"
    ENVIRONMENT_CHANGED = "environment changed"
    PROBES_CHANGED = "probe set changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two grids, cell by cell; a cell that is the same in both is not listed."""

    #: What it was compared with: a run id, a release or the name of a report file.
    baseline: str
    changes: Mapping[CellId, Change]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Failures that say the same once addresses, ports, times, hex, paths and durations are folded.

    Made of probes that did not pass and of cells that have no probes to blame.
    """

    #: Hash of the normalised message: the same between runs.
    signature: str
    #: The normalised message, for people.
    message: str
    #: Every cell that has it.
    cells: tuple[CellId, ...]
    #: Ids of the probes that said it; () for a fault of cells as a whole.
    probes: tuple[str, ...]
    #: How often it was said in all.
    count: int
