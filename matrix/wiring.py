"""Gives execution its tools: here, and only here, the adapters are named."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from matrix.core.build import BuildWatcher, ImageState, ImageStatus
from matrix.core.errors import EngineUnavailable, UsageError
from matrix.core.model import Environment, Host, Project, Service
from matrix.core.ports import (
    Connection,
    Engine,
    ImageInfo,
    Images,
    Prober,
    Progress,
    Watcher,
)
from matrix.core.ports import Tether as TetherPort
from matrix.core.result import Side
from matrix.core.store_ports import Intent, Store
from matrix.delivery.build import build_bases, build_images, image_status
from matrix.delivery.deliver import Disk, Wanted, deliver
from matrix.delivery.health import check_health, check_names
from matrix.engines import open_engine
from matrix.execution.halting import HaltingStream
from matrix.execution.toolbox import Halt, Order, Toolbox
from matrix.execution.workspace import workspace
from matrix.hosts import connect
from matrix.hosts.facts import gather
from matrix.hosts.node import NodeConnection, NodeTether
from matrix.hosts.processes import find_processes
from matrix.hosts.shell import KeptShell
from matrix.hosts.tether import Tether
from matrix.probing.controls import controls

#: Where the engine that builds images listens, unless MATRIX_BUILD_SOCKET says otherwise.
BUILD_SOCKET = Path("/var/run/docker.sock")
#: HTTP connections to an engine: one where each takes an SSH session.
CONNECTIONS, FEW_CONNECTIONS = 4, 1
#: Engines that are run by a manager, which is the first host of an environment.
CLUSTERS = ("swarm",)
#: Engines whose names are served by a process apart, which can hang (docs/decisions/0017).
NAMES_APART = ("podman",)
#: sshd's own MaxSessions; a host that allows fewer is treated with care.
USUAL_SESSIONS = 10


def build_socket() -> Path:
    """The socket of the engine that has the built images."""
    return Path(os.environ.get("MATRIX_BUILD_SOCKET", str(BUILD_SOCKET)))


def source_engine() -> Engine:
    """The engine that has the built images; raises EngineUnavailable."""
    return open_engine("docker", build_socket())


def probe_folders(project: Project, service: str) -> tuple[Path, ...]:
    """The folders of the probes that a service gets: its own first, then those for every one."""
    mine = next(one for one in project.services if one.name == service)
    return (*mine.probes, project.outside_probes)


def status_of_images(project: Project) -> tuple[ImageStatus, ...]:
    """What the build engine has of the catalogue's images; raises EngineUnavailable."""
    return image_status(project.images, project.bases, socket=build_socket())


def known_images(project: Project) -> Mapping[str, str]:
    """Image name → id of those that are built; {} where no engine could tell."""
    try:
        found = status_of_images(project)
    except EngineUnavailable:
        return {}
    return {status.name: status.id for status in found if status.id}


def build_missing(
    project: Project, names: Sequence[str], *, observe: BuildWatcher
) -> tuple[ImageStatus, ...]:
    """Build those of the named images that are missing or stale; returns what there is then."""
    return build_images(
        [image for image in project.images if image.name in names],
        project.bases,
        socket=build_socket(),
        cache=project.state / "cache" / "bases",
        registry=os.environ.get("MATRIX_REGISTRY", ""),
        observe=observe,
    )


def ensure_bases(project: Project, names: Sequence[str], *, observe: BuildWatcher) -> None:
    """Make those of the catalogue's named bases that are missing or stale; raises BuildFailed."""
    build_bases(
        names,
        project.bases,
        socket=build_socket(),
        cache=project.state / "cache" / "bases",
        registry=os.environ.get("MATRIX_REGISTRY", ""),
        observe=observe,
    )


def images_of(services: Sequence[Service]) -> tuple[str, ...]:
    """Names of the images that services and their companions are run from."""
    names = {
        name
        for service in services
        for name in (service.image, *(companion.image for companion in service.companions))
    }
    return tuple(sorted(names))


def ensure_images(
    project: Project, services: Sequence[Service], *, observe: BuildWatcher
) -> Mapping[str, str]:
    """Image name → id for all that *services* run from, built where missing or stale.

    An image that is only pulled has "" until a host has it. Raises BuildFailed, and UsageError
    for an image that can be had from nowhere.
    """
    names = images_of(services)
    if not names:
        return {}
    found = build_missing(project, names, observe=observe)
    images = {image.name: image for image in project.images}
    lost = [
        one.name
        for one in found
        if one.state is ImageState.MISSING and not images[one.name].reference
    ]
    if lost:
        raise UsageError(f"no image for {', '.join(lost)}: neither a folder nor a reference")
    return {one.name: one.id for one in found}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Adapters:
    """The adapters of one run, with what they share."""

    store: Store
    source: Images | None
    #: Where sockets of ours are.
    folder: Path

    def connect(self, environment: Environment, host: Host) -> Connection:
        """Reach a host; one that is a node of a cluster together with its manager."""
        reached = self._reach(environment, host)
        manager = manager_of(environment, host)
        if manager is None:
            return reached
        try:
            return NodeConnection(reached, self._reach(environment, manager))
        except BaseException:
            reached.close()
            raise

    def tie(
        self, connection: Connection, token: str, environment: Environment, host: Host
    ) -> TetherPort:
        """A guard on the host, and on its manager where it has one."""
        engine, manager = environment.engine_on(host), manager_of(environment, host)
        if manager is None or not isinstance(connection, NodeConnection):
            return _tether(connection, token, engine, host)
        guard = _tether(connection.manager, token, engine, manager)
        try:
            return NodeTether(_tether(connection.node, token, engine, host), guard)
        except BaseException:
            guard.close()
            raise

    def open_engine(self, environment: Environment, host: Host, connection: Connection) -> Engine:
        """The engine at the end of a connection, with as few sockets as the host bears."""
        few = host.ssh is not None and host.max_sessions < USUAL_SESSIONS
        manager = connection.manager if isinstance(connection, NodeConnection) else None
        return open_engine(
            environment.engine_on(host),
            connection.engine_socket(),
            manager=None if manager is None else manager.engine_socket(),
            connections=FEW_CONNECTIONS if few else CONNECTIONS,
        )

    def _reach(self, environment: Environment, host: Host) -> Connection:
        return connect(host, workspace=self.folder, engine=environment.engine_on(host))

    def check_health(
        self,
        engine: Engine,
        *,
        run: str,
        token: str,
        environment: Environment,
        host: Host,
        free_bytes: int | None,
        total_bytes: int | None,
    ) -> None:
        """Try the golden image on a host."""
        check_health(
            engine,
            run=run,
            token=token,
            environment=environment.name,
            host=host.name,
            journal=self.store,
            disk=_disk(environment, free_bytes, total_bytes),
        )

    def check_names(
        self,
        engine: Engine,
        *,
        run: str,
        token: str,
        environment: Environment,
        host: Host,
        free_bytes: int | None,
        total_bytes: int | None,
    ) -> None:
        """Resolve a name on a host where the engine does not do that itself."""
        if environment.engine_on(host) not in NAMES_APART:
            return
        check_names(
            engine,
            run=run,
            token=token,
            environment=environment.name,
            host=host.name,
            journal=self.store,
            disk=_disk(environment, free_bytes, total_bytes),
        )

    def deliver(self, order: Order, *, progress: Progress) -> ImageInfo:
        """Bring an image to a host."""
        return deliver(
            Wanted(
                image_id=order.image_id,
                reference=order.image.reference,
                architecture=order.architecture,
            ),
            target=order.engine,
            source=self.source,
            journal=self.store,
            intent=Intent(
                run=order.run,
                cell=None,
                environment=order.environment.name,
                host=order.host.name,
                kind="image",
                name=order.image.name,
            ),
            disk=_disk(order.environment, order.free_bytes, order.total_bytes),
            progress=progress,
        )


def manager_of(environment: Environment, host: Host) -> Host | None:
    """Where a cluster's services are made, for a host that is only a node of one; else None."""
    if environment.engine_on(host) not in CLUSTERS or host == environment.hosts[0]:
        return None
    return environment.hosts[0]


def _tether(connection: Connection, token: str, engine: str, host: Host) -> Tether:
    return Tether(
        connection,
        run=token,
        engine=engine,
        sudo=host.engine_sudo,
        engine_socket=host.engine_socket,
    )


def _disk(environment: Environment, free_bytes: int | None, total_bytes: int | None) -> Disk:
    floor = environment.limits.free_disk_floor_bytes
    return Disk(free_bytes=free_bytes, total_bytes=total_bytes, floor_bytes=floor)


@contextmanager
def open_toolbox(
    store: Store, prober: Prober, *, halt: Halt, watch: Watcher, images: Images | None = None
) -> Iterator[Toolbox]:
    """The tools of one run; sockets and the build engine are let go of at the end.

    *images* is where images are sent from, None for the engine that builds them.
    """
    with ExitStack() as opened:
        folder = opened.enter_context(workspace())
        source = images or _build_engine(opened)
        adapters = _Adapters(store=store, source=source, folder=folder)
        yield Toolbox(
            connect=adapters.connect,
            open_engine=adapters.open_engine,
            open_shell=lambda opened: KeptShell(lambda: HaltingStream(opened(), halt)),
            tie=adapters.tie,
            gather_facts=lambda shell, root: gather(shell, root=root),
            check_health=adapters.check_health,
            check_names=adapters.check_names,
            find_processes=find_processes,
            deliver=adapters.deliver,
            prober=prober,
            outside_controls=controls(Side.OUTSIDE),
            journal=store,
            log=store,
            is_alive=store.is_alive,
            source=source,
            now=lambda: datetime.now(UTC),
            watch=watch,
            halt=halt,
        )


def _build_engine(opened: ExitStack) -> Engine | None:
    """The engine that builds images, closed with *opened*; None when there is none."""
    try:
        engine = source_engine()
    except EngineUnavailable:
        return None
    opened.callback(engine.close)
    return engine


#: What ``app`` and the front door may say about a build.
Say = Callable[[str], None]
