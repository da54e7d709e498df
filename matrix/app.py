"""The flow, readable top to bottom: load, plan, measure, keep, read, decide.

The rooms of floor 1 meet only here and in ``wiring``, which gives execution its tools.
"""

import getpass
import shlex
import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from matrix import __version__
from matrix.answer import read_report
from matrix.core.build import BuildWatcher
from matrix.core.errors import StoreError, UsageError
from matrix.core.foresight import Foreseen, foresee
from matrix.core.grid import Report
from matrix.core.model import CellId, Environment
from matrix.core.plan import Plan
from matrix.core.planning import make_plan
from matrix.core.ports import Watcher
from matrix.core.result import CellResult, EnvironmentFinding, Leftover, PlannedProbe, Run, RunState
from matrix.core.reuse import REUSE_SECONDS, drawn, settings_digest, worth_keeping
from matrix.core.selection import select, shard_of
from matrix.core.store_ports import Store
from matrix.core.verdict import Verdict
from matrix.execution.host import HostSession
from matrix.execution.pool import Pool
from matrix.execution.sweep import Sweep, Swept, sweep
from matrix.execution.toolbox import Halt, RunOrder, Toolbox
from matrix.execution.workspace import dead_workspaces, remove_workspace
from matrix.probing.sources import digest as digest_probes
from matrix.site import Site
from matrix.store import new_run_id
from matrix.wiring import ensure_images, open_toolbox, probe_folders

#: Verdicts that ``--last-failed`` measures again.
NOT_GREEN = (Verdict.FAILED, Verdict.ERROR, Verdict.MISSING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a user asked to be measured; empty patterns leave nothing out."""

    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    #: Number and count: only the cells of one shard; None for all.
    shard: tuple[int, int] | None = None
    #: Only cells whose newest verdict is not green.
    last_failed: bool = False
    #: Marks the run as that of a release.
    release: str = ""
    retries: int = 1
    #: Cells at once over all environments.
    parallel: int = 4
    fail_fast: bool = False
    #: Whether answers are taken over where nothing has changed; None as the policy says.
    incremental: bool | None = None
    #: Is told what is built before the run.
    observe: BuildWatcher = lambda _: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run came to."""

    run: str
    report: Report
    #: Cells that this run measured or was to measure.
    cells: tuple[CellId, ...]
    leftovers: tuple[Leftover, ...]
    #: What the audit of reused answers found, for people; empty when it found no difference.
    differences: tuple[str, ...]


#: Shows a plan while it is carried out.
Show = Callable[[Plan], AbstractContextManager[Watcher]]


def plan_run(site: Site, wish: Wish) -> Plan:
    """The cells to run, in order, and those left out with the reason. Runs nothing."""
    cells = select(
        site.project,
        services=wish.services,
        environments=wish.environments,
        cells=wish.cells,
        exclude=wish.exclude,
        kinds=wish.kinds,
    )
    if wish.shard is not None:
        number, count = wish.shard
        cells = shard_of(cells, number=number, count=count)
    newest = site.store.newest_cells()
    if wish.last_failed:
        cells = tuple(
            cell for cell in cells if cell not in newest or newest[cell][1].verdict in NOT_GREEN
        )
    services = sorted({cell.service for cell in cells})
    return make_plan(
        site.project,
        cells,
        {name: probes_of(site, name) for name in services},
        {name: digest_probes(probe_folders(site.project, name)) for name in services},
        durations={
            cell: sum(attempt.seconds for attempt in result.attempts)
            for cell, (_, result) in newest.items()
        },
    )


def foresee_plan(site: Site, plan: Plan) -> tuple[Foreseen, ...]:
    """What is known from earlier runs about the requirements of each cell of *plan*."""
    return foresee(plan, site.store.newest_findings())


def probes_of(site: Site, service: str) -> tuple[PlannedProbe, ...]:
    """Every probe a service gets: its own, those for every service, and the two controls."""
    return site.prober.collect(probe_folders(site.project, service))


def run_plan(site: Site, plan: Plan, wish: Wish, *, show: Show, halt: Halt) -> Outcome:
    """Carry out *plan* as a new run; raises StoreError when results can no longer be kept."""
    run = Run(
        id=new_run_id(_now()),
        state=RunState.RUNNING,
        started_at=_now(),
        release=wish.release,
        by=f"{getpass.getuser()}@{socket.gethostname()}",
        plan_digest=plan.digest,
        cells=tuple(planned.cell for planned in plan.cells),
        version=__version__,
    )
    return _carry_out(site, plan, wish, run, show=show, halt=halt)


def resume_run(site: Site, wish: Wish, run_id: str, *, show: Show, halt: Halt) -> Outcome:
    """Go on with a run whose runner died: finished cells stay, the others are measured.

    *run_id* "" means the newest such run. Raises UsageError when there is none, when it is still
    being carried out, or when the project is no longer what its plan was made from.
    """
    run = _find_dead_run(site, run_id)
    _hold(site.store, run.id)
    done = {result.cell for result in run.results}
    whole = plan_run(site, Wish(cells=tuple(str(cell) for cell in run.cells)))
    if whole.digest != run.plan_digest:
        raise UsageError(
            f"run {run.id} cannot be resumed: services, environments or probes have changed since "
            "it was planned (start a new one with: matrix run)"
        )
    plan = Plan(
        cells=tuple(planned for planned in whole.cells if planned.cell not in done),
        left_out=whole.left_out,
        digest=whole.digest,
        probes_digests=whole.probes_digests,
    )
    _sweep_held(site, Sweep(remove=True, keep_images=True), (run.id,))
    return _carry_out(site, plan, wish, run, show=show, halt=halt)


def _carry_out(site: Site, plan: Plan, wish: Wish, run: Run, *, show: Show, halt: Halt) -> Outcome:
    store = site.store
    services = list({planned.service.name: planned.service for planned in plan.cells}.values())
    supply = site.supply
    image_ids = (
        supply.ids if supply else ensure_images(site.project, services, observe=wish.observe)
    )
    order = _order(site, plan, wish, run.id, image_ids)
    store.begin(run)
    halt.run = run.id
    leftovers: tuple[Leftover, ...] = ()
    with (
        show(plan) as watch,
        _toolbox(site, halt=halt, watch=watch) as tools,
    ):
        pool = Pool(tools, order)
        leftovers = pool.run(plan)
    state = RunState.INTERRUPTED if halt.interrupted else RunState.FINISHED
    store.finish(run.id, state=state.value, at=_now(), leftovers=leftovers)
    report = read_report(site, run=run.id, image_ids=image_ids)
    return Outcome(
        run=run.id,
        report=report,
        cells=run.cells,
        leftovers=leftovers,
        differences=tuple(pool.differences),
    )


def _order(site: Site, plan: Plan, wish: Wish, run: str, image_ids: Mapping[str, str]) -> RunOrder:
    digests = {
        planned.cell: settings_digest(planned, image_ids, version=__version__)
        for planned in plan.cells
    }
    kept = _kept(site, plan, wish, image_ids, digests)
    return RunOrder(
        run=run,
        image_ids=image_ids,
        images={image.name: image for image in site.project.images},
        probe_folders={
            planned.service.name: probe_folders(site.project, planned.service.name)
            for planned in plan.cells
        },
        probes_digests=plan.probes_digests,
        retries=wish.retries,
        parallel=wish.parallel,
        fail_fast=wish.fail_fast,
        settings_digests=digests,
        kept=kept,
        audited=drawn(run, kept, share=site.project.policy.audit_share),
    )


def _kept(
    site: Site,
    plan: Plan,
    wish: Wish,
    image_ids: Mapping[str, str],
    settings_digests: Mapping[CellId, str],
) -> Mapping[CellId, CellResult]:
    """Answers that are taken over unless the hosts say otherwise; {} when none are wanted."""
    policy = site.project.policy
    wanted = policy.reuse_seconds is not None if wish.incremental is None else wish.incremental
    if not wanted:
        return {}
    limits = (policy.reuse_seconds or REUSE_SECONDS, policy.fresh_seconds)
    return worth_keeping(
        plan.cells,
        site.store.newest_headlines(),
        image_ids=image_ids,
        probes_digests=plan.probes_digests,
        settings_digests=settings_digests,
        now=_now(),
        seconds=min(one for one in limits if one is not None),
    )


def _toolbox(site: Site, *, halt: Halt, watch: Watcher) -> AbstractContextManager[Toolbox]:
    images = site.supply.source if site.supply else None
    return open_toolbox(site.store, site.prober, halt=halt, watch=watch, images=images)


def sweep_hosts(site: Site, wish: Sweep, *, runs: Sequence[str] = ()) -> Swept:
    """Look for what dead runs left on the hosts; a run that is still carried out is not touched."""
    found = {intent.run for _, intent in site.store.open_entries()}
    with ExitStack() as held:
        dead = []
        for run in sorted(found & set(runs) if runs else found):
            # Held, so that nobody resumes it while what it made is being removed.
            with suppress(StoreError):
                if not site.store.is_alive(run):
                    site.store.hold(run)
                    held.callback(site.store.let_go, run)
                    dead.append(run)
        swept = _sweep_held(site, wish, dead)
    _sweep_workspaces(swept, wish)
    return swept


def forget_hosts(store: Store, hosts: Collection[tuple[str, str]]) -> None:
    """Take out of the journal what runs that are over made on *hosts*, each an environment and a
    name, which are gone with all that was on them."""
    for number, intent in store.open_entries():
        if (intent.environment, intent.host) in hosts and not store.is_alive(intent.run):
            store.forget(number)


def _sweep_held(site: Site, wish: Sweep, runs: Sequence[str]) -> Swept:
    """Sweep dead runs that this process holds."""
    entries = [entry for entry in site.store.open_entries() if entry[1].run in runs]
    with _toolbox(site, halt=Halt(), watch=lambda _: None) as tools:
        return sweep(
            tools, site.project.environments, entries, wish, busy=_busy_environments(site, runs)
        )


def _busy_environments(site: Site, held: Sequence[str]) -> set[str]:
    """Environments in which runs other than *held* go on."""
    entries = [intent for _, intent in site.store.open_entries()]
    runs = {intent.run for intent in entries} | set(site.store.unfinished_runs())
    alive = {run for run in runs if run not in held and site.store.is_alive(run)}
    planned = (run.cells for run in map(site.store.head, alive) if run)
    return {
        *(intent.environment for intent in entries if intent.run in alive),
        *(cell.environment for cells in planned for cell in cells),
    }


def _sweep_workspaces(swept: Swept, wish: Sweep) -> None:
    """Folders on this machine of runners that were killed."""
    for folder in dead_workspaces():
        gone = wish.remove and remove_workspace(folder)
        leftover = Leftover(
            environment="",
            host="this machine",
            kind="folder",
            id=str(folder),
            name=str(folder),
            remedy="" if gone else f"rm -r {shlex.quote(str(folder))}",
        )
        (swept.removed if gone else swept.remaining).append(leftover)


def _hold(store: Store, run: str) -> None:
    try:
        store.hold(run)
    except StoreError as error:
        raise UsageError(f"run {run} is still being carried out") from error


def examine(
    site: Site, environments: Sequence[Environment], *, watch: Watcher
) -> tuple[EnvironmentFinding, ...]:
    """Connect to environments, measure them and try their health; nothing is kept."""
    run = new_run_id(_now())
    site.store.hold(run)
    try:
        with _toolbox(site, halt=Halt(), watch=watch) as tools:
            return tuple(_examine_one(tools, environment, run) for environment in environments)
    finally:
        site.store.let_go(run)


def _examine_one(tools: Toolbox, environment: Environment, run: str) -> EnvironmentFinding:
    sessions = [HostSession(tools, environment, host, run=run) for host in environment.hosts]
    try:
        return EnvironmentFinding(
            environment=environment.name, hosts=tuple(session.examine() for session in sessions)
        )
    finally:
        for session in sessions:
            session.close()


def _find_dead_run(site: Site, run_id: str) -> Run:
    unfinished = site.store.unfinished_runs()
    wanted = run_id or next((one for one in unfinished if not site.store.is_alive(one)), "")
    if not wanted:
        raise UsageError("no run was interrupted: there is nothing to resume")
    if wanted not in unfinished:
        raise UsageError(f"run {wanted} is not an interrupted one ({', '.join(unfinished)})")
    if site.store.is_alive(wanted):
        raise UsageError(f"run {wanted} is still being carried out")
    run = site.store.load(wanted)
    if run is None:
        raise StoreError(f"run {wanted} is listed but cannot be read")
    return run


def _now() -> datetime:
    return datetime.now(UTC)
