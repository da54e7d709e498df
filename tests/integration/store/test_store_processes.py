"""Several processes on one store: both write, and each can tell whether the other lives."""

import fcntl
import multiprocessing
import os
import signal
import subprocess
import threading

import pytest

from matrix.core.errors import StoreError
from matrix.store import open_store


def write_a_run(path, run, count, values) -> None:
    store = open_store(path)
    store.begin(values.run(run))
    for number in range(count):
        entry = store.intend(values.intent(run, f"{run}-{number}"))
        store.confirm(entry, f"id-{number}")
        store.record_cell(run, values.cell(f"s{number}", output=f"{run} {number}\n" * 300))
        store.forget(entry)
    store.finish(run, state="finished", at=values.run(run).started_at, leftovers=())
    store.close()


def test_two_runners_may_write_to_one_store_at_once(path, start, values, integrity):
    open_store(path).close()
    children = [start(write_a_run, path, run, 25, values) for run in ("run1", "run2")]
    for child in children:
        child.join(300)
        assert child.exitcode == 0
    store = open_store(path)
    for run in ("run1", "run2"):
        assert len(store.load(run).results) == 25
    assert store.open_entries() == ()
    assert len(store.newest_cells()) == 25
    store.close()
    assert integrity(path) == "ok"


def begin_and_wait(path, run, ready, values) -> None:
    store = open_store(path)
    store.begin(values.run(run))
    # A program that outlives us, as an ssh or a builder might, must not keep us alive.
    sleeper = subprocess.Popen(["sleep", "900"], close_fds=False)
    ready.send(sleeper.pid)
    signal.pause()


@pytest.fixture
def runner(path, start, values):
    """A process that carries run1, and the program it started."""
    open_store(path).close()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = start(begin_and_wait, path, "run1", sender, values)
    sleeper = receiver.recv()
    yield child
    os.kill(sleeper, signal.SIGKILL)
    receiver.close()
    sender.close()


def test_a_run_is_alive_until_its_runner_is_killed(path, runner, values):
    store = open_store(path)
    assert store.is_alive("run1")
    runner.kill()
    runner.join()
    assert not store.is_alive("run1")
    assert store.unfinished_runs() == ("run1",)
    store.begin(values.run("run1"))
    assert store.is_alive("run1")
    store.close()


def test_a_run_that_another_process_carries_cannot_be_taken(path, runner, values):
    store = open_store(path)
    with pytest.raises(StoreError, match="run run1 is going on in another process"):
        store.begin(values.run("run1"))
    store.begin(values.run("run2"))
    assert store.is_alive("run1")
    store.close()


def test_a_look_at_the_wrong_moment_does_not_stop_a_run_from_going_on(path, values, monkeypatch):
    # Longer than any machine stands still.
    monkeypatch.setattr("matrix.store.locks.PATIENCE_SECONDS", 90.0)
    store = open_store(path)
    store.begin(values.run("run1"))
    store.close()
    look = (path.parent / "locks" / "run1.lock").open()
    fcntl.flock(look, fcntl.LOCK_SH)
    closing = threading.Timer(0.2, look.close)
    closing.start()
    store = open_store(path)
    store.begin(values.run("run1"))
    store.close()
    closing.join()


def test_a_lock_whose_file_was_just_removed_is_not_taken_for_one(path, values, monkeypatch):
    """The runner before us ends between our opening the file and our locking it."""
    lock, real = path.parent / "locks" / "run1.lock", fcntl.flock
    endings = iter([lock.unlink])

    def flock(descriptor: int, kind: int) -> None:
        for end in endings:
            end()
        real(descriptor, kind)

    monkeypatch.setattr(fcntl, "flock", flock)
    store, other = open_store(path), open_store(path)
    store.begin(values.run("run1"))
    assert other.is_alive("run1")
    other.close()
    store.close()


def test_looking_does_not_stop_a_runner_from_starting(path, values):
    looker, store = open_store(path), open_store(path)
    for number in range(50):
        run = f"run{number}"
        store.begin(values.run(run))
        assert looker.is_alive(run)
        store.finish(run, state="finished", at=values.run(run).started_at, leftovers=())
        assert not looker.is_alive(run)
    assert list((path.parent / "locks").iterdir()) == []
    looker.close()
    store.close()


def test_closing_a_store_lets_go_of_a_run_without_finishing_it(path, values):
    store = open_store(path)
    store.begin(values.run("run1"))
    store.close()
    store = open_store(path)
    assert not store.is_alive("run1")
    assert store.unfinished_runs() == ("run1",)
    store.close()


def test_a_run_that_could_not_be_begun_is_not_alive(path, values):
    store = open_store(path)
    with pytest.raises(StoreError, match="not the id of a run"):
        store.begin(values.run("../../etc/passwd"))
    store.close()


def use_it(store, outcome) -> None:
    try:
        store.open_entries()
    except StoreError as error:
        outcome.send(str(error))


def test_a_store_cannot_be_used_after_a_fork(path, start):
    store = open_store(path)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    start(use_it, store, sender)
    sender.close()
    assert "child process" in receiver.recv()
    store.close()
    receiver.close()
