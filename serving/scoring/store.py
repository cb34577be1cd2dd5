"""Stored drift checks: the last one whole, earlier ones as figures."""

from typing import Any

from serving.storage.database import Transaction
from serving.storage.service_state import ServiceState

KEY = "drift"


LAST_RUN = "last_score"
"""The key of the state of the service under which the newest scoring run is kept."""


def drift_checks(transaction: Transaction) -> dict[str, Any]:
    """The `latest` check and the `history` of figures; empty before the first check."""
    return ServiceState(transaction).get(KEY) or {}
