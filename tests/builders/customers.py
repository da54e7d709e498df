"""Who makes a kit and who runs it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from builders.trials import MATRIX, Trial

#: Of the one service.
PROBES = """
def test_it_has_a_shell(host):
    assert host.run("echo here").stdout == "here\\n"

def test_it_runs(container):
    assert container.state.running
"""


@dataclass(frozen=True)
class Sender:
    """Who makes kits: a project with a key."""

    trial: Trial
    key: Path
    kit: Path

    @property
    def public_key(self) -> str:
        """``ssh-ed25519 AAAA…``."""
        return " ".join(self.key.with_suffix(".pub").read_text().split()[:2])

    def matrix(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """The command in the sender's project."""
        return subprocess.run(
            [str(MATRIX), *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.trial.folder,
        )

    def build(self, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Make a kit of the one service."""
        wanted = ["--for", "acme", "-s", "tiny", "-o", out]
        done = self.matrix("bundle", "build", *wanted, *words)
        assert done.returncode == 0, done.stderr
        return done


@dataclass(frozen=True)
class Customer:
    """Who runs one: a folder, and nothing of ours on the machine."""

    folder: Path

    def run(self, *argv: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command in the folder, by a shell that has no Python of ours on its path."""
        return subprocess.run(
            [str(word) for word in argv],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            timeout=900,
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": str(self.folder),
                "TMPDIR": str(self.temporary),
                "MATRIX_PYTHON": os.path.realpath(sys.executable),
                **environ,
            },
        )

    @property
    def temporary(self) -> Path:
        """Where the kit unpacks; empty when it is done."""
        folder = self.folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder
