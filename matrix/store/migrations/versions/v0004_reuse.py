"""Cells that were taken over from an earlier run, and what they were measured with."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Three columns of ``cells``."""
    for name in ("settings_digest", "reused_from"):
        op.add_column("cells", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("cells", sa.Column("origin", sa.Integer(), nullable=True))
