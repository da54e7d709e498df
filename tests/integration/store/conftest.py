"""A store on disk, small values for it, and children that use it."""

import multiprocessing
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from matrix.core.model import CellId
from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    ProbeResult,
    Run,
    RunState,
    Side,
)
from matrix.core.store_ports import Intent
from matrix.core.verdict import Verdict

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Values:
    """Builders, named after what they build."""

    @staticmethod
    def run(name: str) -> Run:
        return Run(
            id=name,
            state=RunState.RUNNING,
            started_at=NOW,
            by="dana@laptop",
            plan_digest="d",
            cells=(),
            version="1",
        )

    @staticmethod
    def cell(name: str, *, output: str = "ok\n") -> CellResult:
        """A cell whose only command printed *output*."""
        data = output.encode()
        result = CommandResult(
            command="true",
            exit_status=0,
            stdout=data,
            stderr=b"",
            stdout_bytes=len(data),
            stderr_bytes=0,
            seconds=0.1,
        )
        probe = ProbeResult(
            id="queue/test_a.py::test_a",
            side=Side.INSIDE,
            title="it answers",
            verdict=Verdict.PASSED,
            seconds=0.1,
            commands=(CommandRecord(side=Side.INSIDE, target="", result=result),),
        )
        attempt = Attempt(
            number=1,
            host="one",
            verdict=Verdict.PASSED,
            probes=(probe,),
            started_at=NOW,
            seconds=1.0,
        )
        return CellResult(
            cell=CellId(service=name, environment="qa"),
            verdict=Verdict.PASSED,
            attempts=(attempt,),
            finished_at=NOW,
        )

    @staticmethod
    def intent(run: str, name: str) -> Intent:
        return Intent(run=run, cell=None, environment="qa", host="one", kind="container", name=name)


@pytest.fixture
def values() -> type[Values]:
    return Values


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest.fixture
def start() -> Iterator[Callable[..., multiprocessing.Process]]:
    """Starts a child that calls a function; all children are gone when the test ends."""
    context = multiprocessing.get_context("fork")
    children = []

    def start_child(function: Callable[..., None], *arguments: object) -> multiprocessing.Process:
        child = context.Process(target=function, args=arguments)
        child.start()
        children.append(child)
        return child

    yield start_child
    for child in children:
        child.kill()
        child.join()
        child.close()


@pytest.fixture
def integrity() -> Callable[[Path], str]:
    """What SQLite itself says about a file: "ok", or what is wrong."""

    def check(path: Path) -> str:
        connection = sqlite3.connect(path, timeout=30)
        try:
            (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
            broken = connection.execute("PRAGMA foreign_key_check").fetchall()
        finally:
            connection.close()
        return f"{answer}{broken or ''}"

    return check


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A folder on a disk of one megabyte of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
