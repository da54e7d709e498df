"""Pruning a store on disk: killed half way, and with texts that several cells share."""

import json
import os
import signal
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event

from matrix.cli import execute
from matrix.core.model import CellId
from matrix.core.retention import DAY, Keep
from matrix.store import open_store

LATER = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=50)
KEEP = Keep(run_seconds=10 * DAY, failure_seconds=10 * DAY, release_seconds=10 * DAY)
RUNS = 5
OLD = "old\n" * 1000
SHARED = "shared\n" * 1000


@pytest.fixture
def filled(path, values):
    """Runs of the same two cells; each has a long text of its own, and one that all share."""
    store = open_store(path)
    for number in range(RUNS):
        store.begin(values.run(f"run{number}"))
        store.record_cell(f"run{number}", values.cell("own", output=f"{number} {OLD}"))
        store.record_cell(f"run{number}", values.cell("same", output=SHARED))
        store.finish(f"run{number}", state="finished", at=LATER, leftovers=())
    store.close()
    return path


def counts(path) -> dict[str, int]:
    connection = sqlite3.connect(path)
    found = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("runs", "cells", "attempts", "commands", "blobs", "strips")
    }
    connection.close()
    return found


def test_only_texts_that_nothing_refers_to_go(filled, integrity):
    store = open_store(filled)
    gone = store.prune(KEEP, now=LATER)
    newest = store.newest_whole_cells()
    store.close()
    assert (gone.cells, gone.runs, gone.texts) == (2 * RUNS - 2, RUNS - 1, RUNS - 1)
    assert gone.text_bytes > 0
    left = {"runs": 1, "cells": 2, "attempts": 2, "commands": 2, "blobs": 2, "strips": 2}
    assert counts(filled) == left
    printed = newest[CellId(service="same", environment="qa")][1].attempts[0].probes[0].commands
    assert printed[0].result.stdout.decode() == SHARED
    assert integrity(filled) == "ok"


def die_at_statement(path, number) -> None:
    store = open_store(path)
    seen = 0

    @event.listens_for(Engine, "after_cursor_execute")
    def _count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    store.prune(KEEP, now=LATER)


@pytest.mark.parametrize("number", [2, 4, 7, 13, 24, 30])
def test_a_pruning_that_was_killed_leaves_a_whole_store_and_goes_on(
    filled, start, integrity, number
):
    child = start(die_at_statement, filled, number)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert integrity(filled) == "ok"
    store = open_store(filled)
    assert {of for of, _ in store.newest_whole_cells().values()} == {f"run{RUNS - 1}"}
    store.prune(KEEP, now=LATER)
    store.close()
    left = {"runs": 1, "cells": 2, "attempts": 2, "commands": 2, "blobs": 2, "strips": 2}
    assert counts(filled) == left


@pytest.fixture
def project(tmp_path, values):
    folder = tmp_path / "project"
    assert execute(["init", str(folder)]) == 0
    store = open_store(folder / ".matrix/store.sqlite")
    begun = datetime.now(UTC) - timedelta(days=30)
    for number in range(RUNS):
        store.begin(replace(values.run(f"run{number}"), started_at=begun))
        store.record_cell(f"run{number}", values.cell("own"))
        store.finish(f"run{number}", state="finished", at=LATER, leftovers=())
    store.close()
    return folder


def test_the_command_says_what_it_removed_and_a_dry_run_removes_nothing(project, capsys):
    asked = ["db", "prune", "--keep", "runs=1d", "--json", "--project", str(project)]
    for more, left in (["--dry-run"], RUNS), ([], 1), ([], 1):
        capsys.readouterr()
        before = counts(project / ".matrix/store.sqlite")["runs"]
        assert execute([*asked, *more]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["runs"] == (RUNS - 1 if before == RUNS else 0)
        assert counts(project / ".matrix/store.sqlite")["runs"] == left


@pytest.mark.parametrize("wrong", ["runs", "runs=7", "cells=7d", "runs=-1d", "runs=7m"])
def test_a_time_that_cannot_be_read_is_refused_with_what_can(project, capsys, wrong):
    assert execute(["db", "prune", "--keep", wrong, "--project", str(project)]) == 2
    assert "write WHAT=TIME as runs=90d" in capsys.readouterr().err
