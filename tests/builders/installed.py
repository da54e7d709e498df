"""A matrix that was installed from its wheel, outside the clone, and what its commands answer."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What a command of ours may take, with other tests on the same machine.
PATIENCE_SECONDS = 900


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def data(self):
        """Its data, which must be all there is on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """A virtual environment with nothing but our wheel, and a home of its own."""

    folder: Path

    @property
    def temporary(self) -> Path:
        """Where its processes put what they need for a moment."""
        return self.folder / "tmp"

    def variables(self, **more: str) -> dict[str, str]:
        """The variables of a stranger's shell: none of ours."""
        kept = {name: os.environ[name] for name in ("DOCKER_HOST", "LANG") if name in os.environ}
        return {
            **kept,
            "PATH": f"{self.folder / 'venv/bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.temporary),
            **more,
        }

    def matrix(self, *words: str, at: Path) -> Answer:
        """Run ``matrix`` in the folder *at*."""
        return self.run(["matrix", *words], at=at)

    def run(self, argv: Sequence[str], *, at: Path) -> Answer:
        """Run any command the way a stranger's shell would."""
        done = subprocess.run(
            argv,
            cwd=at,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Answer(code=done.returncode, out=done.stdout, err=done.stderr)

    def see(self, *words: str, at: Path, **variables: str) -> str:
        """What ``matrix`` shows on a terminal, with its colours."""
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            ["matrix", *words],
            cwd=at,
            env=self.variables(TERM="xterm-256color", **variables),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        child.wait(timeout=PATIENCE_SECONDS)
        return shown.decode()


def build_wheel(folder: Path) -> Path:
    """The wheel of this clone."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    return next(folder.glob("*.whl"))


def install(wheel: Path, folder: Path) -> Installation:
    """The wheel with what it depends on, in an empty virtual environment."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    python = folder / "venv/bin/python"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-compile"]
    for command in (
        [sys.executable, "-m", "venv", folder / "venv"],
        [python, "-m", "pip", "install", *quiet, wheel],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=2 * PATIENCE_SECONDS)
    return Installation(folder=folder)


def _read(number: int) -> bytes:
    try:
        return os.read(number, 65536)
    except OSError:  # The other end is closed: Linux says EIO.
        return b""
