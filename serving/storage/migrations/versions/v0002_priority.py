"""The priority of a review, by which the queue can be ordered; cases from before have 0 and come last."""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Add the column and the index of that order."""
    op.add_column("reviews", sa.Column("priority", sa.Float, nullable=False, server_default="0"))
    op.create_index("ix_reviews_priority_due_at_review_id", "reviews", ["priority", "due_at", "review_id"])
