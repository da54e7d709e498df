"""What a host of the lab had is gone with it, and so is nobody's worry afterwards."""

import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from matrix.cli import lab, sweep
from matrix.cli.init import command as init
from matrix.core.gate import Exit
from matrix.core.model import CellId
from matrix.core.store_ports import Intent
from matrix.lab.machine import open_engine
from matrix.site import open_project, opened_store

pytestmark = [pytest.mark.engine, pytest.mark.lab]

NO_FILES = tarfile.TarInfo("empty").tobuf() + bytes(2 * tarfile.BLOCKSIZE)
HOST = """
[[environments.{environment}.hosts]]
name = "{environment}-{number}"
connection = "ssh"
address = "10.213.94.1{number}"
user = "deploy"
identity_file = "../.matrix/lab/keys/{environment}-{number}"
known_hosts = "../.matrix/lab/known_hosts"
"""
INVENTORY = """
[environments.{environment}]
engine = "{engine}"
kind = "qa"
{hosts}
[environments.{environment}.lab]
suite = "bookworm"
network = {{ name = "compat-lab-gone", subnet = "10.213.94.0/24" }}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose dead run brought an image to a host of the lab and one to this machine."""
    write_project(tmp_path, "gone", engine="docker", hosts=1)
    with opened_store(open_project(tmp_path)) as store:
        for environment, host in (("gone", "gone-1"), ("local", "local")):
            store.intend(an_image(environment, host))
    return tmp_path


@pytest.fixture
def take_name() -> Iterator[Callable[[str], None]]:
    """Make a container of that name that never runs and is not the lab's."""
    with open_engine() as client, ExitStack() as undo:
        empty = client.import_image_from_data(NO_FILES)
        image = json.loads(empty)["status"]
        undo.callback(client.remove_image, image)

        def take(name: str) -> None:
            made = client.create_container(image, ["true"], name=name)["Id"]
            undo.callback(client.remove_container, made)

        yield take


def test_what_was_on_a_host_is_forgotten_with_it(root: Path):
    assert environments_in_journal(root) == ["gone", "local"]
    invoke(lab.stop_hosts, "-C", str(root), "-i", "inventories/local.toml")
    assert environments_in_journal(root) == ["local"]


def test_a_sweep_looks_at_no_host_that_was_taken_down(root: Path):
    before = CliRunner().invoke(sweep.command, ["-C", str(root)], standalone_mode=False)
    assert before.return_value == Exit.ERROR
    invoke(lab.stop_hosts, "-C", str(root), "-i", "inventories/local.toml")
    after = CliRunner().invoke(sweep.command, ["-C", str(root)], standalone_mode=False)
    assert "gone-1" not in after.output
    assert after.return_value == Exit.OPEN


def test_what_is_on_a_host_that_is_there_is_not_forgotten(root: Path, take_name):
    take_name("compat-lab-gone-1")
    invoke(lab.stop_hosts, "-C", str(root), "-i", "inventories/local.toml")
    assert environments_in_journal(root) == ["gone", "local"]


def test_what_a_member_of_a_swarm_runs_is_forgotten_with_its_manager(tmp_path: Path, take_name):
    write_project(tmp_path, "many", engine="swarm", hosts=2)
    with opened_store(open_project(tmp_path)) as store:
        store.intend(an_image("many", "many-2"))
    take_name("compat-lab-many-1")
    invoke(lab.stop_hosts, "-C", str(tmp_path), "-i", "inventories/local.toml", "many-2")
    assert environments_in_journal(tmp_path) == ["many"]


def write_project(root: Path, environment: str, *, engine: str, hosts: int) -> None:
    """A new project with one environment of the lab."""
    invoke(init, str(root))
    names = [HOST.format(environment=environment, number=each + 1) for each in range(hosts)]
    inventory = root / "inventories/local.toml"
    more = INVENTORY.format(environment=environment, engine=engine, hosts="".join(names))
    inventory.write_text(inventory.read_text() + more)


def invoke(command, *words: str) -> None:
    """Run one verb; it must succeed."""
    done = CliRunner().invoke(command, list(words), standalone_mode=False)
    assert not done.exception, done.output
    assert not done.return_value, done.output


def an_image(environment: str, host: str) -> Intent:
    """An image that a run brought."""
    cell = CellId(service="hello", environment=environment)
    return Intent(run="2rymtuq3f9qb", cell=cell, environment=environment, host=host, kind="image",
                  name="sha256:" + "0" * 64, id="sha256:" + "0" * 64)  # fmt: skip


def environments_in_journal(root: Path) -> list[str]:
    """Where the journal still has something."""
    with opened_store(open_project(root)) as store:
        return sorted(intent.environment for _, intent in store.open_entries())
