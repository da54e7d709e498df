"""The newest measurements of each cell, packed: filled by ``store.strips.rebuild``."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One row for each cell of the grid; an index that finds the runs of a release."""
    op.create_table(
        "strips",
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("cell", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Text(), nullable=False),
        sa.Column("older", sa.Text(), nullable=False),
        sa.Column("first_bad", sa.Text(), nullable=False),
        sa.Column("flaky", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("service", "environment", name="pk_strips"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"], unique=False)
