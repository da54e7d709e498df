"""Find and remove what a dead run has left on the hosts, from the journal and by listing.

An object is ours only if it is in our journal *and* carries the run's label; for images, and for
volumes the engine made, the journal entry with the id stands in for the label. Anything else is
never touched, whatever its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matrix.core.errors import MatrixError
from matrix.core.model import Environment, Host
from matrix.core.names import run_label
from matrix.core.ports import Connection, Engine, EngineObject
from matrix.core.result import Leftover
from matrix.core.store_ports import Intent
from matrix.execution.toolbox import Toolbox

#: Containers hold networks and volumes, and containers are made from images.
ORDER = ("container", "network", "volume", "image")
#: Kinds that cannot carry a label of ours.
UNLABELLED = ("volume", "image")


@dataclass(slots=True)
class Swept:
    """What a sweep did."""

    removed: list[Leftover] = field(default_factory=list)
    #: Still there, each with a remedy.
    remaining: list[Leftover] = field(default_factory=list)
    #: Images left as a cache because it was asked for.
    kept: list[Leftover] = field(default_factory=list)
    #: Host name → why it could not be looked at.
    unreachable: dict[str, str] = field(default_factory=dict)


#: Journal entries of one host: number and intent.
Entries = Sequence[tuple[int, Intent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """What a sweep is to do."""

    #: Whether what is found is removed, or only listed.
    remove: bool
    #: Whether images we delivered stay as a cache.
    keep_images: bool


def sweep(
    tools: Toolbox, environments: Sequence[Environment], entries: Entries, wish: Sweep
) -> Swept:
    """Look for everything *entries* name, on every host that they name."""
    hosts = {
        (environment.name, host.name): (environment, host)
        for environment in environments
        for host in environment.hosts
    }
    by_host: dict[tuple[str, str], list[tuple[int, Intent]]] = {}
    for number, intent in entries:
        by_host.setdefault((intent.environment, intent.host), []).append((number, intent))
    swept = Swept()
    for key, mine in by_host.items():
        if key not in hosts:
            swept.unreachable["/".join(key)] = "no inventory names this host any more"
            continue
        try:
            _HostSweep(tools, swept, wish).run(*hosts[key], mine)
        except MatrixError as error:
            swept.unreachable[key[1]] = str(error)
    return swept


class _HostSweep:
    """The sweep of one host."""

    def __init__(self, tools: Toolbox, swept: Swept, wish: Sweep) -> None:
        self._tools = tools
        self._swept = swept
        self._wish = wish

    def run(self, environment: Environment, host: Host, entries: Entries) -> None:
        connection = self._tools.connect(environment, host)
        try:
            self._sweep_processes(connection, environment, host, entries)
            engine = self._tools.open_engine(environment, host, connection.engine_socket())
            try:
                self._sweep_objects(engine, entries)
            finally:
                engine.close()
        finally:
            connection.close()

    def _sweep_processes(
        self, connection: Connection, environment: Environment, host: Host, entries: Entries
    ) -> None:
        for run in sorted({intent.run for _, intent in entries}):
            for process in self._tools.find_processes(connection, run, remove=self._wish.remove):
                leftover = Leftover(
                    environment=environment.name,
                    host=host.name,
                    kind="process",
                    id=process,
                    name=run,
                    remedy="" if self._wish.remove else "matrix sweep",
                )
                found = self._swept.removed if self._wish.remove else self._swept.remaining
                found.append(leftover)

    def _sweep_objects(self, engine: Engine, entries: Entries) -> None:
        labelled = _labelled(engine, entries)
        for kind in ORDER:
            for number, intent in entries:
                if intent.kind != kind:
                    continue
                found = _find(engine, labelled, intent)
                if found == "":
                    self._tools.journal.forget(number)
                else:
                    self._sweep_object(engine, number, intent, found)

    def _sweep_object(self, engine: Engine, number: int, intent: Intent, found: str) -> None:
        if intent.kind == "image" and self._wish.keep_images:
            self._swept.kept.append(_leftover(intent, found, remedy=""))
            return
        if not self._wish.remove:
            self._swept.remaining.append(_leftover(intent, found, remedy="matrix sweep"))
            return
        try:
            engine.remove_object(intent.kind, found)
        except MatrixError as error:
            self._swept.remaining.append(_leftover(intent, found, remedy=str(error)))
        else:
            self._tools.journal.forget(number)
            self._swept.removed.append(_leftover(intent, found, remedy=""))


def _labelled(engine: Engine, entries: Entries) -> Mapping[tuple[str, str, str], EngineObject]:
    """Everything on the engine that carries the label of one of the runs, by run, kind, name."""
    found = {}
    for run in sorted({intent.run for _, intent in entries}):
        for one in engine.list_objects(label=run_label(run)):
            found[(run, one.kind, one.name)] = one
    return found


def _find(
    engine: Engine, labelled: Mapping[tuple[str, str, str], EngineObject], intent: Intent
) -> str:
    """The id of what *intent* names if it is still there and ours, else ""."""
    if intent.kind in UNLABELLED:
        return intent.id if intent.id and engine.find_object(intent.kind, intent.id) else ""
    found = labelled.get((intent.run, intent.kind, intent.name))
    return found.id if found else ""


def _leftover(intent: Intent, found: str, *, remedy: str) -> Leftover:
    return Leftover(
        environment=intent.environment,
        host=intent.host,
        kind=intent.kind,
        id=found,
        name=intent.name,
        remedy=remedy,
    )
