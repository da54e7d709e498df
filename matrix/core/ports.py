"""What ``execution`` and ``app`` need from the rooms of floor 1, one to four verbs each.

Those of the store are in ``core.store_ports``.
Every method raises the classes of ``core.errors`` and nothing foreign. Deadlines are seconds from
the call, measured with the monotonic clock; a call that takes longer raises DeadlineExceeded.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from matrix.core.model import RunSettings
from matrix.core.result import (
    CellResult,
    CommandResult,
    Fact,
    Json,
    PlannedProbe,
    ProbeReport,
    ProbeResult,
    Side,
)
from matrix.core.saboteur import Weakening
from matrix.core.verdict import Verdict

STDOUT = 1
STDERR = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Some bytes from a stream."""

    #: STDOUT or STDERR.
    source: int
    data: bytes


class Stream(Protocol):
    """Bytes to and from one command: stdin in, stdout and stderr apart."""

    def send(self, data: bytes) -> None:
        """Write to stdin; raises ConnectionLost or EngineLost when the other side is gone."""

    def receive(self, *, deadline_seconds: float) -> Chunk | None:
        """The next bytes, of at most 64 KiB; None at the end of both outputs.

        Raises DeadlineExceeded when nothing comes in time; the stream stays usable.
        """

    def close(self) -> None:
        """Let go of it; never raises and never waits for the command to end."""


class Shell(Protocol):
    """One shell kept open, through which many commands are sent."""

    def run(self, command: str, *, deadline_seconds: float, cap_bytes: int = ...) -> CommandResult:
        """Run *command* by ``sh`` and wait for its end.

        Raises DeadlineExceeded (the command is killed and the shell replaced or closed), or what
        the stream raises when it is lost: never a made-up exit status.
        """

    def close(self) -> None:
        """End the shell and whatever still runs in it; never raises."""


class Connection(Protocol):
    """One machine that commands can be run on."""

    def open_stream(self, argv: Sequence[str]) -> Stream:
        """Start a command on the machine, with arguments quoted by construction."""

    def engine_socket(self) -> Path:
        """A unix socket on this machine that carries the API of the host's engine."""

    def close(self) -> None:
        """Let go of the machine and of every stream; never raises."""


class Tether(Protocol):
    """The guard on the host that removes what is ours when we die or are cut off."""

    def check(self) -> None:
        """Raises ConnectionLost when the host was silent for too long, EngineLost when the
        engine went away since the tether was started."""

    def close(self) -> None:
        """End it; it removes by label what is left of the run, then exits."""


# --- engine ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineInfo:
    """What the engine says about itself."""

    #: Identity of the engine, so that we never talk to another one by mistake.
    id: str
    #: Architecture in OCI words: "amd64", "arm64".
    architecture: str
    #: Root folder of its images and containers.
    root: str
    #: ``engine.*`` facts: name, version, api, storage_driver, runtime, rootless, cgroup_version …
    facts: Mapping[str, Fact]
    #: What it cannot do of the run profile, in words.
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageInfo:
    """An image as an engine has it."""

    #: ``sha256:…`` of the image's configuration.
    id: str
    architecture: str
    size_bytes: int
    digests: tuple[str, ...] = ()
    #: ``sha256:…`` of its layers as tar, lowest first; () where nobody says.
    layers: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    #: What it starts with: both together are the argument list.
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerSpec:
    """A container to be created, always under the run profile."""

    #: ``mx-<run>-<cell>-<attempt>[-<companion>]``.
    name: str
    image_id: str
    #: Name of the network it joins, and the names it has there.
    network: str
    aliases: tuple[str, ...]
    labels: Mapping[str, str]
    settings: RunSettings
    #: Added to the settings' environment, e.g. the nonce of the positive control.
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    #: In place of the image's own; () keeps that.
    entrypoint: tuple[str, ...] = ()
    #: What a saboteur takes away of the run profile; nothing else may.
    weakened: frozenset[Weakening] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerState:
    """A container at one moment, as the engine tells it."""

    id: str
    name: str
    image_id: str
    running: bool
    paused: bool
    restarting: bool
    exit_code: int
    oom_killed: bool
    #: RFC 3339, as the engine writes it: changes with every start.
    started_at: str
    error: str
    #: Container port → address on the host, e.g. ("127.0.0.1", 49153); filled while it runs.
    published: Mapping[int, tuple[str, int]]
    #: Names of the volumes the engine made for it.
    volumes: tuple[str, ...] = ()
    #: The engine's whole answer, for evidence and probes.
    raw: Mapping[str, Json]


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineObject:
    """Something an engine holds that may be ours."""

    #: "container", "network", "volume" or "image".
    kind: str
    id: str
    name: str
    labels: Mapping[str, str]


class Images(Protocol):
    """Images of one engine. An image is only ever named by id or by digest.

    *seconds* is what a whole transfer may take; it ends earlier when nothing moves any more.
    """

    def inspect_image(self, reference: str) -> ImageInfo | None:
        """The image, or None when the engine has none of that id, digest or tag."""

    def pull_image(
        self, reference: str, *, architecture: str, seconds: float, progress: "Progress"
    ) -> ImageInfo:
        """Pull ``repository@sha256:…``; raises PullFailed or WrongArchitecture."""

    def load_image(self, archive: Iterable[bytes], image_id: str, *, seconds: float) -> ImageInfo:
        """Load a ``docker save`` archive holding *image_id*; raises DeliveryFailed, DiskFull."""

    def save_image(self, image_id: str, *, seconds: float) -> Iterator[bytes]:
        """The image as an archive without tags."""


class Layers(Protocol):
    """Parts of images that an engine has already."""

    def known_layers(self, layers: Sequence[str]) -> frozenset[str]:
        """Those of an image's *layers*, lowest first, that its archive need not hold for
        ``load_image``; none where the engine wants whole archives."""


class Containers(Protocol):
    """Containers of one engine: what every engine does the same way."""

    def create_network(self, name: str, *, labels: Mapping[str, str]) -> str:
        """Make a network for one cell; returns its id. Raises NetworkFault, NameConflict."""

    def create_container(self, spec: ContainerSpec) -> str:
        """Create, not start; returns the id. Raises NameConflict, StartRefused, EngineError."""

    def control(self, container: str, verb: str, *, seconds: float = ...) -> None:
        """Carry out "start", "stop", "restart", "kill", "pause" or "unpause".

        Raises StartRefused, PortTaken, ContainerLost, EngineError.
        """

    def open_exec(self, container: str, argv: Sequence[str], *, user: str = "") -> Stream:
        """Start a command in a running container."""


class Observation(Protocol):
    """Looking at a container without changing it."""

    def inspect_container(self, container: str) -> ContainerState | None:
        """The container's state, or None when there is none of that id or name."""

    def logs(self, container: str, *, tail: int, cap_bytes: int) -> bytes:
        """The last lines of stdout and stderr together, in order, at most *cap_bytes*."""

    def stats(self, container: str) -> Mapping[str, Json]:
        """One reading of the engine's counters: memory_bytes, memory_limit_bytes, pids,
        cpu_seconds, network_received_bytes, network_sent_bytes; None where it gives none."""

    def copy_out(self, container: str, path: str, *, cap_bytes: int) -> bytes:
        """Content of one regular file, read from the archive stream and never unpacked."""


class Belongings(Protocol):
    """What of ours is on the engine, and its removal."""

    def find_object(self, kind: str, reference: str) -> EngineObject | None:
        """The object of that id or name, whoever made it; None when there is none."""

    def list_objects(self, *, label: str) -> tuple[EngineObject, ...]:
        """Containers, networks and volumes that carry *label* (``key`` or ``key=value``)."""

    def remove_object(self, kind: str, reference: str) -> None:
        """Remove by id, containers with their anonymous volumes; gone already is fine.

        Raises LeftoverError, with the command for the administrator, when it stays.
        """


class Presence(Protocol):
    """The engine itself."""

    def describe(self) -> EngineInfo:
        """What the engine says about itself; raises EngineUnavailable."""

    def attach(self, container: str) -> Stream:
        """The output of the container's main process from now on."""

    def close(self) -> None:
        """Let go of the engine; never raises."""


class Engine(Images, Layers, Containers, Observation, Belongings, Presence, Protocol):
    """All that an engine does, joined."""


class Progress(Protocol):
    """Is told how many bytes of something have gone over the wire."""

    def __call__(self, *, sent_bytes: int, total_bytes: int | None) -> None: ...


# --- probing -----------------------------------------------------------------------------------


class CellAccess(Protocol):
    """What a probe may ask of the runner; called from the thread that drives the cell."""

    def run(
        self, *, side: Side, target: str, command: str, deadline_seconds: float
    ) -> CommandResult:
        """Run a command inside *target* (a companion, "" is the service) or on the host."""

    def control(self, *, target: str, verb: str, arguments: Mapping[str, Json]) -> Json:
        """Do what the ``container`` fixture asks: verbs and arguments in probing.requests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeRequest:
    """What the probe process of one cell is given."""

    planned: tuple[PlannedProbe, ...]
    #: Folders of probe code that may be loaded, the first is the one with the service's probes.
    folders: tuple[Path, ...]
    #: Planted in the container's environment as MATRIX_NONCE; the two controls look for it.
    nonce: str
    #: Read-only metadata for the ``service`` and ``environment`` fixtures.
    service: Mapping[str, Json]
    environment: Mapping[str, Json]
    deadline_seconds: float


class Prober(Protocol):
    """Runs probes in a process of their own."""

    def collect(self, folders: Sequence[Path]) -> tuple[PlannedProbe, ...]:
        """The probes in *folders*, and the two controls; raises ProbeCodeError."""

    def run(
        self,
        request: ProbeRequest,
        access: CellAccess,
        *,
        observe: Callable[[ProbeResult], ProbeResult],
        cancelled: Callable[[], bool],
    ) -> ProbeReport:
        """Run them; *observe* sees each result before the next probe starts and may replace it.

        Never raises for anything a probe does.
        """


# --- what happens while a run goes on ------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One step of a run, for whoever watches."""

    #: "environment", "deliver", "start", "ready", "probe", "retry", "cell", "clean", "note".
    kind: str
    environment: str
    service: str = ""
    #: For people, one line.
    text: str = ""
    #: For "cell": the result. For "probe": how many of how many.
    result: CellResult | None = None
    done: int = 0
    total: int = 0
    #: For "probe": what it came to, *text* being its title and, where it did not pass, why.
    verdict: Verdict | None = None


Watcher = Callable[[Event], None]
