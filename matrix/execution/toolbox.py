"""What execution is given to work with: ports and the functions that open them.

``app`` fills it in; nothing here knows an adapter.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from matrix.core.errors import Cancelled
from matrix.core.model import CellId, Environment, Host, Image
from matrix.core.ports import (
    Connection,
    Engine,
    ImageInfo,
    Images,
    Prober,
    Progress,
    Shell,
    Stream,
    Tether,
    Watcher,
)
from matrix.core.result import CellResult, Facts, PlannedProbe
from matrix.core.store_ports import Journal, RunLog


class Halt:
    """Whether a run has been told to stop."""

    def __init__(self) -> None:
        self._draining = threading.Event()
        self._interrupted = threading.Event()
        #: Id of the run it is about; "" until that has begun.
        self.run = ""

    @property
    def draining(self) -> bool:
        """No new cell is started, running probes are ended, everything is cleaned up."""
        return self._draining.is_set()

    @property
    def interrupted(self) -> bool:
        """The end was asked for from outside, so what was not measured is left to a resume."""
        return self._interrupted.is_set()

    def interrupt(self) -> None:
        """Ask for an orderly end from outside."""
        self._interrupted.set()
        self._draining.set()

    def drain(self) -> None:
        """Ask for an orderly end."""
        self._draining.set()

    def wait(self, seconds: float) -> None:
        """Let time pass, but no longer than until the run is to end."""
        self._draining.wait(max(0.0, seconds))

    def check(self) -> None:
        """Raises Cancelled once the run is to end."""
        if self.draining:
            raise Cancelled


class Deliver(Protocol):
    """Brings an image to an engine; raises DeliveryFailed, PullFailed, WrongArchitecture …"""

    def __call__(self, order: "Order", *, progress: Progress) -> ImageInfo: ...


class CheckHealth(Protocol):
    """Raises Unhealthy when a tiny container does not work on a host."""

    def __call__(
        self,
        engine: Engine,
        *,
        run: str,
        token: str,
        environment: Environment,
        host: Host,
        free_bytes: int | None,
        total_bytes: int | None,
    ) -> None: ...


class FindProcesses(Protocol):
    """Lists the processes of a run on a machine by their marker, as text for people."""

    def __call__(self, connection: Connection, run: str, *, remove: bool) -> Sequence[str]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One image wanted on one host."""

    image: Image
    #: Id of its configuration, ``sha256:…``.
    image_id: str
    run: str
    environment: Environment
    host: Host
    engine: Engine
    #: Of the engine, in OCI words.
    architecture: str
    #: Free bytes on the engine's disk when the run began, None when unknown.
    free_bytes: int | None
    #: All bytes of that disk, None when unknown.
    total_bytes: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolbox:
    """Everything that reaches outside the process."""

    connect: Callable[[Environment, Host], Connection]
    open_engine: Callable[[Environment, Host, Connection], Engine]
    open_shell: Callable[[Callable[[], Stream]], Shell]
    #: Ties us to a host: connection, token, environment, host → the tether.
    tie: Callable[[Connection, str, Environment, Host], Tether]
    #: Facts of the machine; the text is the engine's root folder.
    gather_facts: Callable[[Shell, str], Facts]
    check_health: CheckHealth
    #: Where names are served apart from the engine, raises Unhealthy when none is resolved now.
    check_names: CheckHealth
    #: Processes of ours on a machine, by run id; with ``remove`` they are ended.
    find_processes: FindProcesses
    deliver: Deliver
    prober: Prober
    #: The two controls for an image without a shell, with the ids of the usual ones.
    outside_controls: tuple[PlannedProbe, ...]
    journal: Journal
    log: RunLog
    #: Whether a process carries the run of this id at this moment.
    is_alive: Callable[[str], bool]
    #: The engine that has the built images; None when there is none.
    source: Images | None
    now: Callable[[], datetime]
    watch: Watcher
    halt: Halt


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOrder:
    """What is asked of one run, besides its plan."""

    run: str
    #: Image name → id of its configuration.
    image_ids: Mapping[str, str]
    images: Mapping[str, Image]
    #: Service name → folders of the probes it gets.
    probe_folders: Mapping[str, tuple[Path, ...]]
    #: Service name → hash of its probes' sources.
    probes_digests: Mapping[str, str]
    #: How often a cell that ended in ERROR is tried again on fresh containers.
    retries: int = 1
    #: Cells that may run at once over all environments.
    parallel: int = 4
    #: Whether the first FAILED cell ends the run.
    fail_fast: bool = False
    #: Cell → hash of its settings, see ``core.reuse``.
    settings_digests: Mapping[CellId, str] = field(default_factory=dict)
    #: Answers to take over where the environment has not changed.
    kept: Mapping[CellId, CellResult] = field(default_factory=dict)
    #: Those of them that are measured all the same.
    audited: frozenset[CellId] = frozenset()
