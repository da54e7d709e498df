"""The first tables.

Written out, not taken from ``store.schema``: a migration never changes once it was released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table, those that others point at first."""
    _create_blobs()
    _create_journal()
    _create_runs()
    _create_cells()
    _create_findings()
    _create_leftovers()
    _create_attempts()
    _create_host_findings()
    _create_facts()
    _create_logs()
    _create_probe_results()
    _create_commands()


def _create_blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )


def _create_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=16), nullable=False),
        sa.Column("service", sa.Text()),
        sa.Column("environment_of_cell", sa.Text()),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_journal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_open", "journal", ["open"], unique=False)


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("plan_digest", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text()),
        sa.Column("plan_blob", sa.String(length=64)),
        sa.Column("version", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["plan_blob"], ["blobs.sha256"], name="fk_runs_plan_blob"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )


def _create_cells() -> None:
    op.create_table(
        "cells",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=16), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("image_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("probes_digest", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_cells_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_cells"),
        sa.UniqueConstraint("run", "service", "environment", name="uq_cells_run"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cells_service", "cells", ["service", "environment"], unique=False)


def _create_findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run", sa.String(length=16), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_findings_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.UniqueConstraint("run", "environment", name="uq_findings_run"),
        sqlite_autoincrement=True,
    )


def _create_leftovers() -> None:
    op.create_table(
        "leftovers",
        sa.Column("run", sa.String(length=16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_leftovers_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "position", name="pk_leftovers"),
    )


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("faults", sa.Text()),
        sa.Column("faults_blob", sa.String(length=64)),
        sa.Column("planned", sa.Text()),
        sa.Column("planned_blob", sa.String(length=64)),
        sa.Column("image_id", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text()),
        sa.Column("traceback_blob", sa.String(length=64)),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cell"], ["cells.id"], name="fk_attempts_cell", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["faults_blob"], ["blobs.sha256"], name="fk_attempts_faults_blob"),
        sa.ForeignKeyConstraint(
            ["planned_blob"], ["blobs.sha256"], name="fk_attempts_planned_blob"
        ),
        sa.ForeignKeyConstraint(
            ["traceback_blob"], ["blobs.sha256"], name="fk_attempts_traceback_blob"
        ),
        sa.PrimaryKeyConstraint("cell", "position", name="pk_attempts"),
    )


def _create_host_findings() -> None:
    op.create_table(
        "host_findings",
        sa.Column("finding", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("fault_reason", sa.Text()),
        sa.Column("fault_message", sa.Text()),
        sa.Column("deviations", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding"], ["findings.id"], name="fk_host_findings_finding", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("finding", "position", name="pk_host_findings"),
    )


def _create_facts() -> None:
    op.create_table(
        "facts",
        sa.Column("finding", sa.Integer(), nullable=False),
        sa.Column("host", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["finding", "host"],
            ["host_findings.finding", "host_findings.position"],
            name="fk_facts_finding",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("finding", "host", "name", name="pk_facts"),
    )


def _create_logs() -> None:
    op.create_table(
        "logs",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text()),
        sa.Column("text_blob", sa.String(length=64)),
        sa.ForeignKeyConstraint(
            ["cell", "attempt"],
            ["attempts.cell", "attempts.position"],
            name="fk_logs_cell",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["text_blob"], ["blobs.sha256"], name="fk_logs_text_blob"),
        sa.PrimaryKeyConstraint("cell", "attempt", "name", name="pk_logs"),
    )


def _create_probe_results() -> None:
    op.create_table(
        "probe_results",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("probe", sa.Text(), nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.Column("detail_blob", sa.String(length=64)),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("output", sa.Text()),
        sa.Column("output_blob", sa.String(length=64)),
        sa.ForeignKeyConstraint(
            ["cell", "attempt"],
            ["attempts.cell", "attempts.position"],
            name="fk_probe_results_cell",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["detail_blob"], ["blobs.sha256"], name="fk_probe_results_detail_blob"
        ),
        sa.ForeignKeyConstraint(
            ["output_blob"], ["blobs.sha256"], name="fk_probe_results_output_blob"
        ),
        sa.PrimaryKeyConstraint("cell", "attempt", "position", name="pk_probe_results"),
    )


def _create_commands() -> None:
    op.create_table(
        "commands",
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("probe", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("command", sa.Text()),
        sa.Column("command_blob", sa.String(length=64)),
        sa.Column("exit_status", sa.Integer(), nullable=False),
        sa.Column("stdout", sa.Text()),
        sa.Column("stdout_blob", sa.String(length=64)),
        sa.Column("stderr", sa.Text()),
        sa.Column("stderr_blob", sa.String(length=64)),
        sa.Column("stdout_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stderr_bytes", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cell", "attempt", "probe"],
            ["probe_results.cell", "probe_results.attempt", "probe_results.position"],
            name="fk_commands_cell",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["command_blob"], ["blobs.sha256"], name="fk_commands_command_blob"
        ),
        sa.ForeignKeyConstraint(["stderr_blob"], ["blobs.sha256"], name="fk_commands_stderr_blob"),
        sa.ForeignKeyConstraint(["stdout_blob"], ["blobs.sha256"], name="fk_commands_stdout_blob"),
        sa.PrimaryKeyConstraint("cell", "attempt", "probe", "position", name="pk_commands"),
    )
