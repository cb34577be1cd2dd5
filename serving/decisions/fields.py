"""Binds an account's state and its request to the fields the account rules read: scores, facts, lists, measures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.activity.identifiers import comparable, spelt, spelt_as_listed
from serving.decisions.request import DecisionRequest
from serving.measures.model import Measure, MeasureState
from serving.policy.book import Policy
from serving.policy.fields import PROBABILITY_PREFIX, RECORD_FIELDS
from serving.policy.terms import TYPOLOGIES, Value
from serving.record.model import AccountState, LegalOrder, Scores, WatchlistEntry

_HOUR = timedelta(hours=1)
_LISTS = ("sanctions", "criminal", "banned_identity", "mixer")
_STRONG_KINDS = ("account", "owner", "document", "face")
_WEAK_KINDS = ("name", "device")
_COUNTRY_LISTS = {"prohibited_country": "prohibited", "edd_country": "edd"}
_MEASURES: Mapping[str, tuple[str, ...]] = {
    "withdrawal_hold_in_force": ("withdrawal_hold",),
    "deposit_hold_in_force": ("deposit_hold",),
    "restriction_in_force": ("restriction", "access_suspension", "asset_freeze", "exclusion", "closure"),
    "trading_suspension_in_force": ("trading_suspension",),
    "close_only_in_force": ("close_only", "reduce_only"),
    "observation_in_force": ("observation",),
}
_MAY_NAME_A_MARKET = ("trading_suspension", "close_only", "reduce_only")
_PRODUCTS = ("spot", "perp")


@dataclass(frozen=True, slots=True)
class Clock:
    """The service's moment, by which everything starts and ends, and the moment to which hours are counted.

    A request says itself when it happened: that may leave fewer hours behind an event, and never ends anything.
    """

    now: datetime
    counted_to: datetime

    @classmethod
    def of(cls, occurred_at: datetime, now: datetime) -> "Clock":
        """The clock for a request: hours count to it, or to the present moment if it claims a later one."""
        return cls(now, min(occurred_at, now))

    def is_in_force(self, start: datetime, *ends: datetime | None) -> bool:
        """Whether something that starts at `start` and is over at the first of its `ends` is in force now."""
        return start <= self.now and all(end is None or end > self.now for end in ends)


def account_fields(state: AccountState, clock: Clock, request: DecisionRequest | None = None) -> dict[str, Value]:
    """Every field an account rule may read: the vector, scores, facts in force, and the request if there is one.

    The batch run passes the moment it judges and no request; the request's fields are then unknown.
    """
    return {
        **state.vector,
        **_score_fields(state.scores),
        **_request_fields(state, clock, request),
        **_fact_fields(state, clock, request),
        **_measure_fields(measures_in_force(state, clock), request),
    }


def unknown_fields(
    state: AccountState, request: DecisionRequest, policy: Policy, *, is_vector_known: bool, is_record_known: bool
) -> frozenset[str]:
    """The fields whose value is not known: of the vector, the record, the scores that rules read, and the request.

    A missing address or product is left to the floor for requests: money also leaves for banks, most orders are spot.

    A value that was looked up and is not there is known. The values of a vector that is too old stay readable; they
    are among the unknown, because they may have changed.
    """
    kyc_level = () if "kyc_level" in state.vector or state.facts.kyc_level is not None else ("kyc_level",)
    vector = () if is_vector_known else policy.features
    record = () if is_record_known else RECORD_FIELDS
    left_out = ["request_amount_usd"] if "amount_usd" in request.left_out else []
    return frozenset((*kyc_level, *vector, *record, *left_out, *(_missing_scores(state.scores) & policy.scores)))


def measures_in_force(state: AccountState, clock: Clock) -> tuple[Measure, ...]:
    """The measures on the account that bind now, in the order they are stored."""
    return tuple(
        measure
        for measure in state.measures
        if measure.state is MeasureState.IN_FORCE and clock.is_in_force(measure.starts_at, measure.ends_at)
    )


def _score_fields(scores: Scores) -> dict[str, Value]:
    probabilities = {PROBABILITY_PREFIX + name: scores.violation_probability.get(name) for name in TYPOLOGIES}
    return {
        "anomaly_score": scores.anomaly_score,
        "anomaly_p_value": scores.anomaly_p_value,
        "m_score": scores.m_score,
        **probabilities,
    }


def _missing_scores(scores: Scores) -> set[str]:
    """The scores that no model gave; that a model has no typology of some name is known."""
    missing = {"m_score"} if scores.m_score is None else set()
    missing |= {"anomaly_score", "anomaly_p_value"} if scores.anomaly_p_value is None else set()
    typologies = TYPOLOGIES if not scores.violation_probability else ()
    return missing | {PROBABILITY_PREFIX + name for name in typologies}


def _request_fields(state: AccountState, clock: Clock, request: DecisionRequest | None) -> dict[str, Value]:
    entries = [entry for entry in _entries_in_force(state, clock) if entry.kind == "address"]
    address = spelt("address", request.address) if request and request.address else None
    address_list = _most_severe_list(entry for entry in entries if spelt_as_listed(entry.kind, entry.value) == address)
    amount = request.amount_usd if request else None
    return {
        "request_type": request.type if request else None,
        "request_amount_usd": None if amount is None else float(amount),
        "request_asset": spelt("asset", request.asset) if request and request.asset else None,
        "request_symbol": spelt("symbol", request.symbol) if request and request.symbol else None,
        "request_product": request.product if request else None,
        "request_side": request.side if request else None,
        "request_effect": request.effect if request else None,
        "request_device_is_new": _is_device_new(state, request),
        "request_address_on_watchlist": address_list is not None,
        "request_address_list": address_list,
    }


def _is_device_new(state: AccountState, request: DecisionRequest | None) -> bool | None:
    """Whether the account never used the device; None where the request names none, or none of the account is known.

    A stand-in such as `unknown` is no device that the account used.
    """
    used_before = state.facts.devices_seen
    if request is None or request.device_id is None or used_before is None:
        return None
    return comparable("token", request.device_id) not in used_before


def _fact_fields(state: AccountState, clock: Clock, request: DecisionRequest | None) -> dict[str, Value]:
    facts = state.facts
    orders = [o for o in facts.legal_orders if clock.is_in_force(o.ts, o.expires_at, o.lifted_at)]
    entries = _entries_in_force(state, clock)
    account_list = _most_severe_list(entry for entry in entries if entry.kind in _STRONG_KINDS)
    added_at = _added_at(facts.addresses_added, request.address) if request and request.address else None
    kyc_level = state.vector.get("kyc_level") if facts.kyc_level is None else facts.kyc_level
    return {
        "kyc_level": kyc_level,
        "hours_since_credential_change": _hours_between(facts.credential_changed_at, clock.counted_to),
        "hours_since_address_added": _hours_between(added_at, clock.counted_to),
        "legal_order_in_force": bool(orders),
        "legal_order_scope": _joint_scope(orders),
        "account_on_watchlist": account_list is not None,
        "account_list": account_list,
        "account_resembles_listed": any(entry.kind in _WEAK_KINDS for entry in entries),
        "ip_country_listed": _country_list(entries, _countries_of(facts.ip_country, request)),
    }


def _measure_fields(measures: Iterable[Measure], request: DecisionRequest | None) -> dict[str, Value]:
    measures_in_force = {measure.measure for measure in measures if _concerns(measure, request)}
    return {name: not measures_in_force.isdisjoint(kinds) for name, kinds in _MEASURES.items()}


def _concerns(measure: Measure, request: DecisionRequest | None) -> bool:
    if request is None or measure.measure not in _MAY_NAME_A_MARKET:
        return True
    if measure.scope in _PRODUCTS:
        return request.product in (None, measure.scope)
    names_a_symbol = measure.scope.isupper()
    return not names_a_symbol or request.symbol is None or spelt("symbol", request.symbol) == measure.scope


def _added_at(added: Mapping[str, datetime], address: str) -> datetime | None:
    """When an address was last authorised, however it was written then."""
    wanted = spelt("address", address)
    return max((at for written, at in added.items() if spelt("address", written) == wanted), default=None)


def _entries_in_force(state: AccountState, clock: Clock) -> list[WatchlistEntry]:
    return [entry for entry in state.facts.watchlist if clock.is_in_force(entry.effective_from, entry.effective_to)]


def _most_severe_list(entries: Iterable[WatchlistEntry]) -> str | None:
    lists = {entry.list for entry in entries}
    return next((name for name in _LISTS if name in lists), None)


def _countries_of(last_country: str | None, request: DecisionRequest | None) -> set[str]:
    """Where the request comes from: the country that it names, and the one that the account was last seen in."""
    named = request.ip_country if request else None
    return {spelt("country", country) for country in (last_country, named) if country is not None}


def _country_list(entries: Iterable[WatchlistEntry], countries: set[str]) -> str | None:
    lists = {e.list for e in entries if e.kind == "country" and spelt_as_listed(e.kind, e.value) in countries}
    return next((word for name, word in _COUNTRY_LISTS.items() if name in lists), None)


def _joint_scope(orders: Iterable[LegalOrder]) -> str | None:
    scopes = {order.scope for order in orders}
    # An order on withdrawals and another on trading stop together what a freeze stops.
    return "freeze" if "freeze" in scopes or len(scopes) > 1 else next(iter(scopes), None)


def _hours_between(earlier: datetime | None, later: datetime) -> float | None:
    return None if earlier is None else (later - earlier) / _HOUR
