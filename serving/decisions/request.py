"""What an account asks to do: the action of a decision request, and its JSON form (activity schema, Decision)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from features.kernel.errors import Invalid
from features.kernel.moments import moment_of, text_of
from serving.record.model import Json

ACTION_TYPES = ("withdrawal", "deposit", "order", "login", "transfer", "subscription", "upgrade", "account")
MONEY_OUT = ("withdrawal", "transfer")

_AMOUNTS = ("amount_usd", "price", "quantity")


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """What an account asks to do (`action` of the contract); `type` is one of `ACTION_TYPES`, `effect` open or close.

    Raises:
        Invalid: an unknown action type, or an amount that is negative or not finite.
    """

    account_id: str
    type: str
    occurred_at: datetime
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

    def __post_init__(self) -> None:
        """Refuses what no rule could judge."""
        if self.type not in ACTION_TYPES:
            raise Invalid(f"There is no action type {self.type!r}; the types are {', '.join(ACTION_TYPES)}.")
        for name in _AMOUNTS:
            amount = getattr(self, name)
            if amount is not None and not (amount.is_finite() and amount >= 0):
                raise Invalid(f"`{name}` is {amount}; it must be a finite number and not negative.")

    def to_json(self) -> dict[str, Any]:
        """The request as the contract writes it, money as decimal strings; what was not given is left out."""
        action = {name: getattr(self, name) for name in self.__slots__ if name not in ("account_id", "occurred_at")}
        given = {name: str(value) for name, value in action.items() if value is not None}
        return {"account_id": self.account_id, "action": given | {"occurred_at": text_of(self.occurred_at)}}

    @classmethod
    def from_json(cls, record: Json) -> "DecisionRequest":
        """The request that `to_json` wrote."""
        action: dict[str, Any] = dict(record["action"])
        for name in _AMOUNTS:
            if name in action:
                action[name] = Decimal(str(action[name]))
        action["occurred_at"] = moment_of(action["occurred_at"])
        return cls(record["account_id"], **action)
