"""By which policy a kit judges; "" for those that were made before one was taken along."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One column of ``kits``."""
    op.add_column("kits", sa.Column("policy", sa.String(64), nullable=False, server_default=""))
