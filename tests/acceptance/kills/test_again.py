"""P8 and the options about measuring again: --resume, --last-failed, --fail-fast."""

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from builders.rig import Rig, Runner, going_on, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.lab, pytest.mark.usefixtures("whole_seconds")]

BROKEN = '''

def test_it_is_broken(host):
    """It is broken"""
    assert host.run("false").rc == 0
'''


def freeze(runner: Runner) -> None:
    """Stop it where it is, but not where it keeps others from the store."""
    process = runner.process.pid
    stat = Path(f"/proc/{process}/stat")
    path = runner.rig.folder / ".matrix/store.sqlite"
    with contextlib.closing(sqlite3.connect(path, timeout=0.2)) as store:
        while True:
            os.kill(process, signal.SIGSTOP)
            wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", seconds=90)
            with contextlib.suppress(sqlite3.OperationalError):
                store.execute("begin immediate")
                store.rollback()
                return
            os.kill(process, signal.SIGCONT)
            time.sleep(0.05)


def test_a_killed_run_is_resumed_where_it_was_and_nothing_is_counted_twice(rig: Rig):
    with going_on(rig.start("run", "-e", "here", "-e", "site")) as runner:
        wait_until(rig.cells, seconds=300)
        freeze(runner)
        alive = rig.matrix("run", "--resume", rig.runs()[0], expect=[2])
        assert "still being carried out" in alive.stderr
        runner.kill()
    done = rig.cells()
    assert 0 < len(done) < 4
    (killed,) = {row[0] for row in done}
    resumed = rig.matrix("run", "--resume", expect=[0, 4])
    cells = rig.cells()
    assert set(done) <= set(cells)
    assert sorted(row[1:4] for row in cells) == [
        (service, environment, "PASSED")
        for service in ("idle", "web")
        for environment in ("here", "site")
    ]
    assert {row[0] for row in cells} == {killed}
    for row in done:
        assert f"{row[1]}@{row[2]}: PASSED in" not in resumed.stderr
    again = rig.matrix("run", "--resume", expect=[2])
    assert "nothing to resume" in again.stderr
    one = rig.matrix("run", "--resume", killed, expect=[2])
    assert f"run {killed}" in one.stderr


def test_a_run_is_not_resumed_with_other_probes_than_it_was_planned_with(rig: Rig):
    with going_on(rig.start("run", "-e", "here")) as runner:
        runner.wait_for("here: ready")
        runner.signal(signal.SIGINT)
        runner.wait(seconds=300)
    probes = rig.folder / "probes/idle/test_idle.py"
    probes.write_text(probes.read_text() + BROKEN)
    changed = rig.matrix("run", "--resume", expect=[2])
    assert "have changed since it was planned" in changed.stderr


def test_fail_fast_ends_the_run_and_last_failed_measures_only_what_is_not_green(rig: Rig):
    whole = ["-e", "here"]
    rig.matrix("run", *whole, expect=[0, 4])
    probes = rig.folder / "probes/idle/test_idle.py"
    good = probes.read_text()
    probes.write_text(good + BROKEN)
    rig.make_probes_take(seconds=60)
    fast = rig.matrix("run", *whole, "--fail-fast", expect=[1])
    assert "idle@here: FAILED" in fast.stderr
    assert "web@here: MISSING (cancelled)" in fast.stderr
    assert "nothing to resume" in rig.matrix("run", "--resume", expect=[2]).stderr
    probes.write_text(good)
    last = rig.matrix("run", *whole, "--last-failed", expect=range(5))
    assert "[1/1] " in last.stderr
    assert "idle@here: PASSED" in last.stderr
    none = rig.matrix("run", *whole, "--last-failed", expect=range(5))
    assert "nothing to measure" in none.stderr
