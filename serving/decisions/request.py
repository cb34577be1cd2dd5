"""The action of a decision request, which an account asks for, and its JSON form (docs/activity-schema.md#decision)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from features.kernel.documents import adapter_of
from features.kernel.errors import Invalid
from features.kernel.stored import Document, Json, Moment

ACTION_TYPES = ("withdrawal", "deposit", "order", "login", "transfer", "subscription", "upgrade", "account")
MONEY_OUT = ("withdrawal", "transfer")
TO_BE_NAMED: Mapping[str, tuple[str, ...]] = {
    "withdrawal": ("address", "amount_usd"),
    "transfer": ("amount_usd",),
    "order": ("product",),
}
"""By action type what rules have to read; a request that leaves it out is decided, but not as if it were harmless."""

_AMOUNTS = ("amount_usd", "price", "quantity")


@dataclass(frozen=True, slots=True)
class DecisionRequest(Document):
    """What an account asks to do (`action` of the contract); `type` is one of `ACTION_TYPES`, `effect` open or close.

    In JSON money is written as decimal strings, and what was not given is left out.

    Raises:
        Invalid: an unknown action type, or an amount that is negative or not finite.
    """

    account_id: str
    type: str
    occurred_at: Moment
    amount_usd: Decimal | None = None
    asset: str | None = None
    address: str | None = None
    symbol: str | None = None
    product: str | None = None
    side: str | None = None
    effect: str | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    ip: str | None = None
    device_id: str | None = None
    session_id: str | None = None
    ip_country: str | None = None

    @property
    def amounts(self) -> dict[str, Decimal]:
        """The amounts that the request gives, by name."""
        return {name: amount for name in _AMOUNTS if (amount := getattr(self, name)) is not None}

    @property
    def meaning(self) -> Json:
        """The request in JSON with each amount written in one way, without zeros at its end."""
        document = self.to_json()
        written = {name: f"{amount:f}" for name, amount in self.amounts.items()}
        plain = {name: text.rstrip("0").rstrip(".") if "." in text else text for name, text in written.items()}
        return document | {"action": document["action"] | plain}

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the request does not name although rules have to read it."""
        return tuple(name for name in TO_BE_NAMED.get(self.type, ()) if getattr(self, name) is None)

    def __post_init__(self) -> None:
        """Refuses what no rule could judge."""
        if self.type not in ACTION_TYPES:
            raise Invalid(f"There is no action type {self.type!r}; the types are {', '.join(ACTION_TYPES)}.")
        for name, amount in self.amounts.items():
            if not (amount.is_finite() and amount >= 0):
                raise Invalid(f"`{name}` is {amount}; it must be a finite number and not negative.")

    @classmethod
    def from_json(cls, record: Json) -> Self:
        """The request that `to_json` wrote."""
        action: Json = record["action"]
        return cls._read({"account_id": record["account_id"], **action})

    def _written(self, is_stored: bool) -> dict[str, Any]:
        action = adapter_of(DecisionRequest).dump_python(self, mode="json", exclude_none=True)
        return {"account_id": action.pop("account_id"), "action": action}
