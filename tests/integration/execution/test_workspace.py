"""A runner's folder, and finding that of a dead one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from matrix.execution.workspace import dead_workspaces, remove_workspace, workspace

KILLED = """
import os, signal
from matrix.execution.workspace import workspace
with workspace() as folder:
    (folder / "socket").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_folder_of_a_living_runner_is_not_dead_and_goes_with_it(temporary: Path) -> None:
    with workspace() as folder:
        assert folder.is_dir()
        assert dead_workspaces() == ()
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_runner_is_found_and_removed(temporary: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)
    (dead,) = dead_workspaces()
    assert remove_workspace(dead)
    assert list(temporary.iterdir()) == []


def test_somebody_elses_folder_of_such_a_name_is_left_alone(temporary: Path) -> None:
    (temporary / "matrix-tools").mkdir()
    (temporary / "matrix-link").symlink_to(temporary / "matrix-tools")
    assert dead_workspaces() == ()
