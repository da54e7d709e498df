"""Indices by which it is seen whether anything still refers to a long text or to a cell."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

REFERENCES = (
    ("runs", "plan_blob"),
    ("attempts", "faults_blob"),
    ("attempts", "planned_blob"),
    ("attempts", "traceback_blob"),
    ("logs", "text_blob"),
    ("probe_results", "detail_blob"),
    ("probe_results", "output_blob"),
    ("commands", "command_blob"),
    ("commands", "stdout_blob"),
    ("commands", "stderr_blob"),
    ("vitality", "proofs_blob"),
    ("cells", "origin"),
)


def upgrade() -> None:
    """Only of the rows that have one: most texts are short, most cells are measured."""
    for table, column in REFERENCES:
        filled = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_{table}_{column}",
            table,
            [column],
            unique=False,
            sqlite_where=filled,
            postgresql_where=filled,
        )
