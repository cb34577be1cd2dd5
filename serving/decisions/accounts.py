"""One account as it stands now, as JSON: who it is, what was found of it, what binds it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from features.kernel.errors import NotFound
from features.kernel.moments import text_of
from serving.decisions.account_status import AccountStatus, in_force_now
from serving.measures.automatic import cooling_off
from serving.measures.model import Measure, MeasureState
from serving.measures.service import ended_by_time, running_everywhere
from serving.record.known import Lookup, Record
from serving.record.model import AccountState
from serving.storage import Database
from serving.storage.database import Transaction

MAX_UNREVIEWED = 0.2
"""From which share of holds that end unreviewed the desk is too slow, or the rules too quick."""
OF_THE_ACCOUNT = ("account", "owner", "document", "face", "name", "device")


def account_document(database: Database, account_id: str, now: datetime) -> dict[str, Any]:
    """The record of an account: kind, verification, lists it is on, orders, measures, scores.

    Raises:
        NotFound: nothing was ever versions of the account.
    """
    with database.reading() as transaction:
        status, restrictions = _status_of(transaction, account_id, now)
        versions = Record(transaction).of_thing("accounts", account_id=account_id)
    state = status.state
    if not (versions or state.as_of or status.is_unreadable or any(restrictions.values())):
        raise NotFound(f"Nothing is known of an account {account_id!r}; check the id.")
    newest: Mapping[str, Any] = max(versions, key=lambda row: row["known_from"], default={})
    level = state.facts.kyc_level if state.facts.kyc_level is not None else state.vector.get("kyc_level")
    return {
        "account_id": account_id,
        "kind": newest.get("kind"),
        "country": newest.get("country"),
        "market_maker": newest.get("market_maker"),
        "kyc_level": None if level is None or level != level else int(level),
        **restrictions,
        "open_reviews": list(state.reviews),
        "as_of": text_of(state.as_of) if state.as_of else None,
        "scores": state.scores.to_json(),
        "record_known": status.is_record_known,
    }


def restrictions_document(database: Database, account_id: str, now: datetime) -> dict[str, Any]:
    """What binds an account at this moment: lists it is on, legal orders, measures."""
    with database.reading() as transaction:
        status, restrictions = _status_of(transaction, account_id, now)
    at = {"account_id": account_id, "judged_at": text_of(now), "record_known": status.is_record_known}
    return at | restrictions


def measures_document(database: Database, account_id: str | None, now: datetime) -> dict[str, Any]:
    """The measures in force of one account, whoever imposed them; of all accounts those imposed here.

    `automatic` says how many measures that rules started are over, and what share of them no person looked at.
    """
    with database.reading() as transaction:
        if account_id is None:
            in_force = running_everywhere(transaction, now)
        else:
            state = in_force_now(transaction, [Lookup(account_id)], now)[0].state
            in_force = _measures(transaction, state, now)
        ended, unreviewed = ended_by_time(transaction, now)
    share = unreviewed / ended if ended else None
    automatic = {"ended": ended, "ended_unreviewed": unreviewed, "share": share, "alarm": (share or 0) > MAX_UNREVIEWED}
    return {"measures": [measure.to_json() for measure in in_force], "automatic": automatic}


def _status_of(transaction: Transaction, account_id: str, now: datetime) -> tuple[AccountStatus, dict[str, Any]]:
    (status,) = in_force_now(transaction, [Lookup(account_id)], now)
    state = status.state
    lists = [entry for entry in state.facts.watchlist if entry.kind in OF_THE_ACCOUNT]
    orders = state.facts.legal_orders
    restrictions = {
        "lists": [entry.to_json() for entry in lists if _runs(entry.effective_from, entry.effective_to, now)],
        "legal_orders": [
            order.to_json()
            for order in orders
            if _runs(order.ts, order.expires_at, now) and _runs(order.ts, order.lifted_at, now)
        ],
        "measures": [measure.to_json() for measure in _measures(transaction, state, now)],
    }
    return status, restrictions


def _measures(transaction: Transaction, state: AccountState, now: datetime) -> list[Measure]:
    addresses = Record(transaction).newest_addresses(state.account_id)
    in_force = [
        measure
        for measure in state.measures
        if measure.state is MeasureState.IN_FORCE and _runs(measure.starts_at, measure.ends_at, now)
    ]
    return [*in_force, *cooling_off(state.account_id, state.facts.credential_changed_at, addresses, now)]


def _runs(start: datetime, end: datetime | None, now: datetime) -> bool:
    return start <= now and (end is None or end > now)
