"""What is declared: services, environments and how containers are to be run.

Values only. They are read from files by ``loading`` and never change afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class CellId:
    """One service in one environment, written ``queue@qa``."""

    service: str
    environment: str

    def __str__(self) -> str:
        return f"{self.service}@{self.environment}"


# --- the service -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """A TCP port the service listens on, published on 127.0.0.1 of the host."""

    #: What it is for: "http", "redis". Probes ask for it by this name.
    name: str
    #: Port number inside the container.
    container: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Readiness:
    """When a container counts as ready: a shell command inside it exits 0."""

    #: Run by ``sh -c`` inside the container; "" means "ready as soon as it runs".
    command: str
    timeout_seconds: float = 60.0
    interval_seconds: float = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """How one container is run, on top of the run profile that holds for every container.

    The run profile itself is not configurable: no privileges, no host mounts, no engine socket,
    all capabilities dropped but those declared, no-new-privileges, log size capped, ports on
    127.0.0.1 only, restart never.
    """

    #: Arguments given to the image's entrypoint; () keeps the image's own.
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    #: User as the engine understands it; "" keeps the image's own.
    user: str = ""
    #: Capabilities added back after all are dropped, without the CAP_ prefix.
    capabilities: tuple[str, ...] = ()
    #: Path inside the container to mount options, "" for none.
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    #: Paths inside the container that get an anonymous volume.
    volumes: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    #: Whether the root file system is mounted read-only.
    read_only: bool = True
    memory_bytes: int = 256 * MEBIBYTE
    pids: int = 256
    #: Size of /dev/shm; 0 keeps the engine's own.
    shm_bytes: int = 0
    #: Seconds between the stop signal and the kill.
    stop_grace_seconds: float = 10.0
    readiness: Readiness = field(default_factory=lambda: Readiness(command=""))


class Start(Enum):
    """When a companion is started, seen from the service it goes with."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True, slots=True)
class Companion:
    """Another container started beside the service on its network, and removed with it."""

    #: Its name on the cell's network.
    name: str
    #: Name of an image of the catalogue.
    image: str
    start: Start = Start.BEFORE
    settings: RunSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirement:
    """One thing a service asks of an environment, compared with a fact."""

    #: Name of the fact, e.g. "architecture", "memory_bytes", "engine.api".
    fact: str
    #: One of "==", ">=", "<=", "in".
    operator: str
    #: What is asked: one value, or the allowed ones for "in".
    asked: str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A base image that the catalogue's images are built on; never delivered by itself."""

    #: Its name in the catalogue, and the tag it gets: ``compat-matrix/base:<name>``.
    name: str
    #: Debian suite, e.g. "bookworm".
    suite: str
    #: Folder with ``make-base`` and ``builder/Dockerfile``, absolute: ``base`` by the catalogue.
    context: Path
    #: What a registry calls it, e.g. "debian:bookworm-slim"; "" to always make it from packages.
    reference: str = ""
    #: Packages added for build stages, with the host's CA bundle; () for a base that is shipped.
    builder: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image of the catalogue: built from a folder, or pulled by digest."""

    name: str
    #: Folder with the Dockerfile, absolute; None for an image that is only pulled.
    context: Path | None
    #: ``repository@sha256:…`` in a registry, "" when there is none.
    reference: str = ""
    #: Names of the base images its Dockerfile needs, as build arguments: argument → base.
    bases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A row of the grid: an image with its run settings, requirements and probes."""

    name: str
    #: As shown in the row header, e.g. "Queue".
    title: str
    #: The components in it, as shown under the title, e.g. "Redis 7.0 + Sentinel".
    contents: str
    #: Name of an image of the catalogue.
    image: str
    settings: RunSettings
    companions: tuple[Companion, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    #: Folders of the service's own probes, absolute; those for every service come on top.
    probes: tuple[Path, ...] = ()
    #: Seconds a cell of this service may take in all.
    deadline_seconds: float = 300.0
    #: Who answers for it, e.g. "team-orders"; "" when nobody said.
    owner: str = ""


# --- the environment ---------------------------------------------------------------------------


class Kind(Enum):
    """The seven kinds of machine of the slide."""

    LAPTOP = "laptop"
    DEVELOPMENT = "development"
    QA = "qa"
    PRODUCTION = "production"
    CLUSTER = "cluster"
    CLOUD = "cloud"
    CUSTOMER = "customer"


@dataclass(frozen=True, kw_only=True, slots=True)
class SshAddress:
    """How to reach a machine by SSH, and how to know that it is the right one."""

    address: str
    port: int = 22
    user: str
    #: Private key; None when the agent is used.
    identity_file: Path | None = None
    #: Fingerprint (``SHA256:…``) of the one agent key to offer; "" means no agent.
    agent_key: str = ""
    #: Pinned public host keys, ``ssh-ed25519 AAAA…`` each.
    host_keys: tuple[str, ...] = ()
    #: File in known_hosts format; None when keys are pinned.
    known_hosts: Path | None = None
    #: Machine to go through first (ProxyJump).
    jump: "SshAddress | None" = None


class Carrier(Enum):
    """How the API of a remote engine becomes a socket on this machine."""

    #: Try STREAMLOCAL, fall back to DIAL_STDIO.
    AUTO = "auto"
    #: ``direct-streamlocal@openssh.com`` channels to the engine's socket.
    STREAMLOCAL = "streamlocal"
    #: ``docker system dial-stdio`` in exec channels, for no forwarding or sudo.
    DIAL_STDIO = "dial-stdio"


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """One machine we can run commands on."""

    name: str
    #: A key of the CONNECTIONS table: "local" or "ssh".
    connection: str
    #: None for a local connection.
    ssh: SshAddress | None = None
    #: A key of the ENGINES table where it is not that of its environment; "" where it is.
    engine: str = ""
    #: Path of the engine's socket on the host; "" for the engine's usual one.
    engine_socket: str = ""
    #: Whether the engine is reached through ``sudo -n``.
    engine_sudo: bool = False
    carrier: Carrier = Carrier.AUTO
    #: SSH sessions the host allows on one connection (sshd's MaxSessions).
    max_sessions: int = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a run may take of a host."""

    parallel_cells: int = 2
    #: Free bytes on the engine's disk below which the host is not touched.
    free_disk_floor_bytes: int = 1024 * MEBIBYTE
    #: Bytes of images delivered by us that may stay on a host as a cache.
    image_cache_bytes: int = 10 * 1024 * MEBIBYTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment:
    """A column of the grid: one place where services are to run."""

    name: str
    #: As shown in the column header, e.g. "QA server".
    title: str
    kind: Kind
    hosts: tuple[Host, ...]
    #: A key of the ENGINES table: "docker", "podman". A host may have another one.
    engine: str
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    #: Services left out on purpose: name → reason.
    exclusions: Mapping[str, str] = field(default_factory=dict)

    def engine_on(self, host: Host) -> str:
        """What runs containers on *host*, which is one of its own."""
        return host.engine or self.engine

    def roles_of(self, host: Host) -> frozenset[str]:
        """By which names a probe's ``engines`` marker means *host*: its engine, and where it is
        the first host ``<engine>-manager``, for a cluster is run from there."""
        engine = self.engine_on(host)
        return frozenset({engine, f"{engine}-manager"} if host == self.hosts[0] else {engine})


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiver:
    """One failure of one cell that does not close the gate until its end date."""

    cell: CellId
    #: Id of the probe; ``core.waivers.WHOLE`` for a failure of the cell as a whole.
    probe: str
    #: Signature of the failure, see ``core.history.Cluster``; void when the failure has another.
    signature: str
    reason: str
    owner: str
    #: Last day on which it holds, in UTC.
    until: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantine:
    """Cells that are measured and shown but not required until an end date."""

    #: Pattern of cell ids.
    cells: str
    reason: str
    owner: str
    #: Last day on which it holds, in UTC.
    until: date


class SelfReported(Enum):
    """What a customer's own word about a cell is worth at the gate."""

    COUNT = "count"
    IGNORE = "ignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What the gate asks of a grid."""

    #: Patterns of cell ids that must be green, e.g. ("*",) or ("queue@*",).
    required: tuple[str, ...] = ("*",)
    #: Cells that may be UNSUPPORTED without closing the gate.
    allow_unsupported: tuple[str, ...] = ()
    #: Seconds after which a result is STALE; None for never.
    fresh_seconds: float | None = None
    #: Whether WARNED closes the gate.
    warned_closes: bool = False
    #: Cells that may be WARNED although ``warned_closes``.
    allow_warned: tuple[str, ...] = ()
    #: Whether a required cell that is flaky closes the gate.
    flaky_closes: bool = False
    #: Release since which no cell, required or not, may have begun to fail; "" for none.
    baseline: str = ""
    #: Seconds up to which a run takes over results that nothing changed for; None for never.
    reuse_seconds: float | None = None
    #: Share of those that are measured all the same, 0 to 1.
    audit_share: float = 0.02
    self_reported: SelfReported = SelfReported.COUNT
    quarantine: tuple[Quarantine, ...] = ()
    waivers: tuple[Waiver, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A whole project as read from its files."""

    #: Folder of matrix.toml.
    root: Path
    name: str
    services: tuple[Service, ...]
    images: tuple[Image, ...]
    bases: tuple[Base, ...] = ()
    environments: tuple[Environment, ...]
    policy: Policy
    #: The catalogue's own file, absolute.
    catalogue_file: Path
    #: File for waivers and other keys of the policy, absolute; there may be none yet.
    policy_file: Path
    #: Folder with the probes for every service.
    outside_probes: Path
    #: Where reports are written.
    reports: Path
    #: Where the store and everything else that is not for reading lives: ``.matrix``.
    state: Path
