"""Small facts about the service itself, by key: versions in force, the last run."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Table, Text, delete, insert, select

from serving.storage.database import Transaction
from serving.storage.metadata import UtcMoment, metadata

service_state = Table(
    "service_state",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("updated_at", UtcMoment, nullable=False),
)


class ServiceState:
    """The service's facts as one transaction sees them; a value is anything JSON can hold."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    def put(self, key: str, value: Any, updated_at: datetime) -> None:
        """Keep the value under the key, in place of what was there."""
        self._connection.execute(delete(service_state).where(service_state.c.key == key))
        self._connection.execute(insert(service_state), {"key": key, "value": value, "updated_at": updated_at})

    def get(self, key: str) -> Any | None:
        """The value under the key, or None."""
        query = select(service_state.c.value).where(service_state.c.key == key)
        return self._connection.execute(query).scalar_one_or_none()
