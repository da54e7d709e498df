"""One host during a run: connected, measured, tethered, and opened again when it was lost."""

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from matrix.core.errors import Cancelled, ConnectionLost, DiskFull, MatrixError, StoreError
from matrix.core.fingerprint import fingerprint
from matrix.core.model import Environment, Host
from matrix.core.names import MARKER
from matrix.core.ports import Connection, Engine, EngineInfo, Shell, Tether
from matrix.core.result import Fact, Facts, Fault, HostFinding
from matrix.execution.toolbox import CheckHealth, Toolbox

#: Sessions on a host that is always in use: the tether and the engine's API.
ALWAYS_USED = 2
#: SSH connections we make to one host.
CONNECTIONS = 2
#: Shells kept open per cell where the host sets no limit.
SHELLS = 12
#: Between two tries to reach a host that was lost. What is asked for in between fails at once, so
#: that giving up on ten containers of a dead host does not take ten times as long as on one.
REOPEN_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """The open parts of a host, replaced together."""

    connection: Connection
    engine: Engine
    tether: Tether
    #: Value of the label by which this tether, and no other, removes.
    token: str


class HostSession:
    """A host of an environment as a run uses it. Methods may be called from several threads."""

    def __init__(self, tools: Toolbox, environment: Environment, host: Host, *, run: str) -> None:
        self.environment = environment
        self.host = host
        self.facts: Facts = {}
        self.fingerprint = ""
        #: Of the engine, in OCI words; "" until it was examined.
        self.architecture = ""
        self._deviations: tuple[str, ...] = ()
        self._tools = tools
        self._run = run
        self._lock = threading.Lock()
        #: One golden container at a time: they have the same name.
        self._checking = threading.Lock()
        self._link: Link | None = None
        #: The connection in use or being opened, for ``cut``.
        self._connection: Connection | None = None
        self._cut = False
        #: Why it could not be opened the last time, and when that was, by the monotonic clock.
        self._fault: tuple[MatrixError, float] | None = None

    @property
    def shells(self) -> int:
        """How many shells and execs may be open at once for one cell."""
        if self.host.ssh is None:
            return SHELLS
        return min(SHELLS, max(2, self.host.max_sessions * CONNECTIONS - ALWAYS_USED))

    def link(self) -> Link:
        """The open link, opened again when it was lost.

        Raises what opening it raises, or raised REOPEN_SECONDS ago or less.
        """
        with self._lock:
            if self._link is not None and not self._is_alive(self._link):
                self._let_go(self._link)
                self._link = None
            if self._link is None:
                self._link = self._open_unless_lost()
            return self._link

    def wait_until_reopening(self, *, seconds: float) -> None:
        """Before another attempt: let a host that was lost have its time to come back.

        At most *seconds*; at once where the host is open, and when the run is halted.
        """
        if self._link is None and self._fault is not None:
            left = self._fault[1] + REOPEN_SECONDS - time.monotonic()
            self._tools.halt.wait(min(seconds, left))

    def open_shell(self, link: Link) -> Shell:
        """A kept shell on the machine itself; a command in it ends when the run is halted."""
        argv = ["env", f"{MARKER}={link.token}", "sh"]
        return self._tools.open_shell(lambda: link.connection.open_stream(argv))

    def close(self) -> None:
        """End the tether and let go of everything; never raises."""
        with self._lock:
            if self._link is not None:
                self._let_go(self._link)
            self._link = None

    def cut(self) -> None:
        """Break the connection and never make another one: the tether sees it and cleans up.

        Whatever waits for the host raises. May be called while other calls are under way.
        """
        self._cut = True
        if self._connection is not None:
            self._connection.close()

    def survey(self) -> HostFinding:
        """Measure the host; nothing is started on it. Raises as ``examine`` does."""
        return self._found_by(self._measure_host)

    def examine(self) -> HostFinding:
        """Measure the host and try a tiny container on it, before any cell is blamed.

        Raises Cancelled when the run is halted, and StoreError; neither is the host's fault.
        """
        return self._found_by(self._measure_host, self._check_disk, self._check_health)

    def _found_by(self, *steps: Callable[[Link], None]) -> HostFinding:
        try:
            self._tools.halt.check()
            link = self.link()
            for step in steps:
                self._tools.halt.check()
                step(link)
        except (Cancelled, StoreError):
            raise
        except MatrixError as error:
            self._tools.halt.check()
            return self._finding(Fault(reason=error.reason, message=str(error)))
        return self._finding(None)

    def free_bytes(self) -> int | None:
        """Free bytes on the engine's disk when the host was examined."""
        free = self.facts.get("free_disk_bytes")
        return free if isinstance(free, int) else None

    def total_bytes(self) -> int | None:
        """All bytes of the engine's disk."""
        total = self.facts.get("disk_total_bytes")
        return total if isinstance(total, int) else None

    def _finding(self, fault: Fault | None) -> HostFinding:
        return HostFinding(
            host=self.host.name,
            facts=self.facts,
            fingerprint=self.fingerprint,
            fault=fault,
            deviations=self._deviations,
        )

    def _measure_host(self, link: Link) -> None:
        info = link.engine.describe()
        self._deviations = info.deviations
        self.architecture = info.architecture
        self.facts = self._measure(link, info)
        self.fingerprint = fingerprint(self.facts)

    def check_names(self, link: Link) -> None:
        """After a cell FAILED: raises Unhealthy when names are dead on the host by now."""
        with self._checking:
            self._check(self._tools.check_names, link)

    def _check_health(self, link: Link) -> None:
        self._check(self._tools.check_health, link)

    def _check(self, check: CheckHealth, link: Link) -> None:
        check(
            link.engine,
            run=self._run,
            token=link.token,
            environment=self.environment,
            host=self.host,
            free_bytes=self.free_bytes(),
            total_bytes=self.total_bytes(),
        )

    def _measure(self, link: Link, info: EngineInfo) -> Facts:
        shell = self.open_shell(link)
        try:
            machine = self._tools.gather_facts(shell, info.root)
        finally:
            shell.close()
        engine: dict[str, Fact] = dict(info.facts)
        return {**machine, **engine}

    def _check_disk(self, _: Link) -> None:
        free, floor = self.free_bytes(), self.environment.limits.free_disk_floor_bytes
        if free is not None and free < floor:
            raise DiskFull(
                f"host {self.host.name} has {free} bytes free on the engine's disk, below the "
                f"floor of {floor}: nothing is started there (free some, or lower limits.free_disk)"
            )

    def _open_unless_lost(self) -> Link:
        if self._fault is not None and time.monotonic() - self._fault[1] < REOPEN_SECONDS:
            raise self._fault[0]
        try:
            return self._open()
        except MatrixError as error:
            self._fault = (error, time.monotonic())
            raise

    def _open(self) -> Link:
        self._check_cut()
        connection = self._tools.connect(self.environment, self.host)
        self._connection = connection
        try:
            self._check_cut()
            token = f"{self._run}.{secrets.token_hex(4)}"
            tether = self._tools.tie(connection, token, self.environment, self.host)
            engine = self._tools.open_engine(self.environment, self.host, connection)
        except BaseException:
            connection.close()
            raise
        return Link(connection=connection, engine=engine, tether=tether, token=token)

    def _check_cut(self) -> None:
        if self._cut:
            raise ConnectionLost(
                f"host {self.host.name} was let go of: it took too long to end what runs there"
            )

    @staticmethod
    def _is_alive(link: Link) -> bool:
        with suppress(MatrixError):
            link.tether.check()
            return True
        return False

    @staticmethod
    def _let_go(link: Link) -> None:
        link.tether.close()
        link.engine.close()
        link.connection.close()
