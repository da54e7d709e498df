"""What a server must have is what services and probes ask, and every line says what checks it."""

from dataclasses import replace
from pathlib import Path

import pytest

from matrix.core.model import MEBIBYTE, Companion, Port, Requirement, RunSettings, Service
from matrix.core.needs import Level, Need, Passed, Subject, needs_of
from matrix.core.result import PlannedProbe, Side

GIBIBYTE = 1024 * MEBIBYTE


def asks(fact: str, operator: str, asked) -> Requirement:
    return Requirement(fact=fact, operator=operator, asked=asked)


def a_service(name: str, *requirements: Requirement, companions: int = 0, **changes) -> Service:
    settings = RunSettings(memory_bytes=64 * MEBIBYTE, pids=10)
    return replace(
        Service(
            name=name,
            title=name,
            contents="",
            image=name,
            settings=settings,
            companions=tuple(
                Companion(name=f"other-{at}", image="other", settings=settings)
                for at in range(companions)
            ),
            requirements=requirements,
        ),
        **changes,
    )


def a_probe(probe: str, **requires) -> PlannedProbe:
    return PlannedProbe(
        id=probe, side=Side.OUTSIDE, title=f"says {probe}", file=Path("x"), requires=requires
    )


def a_subject(*services: Service, probes=(), **changes) -> Subject:
    return replace(
        Subject(
            services=services,
            probes={service.name: tuple(probes) for service in services},
            image_bytes={},
            floor_bytes=GIBIBYTE,
            passed=(),
        ),
        **changes,
    )


def found(subject: Subject, topic: str, level: Level | None = None) -> list[Need]:
    return [
        need for need in needs_of(subject) if need.topic == topic and level in (None, need.level)
    ]


QUEUE = a_service(
    "queue",
    asks("architecture", "in", ("amd64", "arm64")),
    asks("memory_bytes", ">=", 512 * MEBIBYTE),
    asks("engine.api", ">=", "1.40"),
    companions=5,
)
API = a_service(
    "api",
    asks("architecture", "in", ("amd64",)),
    asks("memory_bytes", ">=", 768 * MEBIBYTE),
    asks("engine.api", ">=", "1.9"),
)


def test_of_several_limits_the_one_that_implies_the_others_is_asked():
    subject = a_subject(QUEUE, API)
    (processor,) = found(subject, "processor")
    assert processor.asks == "processor: 64-bit Intel or AMD (amd64)"
    assert found(subject, "memory")[0].asks == "memory that may be used: at least 768 MiB"
    # As dotted versions, not as numbers: 1.40 is over 1.9.
    assert "at least 1.40, which Docker 19.03 and later have" in found(subject, "engine")[0].asks
    assert "queue: at least 512 MiB; api: at least 768 MiB" in found(subject, "memory")[0].why


def test_values_that_differ_are_two_needs_and_lists_that_never_meet_are_said():
    one = a_service("one", asks("kernel", "==", "6.1"), asks("architecture", "in", ("amd64",)))
    two = a_service("two", asks("kernel", "==", "5.10"), asks("architecture", "in", ("arm64",)))
    subject = a_subject(one, two)
    assert [need.asks for need in found(subject, "kernel")] == [
        "Linux kernel: 6.1",
        "Linux kernel: 5.10",
    ]
    assert "no one server" in found(subject, "processor")[0].asks


def test_memory_and_processes_are_those_of_the_service_with_its_companions():
    subject = a_subject(QUEUE, API)
    free = found(subject, "memory")[1]
    assert free.asks == "384 MiB of memory free while it runs"
    assert "queue 384 MiB, api 64 MiB; queue is 6 containers" in free.why
    assert found(subject, "processes")[0].asks == "60 processes and threads may be started"


def test_disk_is_twice_the_images_and_what_stays_free():
    sizes = {"queue": 100 * MEBIBYTE, "other": 50 * MEBIBYTE, "unused": GIBIBYTE}
    (disk,) = found(a_subject(QUEUE, image_bytes=sizes), "disk")
    assert disk.asks == "1.3 GiB free on the engine's disk"
    assert "2 images of 150 MiB together" in disk.why
    (unknown,) = found(a_subject(QUEUE, image_bytes={"queue": 1}), "disk")
    assert unknown.asks.startswith("1 GiB free on the engine's disk, and twice what")


def test_the_least_version_of_each_engine_that_passed_is_named():
    passed = tuple(
        Passed(service="queue", engine=engine, version=version)
        for engine, version in (("docker", "26.1.5"), ("docker", "9.1"), ("podman", "4.3.1"))
    )
    why = found(a_subject(QUEUE, passed=passed), "engine")[1].why
    assert why.endswith("known to pass: queue on docker 9.1, queue on podman 4.3.1")
    assert "no version is known yet" in found(a_subject(QUEUE), "engine")[1].why


def test_what_probes_need_should_be_there_and_they_are_named():
    probes = (a_probe("a::one", **{"engine.pause": True}), a_probe("a::two"))
    (need,) = found(a_subject(QUEUE, API, probes=probes), "control groups")
    assert (need.level, need.services) == (Level.SHOULD, ("queue", "api"))
    assert [one.id for one in need.checked_by] == ["a::one"]
    assert need.why == "without it 1 probe is left out, and that is said"


def test_ports_and_privileges_are_those_declared():
    settings = RunSettings(capabilities=("CHOWN",), ports=(Port(name="http", container=80),))
    subject = a_subject(API, a_service("web", settings=settings))
    (ports,) = found(subject, "ports")
    assert "127.0.0.1 only" in ports.asks
    assert ports.why.endswith("web: http 80")
    (privileges,) = found(subject, "privileges")
    assert (privileges.level, privileges.services) == (Level.MUST, ("web",))
    assert privileges.asks == "containers may be given: CHOWN"
    assert found(a_subject(API), "privileges")[0].level is Level.NOTHING


def test_a_kernel_setting_that_is_asked_for_is_named_and_none_is_said_too():
    tuned = a_service("tuned", asks("sysctl.vm.max_map_count", ">=", 262144))
    (kernel,) = found(a_subject(tuned), "kernel")
    assert kernel.asks == "kernel setting vm.max_map_count: at least 262144"
    assert found(a_subject(QUEUE), "kernel")[0].level is Level.NOTHING


@pytest.mark.parametrize(
    "subject",
    [a_subject(QUEUE), a_subject(QUEUE, API), a_subject(a_service("bare"))],
    ids=["one", "two", "bare"],
)
def test_every_line_names_services_and_what_checks_it(subject):
    for need in needs_of(subject):
        assert need.checked_by, need
        assert set(need.services) <= set(subject.names), need
        assert need.services, need


def test_every_requirement_is_linked_once():
    linked = [
        check.id
        for need in needs_of(a_subject(QUEUE, API))
        for check in need.checked_by
        if check.kind == "requirement"
    ]
    facts = ("architecture", "memory_bytes", "engine.api")
    assert sorted(linked) == sorted(
        f"{name}.requires.{fact}" for name in ("queue", "api") for fact in facts
    )


def test_a_probe_that_looks_at_a_topic_is_named_there():
    probes = (a_probe("outside/test_network.py::test_published_ports_answer"),)
    (ports,) = found(a_subject(QUEUE, probes=probes), "ports")
    assert probes[0].id in {check.id for check in ports.checked_by}
