"""A kit with one tiny service, built once."""

import subprocess
from pathlib import Path

import pytest
from builders.customers import PROBES, Customer, Sender
from builders.trials import Trial


@pytest.fixture(scope="session")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Sender:
    """A project with a key, and the kit it made."""
    folder = tmp_path_factory.mktemp("sender")
    trial = Trial(folder)
    trial.add("tiny", PROBES)
    trial.place("acme", {"name": "here", "connection": "local"}, kind="customer", title="Acme")
    trial.write()
    key = folder / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, capture_output=True
    )
    made = Sender(trial=trial, key=key, kit=folder / "acme.matrix")
    made.build(made.kit, "--key", str(key))
    return made


@pytest.fixture
def customer(tmp_path: Path) -> Customer:
    """Whose folder is empty."""
    return Customer(tmp_path)
