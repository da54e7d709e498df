"""The schema: migrated all or nothing, refused when it is newer, private, and never WAL."""

import multiprocessing
import os
import signal
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event

import matrix.store
from matrix.core.errors import StoreError
from matrix.store import open_store
from matrix.store.migrate import HEAD
from matrix.store.schema import METADATA
from matrix.store.sqlite import open_database, wal_is_safe

MIGRATIONS = Path(matrix.store.__file__).parent / "migrations"


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def schema_of(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT type, name FROM sqlite_master ORDER BY 1, 2").fetchall()
    connection.close()
    return found


def test_the_program_knows_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrations_make_the_tables_that_the_code_uses(path):
    open_store(path).close()
    database = open_database(path)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    database.close()


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "delete"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)],
)
def test_every_connection_is_set_up_for_durability(path, pragma, value):
    database = open_database(path)
    for transaction in (database.read, database.write):
        with transaction() as connection:
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
    database.close()


def test_a_file_left_in_wal_mode_is_taken_out_of_it(path):
    open_store(path).close()
    execute(path, "PRAGMA journal_mode = WAL")
    open_store(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_file_that_is_kept_in_wal_mode_is_refused_unless_that_is_safe(path):
    open_store(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("SELECT * FROM runs").fetchall()
    if wal_is_safe(sqlite3.sqlite_version_info):
        open_store(path).close()
    else:
        with pytest.raises(StoreError, match="another program keeps it in WAL mode"):
            open_database(path, busy_seconds=0.1).read().__enter__()
    other.close()


def test_nobody_else_can_read_the_store(path, values):
    store = open_store(path)
    store.begin(values.run("run1"))
    modes = {
        found.name: stat.S_IMODE(found.stat().st_mode)
        for found in (path.parent, path, path.parent / "locks", path.parent / "locks" / "run1.lock")
    }
    store.close()
    assert modes == {"state": 0o700, "store.db": 0o600, "locks": 0o700, "run1.lock": 0o600}


def die_at_statement(path, number) -> None:
    """Open a store and be killed when the migration has executed *number* statements."""
    seen = 0

    @event.listens_for(Engine, "after_cursor_execute")
    def _count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    open_store(path)


@pytest.mark.parametrize("number", [1, 4, 9, 15, 20])
def test_a_migration_that_was_killed_leaves_nothing_and_runs_again(path, start, number):
    child = start(die_at_statement, path, number)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert schema_of(path) == []
    open_store(path).close()
    whole = path.with_name("whole.db")
    open_store(whole).close()
    assert schema_of(path) == schema_of(whole) != []


def test_a_store_of_a_newer_program_is_refused_and_not_touched(path, values):
    open_store(path).close()
    execute(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"newer program .schema 9999.*up to {HEAD}.*update"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_database_of_somebody_else_is_refused_and_not_touched(path):
    path.parent.mkdir()
    execute(path, "CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="tables that are not ours"):
        open_store(path)
    assert path.read_bytes() == before


def open_and_write(path, run, ready, values) -> None:
    ready.wait()
    store = open_store(path)
    store.begin(values.run(run))
    store.close()


def test_many_processes_may_make_one_store_at_once(path, start, values):
    ready = multiprocessing.get_context("fork").Barrier(4)
    children = [start(open_and_write, path, f"run{n}", ready, values) for n in range(4)]
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    store = open_store(path)
    assert sorted(store.unfinished_runs()) == ["run0", "run1", "run2", "run3"]
    store.close()
