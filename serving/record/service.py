"""Turns restrictions in force (credentials, addresses, orders, lists) into the facts a decision reads."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from features.restrictions import Restrictions
from serving.measures.model import Measure, MeasureState
from serving.record.model import AccountFacts, LegalOrder, WatchlistEntry

RECORDED = "record"
"""The key of the state of the service under which stands what of the lake the record holds."""


def account_facts(restrictions: Restrictions) -> Mapping[str, AccountFacts]:
    """The facts of every account that has any; an account not named has `facts_of_all_accounts`."""
    changed = {row["account_id"]: _moment(row["changed_at"]) for row in _rows(restrictions.credential_changes)}
    countries = {row["account_id"]: str(row["ip_country"]) for row in _rows(restrictions.countries)}
    addresses: dict[str, dict[str, datetime]] = defaultdict(dict)
    for row in _rows(restrictions.addresses):
        addresses[row["account_id"]][row["address"]] = row["added_at"].to_pydatetime()
    orders: dict[str, list[LegalOrder]] = defaultdict(list)
    for row in _rows(restrictions.legal_orders):
        orders[row["account_id"]].append(_order(row))
    listed: dict[str, list[WatchlistEntry]] = defaultdict(list)
    for row in _rows(restrictions.listed):
        listed[row["account_id"]].append(_entry(row))
    common = facts_of_all_accounts(restrictions).watchlist
    named = changed.keys() | countries.keys() | addresses.keys() | orders.keys() | listed.keys()
    return {
        account: AccountFacts(
            credential_changed_at=changed.get(account),
            addresses_added=addresses.get(account, {}),
            legal_orders=tuple(orders.get(account, ())),
            watchlist=(*listed.get(account, ()), *common),
            ip_country=countries.get(account),
        )
        for account in named
    }


def measures_imposed(restrictions: Restrictions) -> Mapping[str, tuple[Measure, ...]]:
    """The measures imposed earlier and still in force, by account (activity table `enforcements`, clause 7)."""
    imposed: dict[str, list[Measure]] = defaultdict(list)
    for row in _rows(restrictions.enforcements):
        imposed[row["account_id"]].append(
            Measure(
                measure_id=row["event_id"],
                measure=row["measure"],
                account_id=row["account_id"],
                clause="7",
                scope="account",
                starts_at=row["ts"].to_pydatetime(),
                decided_by="imported",
                state=MeasureState.IN_FORCE,
                ends_at=_moment(row["ends_at"]),
            )
        )
    return {account: tuple(measures) for account, measures in imposed.items()}


def facts_of_all_accounts(restrictions: Restrictions) -> AccountFacts:
    """The facts of an account without facts of its own: the lists its requests are compared with."""
    return AccountFacts(watchlist=tuple(_entry(row) for row in _rows(restrictions.lists)))


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    return rows


def _order(row: Mapping[str, Any]) -> LegalOrder:
    return LegalOrder(
        row["legal_order_id"],
        row["scope"],
        row["ts"].to_pydatetime(),
        row["authority"],
        _moment(row["expires_at"]),
        _moment(row["lifted_at"]),
    )


def _entry(row: Mapping[str, Any]) -> WatchlistEntry:
    starts = row["effective_from"].to_pydatetime()
    return WatchlistEntry(row["list"], row["kind"], row["value"], starts, _moment(row["effective_to"]))


def _moment(stamp: Any) -> datetime | None:
    if pd.isna(stamp):
        return None
    moment: datetime = stamp.to_pydatetime()
    return moment
