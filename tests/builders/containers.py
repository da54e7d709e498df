"""A tiny image and containers of it, on the local engine."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOCKET = Path("/var/run/docker.sock")
#: Programs of busybox that the tests use inside.
APPLETS = ("sh", "cat", "echo", "grep", "head", "kill", "sleep", "tr", "yes", "printf", "env", "nc")


def docker(*argv: str, socket: Path = SOCKET) -> str:
    """The engine's own program, as an administrator would use it."""
    done = subprocess.run(
        ["docker", "-H", f"unix://{socket}", *argv], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"docker {' '.join(argv)}: {done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class BusyboxImage:
    """An image made from the machine's static busybox, with an anonymous volume at /data."""

    id: str
    socket: Path

    @contextlib.contextmanager
    def container(self, *command: str, options: tuple[str, ...] = ()) -> Iterator[str]:
        """A running container; gone at the end."""
        name = docker(
            "run", "-d", "--label", "dev=B", *options, self.id, *command, socket=self.socket
        )
        try:
            yield name
        finally:
            with contextlib.suppress(AssertionError):
                docker("rm", "-f", "-v", name, socket=self.socket)


def import_busybox(socket: Path = SOCKET) -> BusyboxImage:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("bin", "dev", "proc", "tmp", "etc", "data"):
            (root / name).mkdir()
        busybox = shutil.which("busybox")
        assert busybox, "these tests need busybox: apt-get install busybox-static"
        shutil.copy(busybox, root / "bin/busybox")
        for name in APPLETS:
            (root / "bin" / name).symlink_to("busybox")
        archive = subprocess.run(["tar", "-C", folder, "-c", "."], check=True, capture_output=True)
        done = subprocess.run(
            [
                *("docker", "-H", f"unix://{socket}", "import"),
                *("-c", "LABEL dev=B", "-c", "VOLUME /data", "-"),
            ],
            check=True,
            input=archive.stdout,
            capture_output=True,
        )
    return BusyboxImage(id=done.stdout.decode().strip(), socket=socket)
