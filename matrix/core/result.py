"""What is measured: commands, probes, attempts, cells, findings, runs. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path

from matrix.core.model import CellId
from matrix.core.verdict import Verdict

#: A fact is one thing measured about an environment; None means "asked, but not to be had".
Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]

#: What can cross the pipe to the probe process.
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Side(Enum):
    """Whose probe it is: the developer's, inside the container, or the operator's, outside it."""

    INSIDE = "inside"
    OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandResult:
    """One command that was run, with the same fields for every way of running it.

    ``stdout`` and ``stderr`` hold at most the cap: the head and the tail of what came, with
    ``stdout_bytes`` and ``stderr_bytes`` counting all of it.
    """

    command: str
    exit_status: int
    stdout: bytes
    stderr: bytes
    #: Bytes that came in all, kept or not.
    stdout_bytes: int
    stderr_bytes: int
    #: Wall time, from the monotonic clock.
    seconds: float

    @property
    def truncated(self) -> bool:
        """Whether some of the output was not kept."""
        return self.stdout_bytes > len(self.stdout) or self.stderr_bytes > len(self.stderr)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandRecord:
    """One command a probe ran, kept as evidence."""

    side: Side
    #: Name of the companion it ran in, "" for the service itself or the host.
    target: str
    result: CommandResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Something that taints what was measured while it happened."""

    #: ``reason`` of the error class, e.g. "conn-lost".
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedProbe:
    """One probe that is going to be run, declared before anything starts."""

    #: ``<folder>/<file>::<function>[<parameters>]``, stable between runs and machines.
    id: str
    side: Side
    #: First line of the docstring, or the function's name in words.
    title: str
    #: Whether a failure only warns.
    warn: bool = False
    #: Seconds it may take.
    timeout_seconds: float = 30.0
    #: ``@pytest.mark.requires(fact=…)``: fact name → what is asked.
    requires: Mapping[str, Json] = field(default_factory=dict)
    #: ``@pytest.mark.engines(…)``: planned where one of these runs the containers; () for all.
    engines: tuple[str, ...] = ()
    #: Absolute path of its file.
    file: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeResult:
    """What one probe found."""

    id: str
    side: Side
    title: str
    verdict: Verdict
    #: "" when PASSED, else a short word such as "assertion", "deadline", "skipped", "tool".
    reason: str = ""
    #: One line for people: why.
    message: str = ""
    #: The assertion with its context, as pytest explains it.
    detail: str = ""
    seconds: float
    commands: tuple[CommandRecord, ...] = ()
    #: What the probe printed.
    output: str = ""


class Ending(Enum):
    """How the probe process of a cell ended."""

    COMPLETE = "complete"
    CRASHED = "crashed"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeReport:
    """What came back from the probe process of one cell."""

    results: tuple[ProbeResult, ...]
    #: Sticky: a probe cannot hide these by swallowing an exception.
    faults: tuple[Fault, ...]
    ending: Ending
    #: Id of the probe that was running when the process ended early, "" for none.
    running: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at a cell on one host, on containers of its own."""

    number: int
    #: Name of the host inside the environment.
    host: str
    verdict: Verdict
    #: "" when PASSED, else the short reason of the worst finding.
    reason: str = ""
    #: One sentence for people.
    message: str = ""
    probes: tuple[ProbeResult, ...] = ()
    faults: tuple[Fault, ...] = ()
    #: Ids of the probes that were planned.
    planned: tuple[str, ...] = ()
    #: Id of the image that really ran; "" when no container was created.
    image_id: str = ""
    #: Tail of the container's log, and of each companion's: name → text; "" is the service.
    logs: Mapping[str, str] = field(default_factory=dict)
    #: Traceback of an error of our own, for the evidence.
    traceback: str = ""
    started_at: datetime
    seconds: float
    #: Seconds per step: "deliver", "start", "ready", "probe", "clean".
    steps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class CellResult:
    """The answer for one cell of one run, with every attempt that led to it."""

    cell: CellId
    verdict: Verdict
    reason: str = ""
    message: str = ""
    #: In the order they were made; empty for a cell that was never started.
    attempts: tuple[Attempt, ...] = ()
    #: Image id that was asked for.
    image_id: str = ""
    #: Fingerprint of the environment when it was measured.
    fingerprint: str = ""
    #: Hash of the planned probes' sources.
    probes_digest: str = ""
    #: Hash of everything else that is declared about it, see ``core.reuse``.
    settings_digest: str = ""
    finished_at: datetime | None = None
    #: Run that measured it when this one took the result over, "" when it was measured.
    reused_from: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFinding:
    """What was found out about one host before any cell was started on it."""

    host: str
    facts: Facts
    fingerprint: str
    #: None when the host is healthy.
    fault: Fault | None = None
    #: What this engine cannot do of the run profile, in words.
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentFinding:
    """One finding on a column."""

    environment: str
    hosts: tuple[HostFinding, ...]

    @property
    def fault(self) -> Fault | None:
        """The first fault of its hosts; None when all are healthy."""
        return next((host.fault for host in self.hosts if host.fault), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leftover:
    """Something of ours that is still on a host."""

    environment: str
    host: str
    #: "container", "network", "volume", "image", "process".
    kind: str
    id: str
    name: str
    #: Command for the administrator when we could not remove it, "" when it is gone.
    remedy: str = ""


class RunState(Enum):
    """Where a run stands."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reporter:
    """Who told us of a run that we did not carry out: their word, and the key that signed it."""

    #: The customer, as their environment is named.
    name: str
    #: Fingerprint of the key, ``SHA256:…``.
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run: a plan and the results it got."""

    #: Short, random, sortable by time: also part of every object's name.
    id: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None = None
    #: Given by ``run --release``, "" for none.
    release: str = ""
    #: Who started it: user@machine.
    by: str
    #: Hash of the plan.
    plan_digest: str
    #: Cells of the plan, in the order they are run.
    cells: tuple[CellId, ...]
    results: tuple[CellResult, ...] = ()
    findings: tuple[EnvironmentFinding, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    version: str
    #: None for a run of our own.
    reporter: Reporter | None = None
