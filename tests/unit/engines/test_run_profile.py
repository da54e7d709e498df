import pytest

from matrix.core.model import Port, RunSettings
from matrix.core.ports import ContainerSpec
from matrix.core.saboteur import Weakening
from matrix.engines.profile import container_payload


def payload(**settings):
    return container_payload(
        ContainerSpec(
            name="mx-1-queue-qa-1",
            image_id="sha256:" + "a" * 64,
            network="mx-1-queue-qa-1-net",
            aliases=("queue",),
            labels={"io.compat-matrix.run": "1"},
            settings=RunSettings(**settings),
            extra_environment={"MATRIX_NONCE": "n0nce"},
        )
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("Privileged", False, id="never privileged"),
        pytest.param("Binds", [], id="no mounts of the host"),
        pytest.param("CapDrop", ["ALL"], id="all capabilities dropped"),
        pytest.param("CapAdd", [], id="none added that is not declared"),
        pytest.param("SecurityOpt", ["no-new-privileges"], id="no new privileges"),
        pytest.param("RestartPolicy", {"Name": "no"}, id="never restarted"),
        pytest.param("AutoRemove", False, id="never removed by itself"),
        pytest.param("PublishAllPorts", False, id="no port that is not declared"),
        pytest.param("Init", False, id="the service's own first process"),
        pytest.param("NetworkMode", "mx-1-queue-qa-1-net", id="on its own network"),
        pytest.param("ReadonlyRootfs", True, id="read-only by default"),
        pytest.param(
            "LogConfig",
            {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}},
            id="log capped",
        ),
    ],
)
def test_the_run_profile_holds_for_every_container(key, value):
    assert payload()["HostConfig"][key] == value


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(
            {"memory_bytes": 64, "pids": 7},
            {"Memory": 64, "MemorySwap": 64, "PidsLimit": 7},
            id="no swap on top of memory",
        ),
        pytest.param({"capabilities": ("NET_RAW",)}, {"CapAdd": ["NET_RAW"]}, id="capability"),
        pytest.param({"tmpfs": {"/tmp": "size=1m"}}, {"Tmpfs": {"/tmp": "size=1m"}}, id="tmpfs"),
        pytest.param({"read_only": False}, {"ReadonlyRootfs": False}, id="writable root"),
        pytest.param({"shm_bytes": 9}, {"ShmSize": 9}, id="shared memory"),
        pytest.param(
            {"ports": (Port(name="redis", container=6379),)},
            {"PortBindings": {"6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
            id="ports on 127.0.0.1, chosen by the engine",
        ),
    ],
)
def test_what_a_service_declares_is_added_to_the_profile(settings, expected):
    config = payload(**settings)["HostConfig"]
    assert {key: config[key] for key in expected} == expected


def test_what_is_not_declared_is_left_to_the_image_and_the_engine():
    asked = payload()
    assert {"Cmd", "User", "Entrypoint", "Healthcheck", "Hostname"} & asked.keys() == set()
    assert {"ShmSize", "OomScoreAdj", "Mounts", "Devices", "PidMode", "UsernsMode"} & asked[
        "HostConfig"
    ].keys() == set()


def test_the_nonce_wins_over_a_variable_of_the_same_name():
    asked = payload(environment={"MATRIX_NONCE": "forged", "A": "b=c"})
    assert asked["Env"] == ["MATRIX_NONCE=n0nce", "A=b=c"]


def test_a_container_is_named_on_its_network_and_labelled():
    asked = payload(volumes=("/data",), user="redis", command=("replica", "queue"))
    assert asked["NetworkingConfig"] == {
        "EndpointsConfig": {"mx-1-queue-qa-1-net": {"Aliases": ["queue"]}}
    }
    assert asked["Labels"] == {"io.compat-matrix.run": "1"}
    assert asked["Volumes"] == {"/data": {}}
    assert asked["User"] == "redis"
    assert asked["Cmd"] == ["replica", "queue"]


def spoiled(weakening):
    return container_payload(
        ContainerSpec(
            name="mx-1-queue-qa-2",
            image_id="sha256:" + "a" * 64,
            network="net",
            aliases=("queue",),
            labels={},
            settings=RunSettings(ports=(Port(name="redis", container=6379),)),
            entrypoint=("sh", "-c", ":"),
            weakened=frozenset({weakening}),
        )
    )


@pytest.mark.parametrize(
    ("weakening", "key", "value"),
    [
        (Weakening.LOG, "LogConfig", {"Type": "json-file", "Config": {}}),
        (Weakening.PORTS, "PortBindings", {"6379/tcp": [{"HostIp": "0.0.0.0", "HostPort": ""}]}),
    ],
)
def test_a_saboteur_takes_away_one_guard_and_no_other(weakening, key, value):
    config = spoiled(weakening)["HostConfig"]
    usual = payload(ports=(Port(name="redis", container=6379),))["HostConfig"]
    different = {name for name in usual if config[name] != usual[name]} - {"NetworkMode"}
    assert different == {key}
    assert config[key] == value


def test_an_entrypoint_takes_the_place_of_the_images_own():
    assert "Entrypoint" not in payload()
    assert spoiled(Weakening.LOG)["Entrypoint"] == ["sh", "-c", ":"]
