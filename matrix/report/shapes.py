"""The shapes of the JSON report: what docs/reference/report.schema.json describes."""

from datetime import date, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from matrix.core.verdict import Verdict

SCHEMA_VERSION: Literal[1] = 1

T = TypeVar("T")
#: Read no further than to the first that is wrong: a file from anybody may have a million of them.
Many = Annotated[tuple[T, ...], FailFast()]
#: Names in one table at most: every wrong value in it is noted before any is told.
MOST_NAMES = 2_000


def _few(value: object) -> object:
    if isinstance(value, dict) and len(value) > MOST_NAMES:
        message = f"{len(value)} names, {MOST_NAMES} are allowed"
        raise ValueError(message)
    return value


Few = Annotated[dict[str, T], BeforeValidator(_few)]


class Shape(BaseModel):
    """One object of the document: every field is always there; later versions may add some."""

    model_config = ConfigDict(frozen=True)


class Gate(Shape):
    """The decision."""

    door: Literal["OPEN", "CLOSED", "INCOMPLETE"]
    exit_code: int
    required: int = Field(description="Required cells")
    known: int = Field(description="Required cells that have a verdict")
    reasons: Many[str] = Field(description="Most important first, cell id first")
    notes: Many[str] = Field(description="Waivers and quarantines as they stand")


class Fault(Shape):
    """Something that taints what was measured."""

    reason: str
    message: str


class Host(Shape):
    """What was found out about one host."""

    name: str
    facts: Few[str | int | float | bool | None]
    fingerprint: str
    fault: Fault | None
    deviations: Many[str]


class Column(Shape):
    """An environment."""

    name: str
    title: str
    kind: str
    engine: str
    labels: Few[str]
    hosts: Many[Host] = Field(description="Empty when nothing was found out about it")


class Strength(Shape):
    """How many of a service's probes were seen red under a sabotage and green without it."""

    proven: int
    all: int
    unproven: Many[str] = Field(description="Ids of the other probes")
    measured_at: datetime


class Row(Shape):
    """A service."""

    name: str
    title: str
    contents: str
    image: str
    strength: Strength | None = Field(description="Null when nobody has tried")


class Command(Shape):
    """One command a probe ran."""

    side: Literal["inside", "outside"]
    target: str = Field(description="Companion it ran in; empty for the service or the host")
    command: str
    exit_status: int
    stdout: str
    stderr: str
    stdout_bytes: int = Field(description="All that came, kept or not")
    stderr_bytes: int
    truncated: bool
    seconds: float


class Probe(Shape):
    """What one probe found."""

    id: str
    side: Literal["inside", "outside"]
    title: str
    verdict: Verdict
    reason: str
    message: str
    detail: str
    seconds: float
    commands: Many[Command]
    output: str


class Try(Shape):
    """One attempt at a cell on one host."""

    number: int
    host: str
    verdict: Verdict
    reason: str
    message: str
    planned: Many[str] = Field(description="Ids of the probes that were planned")
    probes: Many[Probe]
    faults: Many[Fault]
    image_id: str = Field(description="Image that really ran; empty when no container was made")
    logs: Few[str] = Field(description="Companion to log tail; the empty name is the service")
    traceback: str
    started_at: datetime
    seconds: float
    steps: Few[float]


class Measurement(Shape):
    """What the cell came to in one run."""

    run: str
    release: str
    verdict: Verdict
    reason: str
    finished_at: datetime
    image_id: str
    fingerprint: str
    probes_digest: str
    retries: int
    reported_by: str = Field(default="", description="Whose word it is, empty for ours")


Class = Literal[
    "",
    "regression",
    "fixed",
    "still failing",
    "new failure",
    "new pass",
    "appeared",
    "disappeared",
    "environment changed",
    "probe set changed",
]


class Cell(Shape):
    """One service in one environment."""

    id: str
    service: str
    environment: str
    verdict: Verdict
    reason: str
    message: str
    waived: bool = Field(description="Whether waivers in use cover all that fails in it")
    run: str = Field(description="Run that measured it, empty when never measured")
    reused_from: str = Field(description="Run it was taken over from, empty when it was measured")
    reported_by: str = Field(
        default="", description="Customer whose own word it is; empty for what we measured"
    )
    reported_key: str = Field(default="", description="Fingerprint of the key they signed with")
    image_id: str = Field(description="Image that was asked for")
    fingerprint: str
    probes_digest: str
    finished_at: datetime | None
    flaky: bool = Field(description="Now passes and now fails, or passed only after a retry")
    change: Class = Field(description="Since the baseline; empty for the same, or for no baseline")
    history: Many[Measurement] = Field(description="Newest first, at most ten")
    first_bad: Measurement | None = Field(description="Since when it is bad; null when it is not")
    attempts: Many[Try]


class Excuse(Shape):
    """A waiver and how it stands."""

    cell: str
    probe: str
    signature: str
    reason: str
    owner: str
    until: date
    state: Literal["used", "unused", "expired", "void"]


class Group(Shape):
    """Failures that say the same."""

    signature: str = Field(description="The same between runs")
    message: str = Field(description="Addresses, ports, times, ids, paths and durations folded")
    cells: Many[str]
    probes: Many[str] = Field(description="Empty for a fault of cells as a whole")
    count: int = Field(description="How often it was said in all")


class Left(Shape):
    """Something of ours that is still on a host."""

    environment: str
    host: str
    kind: str
    id: str
    name: str
    remedy: str


class Removal(Shape):
    """What was taken out of one place before anything was written, and how often."""

    kind: str
    where: str = Field(description="Cell or environment; `leftovers`; empty for the run's heading")
    count: int


class Document(Shape):
    """A report of compat-matrix: the grid, the evidence and the gate's decision."""

    schema_version: Literal[1]
    project: str
    release: str
    run: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    by: str
    plan_digest: str
    version: str
    redacted: tuple[Removal, ...] = Field(description="Empty where nothing is ever taken out")
    gate: Gate
    counts: dict[Verdict, int] = Field(description="Cells with each verdict")
    services: Many[Row]
    environments: Many[Column]
    baseline: str = Field(description="Run, release or file it is compared with; empty for none")
    changes: dict[str, Class] = Field(description="Cells not the same as there, also lost ones")
    cells: Many[Cell] = Field(description="Every cell once, row by row")
    clusters: Many[Group] = Field(description="Most cells first")
    leftovers: Many[Left]
    waivers: Many[Excuse]
    signed_by: str = Field(
        default="", description="Fingerprint of the key in FILE.sig; empty for no signature"
    )
