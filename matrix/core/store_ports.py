"""What ``execution`` and ``app`` need from the store, one to four verbs each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from matrix.core.history import PANEL_LENGTH, CellHistory
from matrix.core.kits import Import, IssuedKit
from matrix.core.model import CellId
from matrix.core.result import CellResult, EnvironmentFinding, Leftover, Reporter, Run
from matrix.core.retention import Keep, Pruned
from matrix.core.vitality import Vitality


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """An object we are about to make on a host, written down before it is made."""

    run: str
    cell: CellId | None
    environment: str
    host: str
    #: "container", "network", "volume", "image".
    kind: str
    name: str
    #: Known after the engine has answered, "" before.
    id: str = ""


class Journal(Protocol):
    """The list of what we made, committed before each create."""

    def intend(self, intent: Intent) -> int:
        """Write it down durably; returns the entry's number. Raises StoreError."""

    def confirm(self, entry: int, object_id: str) -> None:
        """The engine made it, under this id."""

    def forget(self, entry: int) -> None:
        """It is gone from the host, or was never made."""

    def open_entries(self, *, run: str | None = None) -> tuple[tuple[int, Intent], ...]:
        """What may still be on a host, oldest first."""


class RunLog(Protocol):
    """Where a run is written as it goes; each call is durable when it returns.

    Every text that came from a host passes ``core.sink`` here, so what is read back is harmless.
    All raise StoreError, also for a run that was never begun.
    """

    def begin(self, run: Run) -> None:
        """Write down a new run, or go on with one begun before (same id and start).

        The run is alive until ``finish``, ``close`` or the end of this process.
        """

    def record_finding(self, run: str, finding: EnvironmentFinding) -> None:
        """Idempotent on (run, environment)."""

    def record_cell(self, run: str, result: CellResult) -> None:
        """Idempotent on (run, cell): a cell is counted once, the later answer stays."""

    def finish(self, run: str, *, state: str, at: datetime, leftovers: Sequence[Leftover]) -> None:
        """*state* is a value of RunState."""


class Runs(Protocol):
    """What was measured so far.

    A *summary* of a cell lacks the commands its probes ran, what they printed and the logs.
    """

    def load(self, run: str) -> Run | None:
        """The run with everything; None when there is none of that id."""

    def load_cell(self, run: str, cell: CellId) -> CellResult | None:
        """One cell with everything; None when the run has no answer for it."""

    def latest(self, count: int = 1) -> tuple[Run, ...]:
        """Newest first, with summaries of their cells."""

    def histories(self, count: int = PANEL_LENGTH) -> Mapping[CellId, CellHistory]:
        """The newest *count* measurements of every cell, at most PANEL_LENGTH, in one query."""

    def newest_cells(self) -> Mapping[CellId, tuple[str, CellResult]]:
        """The grid: for each cell the run id and summary of the answer written last."""


class Heads(Protocol):
    """What is known of runs and cells without reading what their probes found: fast.

    A *head* is a run without results and findings; a *headline* a cell without attempts.
    """

    def heads(self, count: int) -> tuple[Run, ...]:
        """Newest first."""

    def head(self, run: str) -> Run | None:
        """None when there is none of that id."""

    def runs_of(self, release: str) -> tuple[str, ...]:
        """Ids of the runs made for a release, oldest first."""

    def headlines(self, run: str) -> Mapping[CellId, CellResult]:
        """The answers of one run; empty for a run that is not there."""


class Newest(Protocol):
    """What is known now, of whatever run."""

    def newest_headlines(self) -> Mapping[CellId, tuple[str, CellResult]]:
        """As ``newest_cells``, without attempts."""

    def newest_whole_cells(self) -> Mapping[CellId, tuple[str, CellResult]]:
        """As ``newest_cells``, with everything."""

    def newest_findings(self) -> Mapping[str, EnvironmentFinding]:
        """Environment name → what was found out about it last."""

    def earlier_findings(self) -> Mapping[str, EnvironmentFinding]:
        """Environment name → what the run before that found; without those measured only once."""


class Retention(Protocol):
    """Removing what is not kept any longer, see ``core.retention``."""

    def count_prunable(self, keep: Keep, *, now: datetime) -> Pruned:
        """What ``prune`` would remove, without the long texts."""

    def prune(self, keep: Keep, *, now: datetime) -> Pruned:
        """Remove it; whatever was done when this process dies, the store is whole."""


class Liveness(Protocol):
    """Which runs still go on."""

    def unfinished_runs(self) -> tuple[str, ...]:
        """Ids of the runs that were begun and are not FINISHED, newest first."""

    def hold(self, run: str) -> None:
        """Carry something that is journalled under a run's id but is no run, as a check of hosts.

        It is alive until ``let_go``, ``close`` or the end of this process. Raises StoreError when
        another process carries it.
        """

    def let_go(self, run: str) -> None:
        """It is over; fine when it was not held."""

    def is_alive(self, run: str) -> bool:
        """Whether a process carries the run at this moment, told by a lock the kernel keeps."""


class Proofs(Protocol):
    """What is known about the probes themselves."""

    def record_vitality(self, found: Vitality) -> None:
        """Keep it in place of what was known for the same service, image and probes."""

    def load_vitality(self, service: str, *, image_id: str, probes_digest: str) -> Vitality | None:
        """What is known for exactly this service, image and probes; None when nobody has tried."""


class Kits(Protocol):
    """Kits that were given away, and what came back."""

    def record_kit(self, kit: IssuedKit) -> None:
        """Remember it; fine when it is known already."""

    def load_kit(self, nonce: str) -> IssuedKit | None:
        """The kit with this nonce; None when we never made one, or forgot it."""

    def load_import(self, nonce: str) -> Import | None:
        """What came back from that kit; None when nothing has yet."""

    def record_import(self, kit: IssuedKit, imported: Import, run: Run) -> Import:
        """Write down kit, import and run together or nothing; returns the import that is known.

        The same bytes again change nothing. Raises Refused for other bytes from the same kit.
        """

    def reporters(self) -> Mapping[str, Reporter]:
        """Id of each run that is somebody else's word → whose."""


class Store(Journal, RunLog, Runs, Heads, Newest, Retention, Liveness, Proofs, Kits, Protocol):
    """All of it, joined."""

    def close(self) -> None: ...
