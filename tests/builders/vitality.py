"""A copy of this repository's services in a project of its own, and what its probes are worth."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MATRIX = Path(sys.executable).with_name("matrix")
#: Seconds for all saboteurs of one service, with other tests on the same machine.
PATIENCE_SECONDS = 1800

PROJECT = """
name = "vitality"
catalogue = "images/catalogue.toml"
inventories = ["inventory.toml"]
outside_probes = "probes/outside"
"""

INVENTORY = """
[environments.here]
title = "This machine"
kind = "laptop"
engine = "docker"
limits = { parallel = 3, free_disk = "100MiB" }

[[environments.here.hosts]]
name = "here"
connection = "local"
"""


def services() -> list[str]:
    """The names of the services that we ship."""
    catalogue = tomllib.loads((REPOSITORY / "images/catalogue.toml").read_text())
    return list(catalogue["services"])


def a_project(folder: Path) -> Path:
    """A project with a store of its own, of the services that we ship."""
    for name in ("images", "probes"):
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    (folder / "matrix.toml").write_text(PROJECT)
    (folder / "inventory.toml").write_text(INVENTORY)
    return folder


def matrix(*words: str, at: Path) -> subprocess.CompletedProcess[str]:
    """Run ``matrix`` there."""
    return subprocess.run(
        [MATRIX, *words],
        cwd=at,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def unproven(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Probe → why it is not proven, from ``matrix probe vitality --json``."""
    assert done.stdout, done.stderr
    return {
        probe["id"]: probe["why"]
        for found in json.loads(done.stdout)
        for probe in found["probes"]
        if not probe["proven"]
    }
