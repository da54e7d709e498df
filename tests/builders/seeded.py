"""A project whose store holds what a test says it was measured to be; no engine is asked."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    EnvironmentFinding,
    HostFinding,
    ProbeResult,
    Run,
    RunState,
    Side,
)
from matrix.core.verdict import Verdict
from matrix.loading import load_project
from matrix.probing.sources import digest
from matrix.store import new_run_id, open_store
from matrix.wiring import probe_folders

#: A socket where nothing listens: what is built on this machine must not matter.
NO_ENGINE = "/nonexistent/engine.sock"
BEGAN = datetime(2026, 11, 22, 17, 5, 12, tzinfo=UTC)
PROBE = "hello/test_hello.py::test_page_is_served"


def a_probe(verdict, *, name=PROBE, message="", seconds=0.1):
    reason = {Verdict.PASSED: "", Verdict.FAILED: "assertion"}.get(verdict, "other")
    return ProbeResult(
        id=name,
        side=Side.INSIDE,
        title="A page is served",
        verdict=verdict,
        reason=reason,
        message=message,
        seconds=seconds,
    )


def an_attempt(verdict, probes, *, host, reason="", message="", **more):
    return Attempt(
        number=1,
        host=host,
        verdict=verdict,
        reason=reason,
        message=message,
        probes=tuple(probes),
        planned=tuple(probe.id for probe in probes),
        started_at=BEGAN,
        seconds=1.0,
        **more,
    )


def a_result(project, cell, verdict, *, message="", **changes):
    """A result of *cell* as a run now would have it, by one probe."""
    service, _, environment = cell.partition("@")
    place = next(one for one in project.environments if one.name == environment)
    probe = a_probe(verdict, message=message)
    attempts = tuple(
        an_attempt(verdict, [probe], host=host.name, reason=probe.reason, message=message)
        for host in place.hosts
    )
    result = CellResult(
        cell=CellId(service=service, environment=environment),
        verdict=verdict,
        reason=probe.reason,
        message=message,
        attempts=attempts,
        image_id=f"sha256:{service}",
        fingerprint=f"print-of-{environment}",
        probes_digest=digest(probe_folders(project, service)),
        finished_at=datetime.now(UTC),
    )
    return replace(result, **changes)


def keep(folder, results, *, release="", ago=timedelta()):
    """Write a finished run with *results* into the store of the project in *folder*."""
    project = load_project(folder)
    at = datetime.now(UTC) - ago
    run = Run(
        id=new_run_id(at),
        state=RunState.RUNNING,
        started_at=at,
        release=release,
        by="qa@build",
        plan_digest="plan",
        cells=tuple(result.cell for result in results),
        version="0",
    )
    with closing(open_store(project.state / "store.sqlite")) as store:
        store.begin(run)
        for name in sorted({result.cell.environment for result in results}):
            host = HostFinding(host="local", facts={}, fingerprint=f"print-of-{name}")
            store.record_finding(run.id, EnvironmentFinding(environment=name, hosts=(host,)))
        for result in results:
            store.record_cell(run.id, result)
        store.finish(run.id, state=RunState.FINISHED.value, at=at, leftovers=())
    return run.id
