"""``inventories/*.toml``: environments, their hosts, and how each is reached and recognised."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from matrix.core.model import Carrier, Environment, Host, Kind, Limits, SshAddress
from matrix.loading.faults import Faults, listed_tables, tables
from matrix.loading.fields import Choice, Entry, File, Line, Name, Size, Text, written
from matrix.loading.source import Location, Raw, Source

#: The keys of the tables in ``matrix.engines`` and ``matrix.hosts``; a test holds them together.
ENGINES = ("docker", "podman", "swarm")
CONNECTIONS = ("local", "ssh")

#: Keys that say how to reach a machine by SSH.
SSH_KEYS = (
    "address",
    "port",
    "user",
    "identity_file",
    "agent_key",
    "host_keys",
    "known_hosts",
    "jump",
)
TRUST = ("host_keys", "known_hosts")
PROOF = ("identity_file", "agent_key")


class AddressEntry(Entry):
    """How to reach a machine by SSH, and how to know that it is the right one."""

    address: Annotated[str, Text("address")] | None = Field(
        default=None, description="Host name or IP address. Required for SSH."
    )
    port: int = Field(default=22, ge=1, le=65535, description="Port of its SSH server.")
    user: Annotated[str, Text("user")] | None = Field(
        default=None, description="Who logs in. Required for SSH."
    )
    identity_file: File | None = Field(
        default=None, description="Private key to log in with. Either this or `agent_key`."
    )
    agent_key: Annotated[str, Text("fingerprint")] | None = Field(
        default=None, description="The one key of your agent that is offered to this machine."
    )
    host_keys: list[Annotated[str, Text("host-key")]] = Field(
        default=[], description="Its public host keys. Either this or `known_hosts`."
    )
    known_hosts: File | None = Field(
        default=None, description="File in known_hosts format that has its host keys."
    )
    jump: "AddressEntry | None" = Field(
        default=None, description="Machine to go through first, with the same keys as here."
    )


class HostEntry(AddressEntry):
    """One machine."""

    name: Name = Field(description="Its name inside the environment.")
    connection: Annotated[str, Choice(CONNECTIONS, str)] = Field(
        description="How it is reached: this machine itself, or by SSH."
    )
    engine: Annotated[str, Choice(ENGINES, str)] | None = Field(
        default=None, description="Its engine, where that is not its environment's."
    )
    engine_socket: Annotated[str, Text("socket")] = Field(
        default="", description="Socket of its engine; empty: the engine's usual one."
    )
    engine_sudo: bool = Field(
        default=False, description="Whether its engine is reached through `sudo -n`."
    )
    carrier: Annotated[Carrier, Choice(tuple(one.value for one in Carrier), Carrier)] = written(
        "auto", "How the API of its engine is carried over SSH."
    )
    max_sessions: int = Field(
        default=10, ge=1, le=1000, description="MaxSessions of its SSH server."
    )
    # Any: how the lab starts it is checked where it is used.
    lab: dict[str, Any] = Field(
        default={}, description="What the lab does otherwise for it than for its environment."
    )


class LimitsEntry(Entry):
    """What a run may take of each host."""

    parallel: int = Field(default=2, ge=1, le=64, description="Cells at once.")
    free_disk: Size = written("1GiB", "With less free on the engine's disk it is not touched.")
    image_cache: Size = written("10GiB", "Images that we brought and that may stay.")


class EnvironmentEntry(Entry):
    """A column of the grid."""

    title: Line = Field(default="", description="As shown in the column header; empty: its name.")
    kind: Annotated[Kind, Choice(tuple(kind.value for kind in Kind), Kind)] = Field(
        description="What kind of machine it is."
    )
    engine: Annotated[str, Choice(ENGINES, str)] = Field(description="What runs containers there.")
    labels: dict[Name, Line] = Field(default={}, description="Words to group and filter by.")
    limits: LimitsEntry = written({}, "What a run may take of each host.")
    exclude: dict[Annotated[str, Text("service-name")], Line] = Field(
        default={}, description="Service to the reason why it is not run here."
    )
    hosts: list[HostEntry] = Field(min_length=1, description="Its machines.")
    # Any: how the lab starts it is checked where it is used.
    lab: dict[str, Any] = Field(
        default={}, description="How `matrix lab` starts it, for environments of the lab."
    )


class InventoryFile(Entry):
    """The whole file."""

    environments: dict[Name, EnvironmentEntry] = Field(
        default={}, description="Environments by name."
    )


def load_lab_tables(path: Path) -> Mapping[str, Mapping[str, Raw]]:
    """Environment name → its ``lab`` table as it stands in the file, for those that have one.

    Checks nothing inside them; raises ConfigError when the file cannot be read at all.
    """
    faults = Faults()
    source = faults.read(path, within=None)
    faults.stop_if_any()
    found = tables(source.data, "environments") if source is not None else ()
    return {name: table["lab"] for name, table in found if isinstance(table.get("lab"), dict)}


def names_in(data: Mapping[str, Raw]) -> tuple[str, ...]:
    """The environments an inventory gives, whatever else may be wrong with it."""
    return tuple(name for name, _ in tables(data, "environments"))


def check_together(source: Source, faults: Faults) -> None:
    """What no single key shows: machines we could not recognise, names given twice, no reason."""
    for name, environment in tables(source.data, "environments"):
        at = ("environments", name)
        seen: set[object] = set()
        for index, host in listed_tables(environment, "hosts"):
            location = (*at, "hosts", index)
            if host.get("name") in seen and isinstance(host.get("name"), str):
                faults.add(
                    source,
                    (*location, "name"),
                    found=f'"{host["name"]}" for the second time',
                    allowed="a name of its own",
                )
            seen.add(str(host.get("name")))
            _check_connection(source, location, host, faults)
        for service, reason in _items(environment.get("exclude")):
            if isinstance(reason, str) and not reason.strip():
                faults.add(
                    source, (*at, "exclude", service), found="no reason", allowed="the reason why"
                )


def _check_connection(
    source: Source, at: Location, host: Mapping[str, Raw], faults: Faults
) -> None:
    if host.get("connection") == "ssh":
        _check_ssh(source, at, host, faults)
    elif host.get("connection") == "local":
        for key in SSH_KEYS:
            if key in host:
                faults.add(
                    source,
                    (*at, key),
                    found="a key for SSH",
                    allowed='leave it out, or connection = "ssh"',
                )


def _check_ssh(source: Source, at: Location, host: Mapping[str, Raw], faults: Faults) -> None:
    for key in ("address", "user"):
        if not host.get(key):
            faults.add(source, (*at, key), found="nothing", allowed="required for SSH")
    given = [key for key in TRUST if host.get(key)]
    if not given:
        faults.add(
            source,
            at,
            found="neither host_keys nor known_hosts",
            allowed="one of them: only known machines are talked to",
        )
    _check_one(source, at, given, faults)
    given = [key for key in PROOF if host.get(key)]
    if not given:
        faults.add(
            source,
            at,
            found="neither identity_file nor agent_key",
            allowed="one of them: no key is offered that was not chosen for this machine",
        )
    _check_one(source, at, given, faults)
    if isinstance(host.get("jump"), Mapping):
        _check_ssh(source, (*at, "jump"), host["jump"], faults)


def _check_one(source: Source, at: Location, given: list[str], faults: Faults) -> None:
    if len(given) > 1:
        faults.add(source, (*at, given[-1]), found=" and ".join(given), allowed="only one of them")


def _items(value: Raw) -> tuple[tuple[str, Raw], ...]:
    return tuple(value.items()) if isinstance(value, Mapping) else ()


def environments(file: InventoryFile) -> tuple[Environment, ...]:
    """The environments as values, in the file's order."""
    return tuple(_environment(name, entry) for name, entry in file.environments.items())


def _environment(name: str, entry: EnvironmentEntry) -> Environment:
    return Environment(
        name=name,
        title=entry.title or name,
        kind=entry.kind,
        hosts=tuple(_host(host) for host in entry.hosts),
        engine=entry.engine,
        labels=dict(entry.labels),
        limits=Limits(
            parallel_cells=entry.limits.parallel,
            free_disk_floor_bytes=entry.limits.free_disk,
            image_cache_bytes=entry.limits.image_cache,
        ),
        exclusions=dict(entry.exclude),
    )


def _host(entry: HostEntry) -> Host:
    return Host(
        name=entry.name,
        connection=entry.connection,
        ssh=_address(entry) if entry.connection == "ssh" else None,
        engine=entry.engine or "",
        engine_socket=entry.engine_socket,
        engine_sudo=entry.engine_sudo,
        carrier=entry.carrier,
        max_sessions=entry.max_sessions,
    )


def _address(entry: AddressEntry) -> SshAddress:
    return SshAddress(
        address=entry.address or "",
        port=entry.port,
        user=entry.user or "",
        identity_file=entry.identity_file,
        agent_key=entry.agent_key or "",
        host_keys=tuple(entry.host_keys),
        known_hosts=entry.known_hosts,
        jump=None if entry.jump is None else _address(entry.jump),
    )
