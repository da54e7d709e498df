"""``sabotage.toml`` in a folder of probes: how each of them is seen red."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from matrix.core.model import Port, Readiness, RunSettings, Service, Start
from matrix.core.result import Json
from matrix.core.saboteur import ANSWERED, Need, Saboteur, Weakening
from matrix.core.selection import known
from matrix.loading.catalogue import ContainerPath, PortNumber, ReadinessEntry
from matrix.loading.faults import Faults
from matrix.loading.fields import (
    Argument,
    Choice,
    Entry,
    Line,
    Name,
    Size,
    Span,
    Text,
    misfit,
    written,
)
from matrix.loading.formats import Surroundings
from matrix.loading.source import Source

FILE = "sabotage.toml"

#: Folder of probes → names of its probes, ``<file>::<function>`` each.
Functions = Mapping[Path, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Marks a field as anything that JSON can say too."""

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": ["string", "number", "boolean", "array", "object"]}

    def _read(self, value: object) -> object:
        if isinstance(value, dict):
            return {str(key): self._read(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._read(one) for one in value]
        if not isinstance(value, str | int | float | bool):
            raise misfit(type(value).__name__, "text, a number, true or false, a list or a table")
        return value


class ChangesEntry(Entry):
    """Keys of the catalogue that stand in place of the target's own; what is left out stays."""

    command: list[Argument] | None = Field(default=None, description="As in the catalogue.")
    environment: dict[Annotated[str, Text("variable")], Argument] | None = Field(
        default=None, description="Added to the target's own variables, in place of the same ones."
    )
    user: Annotated[str, Text("container-user")] | None = Field(
        default=None, description="As in the catalogue."
    )
    capabilities: list[Annotated[str, Text("capability")]] | None = Field(
        default=None, description="As in the catalogue."
    )
    tmpfs: dict[ContainerPath, Annotated[str, Text("mount-options")]] | None = Field(
        default=None, description="As in the catalogue."
    )
    volumes: list[ContainerPath] | None = Field(default=None, description="As in the catalogue.")
    ports: dict[Name, PortNumber] | None = Field(default=None, description="As in the catalogue.")
    read_only: bool | None = Field(default=None, description="As in the catalogue.")
    memory: Size | None = Field(default=None, description="As in the catalogue; 0: no limit.")
    pids: int | None = Field(
        default=None, ge=0, le=1_000_000, description="As in the catalogue; 0: no limit."
    )
    shm: Size | None = Field(default=None, description="As in the catalogue.")
    stop_grace: Span | None = Field(default=None, description="As in the catalogue.")
    readiness: ReadinessEntry | None = Field(default=None, description="As in the catalogue.")


class SabotageEntry(Entry):
    """One thing put wrong on containers of its own, and the probes that must fail then."""

    name: Line = Field(description="What is wrong, for people.")
    probes: list[Line] = Field(
        min_length=1,
        description="`FILE::FUNCTION` of the probes it is for, with all their parameters. Only"
        " these are run.",
    )
    target: str = Field(
        default="", description="Companion that it acts on; empty: the service itself."
    )
    needs: list[Annotated[Need, Choice(tuple(one.value for one in Need), Need)]] = Field(
        default=[], description="What a service must declare; for one that does not it is left out."
    )
    settings: ChangesEntry = written({}, "Before the start: run settings of the target.")
    clock: Annotated[str, Text("clock-shift")] = Field(
        default="",
        description="Before the start: how far the target's clock is off. By libfaketime of this"
        " machine, which the target's start unpacks; its C library must be no older than here.",
    )
    wrap: Argument = Field(
        default="",
        description="Before the start: a line for `sh` that is run in place of the target's own"
        ' start, which it has as `"$@"`; `$MATRIX_VOLUMES` are its volumes.',
    )
    without: list[Annotated[Start, Choice(tuple(one.value for one in Start), Start)]] = Field(
        default=[],
        description="Before the start: companions that are not started, by when they would be: for"
        " a service that is put so wrong that they could not.",
    )
    weaken: list[Annotated[Weakening, Choice(tuple(one.value for one in Weakening), Weakening)]] = (
        Field(
            default=[],
            description="Before the start: what is not done for the target. `log`: its log has no"
            " largest size. `ports`: they are published on every address.",
        )
    )
    aliases: list[Name] | None = Field(
        default=None, description="Before the start: names of the target on its network."
    )
    exec: Argument = Field(
        default="", description="Inside, when all are ready: a line for `sh` in the target."
    )
    answers: dict[Annotated[str, Choice(ANSWERED, str)], Annotated[Json, Answer()]] = Field(
        default={},
        description="Outside: verbs of the `container` fixture that are answered with this and not"
        " done.",
    )


class SabotageFile(Entry):
    """The whole file."""

    sabotage: list[SabotageEntry] = Field(default=[], description="The saboteurs.")


def load_saboteurs(service: Service, functions: Functions) -> tuple[Saboteur, ...]:
    """The saboteurs of *service* from the folders of *functions*, in their order.

    A folder without the file has none. Raises ConfigError with every fault of every file.
    """
    faults = Faults()
    found = [
        saboteur
        for folder, names in functions.items()
        if (folder / FILE).exists()
        for saboteur in _load(folder, names, service, faults)
    ]
    faults.stop_if_any()
    return tuple(found)


def _load(
    folder: Path, functions: Sequence[str], service: Service, faults: Faults
) -> Iterator[Saboteur]:
    source = faults.read(folder / FILE, within=folder)
    if source is None:
        return
    file = faults.check(source, SabotageFile, Surroundings(folder=folder, names={}))
    if file is None:
        return
    _check_names(source, file, faults)
    for at, entry in enumerate(file.sabotage):
        _check_entry(source, at, entry, functions, faults)
        if _check_target(source, at, entry, service, faults) and _makes_sense(entry, service):
            yield _saboteur(entry, folder.name, service)


def _check_names(source: Source, file: SabotageFile, faults: Faults) -> None:
    seen: set[str] = set()
    for at, entry in enumerate(file.sabotage):
        if entry.name in seen:
            faults.add(
                source,
                ("sabotage", at, "name"),
                found=f'"{entry.name}" for the second time',
                allowed="a name of its own",
            )
        seen.add(entry.name)


def _check_entry(
    source: Source, at: int, entry: SabotageEntry, functions: Sequence[str], faults: Faults
) -> None:
    """Whether it does something, and to probes that there are."""
    acts = (
        entry.settings != ChangesEntry(),
        entry.clock,
        entry.wrap,
        entry.without,
        entry.weaken,
        entry.aliases is not None,
        entry.exec,
        entry.answers,
    )
    if not any(acts):
        faults.add(
            source,
            ("sabotage", at),
            found="nothing that is put wrong",
            allowed="settings, clock, wrap, without, weaken, aliases, exec or answers",
        )
    for position, name in enumerate(entry.probes):
        if name not in functions:
            faults.add(
                source,
                ("sabotage", at, "probes", position),
                found=f'"{name}", no probe of this folder',
                allowed=known(name, functions).strip(" ()"),
            )


def _check_target(
    source: Source, at: int, entry: SabotageEntry, service: Service, faults: Faults
) -> bool:
    companions = [one.name for one in service.companions]
    if entry.target in ("", *companions):
        return True
    faults.add(
        source,
        ("sabotage", at, "target"),
        found=f'"{entry.target}", no companion of service "{service.name}"',
        allowed='"" for the service itself' + known(entry.target, companions),
    )
    return False


def _makes_sense(entry: SabotageEntry, service: Service) -> bool:
    has: Mapping[Need, Iterable[object]] = {
        Need.PORTS: service.settings.ports,
        Need.VOLUMES: service.settings.volumes,
        Need.COMPANIONS: service.companions,
    }
    return all(has[need] for need in entry.needs)


def _saboteur(entry: SabotageEntry, folder: str, service: Service) -> Saboteur:
    declared = {
        "": service.settings,
        **{one.name: one.settings for one in service.companions},
    }[entry.target]
    settings = _changed(declared, entry.settings)
    return Saboteur(
        name=entry.name,
        probes=tuple(f"{folder}/{name}" for name in entry.probes),
        target=entry.target,
        settings=None if settings == declared else settings,
        clock=entry.clock,
        wrap=entry.wrap,
        without=frozenset(entry.without),
        weakened=frozenset(entry.weaken),
        aliases=None if entry.aliases is None else tuple(entry.aliases),
        command=entry.exec,
        answers=dict(entry.answers),
    )


def _changed(declared: RunSettings, changes: ChangesEntry) -> RunSettings:
    """*declared* with what the file says in its place."""
    values = {
        field: make(value)
        for key, (field, make) in CHANGES.items()
        if (value := getattr(changes, key)) is not None
    }
    environment = {**declared.environment, **(changes.environment or {})}
    return replace(declared, environment=environment, **values)  # type: ignore[arg-type]


def _readiness(entry: ReadinessEntry) -> Readiness:
    return Readiness(
        command=entry.command, timeout_seconds=entry.timeout, interval_seconds=entry.interval
    )


def _ports(numbers: Mapping[str, int]) -> tuple[Port, ...]:
    return tuple(Port(name=name, container=number) for name, number in numbers.items())


# Any: each reads what pydantic has found fit for the key.
#: Key of the file → field of RunSettings, and how its value is made.
CHANGES: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "command": ("command", tuple),
    "user": ("user", str),
    "capabilities": ("capabilities", tuple),
    "tmpfs": ("tmpfs", dict),
    "volumes": ("volumes", tuple),
    "ports": ("ports", _ports),
    "read_only": ("read_only", bool),
    "memory": ("memory_bytes", int),
    "pids": ("pids", int),
    "shm": ("shm_bytes", int),
    "stop_grace": ("stop_grace_seconds", float),
    "readiness": ("readiness", _readiness),
}
