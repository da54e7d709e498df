import pytest

from matrix.core.errors import EngineError, EngineUnavailable
from matrix.engines.api import agreed_version, error_in, messages
from matrix.engines.description import engine_info, image_info
from matrix.engines.state import container_state, counters

INFO = {
    "ID": "AAAA:BBBB",
    "Name": "vm",
    "Driver": "overlay2",
    "CgroupDriver": "cgroupfs",
    "CgroupVersion": "1",
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "LiveRestoreEnabled": False,
    "SecurityOptions": ["name=seccomp,profile=default", "name=rootless"],
    "DockerRootDir": "/var/lib/docker",
    "DefaultRuntime": "runc",
    "Architecture": "x86_64",
    "Warnings": ["WARNING: No swap limit support"],
}
VERSION = {
    "Version": "20.10.24+dfsg1",
    "ApiVersion": "1.41",
    "MinAPIVersion": "1.12",
    "Arch": "amd64",
    "Components": [{"Name": "runc", "Version": "1.1.5+ds1"}],
}


def test_an_engine_is_described_by_flat_facts():
    described = engine_info("docker", INFO, VERSION, ())
    assert described.id == "AAAA:BBBB"
    assert described.architecture == "amd64"
    assert described.root == "/var/lib/docker"
    assert described.facts == {
        "engine.api": "1.41",
        "engine.cgroup_driver": "cgroupfs",
        "engine.cgroup_version": "1",
        "engine.cpu_limit": True,
        "engine.id": "AAAA:BBBB",
        "engine.live_restore": False,
        "engine.memory_limit": True,
        "engine.min_api": "1.12",
        "engine.name": "docker",
        "engine.pause": False,
        "engine.pids_limit": True,
        "engine.root": "/var/lib/docker",
        "engine.rootless": True,
        "engine.runtime": "runc",
        "engine.runtime_version": "1.1.5+ds1",
        "engine.security_options": "seccomp,rootless",
        "engine.storage_driver": "overlay2",
        "engine.swap_limit": True,
        "engine.version": "20.10.24+dfsg1",
        "engine.warnings": "WARNING: No swap limit support",
    }


def test_what_an_engine_cannot_limit_is_a_deviation_in_words():
    info = {**INFO, "MemoryLimit": False, "PidsLimit": False, "SecurityOptions": None}
    described = engine_info("docker", info, VERSION, ("its own",))
    assert described.deviations == (
        "its own",
        "it cannot limit a container's memory: the limit is ignored",
        "it cannot limit the number of a container's processes",
        "it runs containers without a seccomp profile",
    )


def test_a_rootless_engine_on_cgroup_v1_is_known_to_ignore_limits():
    described = engine_info("podman", INFO, VERSION, ())
    assert described.deviations == (
        "rootless on cgroup v1 it accepts a container's limits and ignores them",
        "rootless on cgroup v1 it cannot pause a container",
    )
    for other in ({"CgroupVersion": "2"}, {"SecurityOptions": ["name=seccomp"]}):
        described = engine_info("podman", {**INFO, **other}, VERSION, ())
        assert (described.deviations, described.facts["engine.pause"]) == ((), True)


def test_an_empty_answer_is_described_as_not_known():
    described = engine_info("docker", {}, {}, ())
    assert described.facts["engine.storage_driver"] is None
    assert described.facts["engine.memory_limit"] is None


def test_podman_is_known_by_its_machine_since_it_makes_up_its_id():
    version = {"Components": [{"Name": "OCI Runtime (crun)", "Version": "crun version 1.21\nx: y"}]}
    info = {**INFO, "DefaultRuntime": "crun"}
    ids = {engine_info("podman", {**info, "ID": made_up}, version, ()).id for made_up in "ab"}
    assert ids == {"podman:vm:/var/lib/docker"}
    assert engine_info("podman", info, version, ()).facts["engine.runtime_version"] == "1.21"


@pytest.mark.parametrize(
    ("newest", "oldest", "agreed"),
    [("1.41", "1.12", "1.41"), ("1.51", "1.24", "1.45"), ("1.24", None, "1.24")],
)
def test_the_newest_version_both_know_is_spoken(newest, oldest, agreed):
    assert agreed_version({"ApiVersion": newest, "MinAPIVersion": oldest}) == agreed


@pytest.mark.parametrize(
    "answer",
    [
        {"ApiVersion": "1.99", "MinAPIVersion": "1.90"},
        {"ApiVersion": "1.18"},
        {"hello": "world"},
        ["no engine"],
    ],
    ids=["too new", "too old", "another service", "no object"],
)
def test_an_engine_with_no_common_version_is_unavailable(answer):
    with pytest.raises(EngineUnavailable):
        agreed_version(answer)


def test_progress_messages_come_through_however_they_are_cut():
    text = '{"status":"a"}\r\n{"error":"ü"}\n'.encode()
    for cut in range(len(text.decode())):
        pieces = [text.decode()[:cut].encode(), text.decode()[cut:].encode()]
        assert list(messages(iter(pieces))) == [{"status": "a"}, {"error": "ü"}]


def test_progress_messages_that_end_in_the_middle_are_an_error():
    with pytest.raises(EngineError, match="end in the middle"):
        list(messages(iter([b'{"status":"Down'])))


def test_progress_messages_without_end_are_an_error_before_they_fill_the_memory():
    endless = iter(lambda: b'"' + b"x" * 65536, None)
    with pytest.raises(EngineError, match="no sense"):
        list(messages(endless))


def test_the_detailed_words_of_an_error_are_preferred():
    both = {"error": "short", "errorDetail": {"message": "long"}}
    assert [error_in(one) for one in (both, {"error": "short"}, {"status": "x"})] == [
        "long",
        "short",
        "",
    ]


def test_an_image_has_its_id_with_the_algorithm_whoever_tells_it():
    bare = image_info({"Id": "ab", "Architecture": "arm64", "Size": 7, "Config": None})
    assert (bare.id, bare.architecture, bare.size_bytes) == ("sha256:ab", "arm64", 7)
    full = image_info({"Id": "sha256:ab", "RepoDigests": None, "Config": {"Labels": {"a": "b"}}})
    assert (full.id, full.digests, full.labels) == ("sha256:ab", (), {"a": "b"})


def test_a_container_that_is_paused_runs_as_far_as_we_are_concerned():
    state = container_state({"State": {"Running": False, "Paused": True}})
    assert (state.running, state.paused) == (True, True)


def test_a_published_port_is_told_with_its_address():
    ports = {
        "6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}],
        "26379/tcp": None,
        "80/tcp": [],
    }
    state = container_state({"Id": "x", "Name": "/mx-1", "NetworkSettings": {"Ports": ports}})
    assert state.published == {6379: ("127.0.0.1", 49153)}
    assert state.name == "mx-1"


def test_volumes_that_the_engine_made_are_told_by_name():
    mounts = [
        {"Type": "volume", "Name": "a1b2", "Destination": "/data"},
        {"Type": "tmpfs", "Name": "", "Destination": "/tmp"},
        {"Type": "bind", "Source": "/x", "Destination": "/x"},
    ]
    assert container_state({"Mounts": mounts}).volumes == ("a1b2",)


def test_memory_is_counted_without_the_cache_that_can_go():
    for cache in ("total_inactive_file", "inactive_file"):
        read = counters({"memory_stats": {"usage": 100, "limit": 200, "stats": {cache: 30}}})
        assert (read["memory_bytes"], read["memory_limit_bytes"]) == (70, 200)


def test_counters_that_an_engine_does_not_give_are_none():
    assert set(counters({}).values()) == {None}


@pytest.mark.parametrize("key", ["networks", "network"], ids=["docker", "podman"])
def test_the_network_is_summed_over_its_interfaces(key):
    read = counters({key: {"eth0": {"rx_bytes": 1, "tx_bytes": 2}, "eth1": {"rx_bytes": 10}}})
    assert (read["network_received_bytes"], read["network_sent_bytes"]) == (11, 2)


def test_processor_time_is_in_seconds():
    assert counters({"cpu_stats": {"cpu_usage": {"total_usage": 1_500_000_000}}})[
        "cpu_seconds"
    ] == pytest.approx(1.5)
