"""What a server must have for services to be checked on it, and what checks it. Pure.

It is made from what services declare and from their probes, so it cannot be out of date. Words are
for somebody who runs servers and knows nothing of us.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from matrix.core.fact_words import sentence, strictest, topic_and_words, value
from matrix.core.model import Requirement, RunSettings, Service
from matrix.core.requirements import needs_of_probe, spelled, version
from matrix.core.result import PlannedProbe
from matrix.core.text import seconds_text, size_text

#: Free disk that bringing an image takes, in sizes of itself: the archive and its layers.
DISK_FACTOR = 2
#: Topic → patterns of the probes that show whether the server gives it.
PROBES = {
    "memory": ("*::test_memory_*",),
    "processes": ("*::test_pids_*",),
    "ports": ("*::test_published_ports*", "*::test_ports_are_*"),
    "network": ("*::test_names_are_*", "*::test_network_is_*"),
    "disk": ("*::test_log_size_*",),
    "privileges": ("*::test_network_is_its_own",),
    "engine": ("*::test_exec_*", "*::test_stops_*", "*::test_restart_*"),
}
ORDER = (
    *("processor", "memory", "disk", "engine", "control groups", "processes", "kernel"),
    *("privileges", "ports", "network", "programs", "time"),
)


class Level(Enum):
    """What it means when a server lacks it."""

    #: A service cannot be checked there, or does not work.
    MUST = "must"
    #: Some probes are left out, which is said.
    SHOULD = "should"
    #: Nothing is asked; said so that nobody has to wonder.
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """What finds out whether a need is met."""

    #: "requirement": declared, compared with the machine's facts. "probe": run. "runner": always.
    kind: str
    #: ``queue.requires.memory_bytes``, a probe's id, or a word for what the runner does.
    id: str
    says: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One thing that a server must or should have."""

    topic: str
    level: Level
    asks: str
    why: str
    #: Names of the services that ask for it.
    services: tuple[str, ...]
    #: Never empty.
    checked_by: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """An engine that a service is known to work on, from what was measured."""

    service: str
    engine: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What the needs are made from."""

    services: tuple[Service, ...]
    #: Service → its probes.
    probes: Mapping[str, tuple[PlannedProbe, ...]]
    #: Image name → bytes, for those that are known.
    image_bytes: Mapping[str, int]
    #: Free bytes below which a server is not touched.
    floor_bytes: int
    passed: tuple[Passed, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the services."""
        return tuple(service.name for service in self.services)

    def checks(self, topic: str) -> tuple[Check, ...]:
        """The probes that look at *topic*, each once."""
        found = {
            probe.id: _of_probe(probe)
            for probes in self.probes.values()
            for probe in probes
            if any(fnmatchcase(probe.id, pattern) for pattern in PROBES.get(topic, ()))
        }
        return tuple(found.values())


HEALTH = Check(
    kind="runner",
    id="health",
    says="before any service a tiny container is started, asked, stopped and removed",
)
DISK = Check(
    kind="runner", id="disk", says="free space is measured before anything is brought there"
)
PROFILE = Check(
    kind="runner", id="profile", says="every container is started so, and no setting changes it"
)
DEADLINE = Check(kind="runner", id="deadline", says="a service that takes longer is stopped")


def needs_of(subject: Subject) -> tuple[Need, ...]:
    """Everything a server must or should have for the services of *subject*, by topic."""
    found = [
        *_declared(subject),
        *_of_probes(subject),
        *(make(subject) for make in (_memory, _disk, _engine, _processes, _privileges)),
        *(make(subject) for make in (_ports, _network, _time)),
    ]
    if not any(need.topic == "kernel" for need in found):
        found.append(_no_kernel_setting(subject))
    levels = list(Level)
    return tuple(
        sorted(found, key=lambda need: (ORDER.index(need.topic), levels.index(need.level)))
    )


def memory_of(service: Service) -> int:
    """Bytes that it may take at most, its companions together with it."""
    return sum(settings.memory_bytes for settings in settings_of(service))


def settings_of(service: Service) -> tuple[RunSettings, ...]:
    """How each of its containers is run, the service's own first."""
    return (service.settings, *(companion.settings for companion in service.companions))


def _declared(subject: Subject) -> Iterator[Need]:
    """What services declare, one need for each fact and operator."""
    groups: dict[tuple[str, str, str], list[tuple[str, Requirement]]] = {}
    for service in subject.services:
        for one in service.requirements:
            # Two values that must be the same are two needs; of two limits one implies the other.
            same = spelled(one.asked) if one.operator == "==" else ""
            groups.setdefault((one.fact, one.operator, same), []).append((service.name, one))
    for (fact, *_), asked in groups.items():
        topic, _ = topic_and_words(fact)
        yield Need(
            topic=topic,
            level=Level.MUST,
            asks=sentence(fact, strictest([one for _, one in asked])),
            why=_who_asks(asked),
            services=tuple(name for name, _ in asked),
            checked_by=tuple(_of_requirement(name, one) for name, one in asked),
        )


def _who_asks(asked: Sequence[tuple[str, Requirement]]) -> str:
    """``queue, api: at least 512 MiB; web: at least 256 MiB``."""
    users: dict[str, list[str]] = {}
    for name, one in asked:
        users.setdefault(value(one), []).append(name)
    return "; ".join(f"{', '.join(names)}: {words}" for words, names in users.items())


def _of_probes(subject: Subject) -> Iterator[Need]:
    """What probes need to say anything; without it they are left out."""
    groups: dict[Requirement, dict[str, PlannedProbe]] = {}
    users: dict[Requirement, list[str]] = {}
    for name, probes in subject.probes.items():
        for probe in probes:
            for one in needs_of_probe(probe):
                groups.setdefault(one, {})[probe.id] = probe
                users.setdefault(one, []).append(name)
    for one, probes_by_id in groups.items():
        count = len(probes_by_id)
        probe_words = "1 probe is" if count == 1 else f"{count} probes are"
        yield Need(
            topic=topic_and_words(one.fact)[0],
            level=Level.SHOULD,
            asks=sentence(one.fact, one),
            why=f"without it {probe_words} left out, and that is said",
            services=tuple(dict.fromkeys(users[one])),
            checked_by=tuple(map(_of_probe, probes_by_id.values())),
        )


def _memory(subject: Subject) -> Need:
    most = max(subject.services, key=memory_of)
    each = ", ".join(f"{one.name} {size_text(memory_of(one))}" for one in subject.services)
    count = 1 + len(most.companions)
    return Need(
        topic="memory",
        level=Level.MUST,
        asks=f"{size_text(memory_of(most))} of memory free while it runs",
        why=f"one service is run at a time, and may take with its companions: {each}; "
        f"{most.name} is {count} container{'s' if count > 1 else ''}",
        services=subject.names,
        checked_by=(PROFILE, *subject.checks("memory")),
    )


def _disk(subject: Subject) -> Need:
    floor = size_text(subject.floor_bytes)
    names = dict.fromkeys(name for service in subject.services for name in _images(service))
    if all(name in subject.image_bytes for name in names):
        images = sum(subject.image_bytes[name] for name in names)
        size = size_text(DISK_FACTOR * images + subject.floor_bytes)
        asks = f"{size} free on the engine's disk"
        why = (
            f"{len(names)} images of {size_text(images)} together are loaded, which takes twice "
            f"that for a moment; {floor} is left free"
        )
    else:
        asks = f"{floor} free on the engine's disk, and twice what the images take"
        why = (
            "images are loaded, and removed again; how large they are is known when they are built"
        )
    return Need(
        topic="disk",
        level=Level.MUST,
        asks=asks,
        why=f"{why}; each container's log is capped",
        services=subject.names,
        checked_by=(DISK, *subject.checks("disk")),
    )


def _engine(subject: Subject) -> Need:
    return Need(
        topic="engine",
        level=Level.MUST,
        asks="Docker or Podman that your account may use, also without being root",
        why=f"services are containers; {_known_to_pass(subject.passed)}",
        services=subject.names,
        checked_by=(HEALTH, *subject.checks("engine")),
    )


def _known_to_pass(passed: Iterable[Passed]) -> str:
    """The least version of each engine that a service passed on."""
    least: dict[tuple[str, str], str] = {}
    for one in passed:
        at = (one.service, one.engine)
        if at not in least or (version(one.version) or ()) < (version(least[at]) or ()):
            least[at] = one.version
    if not least:
        return "no version is known yet on which they passed"
    words = ", ".join(f"{name} on {engine} {least[name, engine]}" for name, engine in sorted(least))
    return f"the oldest on which they are known to pass: {words}"


def _processes(subject: Subject) -> Need:
    each = {one.name: sum(run.pids for run in settings_of(one)) for one in subject.services}
    most = max(each.values())
    return Need(
        topic="processes",
        level=Level.MUST,
        asks=f"{most} processes and threads may be started",
        why=", ".join(f"{name} may start {count}" for name, count in each.items()),
        services=subject.names,
        checked_by=(PROFILE, *subject.checks("processes")),
    )


def _privileges(subject: Subject) -> Need:
    given = {
        service.name: sorted({one for run in settings_of(service) for one in run.capabilities})
        for service in subject.services
    }
    wanted = {name: capabilities for name, capabilities in given.items() if capabilities}
    every = sorted({one for capabilities in wanted.values() for one in capabilities})
    words = "; ".join(f"{name} needs {', '.join(found)}" for name, found in wanted.items())
    return Need(
        topic="privileges",
        level=Level.MUST if wanted else Level.NOTHING,
        asks=f"containers may be given: {', '.join(every)}"
        if wanted
        else "no container gets any capability",
        why=(f"{words}; " if words else "")
        + "none is privileged, sees your files, your network or the engine, or gains privileges",
        services=tuple(wanted) or subject.names,
        checked_by=(PROFILE, *subject.checks("privileges")),
    )


def _ports(subject: Subject) -> Need:
    listed = {
        service.name: ", ".join(f"{port.name} {port.container}" for port in service.settings.ports)
        for service in subject.services
    }
    words = "; ".join(f"{name}: {ports}" for name, ports in listed.items() if ports)
    return Need(
        topic="ports",
        level=Level.NOTHING,
        asks="no port has to be open: the engine chooses some, on 127.0.0.1 only",
        why=f"these are asked from the machine itself: {words}" if words else "none is published",
        services=tuple(name for name, ports in listed.items() if ports) or subject.names,
        checked_by=(PROFILE, *subject.checks("ports")),
    )


def _network(subject: Subject) -> Need:
    with_others = tuple(service.name for service in subject.services if service.companions)
    names = "; the engine can make networks on which containers know each other by name"
    return Need(
        topic="network",
        level=Level.MUST if with_others else Level.NOTHING,
        asks=f"no way out is needed{names if with_others else ''}",
        why=(f"{', '.join(with_others)} run as several containers; " if with_others else "")
        + "images come in the kit, or by the connection you gave us",
        services=with_others or subject.names,
        checked_by=(HEALTH, *subject.checks("network")),
    )


def _time(subject: Subject) -> Need:
    each = ", ".join(f"{one.name} {seconds_text(one.deadline_seconds)}" for one in subject.services)
    longest = sum(one.deadline_seconds for one in subject.services)
    return Need(
        topic="time",
        level=Level.NOTHING,
        asks=f"it takes {seconds_text(longest)} at most",
        why=f"one service after the other, each with a deadline: {each}",
        services=subject.names,
        checked_by=(DEADLINE,),
    )


def _no_kernel_setting(subject: Subject) -> Need:
    return Need(
        topic="kernel",
        level=Level.NOTHING,
        asks="no setting of the kernel has to be changed",
        why="no service asks for one, and nothing of ours changes any",
        services=subject.names,
        checked_by=(HEALTH,),
    )


def _images(service: Service) -> Iterator[str]:
    yield service.image
    yield from (companion.image for companion in service.companions)


def _of_requirement(name: str, one: Requirement) -> Check:
    return Check(
        kind="requirement",
        id=f"{name}.requires.{one.fact}",
        says=f"{one.fact}: {value(one)}; compared with what is measured before {name} is started",
    )


def _of_probe(probe: PlannedProbe) -> Check:
    return Check(kind="probe", id=probe.id, says=probe.title)
