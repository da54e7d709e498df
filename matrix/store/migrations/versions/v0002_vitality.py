"""What is known about the probes of a service: see ``core.vitality``."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """One table; a row for each service, image and set of probes."""
    op.create_table(
        "vitality",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(length=255), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("image_id", sa.String(length=255), nullable=False),
        sa.Column("probes_digest", sa.String(length=255), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proofs", sa.Text()),
        sa.Column("proofs_blob", sa.String(length=64)),
        sa.ForeignKeyConstraint(
            ["proofs_blob"], ["blobs.sha256"], name="fk_vitality_proofs_blob_blobs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_vitality"),
        sa.UniqueConstraint("service", "image_id", "probes_digest", name="uq_vitality_service"),
        sqlite_autoincrement=True,
    )
