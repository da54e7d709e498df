"""Two hosts to be hurt, and projects that run on them."""

import fcntl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders.trial_images import IMAGES
from builders.trials import Trial, Victim, copy_lab

from matrix.lab.flow import down, up
from matrix.lab.plan import read_plan

#: Sessions that may be under way at once on one machine.
SLOTS = 8


@contextmanager
def slot(number: int) -> Iterator[bool]:
    """Holds a number; whether it was free."""
    with Path(tempfile.gettempdir(), f"compat-lab-faults-{number}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextmanager
def own_slot() -> Iterator[int]:
    """A number that no other session on this machine has meanwhile."""
    for number in range(SLOTS):
        with slot(number) as free:
            if free:
                yield number
                return
    raise AssertionError(f"{SLOTS} sessions of these tests are under way already")


@pytest.fixture(scope="session")
def victims(tmp_path_factory) -> Iterator[dict[str, Victim]]:
    """Environment → its host; made for these tests and removed after them."""
    root = tmp_path_factory.mktemp("faults-lab")
    with own_slot() as number:
        inventory = copy_lab(Path(__file__).with_name("lab.toml"), root, slot=number)
        try:
            up(root, inventory, report=print)
            hosts = read_plan(root, inventory).hosts
            yield {host.environment: Victim(host) for host in hosts}
        finally:
            down(root, inventory, report=print)
            _forget_images(number)


def _forget_images(mine: int) -> None:
    """The images these tests built on the machine's own engine, unless others use them."""
    for other in set(range(SLOTS)) - {mine}:
        with slot(other) as free:
            if not free:
                return
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
