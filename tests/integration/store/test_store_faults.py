"""Whatever is wrong with the file is a StoreError that says where, what, and what to do."""

import sqlite3
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import StatementError

from matrix.core.errors import StoreError
from matrix.store import open_store
from matrix.store.sqlite import open_database

LONG = "a line of output\n" * 200


def test_a_file_that_is_no_database(path):
    path.parent.mkdir()
    path.write_text("dear diary\n" * 100)
    with pytest.raises(StoreError, match=r"store\.db: it is not an SQLite database: give the path"):
        open_store(path)


def test_a_folder(tmp_path):
    with pytest.raises(StoreError, match="is not a file"):
        open_store(tmp_path)


def test_a_place_where_nothing_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="check the path"):
        open_store(tmp_path / "file" / "store.db")


def test_a_damaged_file(path, values):
    store = open_store(path)
    store.begin(values.run("run1"))
    store.record_cell("run1", values.cell("queue", output=LONG))
    store.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(StoreError, match=r"store\.db: it is damaged: restore it from a backup"):
        open_store(path).load("run1")


@pytest.mark.parametrize(
    "damage", ["content = x'00ff'", "content = substr(content, 1, 20)", "size_bytes = 10"]
)
def test_a_damaged_text_is_found_when_it_is_read(path, values, damage):
    store = open_store(path)
    store.begin(values.run("run1"))
    store.record_cell("run1", values.cell("queue", output=LONG))
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(f"UPDATE blobs SET {damage}")
    connection.close()
    with pytest.raises(StoreError, match="restore it from a backup"):
        store.load("run1")
    assert len(store.newest_cells()) == 1
    store.close()


def test_a_disk_that_cannot_be_written(small_disk, values):
    store = open_store(small_disk / "store.db")
    store.begin(values.run("run1"))
    store.close()
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    store = open_store(small_disk / "store.db")
    assert store.load("run1") == values.run("run1")
    with pytest.raises(StoreError, match=r"store\.db: it cannot be (written|opened)"):
        store.intend(values.intent("run1", "x"))
    with pytest.raises(StoreError, match=r"run1\.lock: cannot be locked .Read-only"):
        store.begin(values.run("run1"))
    store.close()


def test_a_database_that_another_process_does_not_let_go(path):
    open_store(path).close()
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    database = open_database(path, busy_seconds=0.1)
    with pytest.raises(StoreError, match="another process holds it: wait"), database.write():
        pass
    database.close()
    other.close()


def test_threads_of_one_process_wait_for_each_other_however_long_it_takes(path):
    database = open_database(path, busy_seconds=0)
    inside = threading.Event()

    def write_slowly() -> None:
        with database.write():
            inside.set()
            time.sleep(0.3)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(write_slowly)
        inside.wait()
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE later (id INTEGER)")
        slow.result()
    database.close()


def test_a_store_that_was_closed(path, values):
    store = open_store(path)
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.intend(values.intent("run1", "x"))


def test_a_value_that_does_not_fit_leaves_nothing_behind(path, values):
    store = open_store(path)
    store.begin(values.run("run1"))
    zoneless = values.run("run1").started_at.replace(tzinfo=None)
    with pytest.raises(StatementError, match="time zone"):
        store.finish("run1", state="finished", at=zoneless, leftovers=())
    assert store.load("run1") == values.run("run1")
    store.record_cell("run1", values.cell("queue"))
    store.close()


def test_equal_texts_are_kept_once(path, values):
    store = open_store(path)
    for run in ("run1", "run2"):
        store.begin(values.run(run))
        for name in ("a", "b"):
            store.record_cell(run, values.cell(name, output=LONG))
    store.close()
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT size_bytes, length(content) FROM blobs").fetchall()
    connection.close()
    assert [size for size, _ in rows] == [len(LONG)]
    assert rows[0][1] < len(LONG) / 10
