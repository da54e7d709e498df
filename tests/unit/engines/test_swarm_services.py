"""What a swarm is asked for: the run profile as far as a service can carry it."""

import pytest

from matrix.core.errors import StartRefused
from matrix.core.model import Port, RunSettings
from matrix.core.ports import ContainerSpec
from matrix.core.saboteur import Weakening
from matrix.engines.swarm_spec import service_payload, started, volumes_of

MEBIBYTE = 1 << 20


def spec(**changes):
    settings = RunSettings(**changes.pop("settings", {}))
    values = {"name": "mx-1", "image_id": "sha256:1", "network": "net", "aliases": ("queue",)}
    return ContainerSpec(**{**values, "labels": {"a": "b"}, "settings": settings, **changes})


def payload(**changes):
    return service_payload(spec(**changes), node="node-1")


def container(**changes):
    return payload(**changes)["TaskTemplate"]["ContainerSpec"]


def test_a_service_is_held_on_its_node_and_never_started_by_itself():
    asked = payload()
    assert asked["TaskTemplate"]["Placement"] == {"Constraints": ["node.id==node-1"]}
    assert asked["TaskTemplate"]["RestartPolicy"]["Condition"] == "none"
    assert asked["Mode"] == {"Replicated": {"Replicas": 0}}


def test_neither_a_virtual_address_nor_the_ingress_is_needed():
    endpoint = payload(settings={"ports": (Port(name="http", container=80),)})["EndpointSpec"]
    assert endpoint["Mode"] == "dnsrr"
    assert endpoint["Ports"] == [{"Protocol": "tcp", "TargetPort": 80, "PublishMode": "host"}]


def test_the_run_profile_is_asked_for():
    asked = container(settings={"capabilities": ("CHOWN",), "user": "1:2", "command": ("run",)})
    assert asked["CapabilityDrop"] == ["ALL"]
    assert asked["CapabilityAdd"] == ["CHOWN"]
    assert asked["ReadOnly"] is True
    assert asked["Privileges"] == {"NoNewPrivileges": True}
    assert (asked["User"], asked["Args"]) == ("1:2", ["run"])
    assert "Command" not in asked
    limits = payload(settings={"memory_bytes": 5, "pids": 7})["TaskTemplate"]["Resources"]["Limits"]
    assert limits == {"MemoryBytes": 5, "Pids": 7}


def test_only_a_saboteur_takes_the_cap_off_the_log():
    driver = payload()["TaskTemplate"]["LogDriver"]
    assert driver["Options"]["max-size"]
    spoiled = payload(weakened=frozenset({Weakening.LOG}), entrypoint=("sh",))["TaskTemplate"]
    assert spoiled["LogDriver"]["Options"] == {}
    assert spoiled["ContainerSpec"]["Command"] == ["sh"]


def test_volumes_have_names_and_our_labels_so_that_the_next_task_has_them_too():
    asked = payload(settings={"volumes": ("/data", "/more")})
    assert volumes_of({"Spec": asked}) == ("mx-1-0", "mx-1-1")
    (first, _) = asked["TaskTemplate"]["ContainerSpec"]["Mounts"]
    assert first["VolumeOptions"] == {"Labels": {"a": "b"}}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("", {}),
        ("size=16m,mode=1777", {"SizeBytes": 16 * MEBIBYTE, "Mode": 0o1777}),
        ("size=1024", {"SizeBytes": 1024}),
        ("size=1GB", {"SizeBytes": 1024 * MEBIBYTE}),
    ],
)
def test_a_tmpfs_has_a_size_and_a_mode(options, asked):
    (mount,) = container(settings={"tmpfs": {"/t": options}})["Mounts"]
    assert mount == {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": asked}


@pytest.mark.parametrize("option", ["uid=3", "noexec", "size=much", "mode=rwx"])
def test_what_a_tmpfs_of_a_service_cannot_have_is_said_and_not_left_out(option):
    with pytest.raises(StartRefused, match=f"cannot have the option {option}"):
        container(settings={"tmpfs": {"/t": option}})


def test_shared_memory_of_a_size_is_a_tmpfs():
    (mount,) = container(settings={"shm_bytes": MEBIBYTE})["Mounts"]
    assert (mount["Target"], mount["TmpfsOptions"]) == ("/dev/shm", {"SizeBytes": MEBIBYTE})


def test_every_start_asks_for_a_task_that_is_another_one():
    first = started(payload())
    again = started(first)
    assert first["Mode"] == again["Mode"] == {"Replicated": {"Replicas": 1}}
    assert [one["TaskTemplate"]["ForceUpdate"] for one in (first, again)] == [1, 2]
