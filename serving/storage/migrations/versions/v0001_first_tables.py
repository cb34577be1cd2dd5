"""The first tables, and triggers that keep decisions, reviews and review events append-only."""

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None

APPEND_ONLY = ("decisions", "reviews", "review_accounts", "review_events")


def upgrade() -> None:
    """Make the tables, their indexes and their triggers."""
    _current_state()
    _records()
    _people()
    for table in APPEND_ONLY:
        _forbid_changes(table)


def _current_state() -> None:
    op.create_table(
        "account_state",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_state"),
    )
    op.create_table(
        "service_state",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_service_state"),
    )


def _records() -> None:
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("answer", sa.JSON, nullable=False),
        sa.Column("shadow_rules", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_decisions"),
        sa.UniqueConstraint("client", "idempotency_key", name="uq_decisions_client_idempotency_key"),
    )
    op.create_index("ix_decisions_account_id_decided_at", "decisions", ["account_id", "decided_at"])
    op.create_table(
        "reviews",
        sa.Column("review_id", sa.Text, nullable=False),
        sa.Column("dedup_key", sa.Text, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("typology", sa.Text, nullable=False),
        sa.Column("case", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("review_id", name="pk_reviews"),
        sa.UniqueConstraint("dedup_key", name="uq_reviews_dedup_key"),
    )
    op.create_index("ix_reviews_severity_due_at_review_id", "reviews", ["severity", "due_at", "review_id"])
    op.create_table(
        "review_accounts",
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("review_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "review_id", name="pk_review_accounts"),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"], name="fk_review_accounts_review_id"),
    )
    op.create_table(
        "review_events",
        sa.Column("review_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_by", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("review_id", "version", name="pk_review_events"),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.review_id"], name="fk_review_events_review_id"),
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
    )


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
