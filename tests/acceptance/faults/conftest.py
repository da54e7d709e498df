"""Two hosts to be hurt, and projects that run on them."""

import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.trial_images import IMAGES
from builders.trials import Trial, Victim, copy_lab

from matrix.lab.flow import down, up
from matrix.lab.plan import read_plan

LOCK = Path("/tmp/compat-lab-faults.lock")  # one session at a time: the hosts' names are fixed


@pytest.fixture(scope="session")
def victims(tmp_path_factory) -> Iterator[dict[str, Victim]]:
    """Environment → its host; made for these tests and removed after them."""
    root = tmp_path_factory.mktemp("faults-lab")
    inventory = copy_lab(Path(__file__).with_name("lab.toml"), root)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            up(root, inventory, report=print)
            hosts = read_plan(root, inventory).hosts
            yield {host.environment: Victim(host) for host in hosts}
        finally:
            down(root, inventory, report=print)
            _forget_images()


def _forget_images() -> None:
    """The images these tests built on the machine's own engine."""
    for name in IMAGES:
        subprocess.run(
            ["docker", "rmi", f"compat-matrix/{name}:dev"], capture_output=True, check=False
        )


@pytest.fixture(scope="session")
def docker_host(victims) -> Victim:
    return victims["docker"]


@pytest.fixture(scope="session")
def podman_host(victims) -> Victim:
    return victims["podman"]


@pytest.fixture
def trial(tmp_path) -> Trial:
    return Trial(tmp_path)


@pytest.fixture
def hurt_docker(docker_host) -> Iterator[Victim]:
    """The Docker host for a test that breaks its engine: repaired after it."""
    yield docker_host
    docker_host.repair()
