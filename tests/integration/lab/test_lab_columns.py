"""The lab's odder hosts: rootless, far away, with a kernel of its own, members of a swarm."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix.lab.flow import LabState, down, status, up
from matrix.lab.machine import open_engine

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.full]

PROJECT = Path(__file__).parents[3]
HOST = """
[[environments.{environment}.hosts]]
name = "{name}"
connection = "ssh"
address = "10.213.93.{last}"
user = "deploy"
identity_file = ".matrix/lab/keys/{name}"
known_hosts = ".matrix/lab/known_hosts"
"""
LAB = """
[environments.{environment}.lab]
suite = "{suite}"
network = {{ name = "compat-lab-columns", subnet = "10.213.93.0/24", internal = true }}
"""
ENVIRONMENTS = {
    "rootless": ("podman", "trixie", ("rootless",), "rootless = true\n"),
    "far": (
        "docker",
        "sid",
        ("far",),
        'packages = ["python3"]\nlink = { delay_ms = 200, megabits = 10 }\nipv6 = false\n',
    ),
    "kernel": ("docker", "sid", ("kernel",), 'machine = "user-mode-linux"\nmemory = "1GiB"\n'),
    "swarm": ("swarm", "bookworm", ("node-1", "node-2"), ""),
}


def inventory() -> str:
    text, last = "", 10
    for environment, (engine, suite, hosts, lab) in ENVIRONMENTS.items():
        text += f'[environments.{environment}]\nengine = "{engine}"\nkind = "qa"\n'
        for name in hosts:
            last += 1
            text += HOST.format(environment=environment, name=f"columns-{name}", last=last)
            if environment == "rootless":
                text += 'engine_socket = "/run/user/1000/podman/podman.sock"\n'
        text += LAB.format(environment=environment, suite=suite) + lab
    return text


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("columns")
    (root / "images").symlink_to(PROJECT / "images")
    (root / "lab.toml").write_text(inventory())
    try:
        up(root, root / "lab.toml", report=print)
        yield root
    finally:
        down(root, root / "lab.toml", report=print)


def ssh(lab: Path, name: str, command: str) -> str:
    address = next(one.address for one in status(lab, lab / "lab.toml") if one.name == name)
    words = ["ssh", "-F", "none", "-i", str(lab / ".matrix/lab/keys" / name), "-o", "BatchMode=yes"]
    words += ["-o", f"UserKnownHostsFile={lab / '.matrix/lab/known_hosts'}", f"deploy@{address}"]
    done = subprocess.run([*words, command], capture_output=True, text=True, timeout=90, check=True)
    return done.stdout


def test_all_of_them_answer(lab: Path):
    assert {one.state for one in status(lab, lab / "lab.toml")} == {LabState.READY}


def test_the_rootless_engine_is_the_users_own(lab: Path):
    socket = "unix:///run/user/1000/podman/podman.sock"
    asked = f"podman --remote --url {socket} info --format '{{{{.Host.Security.Rootless}}}}'"
    assert ssh(lab, "columns-rootless", asked) == "true\n"


def test_what_is_far_away_takes_its_time(lab: Path):
    began = time.monotonic()
    ssh(lab, "columns-far", "true")
    # Logging in takes several round trips of 200 ms; how many is the business of SSH.
    assert time.monotonic() - began > 0.8
    assert ssh(lab, "columns-far", "cat /proc/sys/net/ipv6/conf/all/disable_ipv6") == "1\n"


def test_the_other_kernel_is_not_ours(lab: Path):
    said = ssh(lab, "columns-kernel", "uname -r; nproc; docker info --format '{{.CgroupVersion}}'")
    kernel, processors, control_groups = said.split()
    assert kernel != os.uname().release
    assert (processors, control_groups) == ("1", "2")


def test_the_nodes_of_a_swarm_are_one_cluster_and_stay_it(lab: Path):
    asked = "docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'"
    nodes = sorted(ssh(lab, "columns-node-1", asked).splitlines())
    assert [line.split()[:2] for line in nodes] == [
        ["columns-node-1", "Ready"],
        ["columns-node-2", "Ready"],
    ]
    with open_engine() as client:
        client.remove_container("compat-lab-columns-node-2", v=True, force=True)
    up(lab, lab / "lab.toml", names=("swarm",), report=print)
    again = ssh(lab, "columns-node-1", asked).splitlines()
    assert sorted(line.split()[1] for line in again) == ["Ready", "Ready"]
