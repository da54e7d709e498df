"""Kits that were given away, what came back, and whose word a run is."""

import sqlalchemy as sa
from alembic import op

from matrix.store.schema import Instant

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Two tables, and two columns of ``runs``."""
    for name in ("reported_by", "reported_key"):
        op.add_column("runs", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "kits",
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("built_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("images", sa.Text(), nullable=False),
        sa.Column("probes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name="pk_kits"),
    )
    op.create_table(
        "imports",
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("run", sa.String(16), nullable=False),
        sa.Column("imported_at", Instant(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("reported_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["nonce"], ["kits.nonce"], name="fk_imports_nonce"),
        sa.PrimaryKeyConstraint("nonce", name="pk_imports"),
    )
