"""The lab's verbs: up, status, down, seed.

Hosts are containers on this machine's engine with their own sshd and their own engine. Everything
made carries a label of the lab and is removed by it; nothing else is touched.
"""

import fcntl
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from docker import APIClient

from matrix.core.errors import HostError, MatrixError
from matrix.lab import containers, keys, networks, swarm
from matrix.lab.images import ImageKey, ensure_image, image_key
from matrix.lab.machine import open_engine, read_routes, read_withheld_capabilities
from matrix.lab.plan import HostPlan, LabPlan, choose, read_plan
from matrix.lab.readiness import wait_until_ready
from matrix.lab.seeding import seed_host

Say = Callable[[str], None]
T = TypeVar("T")
R = TypeVar("R")

READY_SECONDS = 60.0
_GLANCE_SECONDS = 3.0
_AT_ONCE = 8


class LabState(Enum):
    """What a lab host is doing."""

    #: There is no container for it.
    ABSENT = "absent"
    #: Its container does not run.
    STOPPED = "stopped"
    #: Its container runs, but its sshd or its engine does not answer.
    SILENT = "silent"
    #: It can be used.
    READY = "ready"


@dataclass(frozen=True, kw_only=True, slots=True)
class LabHost:
    """One host of the lab as it is now."""

    environment: str
    name: str
    #: Name of its container on this machine's engine.
    container: str
    address: str
    port: int
    user: str
    state: LabState
    #: "docker 26.1.5" and the like when it is ready, else what is wrong.
    engine: str


def up(root: Path, inventory: Path, *, names: Collection[str] = (), report: Say) -> None:
    """Make the hosts of *inventory* that *names* stand for ready; those that are stay as they are.

    *names* are names of environments or hosts, none for all. *report* gets lines for people, from
    several threads. Raises ConfigError and UsageError before anything is made, EngineUnavailable
    without an engine, HostError naming each host that did not get ready with the end of its log.
    """
    plan = read_plan(root, inventory)
    hosts = choose(plan, names)
    with _alone(root):
        began = time.monotonic()
        images = _ensure_images(plan, hosts, report)
        with open_engine() as client:
            wanted = [_want(client, plan, host, images[image_key(host)]) for host in hosts]
        keys.write_known_hosts((each.host, each.host_key) for each in wanted)
        kept = _for_each(partial(_leave_or_discard, plan=plan, report=report), wanted)
        absent = [each for each, stays in zip(wanted, kept, strict=True) if not stays]
        _ensure_networks(absent)
        withheld = read_withheld_capabilities()
        _for_each(partial(_start, withheld=withheld, report=report), absent)
        with open_engine() as client:
            for members in swarm.clusters(hosts):
                swarm.join(client, members, report)
        report(f"lab: {len(hosts)} hosts ready after {time.monotonic() - began:.1f} s")


def status(root: Path, inventory: Path) -> tuple[LabHost, ...]:
    """Every host of the lab as it is now, in the order of the inventory.

    Raises what ``up`` raises before anything is made.
    """
    plan = read_plan(root, inventory)
    return tuple(_for_each(_look, plan.hosts))


def down(
    root: Path, inventory: Path, *, names: Collection[str] = (), report: Say
) -> frozenset[tuple[str, str]]:
    """Remove the hosts that *names* stand for, with volumes and keys, and networks left empty.

    Without *names* also hosts that the inventory had once. The images they are made from stay.
    Returns environment and name of each of them with which all that was on it is gone, whether it
    was there or not: what a member of a swarm runs is its manager's.
    """
    plan = read_plan(root, inventory)
    hosts = choose(plan, names)
    chosen = {host.container for host in hosts}
    with _alone(root), open_engine() as client:
        ours = containers.of_lab(client, plan)
        going = [name for name in ours if not names or name in chosen]
        _for_each(partial(_remove, report=report), going)
        for name in dict.fromkeys(host.network.name for host in hosts):
            networks.remove_network(client, name, report)
        _forget(plan, hosts)
        left = [host.container for host in plan.hosts if containers.is_there(client, host)]
    managers = {members[0].environment: members[0] for members in swarm.clusters(plan.hosts)}
    return frozenset(
        (host.environment, host.name)
        for host in hosts
        if not {host.container, managers.get(host.environment, host).container} & set(left)
    )


def seed(
    root: Path, inventory: Path, names: Collection[str], image_ids: Sequence[str], report: Say
) -> None:
    """Put images of this machine's engine directly into those hosts that *names* stand for and
    whose lab tables say ``seeded = true``.

    Raises DeliveryFailed when one does not arrive.
    """
    plan = read_plan(root, inventory)
    with open_engine() as client:
        for host in choose(plan, names):
            if host.seeded:
                seed_host(client, host, image_ids, report)


def required_bases(root: Path, inventory: Path, *, names: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the base images that must be on this machine before ``up`` with these *names*."""
    hosts = choose(read_plan(root, inventory), names)
    return tuple(dict.fromkeys(host.suite for host in hosts))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wanted:
    """One host with everything that is asked of the engine for it."""

    host: HostPlan
    #: Its public host key.
    host_key: str
    #: Arguments of ``create_container``.
    request: Mapping[str, Any]

    @property
    def container(self) -> str:
        return self.host.container


def _want(client: APIClient, plan: LabPlan, host: HostPlan, image: str) -> _Wanted:
    folder = _settings_folder(plan, host)
    host_key = keys.ensure_key(folder / "ssh_host_ed25519_key")
    client_key = keys.ensure_key(host.identity_file)
    options = "\n".join([f"Port {host.port}", *host.sshd])
    keys.write_private(folder / "authorized_keys", f"{client_key}\n".encode())
    keys.write_private(folder / "sshd_options", f"{options}\n".encode())
    request = containers.describe(client, plan, host, image=image, settings=folder)
    return _Wanted(host=host, host_key=host_key, request=request)


def _settings_folder(plan: LabPlan, host: HostPlan) -> Path:
    return plan.folder / "hosts" / host.name


def _ensure_images(plan: LabPlan, hosts: Sequence[HostPlan], report: Say) -> Mapping[ImageKey, str]:
    different = {image_key(host): host for host in hosts}
    context = plan.root / "images" / "lab"
    ids = _for_each(partial(_ensure_image, context=context, report=report), different.values())
    return dict(zip(different, ids, strict=True))


def _ensure_image(host: HostPlan, *, context: Path, report: Say) -> str:
    with open_engine() as client:
        return ensure_image(client, host, context=context, report=report)


def _ensure_networks(absent: Sequence[_Wanted]) -> None:
    with open_engine() as client:
        taken = read_routes()
        for network in dict.fromkeys(each.host.network for each in absent):
            networks.ensure_network(client, network, taken)


def _leave_or_discard(wanted: _Wanted, *, plan: LabPlan, report: Say) -> bool:
    """Whether the host stays as it is; if not, there is no container of its name any more."""
    host = wanted.host
    with open_engine() as client:
        found = containers.inspect(client, host.container)
        if found is None:
            return False
        why = containers.difference(found, wanted.request, root=plan.root)
        if not why:
            try:
                engine = _glance(host, wanted.host_key)
            except HostError as error:
                why = str(error)
            else:
                report(f"lab: {host.name} is up already: {host.engine} {engine}")
                return True
        report(f"lab: {host.name} is made anew: {why}")
        containers.remove(client, host.container)
    return False


def _start(wanted: _Wanted, *, withheld: Sequence[str], report: Say) -> None:
    host = wanted.host
    began = time.monotonic()
    with open_engine() as client:
        container = containers.create(client, wanted.request, withheld=withheld)
        containers.start(client, container, host.container)
        try:
            engine = wait_until_ready(
                host,
                wanted.host_key,
                deadline_seconds=READY_SECONDS,
                alive=partial(containers.is_running, client, container),
            )
        except HostError as error:
            tail = containers.log_tail(client, container)
            raise type(error)(f"lab host {error}\nThe end of its log:\n{tail}") from error
    seconds = time.monotonic() - began
    report(
        f"lab: {host.name} at {host.address} ready after {seconds:.1f} s: {host.engine} {engine}"
    )


def _look(host: HostPlan) -> LabHost:
    state, engine = _state(host)
    return LabHost(
        environment=host.environment,
        name=host.name,
        container=host.container,
        address=str(host.address),
        port=host.port,
        user=host.user,
        state=state,
        engine=engine,
    )


def _state(host: HostPlan) -> tuple[LabState, str]:
    with open_engine() as client:
        found = containers.inspect(client, host.container)
        if found is None:
            return LabState.ABSENT, "not started"
        if not found["State"]["Running"]:
            return LabState.STOPPED, f"ended with {found['State']['ExitCode']}"
    known = keys.known_key(host)
    if known is None:
        return LabState.SILENT, f"no key for it in {host.known_hosts}"
    try:
        return LabState.READY, f"{host.engine} {_glance(host, known)}"
    except HostError as error:
        return LabState.SILENT, str(error)


def _glance(host: HostPlan, host_key: str) -> str:
    """Version of its engine if it answers at once."""
    return wait_until_ready(host, host_key, deadline_seconds=_GLANCE_SECONDS, alive=lambda: False)


def _remove(name: str, *, report: Say) -> None:
    with open_engine() as client:
        containers.remove(client, name)
    report(f"lab: {name} removed")


def _forget(plan: LabPlan, hosts: Sequence[HostPlan]) -> None:
    keys.forget_hosts(hosts)
    for host in hosts:
        shutil.rmtree(_settings_folder(plan, host), ignore_errors=True)
    if not any((plan.folder / "hosts").glob("*")):
        shutil.rmtree(plan.folder, ignore_errors=True)


def _for_each(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What *work* gives for each of *items*, done at the same time.

    All are carried to their end; then, if some raised, one error tells of all of them.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(work, item) for item in items]
    errors = [error for error in (future.exception() for future in futures) if error]
    ours = [error for error in errors if isinstance(error, MatrixError)]
    if len(ours) > 1 and ours == errors:
        raise HostError("\n".join(str(error) for error in ours)) from ours[0]
    return [future.result() for future in futures]


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Nobody else changes the lab of this project meanwhile; waits for who does."""
    state = root / ".matrix"
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
