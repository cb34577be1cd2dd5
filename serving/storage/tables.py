"""The tables as SQLAlchemy metadata: the one description that repositories query and migrations are compared with."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcMoment(TypeDecorator[datetime]):
    """A moment with a zone on our side, in UTC in the database (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as the database takes it."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """The moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)  # type: ignore[no-any-return]


account_state = Table(
    "account_state",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("as_of", UtcMoment),
    Column("state", JSON, nullable=False),
    Column("updated_at", UtcMoment, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("decided_at", UtcMoment, nullable=False),
    Column("client", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("request", JSON, nullable=False),
    Column("answer", JSON, nullable=False),
    Column("shadow_rules", JSON, nullable=False),
    UniqueConstraint("client", "idempotency_key"),
    Index(None, "account_id", "decided_at"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("review_id", Text, primary_key=True),
    Column("dedup_key", Text, nullable=False, unique=True),
    Column("opened_at", UtcMoment, nullable=False),
    Column("due_at", UtcMoment, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("typology", Text, nullable=False),
    Column("case", JSON, nullable=False),
    Column("priority", Float, nullable=False, server_default="0"),
    Index(None, "severity", "due_at", "review_id"),
    Index(None, "priority", "due_at", "review_id"),
)

review_accounts = Table(
    "review_accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("review_id", Text, ForeignKey("reviews.review_id"), primary_key=True),
)

review_events = Table(
    "review_events",
    metadata,
    Column("review_id", Text, ForeignKey("reviews.review_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("done_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("changes", JSON, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("revoked_at", UtcMoment),
)

service_state = Table(
    "service_state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", UtcMoment, nullable=False),
)

APPEND_ONLY = ("decisions", "reviews", "review_accounts", "review_events")
