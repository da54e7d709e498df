"""Transactions on one database, and its errors in our words."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from matrix.core.errors import StoreError

#: Seconds a statement waits for another process to let go of the database.
BUSY_SECONDS = 30.0
#: Execution option of a transaction that only reads.
READS = "matrix_reads"

#: SQLite's primary result code (sqlite.org/rescode.html) → what happened, and what to do.
SQLITE_FAULTS = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space, then run again with --resume"),
    sqlite3.SQLITE_BUSY: ("another process holds it", "wait for it to end, or end it"),
    sqlite3.SQLITE_LOCKED: ("another process holds it", "wait for it to end, or end it"),
    sqlite3.SQLITE_CORRUPT: ("it is damaged", "restore it from a backup, or move it away"),
    sqlite3.SQLITE_NOTADB: ("it is not an SQLite database", "give the path of a store"),
    sqlite3.SQLITE_READONLY: ("it cannot be written", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "check the path and who may write there"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "check who may read and write there"),
    sqlite3.SQLITE_IOERR: ("the disk does not answer as it should", "check the disk"),
}
PRIMARY_CODE = 0xFF


class Database:
    """One database and the two kinds of transaction it is used by.

    Any thread may use it; only one of this process writes at a time, others wait their turn.
    It cannot be carried over a fork: SQLite's locks would be lost.
    """

    def __init__(self, engine: Engine, *, where: str) -> None:
        self.where = where
        self._engine = engine
        self._process = os.getpid()
        self._closed = False
        self._writing = threading.Lock()
        event.listen(engine, "begin", _begin)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is durable when this returns, and never was when it raises."""
        self._check_usable()
        with self._writing, translated(self.where), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One moment of the database, whatever is written meanwhile."""
        self._check_usable()
        with translated(self.where), self._engine.connect() as connection:
            yield connection.execution_options(**{READS: True})

    def close(self) -> None:
        """Let go of the files."""
        self._closed = True
        self._engine.dispose()

    def _check_usable(self) -> None:
        if self._closed:
            message = f"{self.where}: the store is closed"
            raise StoreError(message)
        if os.getpid() != self._process:
            message = f"{self.where}: a store cannot be used by a child process: open it there"
            raise StoreError(message)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raises StoreError, with what to do, in place of what the driver raises."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise StoreError(f"{where}: {_in_words(error)}") from error


def _in_words(error: DBAPIError | sqlite3.Error) -> str:
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", 0) & PRIMARY_CODE
    if code in SQLITE_FAULTS:
        what, remedy = SQLITE_FAULTS[code]
        return f"{what}: {remedy} ({origin})"
    return f"the store cannot do this: {origin}"


def _begin(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    reads = connection.get_execution_options().get(READS, False)
    # A reader that turns into a writer half way can deadlock with another; a writer says so first.
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
