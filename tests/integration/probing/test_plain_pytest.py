"""An inside probe gives the same answers under plain ``pytest --hosts=docker://…`` as in a cell."""

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.containers import SOCKET, docker

from matrix.core.ports import ProbeRequest
from matrix.core.result import CommandResult
from matrix.delivery.golden import busybox_archive
from matrix.probing.prober import PytestProber

PROBES = """
import pytest

@pytest.fixture(scope="module")
def said(host):
    return host.run("echo %s; echo no >&2; exit 3", "a b")

def test_output_and_status(said):
    assert (said.rc, said.stdout, said.stderr) == (3, "a b\\n", "no\\n")

def test_a_file_is_there(host):
    assert host.file("/bin/sh").exists

def test_a_file_is_not_there(host):
    assert host.file("/bin/bash").exists

@pytest.mark.skip(reason="not here")
def test_skipped(host):
    pass

def test_broken(host):
    host.find_command("no-such-program")
"""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@pytest.fixture
def container() -> Iterator[str]:
    architecture = ARCHITECTURES[platform.machine()]
    image, archive = busybox_archive(architecture, labels={"test": "plain pytest", "dev": "D"})
    subprocess.run(
        ["docker", "-H", f"unix://{SOCKET}", "load"], input=archive, check=True, capture_output=True
    )
    name = docker("run", "-d", "--network", "none", "--label", "dev=D", image)
    yield name
    docker("rm", "-f", "-v", name)
    docker("rmi", image)


class DockerExec:
    """Runs commands as ``docker exec`` does."""

    def __init__(self, container: str) -> None:
        self._container = container

    def run(self, *, command: str, **_: object) -> CommandResult:
        """Inside, whatever was asked for."""
        done = subprocess.run(
            ["docker", "-H", f"unix://{SOCKET}", "exec", self._container, "sh", "-c", command],
            check=False,
            capture_output=True,
        )
        return CommandResult(
            command=command,
            exit_status=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
            stdout_bytes=len(done.stdout),
            stderr_bytes=len(done.stderr),
            seconds=0.0,
        )


@pytest.mark.engine
def test_an_inside_probe_sees_the_same_by_hand_as_in_a_cell(container, tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{SOCKET}")
    folder = tmp_path / "queue"
    folder.mkdir()
    (folder / "test_it.py").write_text(PROBES)
    assert _by_hand(folder, container) == {
        "test_output_and_status": "PASSED",
        "test_a_file_is_there": "PASSED",
        "test_a_file_is_not_there": "FAILED",
        "test_skipped": "SKIPPED",
        "test_broken": "FAILED",
    }
    assert _in_a_cell(folder, container) == {
        "test_output_and_status": ("PASSED", ""),
        "test_a_file_is_there": ("PASSED", ""),
        "test_a_file_is_not_there": ("FAILED", "assertion"),
        "test_skipped": ("MISSING", "skipped"),
        "test_broken": ("ERROR", "tool"),
    }


def _by_hand(folder: Path, container: str) -> dict[str, str]:
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--hosts=docker://{container}", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    return dict(re.findall(r"::(\w+)(?:\[docker://\w+\])? (PASSED|FAILED|SKIPPED)", done.stdout))


def _in_a_cell(folder: Path, container: str) -> dict[str, tuple[str, str]]:
    with PytestProber() as prober:
        request = ProbeRequest(
            planned=prober.collect((folder,))[2:],
            folders=(folder,),
            nonce="",
            service={},
            environment={},
            deadline_seconds=60,
        )
        report = prober.run(
            request, DockerExec(container), observe=lambda result: result, cancelled=lambda: False
        )
    return {
        result.id.partition("::")[2]: (result.verdict.value, result.reason)
        for result in report.results
    }
