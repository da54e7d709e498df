"""The tables, for SQLite and PostgreSQL alike.

Order inside a value is kept by ``position``, counted from 0. Everything of a cell hangs on the
cell's row and goes with it, so that a cell measured again replaces the earlier answer as a whole.
Texts that may be long have two columns: the text itself up to INLINE_BYTES, or the hash of a blob.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

#: Texts longer than this in UTF-8 go to the blobs.
INLINE_BYTES = 1024

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """A moment, stored in UTC; SQLite has no zones, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC; a moment without a zone is a mistake of ours, never guessed."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"{value} has no time zone"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its zone."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC)


def _long_text(name: str) -> tuple[Column[str], Column[str]]:
    """The two columns of a text that may be long; exactly one of them is filled."""
    return (
        Column(name, Text),
        Column(f"{name}_blob", String(64), ForeignKey("blobs.sha256")),
    )


def _run_key() -> Column[str]:
    return Column("run", String(16), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False)


BLOBS = Table(
    "blobs",
    METADATA,
    #: Of the content before compression.
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", Integer, nullable=False),
    #: zlib stream (RFC 1950).
    Column("content", LargeBinary, nullable=False),
)

RUNS = Table(
    "runs",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("release", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    #: JSON list of [service, environment], in the order of the plan.
    *_long_text("plan"),
    Column("version", Text, nullable=False),
    #: Whose word it is and which key signed it; both "" for a run of our own.
    Column("reported_by", Text, nullable=False, server_default=""),
    Column("reported_key", Text, nullable=False, server_default=""),
    Index(None, "started_at"),
)

CELLS = Table(
    "cells",
    METADATA,
    #: Counts in the order the answers were written: newest is highest, whatever clocks say.
    Column("id", Integer, primary_key=True),
    _run_key(),
    Column("service", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("image_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("probes_digest", Text, nullable=False),
    Column("finished_at", Instant),
    Column("settings_digest", Text, nullable=False, server_default=""),
    #: Run that measured it, "" when that is this one.
    Column("reused_from", Text, nullable=False, server_default=""),
    #: The row it was taken over from: attempts and evidence hang on that, and are gone with it.
    #: No number of a row is ever given twice.
    Column("origin", Integer),
    UniqueConstraint("run", "service", "environment"),
    Index(None, "service", "environment"),
    sqlite_autoincrement=True,
)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("cell", Integer, ForeignKey("cells.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("host", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    #: JSON list of {reason, message}.
    *_long_text("faults"),
    #: JSON list of probe ids.
    *_long_text("planned"),
    Column("image_id", Text, nullable=False),
    *_long_text("traceback"),
    Column("started_at", Instant, nullable=False),
    Column("seconds", Float, nullable=False),
    #: JSON object: step → seconds.
    Column("steps", Text, nullable=False),
)

LOGS = Table(
    "logs",
    METADATA,
    Column("cell", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    #: Companion, "" for the service.
    Column("name", String(255), primary_key=True),
    *_long_text("text"),
    ForeignKeyConstraint(
        ["cell", "attempt"], ["attempts.cell", "attempts.position"], ondelete="CASCADE"
    ),
)

PROBE_RESULTS = Table(
    "probe_results",
    METADATA,
    Column("cell", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("probe", Text, nullable=False),
    Column("side", String(16), nullable=False),
    Column("title", Text, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    *_long_text("detail"),
    Column("seconds", Float, nullable=False),
    *_long_text("output"),
    ForeignKeyConstraint(
        ["cell", "attempt"], ["attempts.cell", "attempts.position"], ondelete="CASCADE"
    ),
)

COMMANDS = Table(
    "commands",
    METADATA,
    Column("cell", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    #: ``position`` of the probe that ran it.
    Column("probe", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("side", String(16), nullable=False),
    Column("target", Text, nullable=False),
    *_long_text("command"),
    Column("exit_status", Integer, nullable=False),
    *_long_text("stdout"),
    *_long_text("stderr"),
    Column("stdout_bytes", BigInteger, nullable=False),
    Column("stderr_bytes", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),
    ForeignKeyConstraint(
        ["cell", "attempt", "probe"],
        ["probe_results.cell", "probe_results.attempt", "probe_results.position"],
        ondelete="CASCADE",
    ),
)

#: One finding on a column.
FINDINGS = Table(
    "findings",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run_key(),
    Column("environment", Text, nullable=False),
    UniqueConstraint("run", "environment"),
    sqlite_autoincrement=True,
)

#: What was found out about each host of that column.
HOST_FINDINGS = Table(
    "host_findings",
    METADATA,
    Column("finding", Integer, ForeignKey("findings.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("host", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    #: Both NULL when the host is healthy.
    Column("fault_reason", Text),
    Column("fault_message", Text),
    #: JSON list of texts.
    Column("deviations", Text, nullable=False),
)

FACTS = Table(
    "facts",
    METADATA,
    Column("finding", Integer, primary_key=True),
    #: ``position`` of the host.
    Column("host", Integer, primary_key=True),
    Column("name", String(255), primary_key=True),
    #: JSON text, number, boolean or null.
    Column("value", Text, nullable=False),
    ForeignKeyConstraint(
        ["finding", "host"],
        ["host_findings.finding", "host_findings.position"],
        ondelete="CASCADE",
    ),
)

LEFTOVERS = Table(
    "leftovers",
    METADATA,
    Column("run", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("object_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("remedy", Text, nullable=False),
)

#: The newest measurements of each cell, packed: see ``store.strips``. A cell that is pruned away
#: stays in its strip, so nothing here points at ``runs``.
STRIPS = Table(
    "strips",
    METADATA,
    Column("service", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    #: Id of the newest row of ``cells``.
    Column("cell", Integer, nullable=False),
    #: JSON lists, newest first: the newest ten, those before them, at most one.
    Column("newest", Text, nullable=False),
    Column("older", Text, nullable=False),
    Column("first_bad", Text, nullable=False),
    Column("flaky", Boolean, nullable=False),
)

#: What is known about the probes of a service.
VITALITY = Table(
    "vitality",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("service", String(255), nullable=False),
    Column("environment", Text, nullable=False),
    Column("image_id", String(255), nullable=False),
    Column("probes_digest", String(255), nullable=False),
    Column("measured_at", Instant, nullable=False),
    #: JSON list of [probe, title, [saboteur …], why it is not proven].
    *_long_text("proofs"),
    UniqueConstraint("service", "image_id", "probes_digest"),
    sqlite_autoincrement=True,
)

#: Kits that were given away.
KITS = Table(
    "kits",
    METADATA,
    Column("nonce", String(64), primary_key=True),
    Column("customer", Text, nullable=False),
    Column("built_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("digest", String(64), nullable=False),
    #: Of the policy in it; "" for a kit from before it had one.
    Column("policy", String(64), nullable=False, server_default=""),
    #: JSON objects: service → id of its image, digest of its probes.
    Column("images", Text, nullable=False),
    Column("probes", Text, nullable=False),
)

#: What came back, at most once for each kit. It outlives the run, which may be pruned: a nonce
#: that was used stays used, and a measurement in a strip somebody else's word.
IMPORTS = Table(
    "imports",
    METADATA,
    Column("nonce", String(64), ForeignKey("kits.nonce"), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("run", String(16), nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("reported_by", Text, nullable=False),
    Column("reported_key", Text, nullable=False),
)

#: ``run`` has no foreign key: sweeping may write entries for runs that this store never saw.
JOURNAL = Table(
    "journal",
    METADATA,
    Column("entry", Integer, primary_key=True),
    Column("run", String(16), nullable=False),
    #: Both NULL for an object that belongs to no cell.
    Column("service", Text),
    Column("environment_of_cell", Text),
    Column("environment", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    #: False once it is known to be gone; the row stays as evidence.
    Column("open", Boolean, nullable=False),
    Index(None, "open"),
    sqlite_autoincrement=True,
)

#: Whether anything still refers to a long text or to a cell is asked when others are removed.
for _table in METADATA.sorted_tables:
    for _column in _table.columns:
        if _column.name.endswith("_blob") or _column.name == "origin":
            _filled = _column.is_not(None)
            Index(None, _column, sqlite_where=_filled, postgresql_where=_filled)
