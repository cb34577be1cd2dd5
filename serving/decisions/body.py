"""The request of POST /v1/decisions as it comes over the wire, checked field by field."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from serving.decisions.request import DecisionRequest

# More than any market is worth, and small enough to stay exact and finite in every rule.
LARGEST_AMOUNT = Decimal("1e15")


def _is_no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("give a number, or a number as a string")
    return value


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Amount = Annotated[
    Decimal,
    BeforeValidator(_is_no_bool),
    Field(ge=0, le=LARGEST_AMOUNT, allow_inf_nan=False),
]


class ActionBody(BaseModel):
    """What the account wants to do; an unknown field is refused, because a misspelt address would not be checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["withdrawal", "deposit", "order", "login", "transfer", "subscription", "upgrade", "account"]
    occurred_at: AwareDatetime
    amount_usd: Amount | None = None
    asset: Text | None = None
    address: Text | None = None
    symbol: Text | None = None
    product: Literal["spot", "perp"] | None = None
    side: Literal["buy", "sell"] | None = None
    effect: Literal["open", "close", "none"] | None = None
    price: Amount | None = None
    quantity: Amount | None = None
    ip: Text | None = None
    device_id: Text | None = None
    session_id: Text | None = None


class DecisionBody(BaseModel):
    """Who asks for what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: Text
    action: ActionBody

    def request(self) -> DecisionRequest:
        """The request as the decision takes it."""
        action = self.action.model_dump() | {"occurred_at": _in_utc(self.action.occurred_at)}
        return DecisionRequest(account_id=self.account_id, **action)
