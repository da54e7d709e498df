"""The tables of an inventory that the lab reads, with what is allowed in them."""

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _bytes(value: object) -> object:
    found = re.fullmatch(r"(\d+)(KiB|MiB|GiB)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a size such as "512MiB" or "1GiB"')
    return int(found[1]) * _UNITS[found[2]]


Size = Annotated[int, BeforeValidator(_bytes)]
Engine = Literal["docker", "podman", "swarm"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Lenient(BaseModel):
    """A table whose other keys are not the lab's business."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class NetworkTable(_Strict):
    """``network = { name = …, subnet = …, internal = … }``."""

    name: Annotated[str, Field(pattern=r"^compat-lab-[a-z0-9-]+$", max_length=60)]
    subnet: IPv4Network
    internal: bool = False


class LinkTable(_Strict):
    """``link = { delay_ms = …, megabits = … }``: how far away a host is."""

    delay_ms: Annotated[int, Field(ge=0, le=2000)]
    megabits: Annotated[int, Field(ge=1, le=10000)]


class LabTable(_Strict):
    """``[environments.NAME.lab]``: what its hosts are made of."""

    suite: Literal["bullseye", "bookworm", "trixie", "sid"]
    network: NetworkTable
    machine: Literal["container", "user-mode-linux"] = "container"
    rootless: bool = False
    ipv6: bool = True
    link: LinkTable | None = None
    packages: tuple[Name, ...] = ()
    memory: Size | None = None
    pids: Annotated[int, Field(ge=100)] | None = None
    read_only: bool = False
    cgroup: Literal[2] | None = None
    sshd: tuple[Annotated[str, Field(pattern=r"^[A-Za-z]+ [^\n]+$")], ...] = ()
    seeded: bool = False


class HostTable(_Lenient):
    """One host of an environment that has a lab table."""

    name: Name
    connection: Literal["ssh"]
    address: IPv4Address
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Literal["deploy", "sudoer", "plain"]
    identity_file: Path
    known_hosts: Path
    engine_sudo: bool = False
    engine: Engine | None = None
    engine_socket: str = ""
    #: The environment's lab table with what the host's own says otherwise; None without one.
    lab: LabTable | None = None


class EnvironmentTable(_Lenient):
    """``[environments.NAME]`` with a lab table."""

    engine: Engine
    hosts: tuple[HostTable, ...]
    lab: LabTable


def _only_with_lab(environments: object) -> object:
    if not isinstance(environments, dict):
        return environments
    return {
        name: _with_merged_labs(table)
        for name, table in environments.items()
        if isinstance(table, dict) and "lab" in table
    }


def _with_merged_labs(environment: dict[str, object]) -> dict[str, object]:
    """*environment* with every host's own lab table completed by that of the environment."""
    common, hosts = environment["lab"], environment.get("hosts")
    if not isinstance(common, dict) or not isinstance(hosts, list):
        return environment
    return {**environment, "hosts": [_merged(common, host) for host in hosts]}


def _merged(common: dict[str, object], host: object) -> object:
    if not isinstance(host, dict) or not isinstance(host.get("lab"), dict):
        return host
    return {**host, "lab": {**common, **host["lab"]}}


class InventoryTable(_Lenient):
    """The file, with only those environments that have a lab table."""

    environments: Annotated[dict[str, EnvironmentTable], BeforeValidator(_only_with_lab)]
