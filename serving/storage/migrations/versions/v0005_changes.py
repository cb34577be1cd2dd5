"""Changes: who asked for a row that ends a restriction, and who let it."""

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"

CHANGES = sa.table(
    "record_changes",
    *(sa.column(name) for name in ("change_id", "subject", "row_key", "state", "proposed_by", "proposed_at")),
)
REVISED = ("accounts", "legal_orders", "watchlist", "measures")


def upgrade() -> None:
    """Make the table; rows that wait already were brought by imports."""
    op.create_table(
        "record_changes",
        sa.Column("change_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("row_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decision_reason", sa.Text),
        sa.PrimaryKeyConstraint("change_id", name="pk_record_changes"),
    )
    op.create_index("ix_record_changes_state_proposed_at", "record_changes", ["state", "proposed_at"])
    for subject in REVISED:
        rows = sa.table(f"record_{subject}", sa.column("row_key"), sa.column("known_from"), sa.column("waits"))
        waiting = sa.select(
            sa.literal("chg_").concat(sa.func.substr(rows.c.row_key, 1, 24)),
            sa.literal(subject),
            rows.c.row_key,
            sa.literal("awaiting_approval"),
            sa.literal("import"),
            rows.c.known_from,
        ).where(rows.c.waits.is_(sa.true()))
        op.execute(sa.insert(CHANGES).from_select([column.name for column in CHANGES.columns], waiting))
