"""The containers of one attempt: started in order, looked at, and removed, all by journal."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from matrix.core.errors import (
    GONE,
    ImageMismatch,
    MatrixError,
    NameConflict,
    StoreError,
)
from matrix.core.model import CellId, Companion, RunSettings, Start
from matrix.core.names import NONCE, object_labels, object_name, run_label
from matrix.core.ports import ContainerSpec, ContainerState, Engine, Event
from matrix.core.result import Leftover
from matrix.core.store_ports import Intent
from matrix.execution.host import HostSession, Link
from matrix.execution.life import judge_life
from matrix.execution.remedies import remedy_of
from matrix.execution.toolbox import Toolbox

LOG_TAIL_LINES = 200
LOG_CAP_BYTES = 64 * 1024

#: Makes one object under the given labels and returns its id.
Maker = Callable[[Mapping[str, str]], str]


@dataclass(slots=True)
class Made:
    """One object written down in the journal, and its id once the engine has told it."""

    entry: int
    kind: str
    name: str
    id: str = ""


@dataclass(slots=True)
class Running:
    """One container of the attempt, and what we know it should be doing."""

    name: str
    id: str
    settings: RunSettings
    image_id: str
    #: As of the last start that we or a probe asked for; "" while a probe has it stopped.
    started_at: str = ""
    #: Whether a probe has stopped or paused it on purpose.
    at_rest: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """What an attempt is to start."""

    run: str
    cell: CellId
    attempt: int
    settings: RunSettings
    companions: tuple[Companion, ...]
    #: Image ids by companion name; "" is the service's own.
    image_ids: Mapping[str, str]
    nonce: str


class Ensemble:
    """The service's container and its companions, on a network of their own."""

    def __init__(self, tools: Toolbox, session: HostSession, link: Link, cast: Cast) -> None:
        self._tools = tools
        self._session = session
        self._link = link
        self._cast = cast
        self._made: list[Made] = []
        #: Companion name → container; "" is the service.
        self.members: dict[str, Running] = {}

    @property
    def engine(self) -> Engine:
        """The engine as the attempt found it: when it is lost, so is the attempt."""
        return self._link.engine

    def start(self, *, wait_until_ready: Callable[[str], None]) -> None:
        """Make the network, start every container and check each runs the image asked for.

        Companions that come before the service are waited for before it is started.
        """
        cast = self._cast
        network = object_name(cast.run, cast.cell, cast.attempt, "net")
        self._create(
            "network", network, lambda labels: self.engine.create_network(network, labels=labels)
        )
        early = [one for one in cast.companions if one.start is Start.BEFORE]
        late = [one for one in cast.companions if one.start is Start.AFTER]
        for companion in early:
            self._add(network, companion.name, companion.settings)
        for companion in early:
            wait_until_ready(companion.name)
        self._add(network, "", cast.settings)
        for companion in late:
            self._add(network, companion.name, companion.settings)

    def state(self, target: str) -> ContainerState | None:
        """The state of a member; raises what the engine raises."""
        return self.engine.inspect_container(self.members[target].id)

    def find_dead(self) -> MatrixError | None:
        """Why a member that should run does not; None when all are alive."""
        for member in self.members.values():
            if member.at_rest:
                continue
            error = judge_life(
                member.name,
                self.engine.inspect_container(member.id),
                started_at=member.started_at,
            )
            if error is not None:
                return error
        return None

    def note_started(self, target: str) -> None:
        """Remember the present start of a member as one we asked for."""
        member, state = self.members[target], self.state(target)
        member.started_at = state.started_at if state else ""
        member.at_rest = False

    def logs(self) -> dict[str, str]:
        """The tail of each member's log; what cannot be read says why, a lost host only once."""
        texts: dict[str, str] = {}
        try:
            self._link.tether.check()
            for target, member in self.members.items():
                texts[target] = self._log(member)
        except GONE as error:
            texts.setdefault("", f"(no log: {error})")
        return texts

    def remove(self) -> tuple[Leftover, ...]:
        """Remove everything in reverse order; returns what could not be removed.

        A lost host is opened again once; when that fails, or it is lost again, nothing more is
        asked of it: its tether cleans up, and what it leaves is the sweep's.
        """
        left: list[Leftover] = []
        lost = self._reopen()
        for made in reversed(self._made):
            try:
                if lost is not None:
                    raise lost
                self._remove(made)
            except MatrixError as error:
                lost = error if isinstance(error, GONE) else lost
                left.append(self._leftover(made, error))
                continue
            # A store that takes nothing more keeps the entry open: a sweep will find nothing.
            with suppress(StoreError):
                self._tools.journal.forget(made.entry)
        self._made.clear()
        return tuple(left)

    def _reopen(self) -> MatrixError | None:
        """Take the link of the host as it is now; returns why there is none."""
        try:
            self._link = self._session.link()
        except MatrixError as error:
            return error
        return None

    def _remove(self, made: Made) -> None:
        """By id; by name and label where the engine's answer was lost, never by name alone."""
        identity = made.id
        if not identity:
            ours = self.engine.list_objects(label=run_label(self._cast.run))
            same = (one.id for one in ours if (one.kind, one.name) == (made.kind, made.name))
            identity = next(same, "")
        if identity:
            self.engine.remove_object(made.kind, identity)

    def _add(self, network: str, companion: str, settings: RunSettings) -> None:
        self._tools.halt.check()
        cast = self._cast
        name = object_name(cast.run, cast.cell, cast.attempt, companion)
        wanted = cast.image_ids[companion]

        def create(labels: Mapping[str, str]) -> str:
            return self.engine.create_container(
                ContainerSpec(
                    name=name,
                    image_id=wanted,
                    network=network,
                    aliases=(companion or cast.cell.service,),
                    labels=labels,
                    settings=settings,
                    extra_environment={} if companion else {NONCE: cast.nonce},
                )
            )

        identity = self._create("container", name, create)
        member = Running(name=name, id=identity, settings=settings, image_id=wanted)
        self.members[companion] = member
        self._note_volumes(self.engine.inspect_container(identity))
        self.engine.control(identity, "start")
        state = self.engine.inspect_container(identity)
        if state is not None and state.image_id != wanted:
            raise ImageMismatch(f"container {name} runs {state.image_id}, asked for was {wanted}")
        member.started_at = state.started_at if state else ""

    def _note_volumes(self, state: ContainerState | None) -> None:
        """Anonymous volumes carry no label: their entry in the journal stands in for it."""
        for name in state.volumes if state else ():
            entry = self._intend("volume", name)
            self._tools.journal.confirm(entry, name)
            # Before its container in the list, so that it is removed after it.
            self._made.insert(0, Made(entry=entry, kind="volume", name=name, id=name))

    def _intend(self, kind: str, name: str) -> int:
        cast, session = self._cast, self._session
        return self._tools.journal.intend(
            Intent(
                run=cast.run,
                cell=cast.cell,
                environment=session.environment.name,
                host=session.host.name,
                kind=kind,
                name=name,
            )
        )

    def _create(self, kind: str, name: str, make: Maker) -> str:
        cast, link = self._cast, self._link
        made = Made(entry=self._intend(kind, name), kind=kind, name=name)
        try:
            made.id = make(object_labels(cast.run, link.token, cast.cell, kind))
        except NameConflict:
            # Somebody else's object: it was never ours to remove.
            self._tools.journal.forget(made.entry)
            raise
        except MatrixError:
            self._made.append(made)
            raise
        self._made.append(made)
        self._tools.journal.confirm(made.entry, made.id)
        return made.id

    def _log(self, member: Running) -> str:
        try:
            data = self.engine.logs(member.id, tail=LOG_TAIL_LINES, cap_bytes=LOG_CAP_BYTES)
        except GONE:
            raise
        except MatrixError as error:
            return f"(no log: {error})"
        return data.decode("utf-8", "backslashreplace")

    def _leftover(self, made: Made, error: MatrixError) -> Leftover:
        environment, host = self._session.environment.name, self._session.host
        service = self._cast.cell.service
        self._tools.watch(
            Event(kind="note", environment=environment, service=service, text=str(error))
        )
        return Leftover(
            environment=environment,
            host=host.name,
            kind=made.kind,
            id=made.id,
            name=made.name,
            remedy=remedy_of(error, host),
        )
