"""Can the probes fail? The saboteurs of services at work, and what is known after that.

Beside ``app``: it measures probes as ``app`` measures services, on the same hosts and in the same
way, but keeps what it finds as proofs and not as a run.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from matrix.core.build import BuildWatcher
from matrix.core.errors import Unhealthy, UsageError
from matrix.core.model import CellId, Environment, Service
from matrix.core.plan import PlannedCell
from matrix.core.ports import Watcher
from matrix.core.result import Leftover, PlannedProbe
from matrix.core.saboteur import Saboteur
from matrix.core.selection import matching
from matrix.core.vitality import Strength, Vitality, prove
from matrix.execution.host import HostSession
from matrix.execution.toolbox import Halt, RunOrder, Toolbox
from matrix.execution.trials import Trials, Tried
from matrix.loading import load_saboteurs
from matrix.probing.sources import digest as digest_probes
from matrix.site import Site
from matrix.store import new_run_id
from matrix.wiring import ensure_images, open_toolbox, probe_folders


@dataclass(frozen=True, kw_only=True, slots=True)
class VitalityWish:
    """What a user wants to know."""

    #: Patterns of services; () for all.
    services: tuple[str, ...]
    #: Environment it is tried in; "" for the first one on this machine.
    environment: str
    #: Saboteurs at once; never more than the environment's own limit of cells.
    parallel: int
    #: Is told what is built before.
    observe: BuildWatcher


@dataclass(frozen=True, kw_only=True, slots=True)
class VitalityOutcome:
    """What came of it."""

    #: One for each service that was tried to the end.
    found: tuple[Vitality, ...]
    leftovers: tuple[Leftover, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A service with its probes and saboteurs, before anything is started."""

    planned: PlannedCell
    saboteurs: tuple[Saboteur, ...]
    probes_digest: str


def measure_vitality(
    site: Site, wish: VitalityWish, *, watch: Watcher, halt: Halt
) -> VitalityOutcome:
    """Let the saboteurs of services do their work, and keep what is known of the probes then.

    Raises ConfigError with every fault of every file of saboteurs, UsageError, and Unhealthy when
    the environment cannot be used; nothing was started then.
    """
    environment = choose_environment(site, wish.environment)
    subjects = [_subject(site, service, environment) for service in _services(site, wish)]
    services = [subject.planned.service for subject in subjects]
    order = _order(
        site, wish, subjects, ensure_images(site.project, services, observe=wish.observe)
    )
    halt.run = order.run
    site.store.hold(order.run)
    found: list[Vitality] = []
    leftovers: list[Leftover] = []
    try:
        with _host(site, order, environment, watch=watch, halt=halt) as (tools, session):
            for subject in subjects:
                tried = Trials(tools, order, subject.planned, session).run(subject.saboteurs)
                leftovers.extend(tried.leftovers)
                if halt.draining:
                    break
                found.append(_keep(site, subject, tried, order))
    finally:
        site.store.let_go(order.run)
    return VitalityOutcome(found=tuple(found), leftovers=tuple(leftovers))


def strengths_of(
    site: Site, image_ids: Mapping[str, str], digests: Mapping[str, str]
) -> Mapping[str, Strength]:
    """Service name → what is known of its present probes on its present image."""
    known = {
        service: site.store.load_vitality(
            service, image_id=image_ids.get(service, ""), probes_digest=digest
        )
        for service, digest in digests.items()
    }
    return {service: found.strength for service, found in known.items() if found is not None}


def choose_environment(site: Site, name: str) -> Environment:
    """The environment of that name, or the first on this machine; raises UsageError."""
    environments = site.project.environments
    if name:
        (wanted, *more) = matching([name], [one.name for one in environments], what="environment")
        if more:
            raise UsageError(f"{name} stands for several environments: name one")
        return next(one for one in environments if one.name == wanted)
    here = (one for one in environments if one.hosts[0].ssh is None)
    first = next(here, None)
    if first is None:
        raise UsageError("no environment is on this machine: choose one with --env")
    return first


def _services(site: Site, wish: VitalityWish) -> Sequence[Service]:
    names = matching(
        wish.services, [service.name for service in site.project.services], what="service"
    )
    return [service for service in site.project.services if service.name in names]


def _subject(site: Site, service: Service, environment: Environment) -> Subject:
    folders = probe_folders(site.project, service.name)
    probes = site.prober.collect(folders)
    planned = PlannedCell(
        cell=CellId(service=service.name, environment=environment.name),
        service=service,
        environment=environment,
        probes=probes,
    )
    return Subject(
        planned=planned.on_engines({environment.engine_on(environment.hosts[0])}),
        saboteurs=load_saboteurs(
            service, {folder: _functions(folder.name, probes) for folder in folders}
        ),
        probes_digest=digest_probes(folders),
    )


def _functions(folder: str, probes: Sequence[PlannedProbe]) -> tuple[str, ...]:
    """``<file>::<function>`` of the probes of one folder, each once."""
    names = (probe.id.partition("[")[0] for probe in probes if probe.id.startswith(f"{folder}/"))
    return tuple(dict.fromkeys(name.removeprefix(f"{folder}/") for name in names))


def _order(
    site: Site, wish: VitalityWish, subjects: Sequence[Subject], image_ids: Mapping[str, str]
) -> RunOrder:
    names = [subject.planned.service.name for subject in subjects]
    limits = {subject.planned.environment.limits.parallel_cells for subject in subjects}
    return RunOrder(
        run=new_run_id(_now()),
        image_ids=image_ids,
        images={image.name: image for image in site.project.images},
        probe_folders={name: probe_folders(site.project, name) for name in names},
        probes_digests={one.planned.service.name: one.probes_digest for one in subjects},
        parallel=min(wish.parallel, *limits),
    )


@contextmanager
def _host(
    site: Site, order: RunOrder, environment: Environment, *, watch: Watcher, halt: Halt
) -> Iterator[tuple[Toolbox, HostSession]]:
    """The first host of *environment*, found healthy; raises Unhealthy."""
    with open_toolbox(site.store, site.prober, halt=halt, watch=watch) as tools:
        session = HostSession(tools, environment, environment.hosts[0], run=order.run)
        try:
            fault = session.examine().fault
            if fault is not None:
                raise Unhealthy(f"{environment.title} cannot be used: {fault.message}")
            yield tools, session
        finally:
            session.close()


def _keep(site: Site, subject: Subject, tried: Tried, order: RunOrder) -> Vitality:
    without, *trials = tried.trials
    service = subject.planned.service
    found = Vitality(
        service=service.name,
        environment=subject.planned.environment.name,
        image_id=order.image_ids[service.image],
        probes_digest=subject.probes_digest,
        measured_at=_now(),
        proofs=prove(subject.planned.probes, without.results, trials, fault=without.fault),
    )
    site.store.record_vitality(found)
    return found


def _now() -> datetime:
    return datetime.now(UTC)
