"""The store as one SQLite file: rollback journal, every commit synced to disk.

| setting      | value    | why                                                                |
|--------------|----------|--------------------------------------------------------------------|
| journal_mode | DELETE   | WAL lost committed data until 3.51.3 (sqlite.org/wal.html#walreset) |
| synchronous  | FULL     | a result that was acknowledged survives                            |
| foreign_keys | ON       | off by default                                                     |
| begin        | IMMEDIATE | two writers wait for each other instead of failing half way        |

The file is made 0600, in a folder of 0700 when the folder is new. Beside it, ``locks/`` has one
file for each run that is going on.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, create_engine, event

from matrix.core.errors import StoreError
from matrix.core.sink import Clean
from matrix.core.store_ports import Store
from matrix.store.database import BUSY_SECONDS, Database, translated
from matrix.store.locks import RunLocks
from matrix.store.migrate import bring_up_to_date
from matrix.store.sql import SqlStore

SCHEME = "sqlite://"
#: First release of each line in which a WAL reset cannot corrupt the file.
WAL_FIXED = {(3, 44): 6, (3, 50): 7, (3, 51): 3}


def open_sqlite(url: str, *, clean: Clean) -> Store:
    """The store at *url*: a path, ``sqlite:///relative`` or ``sqlite:////absolute``.

    It is made when there is none, and brought to the newest schema. Raises StoreError.
    """
    path = path_of(url)
    database = open_database(path)
    try:
        with translated(str(path)):
            bring_up_to_date(database)
    except StoreError:
        database.close()
        raise
    return SqlStore(database, locks=RunLocks(path.parent / "locks"), clean=clean)


def open_database(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> Database:
    """The file itself, made when there is none; raises StoreError.

    A statement waits *busy_seconds* for another process before it raises.
    """
    _make_private(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_seconds},
        max_overflow=-1,
    )

    # Any: the driver's connection and the pool's record of it have no public type here.
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:  # noqa: ANN401
        _set_up(connection, path)

    return Database(engine, where=str(path))


def path_of(url: str) -> Path:
    """The file a URL or path means."""
    if not url.startswith(SCHEME):
        return Path(url)
    return Path(unquote(url.removeprefix(SCHEME).removeprefix("/")))


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite can keep a write-ahead log without ever corrupting the file.

    The bug was there from 3.7.0 on and is fixed in 3.44.6, 3.50.7 and 3.51.3, each for its line,
    and in everything newer (sqlite.org/wal.html#walreset).
    """
    line, patch = version[:2], version[2]
    if line in WAL_FIXED:
        return patch >= WAL_FIXED[line]
    return line > max(WAL_FIXED)


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(path)
    except OSError as error:
        message = f"{path}: cannot be made ({error.strerror}): check the path and the disk"
        raise StoreError(message) from error
    if not path.is_file():
        message = f"{path}: is not a file: give the path of a store"
        raise StoreError(message)


def _create(path: Path) -> None:
    """Make the file; one that is there, or that another process makes just now, is not opened.

    Closing it would drop the locks this whole process has on it
    (sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled).
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    # We say BEGIN ourselves; the module's own begins too late and never IMMEDIATE.
    connection.isolation_level = None
    for pragma in ("foreign_keys = ON", "synchronous = FULL", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "delete":
        _leave_wal(connection, path)


def _leave_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Back to the rollback journal, unless another program has the log open."""
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        if wal_is_safe(sqlite3.sqlite_version_info):
            return
        message = (
            f"{path}: another program keeps it in WAL mode, which SQLite {sqlite3.sqlite_version}"
            " can corrupt: close that program"
        )
        raise StoreError(message) from error
