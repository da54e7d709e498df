"""``images/catalogue.toml``: base images, images built on them, and the services they run."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from matrix.core.model import (
    Base,
    Companion,
    Image,
    Port,
    Readiness,
    RunSettings,
    Service,
    Start,
)
from matrix.loading.facts import Questions, check_questions, requirements
from matrix.loading.faults import Faults, listed_tables, tables
from matrix.loading.fields import (
    Argument,
    Choice,
    Entry,
    Folder,
    Line,
    Name,
    Size,
    Span,
    Text,
    written,
)
from matrix.loading.source import Raw, Source

ContainerPath = Annotated[str, Text("container-path")]
PortNumber = Annotated[int, Field(ge=1, le=65535)]


class BaseEntry(Entry):
    """A base image, made from Debian packages or taken from a registry."""

    suite: Annotated[str, Text("suite")] = Field(description="Debian suite it is made from.")
    context: Folder = written("base", "Folder with `make-base` and `builder/Dockerfile`.")
    reference: Annotated[str, Text("reference")] = Field(
        default="", description="What a registry calls it; empty: always made from packages."
    )
    builder: list[Annotated[str, Text("package")]] = Field(
        default=[],
        description="Packages added for build stages. Such a base carries the certificates of the "
        "machine it is made on and is never shipped.",
    )


class ImageEntry(Entry):
    """An image that is built from a folder, pulled by digest, or both."""

    context: Annotated[Path, Text("build-folder")] | None = Field(
        default=None, description="Folder with its Dockerfile. Without it, it is only pulled."
    )
    reference: Annotated[str, Text("digest")] = Field(
        default="", description="Where a registry has it, by digest."
    )
    bases: dict[Annotated[str, Text("variable")], Annotated[str, Text("base-name")]] = Field(
        default={}, description="Build argument of the Dockerfile to name of a base."
    )


class ReadinessEntry(Entry):
    """When a container counts as ready."""

    command: Argument = Field(
        default="", description="Run by `sh -c` inside until it exits 0; empty: ready when it runs."
    )
    timeout: Span = written("60s", "After this it is not ready: FAILED.")
    interval: Span = written("200ms", "Time between two tries.")


class SettingsEntry(Entry):
    """How a container is run, on top of the run profile that holds for every one."""

    image: Annotated[str, Text("image-name")] = Field(description="Name of an image above.")
    command: list[Argument] = Field(
        default=[], description="Arguments for the image's entrypoint; empty: the image's own."
    )
    environment: dict[Annotated[str, Text("variable")], Argument] = Field(
        default={}, description="Environment variables."
    )
    user: Annotated[str, Text("container-user")] = Field(
        default="", description="User it runs as; empty: the image's own."
    )
    capabilities: list[Annotated[str, Text("capability")]] = Field(
        default=[], description="Capabilities it needs; all others are dropped."
    )
    tmpfs: dict[ContainerPath, Annotated[str, Text("mount-options")]] = Field(
        default={}, description="Paths that get a file system in memory, with its mount options."
    )
    volumes: list[ContainerPath] = Field(
        default=[], description="Paths that get a volume, which is removed with the container."
    )
    ports: dict[Name, PortNumber] = Field(
        default={},
        description="Name to number of each TCP port it listens on; published on 127.0.0.1 only.",
    )
    read_only: bool = Field(default=True, description="Whether its root file system is read-only.")
    memory: Size = written("256MiB", "Most memory it may use.")
    pids: int = Field(default=256, ge=1, le=1_000_000, description="Most processes and threads.")
    shm: Size = written("0", "Size of /dev/shm; 0: the engine's own.")
    stop_grace: Span = written("10s", "Time between stop signal and kill.")
    readiness: ReadinessEntry = written({}, "When it counts as ready.")


class CompanionEntry(SettingsEntry):
    """Another container, started beside the service and removed with it."""

    name: Name = Field(description="Its name on the cell's network.")
    start: Annotated[Start, Choice(tuple(start.value for start in Start), Start)] = written(
        "before", "When it is started, seen from the service."
    )


class ServiceEntry(SettingsEntry):
    """A row of the grid."""

    title: Line = Field(default="", description="As shown in the row header; empty: its name.")
    contents: Line = Field(default="", description="The components in it, shown under the title.")
    owner: Line = Field(default="", description="Who answers for it; the page groups rows by it.")
    probes: list[Folder] = Field(
        default=[], description="Folders with its own probes; those for every service come on top."
    )
    deadline: Span = written("5m", "Time one cell may take in all.")
    companions: list[CompanionEntry] = Field(
        default=[], description="Other containers it needs beside it."
    )
    requires: Questions = Field(
        default={}, description="What it asks of an environment: fact to operator to value."
    )


class CatalogueFile(Entry):
    """The whole file."""

    bases: dict[Name, BaseEntry] = Field(default={}, description="Base images by name.")
    images: dict[Name, ImageEntry] = Field(default={}, description="Images by name.")
    services: dict[Name, ServiceEntry] = Field(default={}, description="Services by name.")


def names_in(data: Mapping[str, Raw]) -> Mapping[str, tuple[str, ...]]:
    """The names a catalogue gives, whatever else may be wrong with it."""
    return {
        "base": tuple(name for name, _ in tables(data, "bases")),
        "image": tuple(name for name, _ in tables(data, "images")),
        "service": tuple(name for name, _ in tables(data, "services")),
    }


def check_together(source: Source, faults: Faults) -> None:
    """What no single key shows: images that come from nowhere, companions of one name."""
    for name, image in tables(source.data, "images"):
        if not image.get("context") and not image.get("reference"):
            faults.add(
                source,
                ("images", name),
                found="neither context nor reference",
                allowed="at least one of them",
            )
    for name, service in tables(source.data, "services"):
        at_requires = ("services", name, "requires")
        check_questions(source, at_requires, service.get("requires"), faults)
        _check_companions(source, name, service, faults)


def _check_companions(
    source: Source, name: str, service: Mapping[str, Raw], faults: Faults
) -> None:
    seen = {name}
    for at, companion in listed_tables(service, "companions"):
        own = companion.get("name")
        if own in seen:
            faults.add(
                source,
                ("services", name, "companions", at, "name"),
                found=f'"{own}" for the second time',
                allowed="a name of its own, other than the service's",
            )
        if isinstance(own, str):
            seen.add(own)


def bases(file: CatalogueFile) -> tuple[Base, ...]:
    """The base images as values, in the file's order."""
    return tuple(
        Base(
            name=name,
            suite=entry.suite,
            context=entry.context,
            reference=entry.reference,
            builder=tuple(entry.builder),
        )
        for name, entry in file.bases.items()
    )


def images(file: CatalogueFile) -> tuple[Image, ...]:
    """The images as values, in the file's order."""
    return tuple(
        Image(name=name, context=entry.context, reference=entry.reference, bases=dict(entry.bases))
        for name, entry in file.images.items()
    )


def services(file: CatalogueFile) -> tuple[Service, ...]:
    """The services as values, in the file's order."""
    return tuple(_service(name, entry) for name, entry in file.services.items())


def _service(name: str, entry: ServiceEntry) -> Service:
    return Service(
        name=name,
        title=entry.title or name,
        contents=entry.contents,
        owner=entry.owner,
        image=entry.image,
        settings=_settings(entry),
        companions=tuple(_companions(entry)),
        requirements=requirements(entry.requires),
        probes=tuple(entry.probes),
        deadline_seconds=entry.deadline,
    )


def _companions(entry: ServiceEntry) -> Iterator[Companion]:
    for companion in entry.companions:
        yield Companion(
            name=companion.name,
            image=companion.image,
            start=companion.start,
            settings=_settings(companion),
        )


def _settings(entry: SettingsEntry) -> RunSettings:
    return RunSettings(
        command=tuple(entry.command),
        environment=dict(entry.environment),
        user=entry.user,
        capabilities=tuple(entry.capabilities),
        tmpfs=dict(entry.tmpfs),
        volumes=tuple(entry.volumes),
        ports=tuple(Port(name=name, container=number) for name, number in entry.ports.items()),
        read_only=entry.read_only,
        memory_bytes=entry.memory,
        pids=entry.pids,
        shm_bytes=entry.shm,
        stop_grace_seconds=entry.stop_grace,
        readiness=Readiness(
            command=entry.readiness.command,
            timeout_seconds=entry.readiness.timeout,
            interval_seconds=entry.readiness.interval,
        ),
    )
