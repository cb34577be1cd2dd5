"""The account record: what is known about accounts now, one table a subject."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"

REVISED = ("accounts", "legal_orders", "watchlist", "measures")
REQUIRED = {
    "accounts": ("account_id",),
    "legal_orders": ("legal_order_id", "account_id", "scope"),
    "watchlist": ("list", "kind", "value"),
    "credential_changes": ("account_id", "event_id"),
    "withdrawal_addresses": ("account_id", "address"),
    "identifiers": ("account_id", "kind", "value"),
    "measures": ("event_id", "account_id", "measure", "state"),
    "countries": ("account_id",),
}
OPTIONAL = {
    "accounts": ("kind", "owner_id", "country"),
    "legal_orders": ("authority",),
    "watchlist": ("source",),
    "countries": ("ip_country",),
}
MOMENTS = {
    "legal_orders": {"ts": False, "expires_at": True, "lifted_at": True},
    "watchlist": {"effective_from": False, "effective_to": True},
    "credential_changes": {"ts": False},
    "withdrawal_addresses": {"ts": False},
    "measures": {"ts": False, "ends_at": True},
    "countries": {"ts": False},
}
INDEXES = {
    "accounts": ("account_id",),
    "legal_orders": ("account_id",),
    "watchlist": ("kind", "value"),
    "credential_changes": ("account_id", "ts"),
    "withdrawal_addresses": ("account_id", "address", "ts"),
    "identifiers": ("account_id",),
    "measures": ("account_id",),
    "countries": ("account_id", "ts"),
}


def upgrade() -> None:
    """Make the tables and their indexes."""
    for subject, required in REQUIRED.items():
        name = f"record_{subject}"
        columns: list[sa.Column[Any]] = [
            sa.Column("row_key", sa.Text, nullable=False),
            sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
            *(sa.Column(column, sa.Text, nullable=False) for column in required),
            *(sa.Column(column, sa.Text) for column in OPTIONAL.get(subject, ())),
            *(
                sa.Column(column, sa.DateTime(timezone=True), nullable=may_be_null)
                for column, may_be_null in MOMENTS.get(subject, {}).items()
            ),
        ]
        if subject in REVISED:
            columns += [
                sa.Column("known_until", sa.DateTime(timezone=True)),
                sa.Column("waits", sa.Boolean, nullable=False),
            ]
        if subject == "accounts":
            columns.append(sa.Column("market_maker", sa.Boolean))
        op.create_table(name, *columns, sa.PrimaryKeyConstraint("row_key", name=f"pk_{name}"))
        op.create_index(f"ix_{name}_{'_'.join(INDEXES[subject])}", name, list(INDEXES[subject]))
