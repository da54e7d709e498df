"""What is known before a run about the requirements of its cells. Pure.

| of the host, when it was asked last | the cell there                                    |
|-------------------------------------|---------------------------------------------------|
| it was never asked, or was faulty   | nobody knows                                      |
| a requirement does not hold         | UNSUPPORTED, with what was asked and found        |
| all requirements hold               | is measured                                       |

A run asks the host again: this is what it says today, and not what it must say tomorrow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matrix.core.model import CellId
from matrix.core.plan import Plan, PlannedCell
from matrix.core.requirements import Unmet, unmet
from matrix.core.result import EnvironmentFinding, Facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreseen:
    """What the facts known of its hosts say about one planned cell."""

    cell: CellId
    #: Names of hosts nothing is known of.
    unknown: tuple[str, ...]
    #: Host name → requirements that do not hold there; a host that meets all is not in it.
    unmet: Mapping[str, tuple[Unmet, ...]]


def foresee(plan: Plan, findings: Mapping[str, EnvironmentFinding]) -> tuple[Foreseen, ...]:
    """What *findings*, by environment name, say about each cell of *plan*, in its order."""
    return tuple(_foreseen(planned, findings) for planned in plan.cells)


def _foreseen(planned: PlannedCell, findings: Mapping[str, EnvironmentFinding]) -> Foreseen:
    known = dict(_facts(findings.get(planned.cell.environment)))
    hosts = [host.name for host in planned.environment.hosts]
    missing = {
        host: unmet(planned.service.requirements, known[host]) for host in hosts if host in known
    }
    return Foreseen(
        cell=planned.cell,
        unknown=tuple(host for host in hosts if host not in known),
        unmet={host: some for host, some in missing.items() if some},
    )


def _facts(finding: EnvironmentFinding | None) -> Iterator[tuple[str, Facts]]:
    """Host name and facts of those that could be asked."""
    for host in finding.hosts if finding else ():
        if host.facts and host.fault is None:
            yield host.host, host.facts
