"""A lab host as a container: what is asked of the engine, and making and removing it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import LogConfig

from matrix.core.errors import EngineError, NameConflict
from matrix.lab.plan import HostPlan, LabPlan
from matrix.lab.recipes import recipe, storage

LABEL_HOST = "io.compat-matrix.lab.host"
LABEL_ROOT = "io.compat-matrix.lab.root"
LABEL_INVENTORY = "io.compat-matrix.lab.inventory"
#: Hash of everything that was asked for, to find out whether it is still what is wanted.
LABEL_DIGEST = "io.compat-matrix.lab.digest"

#: Where entry.sh looks for keys and options.
SETTINGS = "/etc/compat-lab"

#: Written to while the host runs, so in memory where the root file system is read-only.
_WRITTEN = ("/etc/docker", "/etc/containers/networks", "/var/log", "/root", "/var/tmp")  # noqa: S108


def describe(
    client: APIClient, plan: LabPlan, host: HostPlan, *, image: str, settings: Path
) -> dict[str, Any]:
    """What the engine is asked to create for *host*, as arguments of ``create_container``."""
    endpoints = {host.network.name: client.create_endpoint_config(ipv4_address=str(host.address))}
    request: dict[str, Any] = {
        "image": image,
        "name": host.container,
        "hostname": host.name,
        "environment": dict(_settings(host)),
        "volumes": [storage(host)],
        "host_config": _host_config(client, host, settings),
        # The stub takes the value of the mapping for the mapping.
        "networking_config": client.create_networking_config(endpoints),  # type: ignore[arg-type]
        "use_config_proxy": False,
    }
    keys = {file.name: file.read_text(encoding="utf-8") for file in sorted(settings.iterdir())}
    digest = hashlib.sha256(json.dumps([request, keys], sort_keys=True).encode()).hexdigest()
    request["labels"] = {
        LABEL_HOST: host.name,
        LABEL_ROOT: str(plan.root.resolve()),
        LABEL_INVENTORY: plan.inventory,
        LABEL_DIGEST: digest,
    }
    return request


def create(client: APIClient, request: Mapping[str, Any], *, withheld: Sequence[str]) -> str:
    """Create the container; returns its id.

    *withheld* are capabilities this machine does not give to anybody. Engines before 23 fail when
    they are not dropped by name, later ones when they are: the engine itself says which it is.
    """
    drops = ([*withheld, "SYS_TIME"], ["SYS_TIME"])
    try:
        return _create(client, request, drop=drops[0])
    except APIError as error:
        if "unknown capability" not in str(error.explanation):
            raise EngineError(f"{request['name']}: {error.explanation}") from error
    try:
        return _create(client, request, drop=drops[1])
    except APIError as error:
        raise EngineError(f"{request['name']}: {error.explanation}") from error


def is_there(client: APIClient, host: HostPlan) -> bool:
    """Whether the engine has a container of that name, the lab's or somebody else's."""
    try:
        return inspect(client, host.container) is not None
    except NameConflict:
        return True


def inspect(client: APIClient, name: str) -> Mapping[str, Any] | None:
    """The lab's container of that name, as the engine has it, or None.

    Raises NameConflict when it is not the lab's.
    """
    try:
        # Any: the engine's answer.
        found: Mapping[str, Any] = client.inspect_container(name)
    except NotFound:
        return None
    if LABEL_HOST not in (found["Config"]["Labels"] or {}):
        raise NameConflict(
            f"there is a container {name} that is not the lab's: rename or remove it"
        )
    return found


def difference(found: Mapping[str, Any], request: Mapping[str, Any], *, root: Path) -> str:
    """Why a container is not the one that is asked for, "" when it is."""
    labels = found["Config"]["Labels"]
    if labels.get(LABEL_ROOT) != str(root.resolve()):
        return f"it was that of the lab in {labels.get(LABEL_ROOT)}"
    if labels.get(LABEL_DIGEST) != request["labels"][LABEL_DIGEST]:
        return "what is asked of it has changed"
    return "" if found["State"]["Running"] else "it does not run"


def of_lab(client: APIClient, plan: LabPlan) -> tuple[str, ...]:
    """Names of the containers that were made for the inventory of *plan*."""
    labels = [f"{LABEL_ROOT}={plan.root.resolve()}", f"{LABEL_INVENTORY}={plan.inventory}"]
    found = client.containers(all=True, filters={"label": labels})
    return tuple(each["Names"][0].removeprefix("/") for each in found)


def start(client: APIClient, container: str, name: str) -> None:
    """Start it; raises EngineError when the engine cannot."""
    try:
        client.start(container)
    except APIError as error:
        raise EngineError(f"{name}: {error.explanation}") from error


def is_running(client: APIClient, container: str) -> bool:
    """Whether its first process is there."""
    try:
        return bool(client.inspect_container(container)["State"]["Running"])
    except NotFound:
        return False


def remove(client: APIClient, container: str) -> None:
    """Remove a container with its volumes; gone already is fine."""
    try:
        client.remove_container(container, v=True, force=True)
    except NotFound:
        return
    except APIError as error:
        raise EngineError(f"removing {container}: {error.explanation}") from error


def log_tail(client: APIClient, container: str) -> str:
    """The last lines a host wrote: those of its sshd and its engine."""
    try:
        return client.logs(container, tail=15).decode("utf-8", "replace").rstrip()
    except APIError as error:
        return f"(no log: {error.explanation})"


def _create(client: APIClient, request: Mapping[str, Any], *, drop: Sequence[str]) -> str:
    host_config = {**request["host_config"], "CapDrop": list(drop)}
    created = client.create_container(**{**request, "host_config": host_config})
    return str(created["Id"])


def _settings(host: HostPlan) -> Iterator[tuple[str, str]]:
    """What entry.sh is told."""
    if host.cgroup is not None:
        yield "COMPAT_LAB_CGROUP", str(host.cgroup)
    if host.rootless:
        yield "COMPAT_LAB_ROOTLESS", host.user
    if host.link is not None:
        yield "COMPAT_LAB_LINK", f"{host.port} {host.link.delay_ms} {host.link.megabits}"
    if host.machine != "container" and host.memory_bytes is not None:
        yield "COMPAT_LAB_MEMORY", f"{host.memory_bytes // 2**20}M"


def _host_config(client: APIClient, host: HostPlan, settings: Path) -> dict[str, Any]:
    written = _WRITTEN if host.read_only else ()
    memory = host.memory_bytes and host.memory_bytes + recipe(host).overhead_bytes
    config: dict[str, Any] = client.create_host_config(
        binds={str(settings.resolve()): {"bind": SETTINGS, "mode": "ro"}},
        # Everything but the clock, which is the machine's: an engine needs most of it. This is
        # narrower than "privileged" and works where the machine itself lacks a capability.
        cap_add=["ALL"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
        device_cgroup_rules=["a *:* rwm"],
        devices=[f"{device}:{device}:rwm" for device in recipe(host).devices],
        tmpfs={"/run": "", "/tmp": "exec", **dict.fromkeys(written, "")},  # noqa: S108
        cgroupns="private",
        read_only=host.read_only,
        mem_limit=memory,
        memswap_limit=memory,
        pids_limit=host.pids,
        sysctls=None if host.ipv6 else {"net.ipv6.conf.all.disable_ipv6": "1"},
        log_config=LogConfig(type="json-file", config={"max-size": "5m", "max-file": "2"}),
    )
    # What the command line calls systempaths=unconfined.
    return {**config, "MaskedPaths": [], "ReadonlyPaths": []}
