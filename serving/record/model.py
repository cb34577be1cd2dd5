"""What is known about one account at decision time: its stored vector and scores, and the facts that bind at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import Field

from features.kernel.stored import LEFT_OUT, Document, Moment, Number, Numbers, Part, Upgrade
from serving.measures.model import Measure


def is_empty(value: Any) -> bool:
    """Whether there is nothing in the value."""
    return not value


def without_nulls(state: dict[str, Any]) -> dict[str, Any]:
    """Version 0 may hold null for a part that is missing."""
    state = _set(state)
    return state | {name: _set(state[name]) for name in ("scores", "facts") if name in state}


def _set(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Reason(Part):
    """One reason of a decision or a score: a stable code, a plain sentence, the clause it rests on if there is one.

    An `internal` one is for the exchange alone (clause 7.4.5); the holder is told the message of the decision.
    """

    code: str
    text: str
    clause: Annotated[str | None, Field(exclude_if=is_empty)] = None
    internal: Annotated[bool, Field(exclude_if=is_empty)] = False


@dataclass(frozen=True, slots=True)
class Scores(Part):
    """The models' outputs, None without a model: higher anomaly and violation is riskier, a higher M Score better."""

    anomaly_score: Number | None = None
    anomaly_p_value: Number | None = None
    violation_probability: Numbers = field(default_factory=dict)
    m_score: Number | None = None


@dataclass(frozen=True, slots=True)
class LegalOrder(Part):
    """An order of a court or authority (clauses 4.4, 6d) with its scope: `freeze`, `withdrawals` or `trading`."""

    legal_order_id: str
    scope: str
    ts: Moment
    authority: str = ""
    expires_at: Moment | None = None
    lifted_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class WatchlistEntry(Part):
    """One row of `watchlist` that concerns this account or its request.

    Entries of kind `address` and `country` are compared with the request; entries of any other kind were matched to
    the account (its id, owner, document, face, name or device) by whoever read them.
    """

    list: str
    kind: str
    value: str
    effective_from: Moment
    effective_to: Moment | None = None


@dataclass(frozen=True, slots=True)
class AccountFacts(Part):
    """What binds at once and does not wait for the next vector.

    `kyc_level` is the approved level (0–3), `credential_changed_at` the latest change of a credential,
    `addresses_added` when each withdrawal address was last authorised, `ip_country` where the account was last seen,
    `devices_seen` those of the devices asked about that the account used before (None: no device of it is known).
    """

    kyc_level: int | None = None
    credential_changed_at: Moment | None = None
    addresses_added: Mapping[str, Moment] = field(default_factory=dict)
    legal_orders: tuple[LegalOrder, ...] = ()
    watchlist: tuple[WatchlistEntry, ...] = ()
    ip_country: str | None = None
    devices_seen: Annotated[tuple[str, ...] | None, LEFT_OUT] = None


@dataclass(frozen=True, slots=True)
class AccountState(Document):
    """The one row a decision reads.

    `as_of` is the moment of the vector (None: no vector was built yet, `vector` is empty); a missing feature is NaN.
    `score_reasons` are the strongest reasons of the scores, `reviews` the ids of the reviews not yet closed, oldest
    first, `measures` those imposed and not lifted, `models` the version of each model that scored, by its name.
    """

    upgrades: ClassVar[Mapping[int, Upgrade]] = {0: without_nulls}

    account_id: str
    as_of: Moment | None = None
    vector: Numbers = field(default_factory=dict)
    scores: Scores = field(default_factory=Scores)
    facts: AccountFacts = field(default_factory=AccountFacts)
    score_reasons: tuple[Reason, ...] = ()
    reviews: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    catalogue: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
