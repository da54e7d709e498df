"""A kit on the customer's machine: what it will do, and doing it.

The runner is the usual one. The project comes out of the kit, its one environment is this machine,
and images come from the kit. Everything of ours lies in one private folder, which the shell part
of the kit removes whatever happens.
"""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from matrix.app import Outcome, Show, Wish, examine, plan_run, run_plan, sweep_hosts
from matrix.bundle.kit import Kit
from matrix.bundle.manifest import Manifest
from matrix.bundle.members import check_name
from matrix.bundle.project_files import ROOT
from matrix.bundle.shelf import Shelf
from matrix.core.errors import EngineUnavailable, Refused, Unhealthy
from matrix.core.model import Environment, Host, Kind, Limits, Project, Service
from matrix.core.plan import Plan
from matrix.core.planning import in_order_of
from matrix.core.redaction import Redactor
from matrix.core.requirements import sentence, unmet
from matrix.execution.sweep import Sweep, Swept
from matrix.execution.toolbox import Halt
from matrix.redacting import redacted_show, redacted_site, removed_from
from matrix.site import Site, Supply, open_project, opened

HOST = "here"
#: Cells at once: a customer's machine has other work.
PARALLEL = 1
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundEngine:
    """An engine that listens on this machine."""

    name: str
    socket: Path


def find_engines(user: int) -> tuple[FoundEngine, ...]:
    """Engines of this machine that take a connection, those of *user* alone last.

    Docker's socket is as in dockerd(8), Podman's as in podman-system-service(1).
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{user}")
    places = (
        FoundEngine(name="docker", socket=Path("/var/run/docker.sock")),
        FoundEngine(name="podman", socket=Path("/run/podman/podman.sock")),
        FoundEngine(name="docker", socket=Path(runtime) / "docker.sock"),
        FoundEngine(name="podman", socket=Path(runtime) / "podman/podman.sock"),
    )
    return tuple(place for place in places if _answers(place.socket))


def choose_engine(wanted: Path | None) -> FoundEngine:
    """The engine at *wanted*, else the first that is found; raises EngineUnavailable."""
    if wanted is not None:
        name = "podman" if "podman" in wanted.name else "docker"
        return FoundEngine(name=name, socket=wanted)
    found = find_engines(os.getuid())
    if not found:
        raise EngineUnavailable(
            "no Docker or Podman answers on this machine, or this account may not use it: start "
            "one (`systemctl start docker`, or `podman system service --time=0 &`), or name its "
            "socket with --engine-socket"
        )
    return found[0]


@contextmanager
def opened_kit(
    path: Path, folder: Path, engine: FoundEngine, now: datetime
) -> Iterator[tuple[Site, Manifest]]:
    """The kit as an opened project; raises Refused for a kit that is damaged or over."""
    kit = Kit(path)
    try:
        if kit.manifest.is_over(now):
            raise Refused(
                f"this kit was good until {kit.manifest.expires_at:%Y-%m-%d %H:%M} UTC: ask for "
                "a new one"
            )
        project = unpack_project(kit, folder, engine)
        with kit.images() as images:
            supply = Supply(ids=kit.manifest.images, source=Shelf(images))
            with opened(project, supply=supply) as site:
                yield site, kit.manifest
    finally:
        kit.close()


def unmet_requirements(site: Site) -> tuple[tuple[str, ...], ...]:
    """Service, and what it asks for that this machine has not; starts no container of a service.

    Raises Unhealthy where the engine does not work: then nobody can tell.
    """
    try:
        (finding,) = examine(site, site.project.environments, watch=lambda _: None)
    finally:
        # Whether the engine works was tried with a tiny image.
        sweep_kit(site)
    if finding.fault is not None:
        raise Unhealthy(finding.fault.message)
    facts = finding.hosts[0].facts
    return tuple(
        (service.name, *[sentence(one) for one in unmet(service.requirements, facts)])
        for service in site.project.services
    )


def memory_of(service: Service) -> int:
    """Bytes that a cell of it may take at most, its companions together with it."""
    companions = (companion.settings.memory_bytes for companion in service.companions)
    return service.settings.memory_bytes + sum(companions)


def image_bytes(site: Site, manifest: Manifest) -> int:
    """Bytes that the kit's images may take at most when they are unpacked; raises Refused."""
    source = site.supply.source if site.supply else None
    found = [source.inspect_image(one) for one in {*manifest.images.values()}] if source else []
    return sum(image.size_bytes for image in found if image is not None)


def run_kit(
    site: Site, services: Sequence[str], *, show: Show, halt: Halt, redactor: Redactor
) -> tuple[Plan, Outcome, Swept]:
    """Measure every cell in the order of *services*, then remove everything again, images too.

    What *redactor* takes out is neither kept nor shown; the report says how much that was.
    """
    site, show = redacted_site(site, redactor), redacted_show(show, redactor)
    wish = Wish(parallel=PARALLEL)
    plan = in_order_of(plan_run(site, wish), services)
    outcome = run_plan(site, plan, wish, show=show, halt=halt)
    report = replace(outcome.report, redacted=removed_from(site.store))
    outcome = replace(outcome, report=report)
    return plan, outcome, sweep_kit(site)


def sweep_kit(site: Site) -> Swept:
    """Remove everything that the journal of the kit's runs has, images too."""
    return sweep_hosts(site, Sweep(remove=True, keep_images=False))


def unpack_project(kit: Kit, folder: Path, engine: FoundEngine) -> Project:
    """The project in *kit*, put into *folder*: this machine is its one environment.

    Raises Refused for files that do not belong there, ConfigError for some that say nothing.
    """
    for name in kit.names(f"{ROOT}/"):
        _write(folder, name, kit.read(name))
    project = open_project(folder / ROOT)
    return replace(
        project,
        images=tuple(replace(image, reference="", context=None) for image in project.images),
        environments=(_environment(kit.manifest, engine),),
    )


def _write(folder: Path, name: str, data: bytes) -> None:
    """A file of the kit, never outside *folder*."""
    check_name(name)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _environment(manifest: Manifest, engine: FoundEngine) -> Environment:
    host = Host(name=HOST, connection="local", engine_socket=str(engine.socket))
    return Environment(
        name=manifest.customer,
        title=manifest.title,
        kind=Kind.CUSTOMER,
        hosts=(host,),
        engine=engine.name,
        limits=Limits(parallel_cells=PARALLEL),
    )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True


def summary(site: Site, manifest: Manifest, engine: FoundEngine) -> tuple[str, ...]:
    """What the kit will do, use and never do, in plain words."""
    services = ", ".join(manifest.services)
    memory = max(map(memory_of, site.project.services), default=0)
    minutes = max((one.deadline_seconds for one in site.project.services), default=0.0) / 60
    return (
        f"This kit checks whether these services work on this machine: {services}.",
        f"It was made for {manifest.customer} and is good until "
        f"{manifest.expires_at:%Y-%m-%d %H:%M} UTC.",
        f"It uses {engine.name} at {engine.socket}, loads the kit's images "
        "into it, starts containers with networks of their own, and asks them questions.",
        f"It takes at most {memory // MEBIBYTE} MiB of memory at once, "
        f"{image_bytes(site, manifest) // MEBIBYTE} MiB of disk for the images that are not there "
        "yet, and ports on 127.0.0.1 that the engine chooses.",
        f"It gives a service {minutes:.0f} minutes at most, and tries once more where something "
        "got in the way.",
        "It uses no network, changes no setting, touches no container, image or volume that is "
        "not its own, and removes all of its own at the end, images too.",
        f"It writes report.html and {manifest.customer}-result.matrix into this folder and sends "
        "nothing.",
    )
