"""What is known about one account at decision time: its stored vector and scores, and the facts that bind at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from features.kernel.moments import moment_of, text_of
from serving.measures.model import Measure

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision or a score: a stable code, a plain sentence, the clause it rests on if there is one."""

    code: str
    text: str
    clause: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The reason as the contract writes it.

        >>> Reason("anomaly", "Trades at unusual hours.").to_json()
        {'code': 'anomaly', 'text': 'Trades at unusual hours.'}
        """
        return {"code": self.code, "text": self.text} | ({"clause": self.clause} if self.clause else {})

    @classmethod
    def from_json(cls, record: Json) -> "Reason":
        """The reason that `to_json` wrote."""
        return cls(record["code"], record["text"], record.get("clause"))


@dataclass(frozen=True, slots=True)
class Scores:
    """The models' outputs, None without a model: higher anomaly and violation is riskier, a higher M Score better."""

    anomaly_score: float | None = None
    anomaly_p_value: float | None = None
    violation_probability: Mapping[str, float] = field(default_factory=dict)
    m_score: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The scores as the contract writes them."""
        return {
            "anomaly_score": _number_or_null(self.anomaly_score),
            "anomaly_p_value": _number_or_null(self.anomaly_p_value),
            "violation_probability": dict(self.violation_probability),
            "m_score": _number_or_null(self.m_score),
        }

    @classmethod
    def from_json(cls, record: Json) -> "Scores":
        """The scores that `to_json` wrote."""
        return cls(
            record.get("anomaly_score"),
            record.get("anomaly_p_value"),
            dict(record.get("violation_probability") or {}),
            record.get("m_score"),
        )


@dataclass(frozen=True, slots=True)
class LegalOrder:
    """An order of a court or authority (clauses 4.4, 6d) with its scope: `freeze`, `withdrawals` or `trading`."""

    legal_order_id: str
    scope: str
    ts: datetime
    authority: str = ""
    expires_at: datetime | None = None
    lifted_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The order with its moments as text."""
        return {
            "legal_order_id": self.legal_order_id,
            "scope": self.scope,
            "ts": text_of(self.ts),
            "authority": self.authority,
            "expires_at": _text_or_null(self.expires_at),
            "lifted_at": _text_or_null(self.lifted_at),
        }

    @classmethod
    def from_json(cls, record: Json) -> "LegalOrder":
        """The order that `to_json` wrote."""
        return cls(
            record["legal_order_id"],
            record["scope"],
            moment_of(record["ts"]),
            record.get("authority") or "",
            _moment_or_none(record.get("expires_at")),
            _moment_or_none(record.get("lifted_at")),
        )


@dataclass(frozen=True, slots=True)
class WatchlistEntry:
    """One row of `watchlist` that concerns this account or its request.

    Entries of kind `address` and `country` are compared with the request; entries of any other kind were matched to
    the account (its id, owner, document, face, name or device) by whoever read them.
    """

    list: str
    kind: str
    value: str
    effective_from: datetime
    effective_to: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The entry with its moments as text."""
        return {
            "list": self.list,
            "kind": self.kind,
            "value": self.value,
            "effective_from": text_of(self.effective_from),
            "effective_to": _text_or_null(self.effective_to),
        }

    @classmethod
    def from_json(cls, record: Json) -> "WatchlistEntry":
        """The entry that `to_json` wrote."""
        return cls(
            record["list"],
            record["kind"],
            record["value"],
            moment_of(record["effective_from"]),
            _moment_or_none(record.get("effective_to")),
        )


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What binds at once and does not wait for the next vector.

    `kyc_level` is the approved level (0–3), `credential_changed_at` the latest change of a credential,
    `addresses_added` when each withdrawal address was last authorised, `ip_country` where the request came from.
    """

    kyc_level: int | None = None
    credential_changed_at: datetime | None = None
    addresses_added: Mapping[str, datetime] = field(default_factory=dict)
    legal_orders: tuple[LegalOrder, ...] = ()
    watchlist: tuple[WatchlistEntry, ...] = ()
    ip_country: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The facts with their moments as text."""
        return {
            "kyc_level": self.kyc_level,
            "credential_changed_at": _text_or_null(self.credential_changed_at),
            "addresses_added": {address: text_of(at) for address, at in self.addresses_added.items()},
            "legal_orders": [order.to_json() for order in self.legal_orders],
            "watchlist": [entry.to_json() for entry in self.watchlist],
            "ip_country": self.ip_country,
        }

    @classmethod
    def from_json(cls, record: Json) -> "AccountFacts":
        """The facts that `to_json` wrote."""
        return cls(
            record.get("kyc_level"),
            _moment_or_none(record.get("credential_changed_at")),
            {address: moment_of(at) for address, at in (record.get("addresses_added") or {}).items()},
            tuple(LegalOrder.from_json(order) for order in record.get("legal_orders", ())),
            tuple(WatchlistEntry.from_json(entry) for entry in record.get("watchlist", ())),
            record.get("ip_country"),
        )


@dataclass(frozen=True, slots=True)
class AccountState:
    """The one row a decision reads.

    `as_of` is the moment of the vector (None: no vector was built yet, `vector` is empty); a missing feature is NaN.
    `score_reasons` are the strongest reasons of the scores, `reviews` the ids of the reviews not yet closed, oldest
    first, `measures` those imposed and not lifted, `models` the version of each model that scored, by its name.
    """

    account_id: str
    as_of: datetime | None = None
    vector: Mapping[str, float] = field(default_factory=dict)
    scores: Scores = field(default_factory=Scores)
    facts: AccountFacts = field(default_factory=AccountFacts)
    score_reasons: tuple[Reason, ...] = ()
    reviews: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    catalogue: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The state as strict JSON: a missing feature is null, moments are text."""
        return {
            "account_id": self.account_id,
            "as_of": _text_or_null(self.as_of),
            "vector": {name: _number_or_null(value) for name, value in self.vector.items()},
            "scores": self.scores.to_json(),
            "facts": self.facts.to_json(),
            "score_reasons": [reason.to_json() for reason in self.score_reasons],
            "reviews": list(self.reviews),
            "measures": [measure.to_json() for measure in self.measures],
            "catalogue": self.catalogue,
            "models": dict(self.models),
        }

    @classmethod
    def from_json(cls, record: Json) -> "AccountState":
        """The state that `to_json` wrote."""
        return cls(
            account_id=record["account_id"],
            as_of=_moment_or_none(record.get("as_of")),
            vector={name: math.nan if value is None else value for name, value in record.get("vector", {}).items()},
            scores=Scores.from_json(record.get("scores") or {}),
            facts=AccountFacts.from_json(record.get("facts") or {}),
            score_reasons=tuple(Reason.from_json(reason) for reason in record.get("score_reasons", ())),
            reviews=tuple(record.get("reviews", ())),
            measures=tuple(Measure.from_json(measure) for measure in record.get("measures", ())),
            catalogue=record.get("catalogue"),
            models=dict(record.get("models") or {}),
        )


def _text_or_null(moment: datetime | None) -> str | None:
    return None if moment is None else text_of(moment)


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else moment_of(text)


def _number_or_null(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
