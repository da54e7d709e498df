"""Find and remove what a dead run has left on the hosts, from the journal and by listing.

An object is ours only if it is in our journal *and* carries the run's label; for images, and for
volumes the engine made, the journal entry with the id stands in for the label. Anything else is
never touched, whatever its name.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from matrix.core.errors import MatrixError
from matrix.core.model import Environment, Host
from matrix.core.names import run_label
from matrix.core.ports import Connection, Engine, EngineObject
from matrix.core.result import Leftover
from matrix.core.store_ports import Intent
from matrix.execution.remedies import SWEEP, remedy_of
from matrix.execution.toolbox import Toolbox

#: Containers hold networks and volumes, and containers are made from images.
ORDER = ("container", "network", "volume", "image")
#: Kinds that cannot carry a label of ours.
UNLABELLED = ("volume", "image")
#: Looks at which nothing new turned up, after which nothing will: an engine goes on with what it
#: was asked for by a runner that is dead.
CALM_LOOKS = 5
#: How long the guards of dead runs are given to end by themselves.
GUARD_SECONDS = 20.0


@dataclass(slots=True)
class Swept:
    """What a sweep did."""

    removed: list[Leftover] = field(default_factory=list)
    #: Still there, each with a remedy.
    remaining: list[Leftover] = field(default_factory=list)
    #: Images left as a cache, because it was asked for or a run that goes on may use them.
    kept: list[Leftover] = field(default_factory=list)
    #: Host name → why it could not be looked at.
    unreachable: dict[str, str] = field(default_factory=dict)
    #: Id of what remains → what its engine says against removing it.
    refusals: dict[str, str] = field(default_factory=dict)


#: Journal entries of one host: number and intent.
Entries = Sequence[tuple[int, Intent]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """What a sweep is to do."""

    #: Whether what is found is removed, or only listed.
    remove: bool
    #: Whether images we delivered stay as a cache.
    keep_images: bool
    #: Between two looks at what may still be on its way.
    pause_seconds: float = 1.0


def sweep(
    tools: Toolbox,
    environments: Sequence[Environment],
    entries: Entries,
    wish: Sweep,
    *,
    busy: Collection[str] = (),
) -> Swept:
    """Look for everything *entries* name, on every host that they name.

    The runs of *entries* must be dead. *busy* are environments in which other runs go on: images
    stay there.
    """
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
            keep = wish.keep_images or key[0] in busy
            _HostSweep(tools, swept, replace(wish, keep_images=keep)).run(*hosts[key], mine)
        except MatrixError as error:
            swept.unreachable[key[1]] = str(error)
    return swept


class _HostSweep:
    """The sweep of one host."""

    def __init__(self, tools: Toolbox, swept: Swept, wish: Sweep) -> None:
        self._tools = tools
        self._swept = swept
        self._wish = wish
        #: Ids of what this sweep has removed: several runs may have brought the same image.
        self._gone: set[str] = set()

    def run(self, environment: Environment, host: Host, entries: Entries) -> None:
        connection = self._tools.connect(environment, host)
        try:
            self._sweep_processes(connection, environment, host, entries)
            engine = self._tools.open_engine(environment, host, connection)
            try:
                self._sweep_objects(engine, host, entries)
            finally:
                engine.close()
        finally:
            connection.close()

    def _sweep_processes(
        self, connection: Connection, environment: Environment, host: Host, entries: Entries
    ) -> None:
        runs = sorted({intent.run for _, intent in entries})
        if self._wish.remove:
            self._wait_for_guards(connection, runs)
        for run in runs:
            for process in self._tools.find_processes(connection, run, remove=self._wish.remove):
                leftover = Leftover(
                    environment=environment.name,
                    host=host.name,
                    kind="process",
                    id=process,
                    name=run,
                    remedy="" if self._wish.remove else SWEEP,
                )
                found = self._swept.removed if self._wish.remove else self._swept.remaining
                found.append(leftover)

    def _wait_for_guards(self, connection: Connection, runs: Sequence[str]) -> None:
        """A guard that has lost its runner cleans up and waits for what is still on its way."""
        until = time.monotonic() + GUARD_SECONDS
        while time.monotonic() < until and any(
            self._tools.find_processes(connection, run, remove=False) for run in runs
        ):
            time.sleep(self._wish.pause_seconds)

    def _sweep_objects(self, engine: Engine, host: Host, entries: Entries) -> None:
        """Until nothing that may still be on its way turns up any more."""
        if self._wish.keep_images:
            entries = self._keep_images(engine, entries)
        calm = 0
        while calm < CALM_LOOKS:
            absent = self._sweep_once(engine, host, entries)
            if not self._wish.remove:
                return
            if not any(_may_come(intent) for _, intent in absent):
                break
            calm = calm + 1 if len(absent) == len(entries) else 1
            entries = absent
            time.sleep(self._wish.pause_seconds)
        for number, _ in absent:
            self._tools.journal.forget(number)

    def _keep_images(self, engine: Engine, entries: Entries) -> Entries:
        """Images are told and their entries stay; returns the other entries."""
        images = [intent for _, intent in entries if intent.kind == "image"]
        for intent in images:
            if found := _find(engine, {}, intent):
                self._swept.kept.append(_leftover(intent, found, remedy=""))
        return [entry for entry in entries if entry[1].kind != "image"]

    def _sweep_once(self, engine: Engine, host: Host, entries: Entries) -> Entries:
        """Deal with what is there; returns the entries of what is not."""
        labelled = _labelled(engine, entries)
        absent = []
        for kind in ORDER:
            for number, intent in entries:
                if intent.kind != kind:
                    continue
                found = _find(engine, labelled, intent)
                if found:
                    self._sweep_object(engine, host, number, intent, found)
                elif intent.id in self._gone:
                    self._tools.journal.forget(number)
                else:
                    absent.append((number, intent))
        return absent

    def _sweep_object(
        self, engine: Engine, host: Host, number: int, intent: Intent, found: str
    ) -> None:
        if not self._wish.remove:
            self._swept.remaining.append(_leftover(intent, found, remedy=SWEEP))
            return
        try:
            engine.remove_object(intent.kind, found)
        except MatrixError as error:
            self._swept.refusals[found] = str(error)
            self._swept.remaining.append(_leftover(intent, found, remedy=remedy_of(error, host)))
        else:
            self._gone.add(found)
            self._tools.journal.forget(number)
            self._swept.removed.append(_leftover(intent, found, remedy=""))


def _may_come(intent: Intent) -> bool:
    """Whether the engine may still be making it, for all we know."""
    return intent.kind == "image" or not intent.id


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
