"""Single probes of one cell once more, for somebody who looks for what is wrong with it.

Beside ``app``: it measures as ``app`` does, but only what it was asked for, so what it finds is no
answer about the cell and nothing of it is kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial

from matrix.core.build import BuildWatcher
from matrix.core.errors import UsageError
from matrix.core.fold import is_control
from matrix.core.model import CellId
from matrix.core.plan import PlannedCell
from matrix.core.ports import Watcher
from matrix.core.result import (
    Attempt,
    CellResult,
    EnvironmentFinding,
    Fault,
    Leftover,
    PlannedProbe,
)
from matrix.core.secrets import secrets_of
from matrix.core.selection import known
from matrix.core.sink import Clean, clean_cell, clean_finding, clean_leftover
from matrix.core.text import clean
from matrix.execution.cell import run_attempt
from matrix.execution.host import HostSession
from matrix.execution.toolbox import Halt, RunOrder, Toolbox
from matrix.site import Site
from matrix.store import new_run_id
from matrix.wiring import ensure_images, open_toolbox, probe_folders


@dataclass(frozen=True, kw_only=True, slots=True)
class RepetitionWish:
    """What is to be seen once more."""

    #: Id of the cell, ``queue@qa``.
    cell: str
    #: Ids of probes, or patterns for them.
    probes: tuple[str, ...]
    #: Is told what is built before.
    observe: BuildWatcher


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """What came of it on one host of the cell's environment."""

    host: str
    #: Why nothing was started there; None when something was.
    fault: Fault | None
    #: None where there is a fault.
    attempt: Attempt | None
    leftovers: tuple[Leftover, ...]


def repeat_probes(
    site: Site, wish: RepetitionWish, *, watch: Watcher, halt: Halt
) -> tuple[Repeated, ...]:
    """Run the wished probes and the controls, on each host of the environment in turn.

    Raises UsageError for a cell or a probe that there is none of.
    """
    planned = choose(site, wish)
    images = ensure_images(site.project, [planned.service], observe=wish.observe)
    order = RunOrder(
        run=new_run_id(datetime.now(UTC)),
        image_ids=images,
        images={image.name: image for image in site.project.images},
        probe_folders={planned.service.name: probe_folders(site.project, planned.service.name)},
        probes_digests={},
    )
    cleaned = partial(clean, secrets=tuple(secrets_of(site.project)))
    halt.run = order.run
    site.store.hold(order.run)
    try:
        with open_toolbox(site.store, site.prober, halt=halt, watch=watch) as tools:
            return tuple(_on_hosts(tools, order, planned, cleaned))
    finally:
        site.store.let_go(order.run)


def choose(site: Site, wish: RepetitionWish) -> PlannedCell:
    """The cell with the wished probes and the controls, without which nothing is believed."""
    cells = {
        f"{service.name}@{environment.name}": (service, environment)
        for service in site.project.services
        for environment in site.project.environments
    }
    if wish.cell not in cells:
        raise UsageError(f'no cell is called "{wish.cell}"{known(wish.cell, list(cells))}')
    service, environment = cells[wish.cell]
    there_are = site.prober.collect(probe_folders(site.project, service.name))
    ids = [probe.id for probe in there_are]
    for pattern in wish.probes:
        if not any(_means(pattern, probe) for probe in ids):
            within = f', "*{pattern}*" does' if any(pattern in probe for probe in ids) else ""
            raise UsageError(
                f'no probe of {service.name} matches "{pattern}"{within}{known(pattern, ids)}'
            )
    return PlannedCell(
        cell=CellId(service=service.name, environment=environment.name),
        service=service,
        environment=environment,
        probes=tuple(_chosen(there_are, wish.probes)),
    )


def _chosen(probes: Sequence[PlannedProbe], patterns: Sequence[str]) -> Iterator[PlannedProbe]:
    for probe in probes:
        if is_control(probe.id) or any(_means(pattern, probe.id) for pattern in patterns):
            yield probe


def _means(pattern: str, probe: str) -> bool:
    # An id may itself have brackets: test_it[redis].
    return pattern == probe or fnmatchcase(probe, pattern)


def _on_hosts(
    tools: Toolbox, order: RunOrder, planned: PlannedCell, cleaned: Clean
) -> Iterator[Repeated]:
    for number, host in enumerate(planned.environment.hosts, 1):
        session = HostSession(tools, planned.environment, host, run=order.run)
        with closing(session):
            (found,) = clean_finding(
                EnvironmentFinding(environment=planned.environment.name, hosts=(session.survey(),)),
                cleaned,
            ).hosts
            if found.fault is not None:
                yield Repeated(host=host.name, fault=found.fault, attempt=None, leftovers=())
                continue
            attempt, left = run_attempt(tools, order, planned, session, number)
        yield Repeated(
            host=host.name,
            fault=None,
            attempt=_cleaned(planned, attempt, cleaned),
            leftovers=tuple(clean_leftover(one, cleaned) for one in left),
        )


def _cleaned(planned: PlannedCell, attempt: Attempt, cleaned: Clean) -> Attempt:
    """As it would have come out of the store, where nothing goes now."""
    result = CellResult(
        cell=planned.cell,
        verdict=attempt.verdict,
        reason=attempt.reason,
        message=attempt.message,
        attempts=(attempt,),
    )
    return clean_cell(result, cleaned).attempts[0]
