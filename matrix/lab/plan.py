"""What the lab is to be: hosts and networks, read from the ``lab`` tables of an inventory.

Only the keys the lab needs are looked at; the rest of the inventory is checked where inventories
are loaded.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from os.path import normpath
from pathlib import Path

from pydantic import ValidationError

from matrix.core.errors import ConfigError, ConfigFault, UsageError
from matrix.lab.tables import EnvironmentTable, HostTable, InventoryTable, LinkTable


@dataclass(frozen=True, kw_only=True, slots=True)
class LabNetwork:
    """A network on this machine that lab hosts are in."""

    name: str
    subnet: IPv4Network
    #: Whether it is cut off from everything but this machine.
    internal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class LabLink:
    """How far away a host seems to be, by SSH."""

    #: Milliseconds there and back.
    delay_ms: int
    #: 10^6 bits a second, for each direction.
    megabits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPlan:
    """One throw-away host as it is to be."""

    environment: str
    name: str
    address: IPv4Address
    port: int
    user: str
    #: Private key that opens it; its public half is beside it.
    identity_file: Path
    #: File its host key is written to.
    known_hosts: Path
    #: "docker", "podman", or "swarm": Docker, as a member of its environment's cluster.
    engine: str
    engine_sudo: bool
    #: Path of the engine's socket on it, "" for the engine's usual one.
    engine_socket: str
    #: Debian suite it is made of.
    suite: str
    #: Debian packages it has besides those of the engine.
    packages: tuple[str, ...]
    #: "container", or "user-mode-linux": a kernel of its own in one.
    machine: str
    #: Whether its engine runs as an ordinary user.
    rootless: bool
    #: Whether it can use IPv6 addresses, ::1 among them.
    ipv6: bool
    #: None for a host that is as near as it is.
    link: LabLink | None
    network: LabNetwork
    #: None for as much as the machine has.
    memory_bytes: int | None
    #: None for as many as the machine allows.
    pids: int | None
    #: Whether its root file system is mounted read-only.
    read_only: bool
    #: 2 for the unified hierarchy on a machine that has cgroup v1; None for the machine's own.
    cgroup: int | None
    #: Lines for its sshd_config.
    sshd: tuple[str, ...]
    #: Whether images are put into it beforehand.
    seeded: bool

    @property
    def container(self) -> str:
        """Name of the container it is."""
        return f"compat-lab-{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class LabPlan:
    """All hosts of one inventory's lab."""

    #: Folder of the project.
    root: Path
    #: The inventory, as it is named in labels: relative to the root where it lies below it.
    inventory: str
    hosts: tuple[HostPlan, ...]

    @property
    def folder(self) -> Path:
        """Where everything the lab writes lies."""
        return lab_folder(self.root)


def lab_folder(root: Path) -> Path:
    """Where the lab of the project at *root* keeps keys and what else it writes."""
    return root / ".matrix" / "lab"


def read_plan(root: Path, inventory: Path) -> LabPlan:
    """The lab that the file *inventory* of the project at *root* describes.

    Raises ConfigError with every fault found.
    """
    try:
        document = tomllib.loads(inventory.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _one_fault(inventory, "there is no such file", "give the path of an inventory") from (
            error
        )
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _one_fault(inventory, str(error), "a TOML file in UTF-8") from error
    return plan_lab(document, root=root, inventory=inventory)


def plan_lab(document: Mapping[str, object], *, root: Path, inventory: Path) -> LabPlan:
    """The same from a parsed *document*; relative paths in it start at the inventory's folder."""
    try:
        tables = InventoryTable.model_validate(document).environments
    except ValidationError as error:
        raise ConfigError(_faults(inventory, error)) from error
    hosts = tuple(
        _plan_host(name, table, host, folder=inventory.parent)
        for name, table in tables.items()
        for host in table.hosts
    )
    faults = tuple(
        ConfigFault(file=str(inventory), key=key, found=found, allowed=allowed)
        for check in (_twice_described, _misplaced_addresses, _strayed_paths)
        for key, found, allowed in check(hosts, lab_folder(root))
    )
    if faults:
        raise ConfigError(faults)
    return LabPlan(root=root, inventory=_relative(inventory, root), hosts=hosts)


def choose(plan: LabPlan, names: Collection[str]) -> tuple[HostPlan, ...]:
    """The hosts of *plan* that *names* (of environments or hosts) stand for; all for none.

    Raises UsageError for a name that the lab does not have.
    """
    known = {name for host in plan.hosts for name in (host.environment, host.name)}
    unknown = sorted(set(names) - known)
    if unknown:
        raise UsageError(
            f"{plan.inventory}: no lab host or environment {', '.join(unknown)} "
            f"(known: {', '.join(sorted(known))})"
        )
    return tuple(
        host for host in plan.hosts if not names or {host.environment, host.name} & set(names)
    )


def _plan_host(
    environment: str, table: EnvironmentTable, host: HostTable, *, folder: Path
) -> HostPlan:
    lab = host.lab or table.lab
    return HostPlan(
        environment=environment,
        name=host.name,
        address=host.address,
        port=host.port,
        user=host.user,
        identity_file=_absolute(folder / host.identity_file),
        known_hosts=_absolute(folder / host.known_hosts),
        engine=host.engine or table.engine,
        engine_sudo=host.engine_sudo,
        engine_socket=host.engine_socket,
        suite=lab.suite,
        packages=lab.packages,
        machine=lab.machine,
        rootless=lab.rootless,
        ipv6=lab.ipv6,
        link=_link(lab.link),
        network=LabNetwork(
            name=lab.network.name, subnet=lab.network.subnet, internal=lab.network.internal
        ),
        memory_bytes=lab.memory,
        pids=lab.pids,
        read_only=lab.read_only,
        cgroup=lab.cgroup,
        sshd=lab.sshd,
        seeded=lab.seeded,
    )


def _link(table: LinkTable | None) -> LabLink | None:
    return None if table is None else LabLink(delay_ms=table.delay_ms, megabits=table.megabits)


#: Key, what was found, what is allowed.
_Found = Iterator[tuple[str, str, str]]


def _twice_described(hosts: tuple[HostPlan, ...], _folder: Path) -> _Found:
    networks: dict[str, LabNetwork] = {}
    for host in hosts:
        network = networks.setdefault(host.network.name, host.network)
        if network != host.network:
            key = f"environments.{host.environment}.lab.network"
            found = f"{network.name} is {_words(network)} elsewhere and {_words(host.network)} here"
            yield key, found, "one network, described alike everywhere"


def _words(network: LabNetwork) -> str:
    return f"{'internal' if network.internal else 'open'} {network.subnet}"


def _misplaced_addresses(hosts: tuple[HostPlan, ...], _folder: Path) -> _Found:
    taken: dict[IPv4Address, str] = {}
    for host in hosts:
        key = f"environments.{host.environment}.hosts.address"
        subnet = host.network.subnet
        ends = (subnet.network_address, subnet.network_address + 1, subnet.broadcast_address)
        if host.address not in subnet or host.address in ends:
            yield key, str(host.address), f"an address of {subnet} after {ends[1]}"
        if taken.setdefault(host.address, host.name) != host.name:
            yield key, f"{host.address} is also that of {taken[host.address]}", "one for each host"


def _strayed_paths(hosts: tuple[HostPlan, ...], folder: Path) -> _Found:
    for host in hosts:
        for key in ("identity_file", "known_hosts"):
            path: Path = getattr(host, key)
            if not path.is_relative_to(_absolute(folder)):
                yield f"environments.{host.environment}.hosts.{key}", str(path), f"below {folder}"


def _faults(inventory: Path, error: ValidationError) -> tuple[ConfigFault, ...]:
    return tuple(
        ConfigFault(
            file=str(inventory),
            key=".".join(str(part) for part in fault["loc"]),
            found=repr(fault["input"]),
            allowed=fault["msg"],
        )
        for fault in error.errors()
    )


def _one_fault(inventory: Path, found: str, allowed: str) -> ConfigError:
    return ConfigError((ConfigFault(file=str(inventory), key="", found=found, allowed=allowed),))


def _absolute(path: Path) -> Path:
    # Not resolve(): a key that is a link stays where the inventory says.
    return Path(normpath(path.absolute()))


def _relative(path: Path, root: Path) -> str:
    path, root = path.resolve(), root.resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
