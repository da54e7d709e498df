"""Fixtures for whoever reaches a machine: a conftest imports those it wants."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builders.containers import BusyboxImage, docker, import_busybox
from builders.sshd import Sshd, make_sshd, run, tool, wait_until

from matrix.core.model import Host
from matrix.hosts import connect


@pytest.fixture
def ssh_folder() -> Iterator[Path]:
    # Other accounts must be able to reach their homes, which pytest's own folders forbid.
    folder = Path(tempfile.mkdtemp(prefix="mx-sshd-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def lone_sshd(ssh_folder: Path) -> Iterator[Sshd]:
    """An sshd that is not started yet, for one test alone."""
    sshd = make_sshd(ssh_folder)
    yield sshd
    sshd.stop()


@pytest.fixture(scope="session")
def sshd() -> Iterator[Sshd]:
    """An sshd as Debian sets it up, shared."""
    folder = Path(tempfile.mkdtemp(prefix="mx-sshd-"))
    folder.chmod(0o755)
    server = make_sshd(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def reach(workspace: Path):
    """Connects to a host, and lets go of it at the end."""
    with contextlib.ExitStack() as stack:

        def open_connection(host: Host, **options: object):
            connection = connect(host, workspace=workspace, **options)  # type: ignore[arg-type]
            stack.callback(connection.close)
            return connection

        yield open_connection


@pytest.fixture
def workspace() -> Iterator[Path]:
    """Short, since the path of a unix socket is."""
    with tempfile.TemporaryDirectory(prefix="mx-") as folder:
        yield Path(folder)


@pytest.fixture
def agent(ssh_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """An ssh-agent of our own; the value loads a key into it."""
    path = str(ssh_folder / "agent.sock")
    process = subprocess.Popen([tool("ssh-agent"), "-D", "-a", path], stdout=subprocess.DEVNULL)
    wait_until(Path(path).is_socket)
    monkeypatch.setenv("SSH_AUTH_SOCK", path)
    yield lambda key: run("ssh-add", "-q", key) and None
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def busybox_image() -> Iterator[BusyboxImage]:
    image = import_busybox()
    yield image
    docker("rmi", "-f", image.id)
