"""The other side: testinfra's own backend, the docker command over SSH, pytest with xdist."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import testinfra

from bench.measuring import Side, timed
from matrix.core.model import Host, SshAddress

HERE = Path(__file__).parent
#: Takes the place of ``ssh`` for the docker command, which has no option for a configuration.
WRAPPER = """#!/bin/sh
exec {ssh} -F {config} "$@"
"""
#: What keeps one connection to the host open for all that follow.
SHARED = "ControlMaster auto\nControlPath {folder}/%C\nControlPersist 60\n"

#: Rounds in which pytest may fail before something is wrong with the probes.
ROUNDS_LOST = 2


class DidNotPass(Exception):
    """pytest found a probe that fails; carries what it said."""


def testinfra_docker(container: str) -> Side:
    """``host.run("true")`` by testinfra's own ``docker://``: a docker command each time."""
    host = testinfra.get_host(f"docker://{container}")

    def run() -> None:
        if host.run("true").rc != 0:
            raise SystemExit("testinfra's docker:// does not work here")

    return lambda: timed(run)


def docker_over_ssh(host: Host, container: str, folder: Path, *, config: str) -> Side:
    """``docker -H ssh://… exec``, with a private ``ssh -F`` configuration in *folder*."""
    address = host.ssh
    assert address is not None
    environment = _with_own_ssh(folder, address, config)
    url = f"ssh://{address.user}@{address.address}:{address.port}"
    command = ["docker", "-H", url, "exec", container, "true"]

    def run() -> None:
        done = subprocess.run(
            command, env=environment, check=False, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")

    return lambda: timed(run)


@contextmanager
def shared_connection(folder: Path) -> Iterator[str]:
    """Lines of an ssh configuration that keep a connection open; it is ended afterwards."""
    try:
        yield SHARED.format(folder=folder)
    finally:
        for socket in folder.glob("*"):
            if socket.is_socket():
                subprocess.run(
                    [_ssh(), "-S", str(socket), "-O", "exit", "nobody"],
                    check=False,
                    capture_output=True,
                    timeout=10,
                )


def pytest_xdist(containers: Sequence[str], probes: Path) -> Side:
    """The probes by pytest itself on two worker processes, from command to prompt."""
    hosts = ",".join(f"docker://{name}" for name in containers)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(HERE / "pytest.ini")]
    command += ["-n", "2", f"--hosts={hosts}", str(probes)]

    def run() -> None:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise DidNotPass(f"{done.stdout[-2000:]}{done.stderr[-2000:]}")

    return lambda: _until_passed(lambda: timed(run))


def _until_passed(side: Side) -> list[float]:
    """What *side* takes when all probes pass.

    On a busy machine a docker command now and then fails, which testinfra's backend takes for
    "there is no such file"; a round in which that happens says nothing about time.
    """
    for _ in range(ROUNDS_LOST):
        try:
            return side()
        except DidNotPass as error:
            print(f"pytest did not pass, once more: {error}", file=sys.stderr)
    return side()


def _with_own_ssh(folder: Path, address: SshAddress, more: str) -> Mapping[str, str]:
    config = folder / "config"
    config.write_text(
        f"{more}IdentityFile {address.identity_file}\nIdentitiesOnly yes\nIdentityAgent none\n"
        f"UserKnownHostsFile {address.known_hosts}\nGlobalKnownHostsFile /dev/null\n"
        "StrictHostKeyChecking yes\nBatchMode yes\n"
    )
    wrapper = folder / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(WRAPPER.format(ssh=_ssh(), config=config))
    wrapper.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    return {**kept, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"}


def _ssh() -> str:
    found = shutil.which("ssh")
    if found is None:
        raise SystemExit("no ssh here: install openssh-client")
    return found
