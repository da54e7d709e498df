"""D2: the disk of the store is full in the middle of a run."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.host_snapshot import Snapshot
from builders.remains import (
    guarded_remains,
    remaining_objects,
    wait_until_as_before,
    wait_until_nothing,
)
from builders.rig import Rig, going_on, run

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.usefixtures("whole_seconds")]


def test_a_full_disk_stops_the_run_with_clean_hosts_and_a_clear_word(
    rig: Rig, before: dict[str, Snapshot]
):
    with small_disk(rig.folder / ".matrix") as state:
        with going_on(rig.start("run")) as runner:
            runner.wait_for("[1/6]")
            filler = fill(state)
            code = runner.wait(seconds=300)
        assert code == 3, runner.text
        assert "the disk is full" in runner.text
        assert "Traceback" not in runner.text
        assert remaining_objects(rig, before) == []
        wait_until_nothing(lambda: guarded_remains(rig, before), seconds=90)
        done = rig.cells()
        assert {row[3] for row in done} == {"PASSED"}
        assert len(done) < 6
        filler.unlink()
        assert rig.query("pragma integrity_check") == [("ok",)]
        rig.matrix("run", "--resume")
        assert set(done) < set(rig.cells())
        assert len(rig.cells()) == 6
        rig.matrix("sweep")
    wait_until_as_before(before)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of two megabytes at *folder*."""
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", folder)
    try:
        yield folder
    finally:
        run("umount", "-l", folder)


def fill(folder: Path) -> Path:
    """Take every byte that is left."""
    filler = folder / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, b"x" * 4096)
    os.close(descriptor)
    return filler
