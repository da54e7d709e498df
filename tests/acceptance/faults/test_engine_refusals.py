"""What an engine will not do: a name that is taken, no network left, what it cannot remove."""

import re
import time
from contextlib import contextmanager

import pytest
from builders.trials import Result, Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

#: At the first attempt only, so that there is a second one for what was done meanwhile.
AT_FIRST = """
def test_it(host, container, sabotage):
    if container.name.endswith("-1"):
        sabotage()
    assert host.file("/start").exists
"""
ALWAYS = """
def test_it(host, sabotage):
    sabotage()
    assert host.file("/start").exists
"""
ROUTE = "172.18.0.0/16"
#: All that an engine takes networks from unless it is told otherwise.
POOLS = ("172.16.0.0/12", "192.168.0.0/16")
SUBNET = """
def test_it(container, announce):
    networks = container.inspect()["NetworkSettings"]["Networks"].values()
    assert not [one for one in networks if one["IPAddress"].startswith("172.18.")]
"""


def place(trial: Trial, host: Victim) -> Trial:
    trial.place("docker", host.host(), limits={"parallel": 1, "free_disk": "10MiB"})
    return trial


@pytest.mark.full
def test_a_name_that_somebody_else_has_is_an_error_and_theirs_stays(
    trial: Trial, docker_host: Victim
):
    """E8. One that we made ourselves is taken again: the contract of the engines has that."""
    names = []

    def take(_: str, container: str) -> None:
        names.append(f"{container.removesuffix('1')}2")
        image = docker_host.engine("inspect", "-f", "{{.Image}}", container)
        docker_host.engine("create", "--name", names[0], image)
        docker_host.engine("rm", "-fv", container)

    trial.add("named", AT_FIRST, fault=take)
    result = place(trial, docker_host).run()
    cell = result.cell("named@docker")
    try:
        assert cell.tries == [("ERROR", "container-lost"), ("ERROR", "name")], cell.message
        assert cell.answer == ("ERROR", "name")
        assert f"the name {names[0]} is taken by a container that is not ours" in cell.message
        assert names[0] in docker_host.engine("ps", "-a", "--format", "{{.Names}}").split()
        assert trial.sweep().code == 0
        assert names[0] in docker_host.engine("ps", "-a", "--format", "{{.Names}}").split()
    finally:
        docker_host.engine("rm", "-fv", names[0])


def test_no_address_left_for_a_network_is_an_error_of_the_network(
    trial: Trial, docker_host: Victim
):
    """E14: the host has routes to all that the engine would take from; it is not the service."""

    def exhaust(_: str, container: str) -> None:
        for pool in POOLS:
            docker_host.sh(f"ip route add {pool} dev eth0")
        docker_host.engine("rm", "-fv", container)

    trial.add("crowded", AT_FIRST, fault=exhaust)
    try:
        cell = place(trial, docker_host).run().cell("crowded@docker")
    finally:
        for pool in POOLS:
            docker_host.sh(f"ip route del {pool}")

    assert cell.tries == [("ERROR", "container-lost"), ("ERROR", "network")], cell.message
    assert "non-overlapping" in cell.message


@pytest.mark.full
def test_a_network_of_ours_keeps_off_the_routes_of_the_host(trial: Trial, docker_host: Victim):
    """E14: what the host reaches by a route it still reaches afterwards."""
    docker_host.sh(f"ip route add {ROUTE} dev eth0")
    try:
        trial.add("routed", SUBNET)
        cell = place(trial, docker_host).run().cell("routed@docker")
        assert ROUTE in docker_host.sh("ip route")
    finally:
        docker_host.sh(f"ip route del {ROUTE}")

    assert cell.answer == ("PASSED", ""), cell.message


@contextmanager
def unremovable(host: Victim):
    """Afterwards whatever cannot be removed can be."""
    try:
        yield
    finally:
        host.sh("chattr -R -i /var/lib/docker/containers")


def test_what_the_engine_cannot_remove_is_left_with_the_command_that_does(
    trial: Trial, docker_host: Victim
):
    """E10: a container whose files the host holds on to."""
    before = docker_host.snapshot()

    def hold(_: str, container: str) -> None:
        identity = docker_host.engine("inspect", "-f", "{{.Id}}", container)
        docker_host.sh(f"chattr +i /var/lib/docker/containers/{identity}/hostname")

    trial.add("held", ALWAYS, fault=hold)
    expected = trial.folder / "expected.toml"
    expected.write_text('[[cells."held@docker"]]\nverdict = "PASSED"\nbecause = "it works"\n')
    with unremovable(docker_host):
        result = place(trial, docker_host).run("--expected", str(expected))
        left = [one for one in result.report["leftovers"] if one["kind"] == "container"]
        swept = trial.sweep()

    assert result.code == 5
    assert result.cell("held@docker").answer == ("PASSED", ""), "it did work there"
    assert "the grid is as expected" in result.stderr, "as told for any other run"
    remedies = {one["remedy"] for one in left}
    (command,) = remedies - {"matrix sweep"}
    assert re.fullmatch(r"docker rm --force --volumes [0-9a-f]{64}", command)
    assert "operation not permitted" in result.stderr, "why is told as well"
    assert swept.code == 5
    assert command in re.sub(r"\s+", " ", swept.stdout)
    docker_host.sh(command)
    assert trial.sweep().code == 0
    until = time.monotonic() + 90
    while docker_host.snapshot() != before and time.monotonic() < until:
        time.sleep(0.2)
    assert docker_host.snapshot() == before


def test_podman_behind_the_name_of_docker_is_refused_before_anything_is_started(
    trial: Trial, podman_host: Victim
):
    """E18: under its own name it gives the same answers, under another none at all."""
    trial.add("tiny", "def test_it(host):\n    assert host.file('/start').exists\n")
    socket = "/run/podman/podman.sock"
    podman_host.sh("ln -sf /bin/true /usr/local/bin/docker")
    try:
        trial.place("misnamed", podman_host.host(engine_socket=socket))
        result: Result = trial.run()
    finally:
        podman_host.sh("rm /usr/local/bin/docker")
    fault = result.host("misnamed")["fault"]

    assert fault["reason"] == "engine-unavailable", fault["message"]
    assert 'engine = "podman"' in fault["message"]
    assert result.cell("tiny@misnamed").answer == ("ERROR", "environment")
