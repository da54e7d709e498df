"""The plan: what is going to be run, as a value between discovery and execution."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from matrix.core.model import CellId, Environment, Service
from matrix.core.result import PlannedProbe


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedCell:
    """One cell to run."""

    cell: CellId
    service: Service
    environment: Environment
    probes: tuple[PlannedProbe, ...]

    def on_engines(self, engines: Collection[str]) -> "PlannedCell":
        """The cell without the probes that say nothing about any of *engines*."""
        probes = (one for one in self.probes if not one.engines or {*one.engines} & {*engines})
        return replace(self, probes=tuple(probes))


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """One cell that is not run, on purpose."""

    cell: CellId
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Ordered cells to run, and those left out with the reason."""

    cells: tuple[PlannedCell, ...]
    left_out: tuple[LeftOut, ...] = ()
    #: Hash over services, environments and probe sources.
    digest: str
    #: Service name → hash of its probes' sources.
    probes_digests: Mapping[str, str] = field(default_factory=dict)
