"""From the store to an answer: what is known now, what excuses it, the decision, the report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from matrix import __version__
from matrix.core.clusters import signature_of
from matrix.core.errors import UsageError
from matrix.core.gate import Background, judge
from matrix.core.grid import Grid, Report
from matrix.core.model import CellId, Project
from matrix.core.reading import Current, build_grid, name_cancelled
from matrix.core.result import EnvironmentFinding, Run
from matrix.core.verdict import Verdict
from matrix.core.waiving import apply_waivers
from matrix.probing.sources import digest as digest_probes
from matrix.site import Site
from matrix.vitality import strengths_of
from matrix.wiring import known_images, probe_folders

#: Runs looked through for the newest finding about an environment.
FINDINGS_FROM_RUNS = 20
#: Runs looked through for the baseline of the policy.
BASELINE_FROM_RUNS = 200


def read_report(site: Site, *, run: str = "", image_ids: Mapping[str, str] | None = None) -> Report:
    """The newest grid and the decision from it; *run* "" shows the newest run's heading."""
    policy, today = site.project.policy, _now().date()
    heading = _heading(site, run)
    grid = _newest_grid(site, heading, {**known_images(site.project), **(image_ids or {})})
    grid, waivers = apply_waivers(grid, policy.waivers, today=today, sign=signature_of)
    background = Background(today=today, flaky=(), baseline=_baseline(site), waivers=waivers)
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
        waivers=waivers,
    )


def _heading(site: Site, run: str) -> Run | None:
    """The run whose times and name the report bears; None where nothing was ever run."""
    runs = site.store.latest(FINDINGS_FROM_RUNS)
    heading = site.store.load(run) if run else next(iter(runs), None)
    if run and heading is None:
        raise UsageError(f"there is no run {run} in the store (the newest: {_ids(runs)})")
    return heading


def _newest_grid(site: Site, heading: Run | None, image_ids: Mapping[str, str]) -> Grid:
    project, store = site.project, site.store
    findings = newest_findings(site)
    newest = {
        cell: (of, store.load_cell(of, cell) or summary)
        for cell, (of, summary) in store.newest_cells().items()
    }
    current = _current(project, image_ids, findings)
    grid = build_grid(
        project.services,
        project.environments,
        newest,
        now=_now(),
        policy=project.policy,
        current=current,
        findings=findings,
    )
    grid = replace(grid, strengths=strengths_of(site, current.image_ids, current.probes_digests))
    return grid if heading is None else name_cancelled(grid, heading)


def _baseline(site: Site) -> Mapping[CellId, Verdict] | None:
    """What the newest run of the policy's baseline came to; None where there is none."""
    release = site.project.policy.baseline
    run = next(
        (run for run in site.store.latest(BASELINE_FROM_RUNS) if run.release == release), None
    )
    return {one.cell: one.verdict for one in run.results} if release and run else None


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


def newest_findings(site: Site) -> dict[str, EnvironmentFinding]:
    """What was last found out about each environment, by name."""
    findings: dict[str, EnvironmentFinding] = {}
    for run in site.store.latest(FINDINGS_FROM_RUNS):
        for finding in run.findings:
            findings.setdefault(finding.environment, finding)
    return findings


def _ids(runs: Sequence[Run]) -> str:
    return ", ".join(run.id for run in runs[:5]) or "none"


def _now() -> datetime:
    return datetime.now(UTC)
