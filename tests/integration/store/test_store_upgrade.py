"""A store that an older program wrote opens, with all that is in it."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

import matrix.store
from matrix.core.history import PANEL_LENGTH
from matrix.core.model import CellId
from matrix.core.verdict import Verdict
from matrix.store import open_store
from matrix.store.sqlite import open_database

MIGRATIONS = Path(matrix.store.__file__).parent / "migrations"
QUEUE = CellId(service="queue", environment="qa")
RUN = """INSERT INTO runs (id, state, started_at, release, by, plan_digest, plan, version)
         VALUES (?, 'finished', '2026-01-02 03:04:05.000000', ?, 'dana', 'd', '[]', '1')"""
CELL = """INSERT INTO cells (run, service, environment, verdict, reason, message, image_id,
          fingerprint, probes_digest, finished_at)
          VALUES (?, 'queue', 'qa', ?, '', '', 'i', 'f', 'p', ?)"""
ATTEMPT = """INSERT INTO attempts (cell, position, number, host, verdict, reason, message, faults,
             planned, image_id, traceback, started_at, seconds, steps)
             VALUES (?, ?, ?, 'one', 'FAILED', '', '', '[]', '[]', '', '',
             '2026-01-02 03:04:05.000000', 1.0, '{}')"""


def old_store(path: Path, revision: str) -> sqlite3.Connection:
    """An empty store as the program with that schema left it."""
    database = open_database(path)
    with database.write() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(MIGRATIONS))
        command.upgrade(config, revision)
    database.close()
    return sqlite3.connect(path)


@pytest.mark.parametrize("revision", ["0001", "0002"])
@pytest.mark.parametrize("bad", [3, PANEL_LENGTH + 4])
def test_an_older_store_opens_and_remembers_what_it_measured(path, integrity, revision, bad):
    old = old_store(path, revision)
    with old:
        for number in range(bad + 1):
            verdict = "FAILED" if number else "PASSED"
            old.execute(RUN, (f"run{number:03}", "1.0" if number == 0 else ""))
            cell = old.execute(CELL, (f"run{number:03}", verdict, None)).lastrowid
            old.execute(ATTEMPT, (cell, 0, 1))
        old.execute(ATTEMPT, (cell, 1, 2))
    old.close()
    store = open_store(path)
    history = store.histories()[QUEUE]
    run, newest = store.newest_cells()[QUEUE]
    store.close()
    assert (run, newest.verdict, len(newest.attempts)) == (f"run{bad:03}", Verdict.FAILED, 2)
    assert len(history.past) == min(bad + 1, PANEL_LENGTH)
    assert (history.past[0].retries, history.past[1].retries) == (1, 0)
    assert history.first_bad.run == "run001"
    assert integrity(path) == "ok"


def test_an_older_store_without_runs_opens(path):
    old_store(path, "0001").close()
    store = open_store(path)
    assert store.histories() == {}
    store.close()
