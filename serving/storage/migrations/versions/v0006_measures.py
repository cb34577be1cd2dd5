"""Measures as rows of their own: until now only imports and reviews carried them."""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"

TEXTS = ("measure_id", "account_id", "measure", "clause", "scope", "reason", "decided_by")


def upgrade() -> None:
    """Make the table and its indexes."""
    op.create_table(
        "measures",
        *(sa.Column(name, sa.Text, nullable=False) for name in TEXTS),
        sa.Column("review_id", sa.Text),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_by", sa.Text),
        sa.PrimaryKeyConstraint("measure_id", name="pk_measures"),
    )
    op.create_index("ix_measures_account_id", "measures", ["account_id"])
    op.create_index("ix_measures_review_id", "measures", ["review_id"])
