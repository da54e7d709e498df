"""What a host of the lab had is gone with it, and so is nobody's worry afterwards."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from matrix.cli import lab, sweep
from matrix.cli.init import command as init
from matrix.core.gate import Exit
from matrix.core.model import CellId
from matrix.core.store_ports import Intent
from matrix.site import open_project, opened_store

pytestmark = [pytest.mark.engine, pytest.mark.lab]

INVENTORY = """
[environments.gone]
engine = "docker"
kind = "qa"

[[environments.gone.hosts]]
name = "gone-1"
connection = "ssh"
address = "10.213.94.11"
user = "deploy"
identity_file = "../.matrix/lab/keys/gone-1"
known_hosts = "../.matrix/lab/known_hosts"

[environments.gone.lab]
suite = "bookworm"
network = { name = "compat-lab-gone", subnet = "10.213.94.0/24" }
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose dead run brought an image to a host of the lab and one to this machine."""
    invoke(init, str(tmp_path))
    inventory = tmp_path / "inventories/local.toml"
    inventory.write_text(inventory.read_text() + INVENTORY)
    with opened_store(open_project(tmp_path)) as store:
        for environment, host in (("gone", "gone-1"), ("local", "local")):
            store.intend(an_image(environment, host))
    return tmp_path


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
