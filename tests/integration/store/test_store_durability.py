"""What was acknowledged survives kill -9; a full disk stops us and corrupts nothing."""

import multiprocessing
import os
import random
import signal
import string
import time
from itertools import count

import pytest

from matrix.core.errors import StoreError
from matrix.store import open_store

#: The moments of the kills come out the same every time.
SEED = 20260102


def write_without_end(path, run, acknowledge, values) -> None:
    """Say on a pipe, after each call has returned, what the store now must have."""
    store = open_store(path)
    store.begin(values.run(run))
    acknowledge.send(("run", run))
    for number in count():
        name = f"{run}-{number}"
        entry = store.intend(values.intent(run, name))
        acknowledge.send(("entry", (entry, name)))
        store.record_cell(run, values.cell(name, output=f"{name} says hello\n" * 300))
        acknowledge.send(("cell", name))


def kill_a_writer(path, run, *, moments, start, values) -> list[tuple[str, object]]:
    """What a writer had acknowledged when it was killed: some calls, and some time into one."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = start(write_without_end, path, run, sender, values)
    sender.close()
    acknowledged = [receiver.recv() for _ in range(moments.randint(1, 6))]
    time.sleep(moments.uniform(0, 0.02))
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    try:
        while True:
            acknowledged.append(receiver.recv())
    except EOFError:
        receiver.close()
    return acknowledged


def check_kills(path, kills, *, start, values, integrity) -> None:
    moments = random.Random(SEED)
    expected: list[tuple[str, object]] = []
    for number in range(kills):
        expected += kill_a_writer(path, f"run{number}", moments=moments, start=start, values=values)
        assert integrity(path) == "ok"
    assert {kind for kind, _ in expected} == {"run", "entry", "cell"}
    assert lost(path, expected) == []


def lost(path, expected) -> list[tuple[str, object]]:
    """What was acknowledged and is not there."""
    store = open_store(path)
    entries = {(number, intent.name) for number, intent in store.open_entries()}
    cells = {of.service for of in store.newest_cells()}
    found = {"run": set(store.unfinished_runs()), "entry": entries, "cell": cells}
    store.close()
    return [(kind, what) for kind, what in expected if what not in found[kind]]


def test_sixty_kills_lose_nothing_that_was_acknowledged(path, start, values, integrity):
    open_store(path).close()
    check_kills(path, 60, start=start, values=values, integrity=integrity)


@pytest.mark.full
def test_a_thousand_kills_lose_nothing_that_was_acknowledged(path, start, values, integrity):
    open_store(path).close()
    check_kills(path, 1000, start=start, values=values, integrity=integrity)


def noise(seed: int, size: int = 20_000) -> str:
    """Text that zlib can do little about."""
    return "".join(random.Random(seed).choices(string.ascii_letters, k=size))


def fill(store, values) -> list[str]:
    """Record cells until the store refuses; the names of those it took."""
    taken: list[str] = []

    def record_all() -> None:
        for number in range(500):
            store.record_cell("run1", values.cell(f"s{number}", output=noise(number)))
            taken.append(f"s{number}")

    with pytest.raises(StoreError, match=r"store\.db: the disk is full: free some space"):
        record_all()
    return taken


def test_a_full_disk_is_an_error_that_corrupts_nothing(small_disk, values, integrity):
    path, ballast = small_disk / "store.db", small_disk / "ballast"
    ballast.write_bytes(b"\0" * 300_000)
    store = open_store(path)
    store.begin(values.run("run1"))
    taken = fill(store, values)
    assert taken
    assert {result.cell.service for result in store.load("run1").results} == set(taken)

    ballast.unlink()
    store.record_cell("run1", values.cell("after", output=noise(-1)))
    store.close()
    assert integrity(path) == "ok"
    again = open_store(path)
    assert {of.service for of in again.newest_cells()} == {*taken, "after"}
    assert again.load("run1").results[0] == values.cell("s0", output=noise(0))
    again.close()


def test_a_disk_that_is_full_from_the_start_is_an_error(small_disk):
    free = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(free.f_bavail * free.f_frsize))
    with pytest.raises(StoreError, match=r"store\.db: .*disk"):
        open_store(small_disk / "store.db")
