"""What looks at drift found: the last one whole, those before in figures."""

from typing import Any

from serving.storage.database import Transaction
from serving.storage.service_state import ServiceState

KEY = "drift"


def looks(transaction: Transaction) -> dict[str, Any]:
    """The `latest` look and the `history` of figures; empty where nobody has looked yet."""
    return ServiceState(transaction).get(KEY) or {}
