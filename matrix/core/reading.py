"""The grid as it is to be read now: what was measured, and whether it still counts. Pure.

STALE is never measured. A result is STALE when the first of these holds:

| reason        | the result                                                              |
|---------------|-------------------------------------------------------------------------|
| age           | is older than the policy allows, has no time, or comes from the future  |
| image         | was measured for another image than the one that is asked for now       |
| probes        | was measured with other probes than there are now                       |
| fingerprint   | was measured while the environment was not what it is now               |

What is asked for now may not be known (the image was not built here, the host was not asked
again): then that row is not applied. What was measured may not be known either: for a result that
says something about the service that is STALE too, for one that says "we cannot tell" it is not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from matrix.core.errors import Cancelled
from matrix.core.grid import Grid, GridCell
from matrix.core.model import CellId, Environment, Policy, Service
from matrix.core.result import CellResult, EnvironmentFinding, Reporter, Run, RunState
from matrix.core.verdict import Verdict

#: Clocks of runners differ by a little; a result from further ahead is not believed.
CLOCKS_DIFFER = timedelta(minutes=5)

#: Verdicts that are a claim about the service, made for one image, probe set and fingerprint.
CLAIMS = frozenset({Verdict.PASSED, Verdict.WARNED, Verdict.FAILED})


#: Reason of a cell that no run has measured.
NEVER = "never"
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class Current:
    """What a result must have been measured for, to count now."""

    #: Service name → id of its image.
    image_ids: Mapping[str, str] = field(default_factory=dict)
    #: Service name → hash of its probes' sources.
    probes_digests: Mapping[str, str] = field(default_factory=dict)
    #: Environment name → its fingerprint.
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def build_grid(
    services: Sequence[Service],
    environments: Sequence[Environment],
    newest: Mapping[CellId, tuple[str, CellResult]],
    *,
    now: datetime,
    policy: Policy,
    current: Current,
    findings: Mapping[str, EnvironmentFinding],
) -> Grid:
    """Every service in every environment, from the newest run id and result of each cell.

    *now* and the results' times carry a time zone. *findings* are by environment name.
    """
    cells = {
        cell.cell: cell
        for service in services
        for environment in environments
        for cell in (_read(service, environment, newest, now=now, policy=policy, current=current),)
    }
    return Grid(
        services=tuple(services),
        environments=tuple(environments),
        cells=cells,
        findings=dict(findings),
    )


def name_cancelled(grid: Grid, run: Run) -> Grid:
    """*grid* with cells that an interrupted *run* never came to told as that: still MISSING."""
    if run.state is not RunState.INTERRUPTED:
        return grid
    message = f"run {run.id} was interrupted before this was measured"
    never = {
        cell: replace(grid.cells[cell], reason=Cancelled.reason, message=message)
        for cell in run.cells
        if cell in grid.cells and grid.cells[cell].reason == NEVER
    }
    return replace(grid, cells={**grid.cells, **never})


def name_reporters(grid: Grid, reporters: Mapping[str, Reporter]) -> Grid:
    """*grid* with every cell told apart that is somebody's word; *reporters* are by run."""
    told = {
        cell.cell: replace(cell, reporter=reporters[cell.run])
        for cell in grid.cells.values()
        if cell.run in reporters
    }
    return replace(grid, cells={**grid.cells, **told}) if told else grid


def _read(
    service: Service,
    environment: Environment,
    newest: Mapping[CellId, tuple[str, CellResult]],
    *,
    now: datetime,
    policy: Policy,
    current: Current,
) -> GridCell:
    cell = CellId(service=service.name, environment=environment.name)
    run, result = newest.get(cell, ("", None))
    if service.name in environment.exclusions:
        return GridCell(
            cell=cell,
            verdict=Verdict.UNSUPPORTED,
            reason="excluded",
            message=environment.exclusions[service.name],
        )
    if result is None:
        return GridCell(cell=cell, verdict=Verdict.MISSING, reason=NEVER, message="never measured")
    verdict, reason, message = result.verdict, result.reason, result.message
    stale = next(_staleness(result, now=now, policy=policy, current=current), None)
    if stale is not None and verdict is not Verdict.MISSING:
        reason, words = stale
        message = f"{verdict.value} then, but {words}"
        verdict = Verdict.STALE
    return GridCell(
        cell=cell,
        verdict=verdict,
        reason=reason,
        message=message,
        run=run,
        result=result,
        reused_from=result.reused_from,
    )


def _staleness(
    result: CellResult, *, now: datetime, policy: Policy, current: Current
) -> Iterator[tuple[str, str]]:
    """Reason and words for each way in which *result* does not count any more."""
    yield from _age(result.finished_at, now=now, allowed=policy.fresh_seconds)
    service, environment = result.cell.service, result.cell.environment
    compared = (
        ("image", "image", result.image_id, current.image_ids.get(service)),
        ("probes", "set of probes", result.probes_digest, current.probes_digests.get(service)),
        (
            "fingerprint",
            "state of the environment",
            result.fingerprint,
            current.fingerprints.get(environment),
        ),
    )
    for reason, what, then, asked in compared:
        if _differs(then, asked, verdict=result.verdict):
            yield reason, _change(what, then, asked or "")


def _age(
    finished_at: datetime | None, *, now: datetime, allowed: float | None
) -> Iterator[tuple[str, str]]:
    if allowed is None:
        return
    if finished_at is None:
        yield "age", "nobody knows when that was"
    elif finished_at - now > CLOCKS_DIFFER:
        ahead = spoken_seconds((finished_at - now).total_seconds())
        yield "age", f"that is {ahead} ahead of our clock"
    elif (now - finished_at).total_seconds() > allowed:
        age = spoken_seconds((now - finished_at).total_seconds())
        yield "age", f"that was {age} ago and the policy allows {spoken_seconds(allowed)}"


def _differs(then: str, asked: str | None, *, verdict: Verdict) -> bool:
    if not asked or then == asked:
        return False
    return bool(then) or verdict in CLAIMS


def _change(what: str, then: str, asked: str) -> str:
    if not then:
        return f"for which {what} is not known"
    return f"for another {what} ({short(then)}, now {short(asked)})"


def short(digest: str) -> str:
    """The first twelve characters of a hash, as engines show it."""
    return digest.removeprefix("sha256:")[:12]


def spoken_seconds(seconds: float) -> str:
    """A span of time in its two largest units: ``9 days 4 hours``, ``1 hour``, ``40 seconds``."""
    rest = int(seconds)
    parts = []
    for name, size in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}" if count == 1 else f"{count} {name}s")
    return " ".join(parts[:2]) or "0 seconds"
