"""The schema, brought to the newest revision in one transaction when a store is opened."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from matrix.core.errors import StoreError
from matrix.store.database import Database
from matrix.store.strips import rebuild_strips

#: Revision that this program reads and writes: the last one in migrations/versions.
HEAD = "0007"
VERSION_TABLE = "alembic_version"
#: Revision that brought the strips; a store from before has cells, but none of them in a strip.
STRIPS_SINCE = "0003"


def bring_up_to_date(database: Database) -> None:
    """Apply what is missing, all or nothing: a migration that was killed runs again.

    Raises StoreError for a file that is not a store, and for one that a newer program wrote.
    """
    with database.read() as connection:
        found = read_revision(connection, where=database.where)
    if found == HEAD:
        return
    with database.write() as connection:
        _upgrade(connection, where=database.where)


def read_revision(connection: Connection, *, where: str) -> str:
    """The schema's revision, "" for a new file; raises StoreError for somebody else's tables."""
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        found = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
        return str(found or "")
    if tables:
        message = f"{where}: holds tables that are not ours: give the path of a store"
        raise StoreError(message)
    return ""


def _upgrade(connection: Connection, *, where: str) -> None:
    # Alembic costs a tenth of a second to import and is needed once in the life of a store.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    folder = Path(__file__).parent / "migrations"
    # ConfigParser reads % as the start of a reference.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = read_revision(connection, where=where)
    if found and found not in known:
        message = (
            f"{where}: was written by a newer program (schema {found}, this one knows up to"
            f" {HEAD}): update compat-matrix"
        )
        raise StoreError(message)
    command.upgrade(config, "head")
    if found and found < STRIPS_SINCE:
        rebuild_strips(connection)
