"""The request of POST /v1/decisions as it comes over the wire, checked field by field."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from features.activity.identifiers import ID_PATTERN
from serving.decisions.request import DecisionRequest

# The bounds of activity (docs/activity-schema.md#bad-input), so that what is decided can be imported later.
ISO = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}")
MAX_USD, MAX_QUANTITY = Decimal("1e12"), Decimal("1e24")


def _is_no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("give a number, or a number as a string")
    return value


def _is_iso(value: object) -> object:
    """Nothing is guessed: a number might be seconds or milliseconds."""
    if not isinstance(value, str) or not ISO.match(value):
        raise ValueError("write it in ISO 8601 with the time zone, as in 2025-05-31T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("give the time zone, as in 2025-05-31T12:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("lies outside the calendar once it is written in UTC") from None


Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
AccountId = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Moment = Annotated[datetime, BeforeValidator(_is_iso, json_schema_input_type=datetime), AfterValidator(_in_utc)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$")]
Amount = Annotated[Decimal, BeforeValidator(_is_no_bool), Field(ge=0, lt=MAX_USD, allow_inf_nan=False)]
Price = Annotated[Decimal, BeforeValidator(_is_no_bool), Field(ge=0, le=MAX_USD, allow_inf_nan=False)]
Quantity = Annotated[Decimal, BeforeValidator(_is_no_bool), Field(ge=0, lt=MAX_QUANTITY, allow_inf_nan=False)]


class ActionBody(BaseModel):
    """What the account wants to do; an unknown field is refused, because a misspelt address would not be checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["withdrawal", "deposit", "order", "login", "transfer", "subscription", "upgrade", "account"]
    occurred_at: Moment
    amount_usd: Amount | None = None
    asset: Text | None = None
    address: Text | None = None
    symbol: Text | None = None
    product: Literal["spot", "perp"] | None = None
    side: Literal["buy", "sell"] | None = None
    effect: Literal["open", "close", "none"] | None = None
    price: Price | None = None
    quantity: Quantity | None = None
    ip: Text | None = None
    device_id: Text | None = None
    session_id: Text | None = None
    ip_country: Country | None = None


class DecisionBody(BaseModel):
    """Who asks for what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: AccountId
    action: ActionBody

    def request(self) -> DecisionRequest:
        """The request as the decision takes it."""
        return DecisionRequest(account_id=self.account_id, **self.action.model_dump())
