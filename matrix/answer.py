"""From the store to an answer: what is known now, what excuses it, the decision, the report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from matrix import __version__
from matrix.baseline import answers_of_release, sides_of
from matrix.core.changes import compare, sides_of_grid
from matrix.core.clusters import find_clusters, signature_of
from matrix.core.collector import resting
from matrix.core.drift import drifts
from matrix.core.errors import UsageError
from matrix.core.gate import Background, judge
from matrix.core.grid import Grid, Report
from matrix.core.history import Comparison
from matrix.core.model import CellId, Project
from matrix.core.reading import Current, build_grid, name_cancelled, name_reporters
from matrix.core.result import EnvironmentFinding, Run
from matrix.core.verdict import Verdict
from matrix.core.waiving import apply_waivers
from matrix.probing.sources import digest as digest_probes
from matrix.site import Site
from matrix.vitality import strengths_of
from matrix.wiring import known_images, probe_folders

#: Runs named in a message about one that is not there.
NAMED_RUNS = 5


def read_report(
    site: Site, *, run: str = "", compare_with: str = "", image_ids: Mapping[str, str] | None = None
) -> Report:
    """The newest grid and the decision from it; *run* "" shows the newest run's heading.

    *compare_with* names a run, a release or a report file; "" for nothing.
    """
    with resting():
        return _read_report(site, run, compare_with, image_ids or {})


def _read_report(site: Site, run: str, compare_with: str, image_ids: Mapping[str, str]) -> Report:
    policy, today = site.project.policy, _now().date()
    heading = _heading(site, run)
    known = site.supply.ids if site.supply else known_images(site.project)
    grid = _newest_grid(site, heading, {**known, **image_ids})
    reporters = site.store.reporters()
    grid = name_reporters(grid, reporters)
    grid, waivers = apply_waivers(grid, policy.waivers, today=today, sign=signature_of)
    history = site.store.histories()
    flaky = {cell for cell, one in history.items() if one.flaky}
    background = Background(today=today, flaky=flaky, baseline=_baseline(site), waivers=waivers)
    return Report(
        project=site.project.name,
        grid=grid,
        decision=judge(grid, policy, background),
        run=heading.id if heading else "",
        state=heading.state.value if heading else "",
        started_at=heading.started_at if heading else _now(),
        finished_at=heading.finished_at if heading else None,
        by=heading.by if heading else "",
        release=heading.release if heading else "",
        plan_digest=heading.plan_digest if heading else "",
        version=__version__,
        leftovers=heading.leftovers if heading else (),
        history=history,
        comparison=_comparison(site, grid, compare_with),
        clusters=find_clusters(grid),
        waivers=waivers,
        reporters=reporters,
    )


def _heading(site: Site, run: str) -> Run | None:
    """The run whose times and name the report bears; None where nothing was ever run."""
    heading = site.store.head(run) if run else next(iter(site.store.heads(1)), None)
    if run and heading is None:
        newest = _ids(site.store.heads(NAMED_RUNS))
        raise UsageError(f"there is no run {run} in the store (the newest: {newest})")
    return heading


def _newest_grid(site: Site, heading: Run | None, image_ids: Mapping[str, str]) -> Grid:
    project, store = site.project, site.store
    findings = store.newest_findings()
    current = _current(project, image_ids, findings)
    grid = build_grid(
        project.services,
        project.environments,
        store.newest_whole_cells(),
        now=_now(),
        policy=project.policy,
        current=current,
        findings=findings,
    )
    grid = replace(
        grid,
        strengths=strengths_of(site, current.image_ids, current.probes_digests),
        drift=drifts(findings, store.earlier_findings()),
    )
    return grid if heading is None else name_cancelled(grid, heading)


def _baseline(site: Site) -> Mapping[CellId, Verdict] | None:
    """What the release that the policy compares with came to; None where there is none."""
    answers = answers_of_release(site.store, site.project.policy.baseline)
    return None if answers is None else {cell: one.verdict for cell, one in answers.items()}


def _comparison(site: Site, grid: Grid, name: str) -> Comparison | None:
    """The grid against what *name* means; None for ""."""
    if not name:
        return None
    return compare(sides_of(site.store, name), sides_of_grid(grid), baseline=name)


def _current(
    project: Project, image_ids: Mapping[str, str], findings: Mapping[str, EnvironmentFinding]
) -> Current:
    """What a result must have been measured for, to be still true."""
    return Current(
        image_ids={one.name: image_ids.get(one.image, "") for one in project.services},
        probes_digests={
            one.name: digest_probes(probe_folders(project, one.name)) for one in project.services
        },
        fingerprints={
            name: "+".join(host.fingerprint for host in finding.hosts)
            for name, finding in findings.items()
            if finding.fault is None
        },
    )


def _ids(runs: Sequence[Run]) -> str:
    return ", ".join(run.id for run in runs) or "none"


def _now() -> datetime:
    return datetime.now(UTC)
