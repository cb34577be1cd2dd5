"""What binds an account at once: credentials, withdrawal addresses, legal orders, lists it is on, measures.

`restrictions_as_of` gives what binds at a moment, for scoring; `restriction_rows` gives every row that may ever bind,
for the account record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pyarrow as pa

from features.activity.snapshot import Activity
from features.engines.duckdb import DuckDBEngine
from features.facts.access import CREDENTIAL_EVENTS
from features.kernel.moments import microseconds
from features.pipeline import Features

CHANGES = """
SELECT account_id, max(ts) AS changed_at FROM security_events
WHERE ts < $1 AND known_from <= $1 AND event IN (SELECT unnest($2)) GROUP BY account_id
"""
ADDRESSES = """
SELECT account_id, address, max(ts) AS added_at FROM security_events
WHERE ts < $1 AND known_from <= $1 AND event = 'withdrawal_address_added' AND address IS NOT NULL
GROUP BY ALL ORDER BY account_id, added_at
"""
LEGAL_ORDERS = """
SELECT account_id, legal_order_id, scope, authority, ts, expires_at, lifted_at FROM legal_orders
WHERE ts < $1 AND known_from <= $1 ORDER BY ts, legal_order_id
"""
WATCHLIST = """
SELECT list, kind, value, effective_from, effective_to FROM watchlist
WHERE known_from <= $1 AND (effective_to IS NULL OR effective_to > $1) ORDER BY list, kind, value
"""
# Of versions of an account that became known at the same moment, every owner is looked up.
LISTED = """
WITH versions AS (SELECT account_id, owner_id, _tied_owners FROM accounts WHERE created_at < $1 AND known_from <= $1
                  QUALIFY known_from = max(known_from) OVER (PARTITION BY account_id)),
people AS (SELECT DISTINCT account_id, unnest(list_append(coalesce(_tied_owners, []), owner_id)) AS owner_id
           FROM versions),
held AS (
    SELECT account_id, 'account' AS kind, account_id AS value FROM people
    UNION SELECT account_id, 'owner', owner_id FROM people WHERE owner_id IS NOT NULL
    UNION SELECT account_id, 'document', document_hash FROM verifications WHERE ts < $1 AND known_from <= $1
    UNION SELECT account_id, 'face', face_hash FROM verifications WHERE ts < $1 AND known_from <= $1
    UNION SELECT account_id, 'name', name_hash FROM verifications WHERE ts < $1 AND known_from <= $1
    UNION SELECT account_id, 'device', device_id FROM sessions WHERE ts < $1 AND known_from <= $1)
SELECT held.account_id, w.list, w.kind, w.value, w.effective_from, w.effective_to
FROM held JOIN watchlist AS w ON w.kind = held.kind AND w.value = held.value
WHERE w.known_from <= $1 AND (w.effective_to IS NULL OR w.effective_to > $1)
ORDER BY held.account_id, w.list, w.value
"""
# The newest state of each measure that was imposed earlier, here or elsewhere; those over or lifted bind no more.
ENFORCEMENTS = """
SELECT event_id, account_id, measure, ts, ends_at FROM (
    SELECT * FROM enforcements WHERE ts < $1 AND known_from <= $1
    QUALIFY row_number() OVER (PARTITION BY account_id, measure ORDER BY ts DESC, known_from DESC, event_id DESC) = 1)
WHERE state = 'in_force' AND (ends_at IS NULL OR ends_at > $1) ORDER BY account_id, measure
"""
COUNTRIES = """
SELECT account_id, arg_max(ip_country, struct_pack(ts := ts, id := session_id)) AS ip_country FROM sessions
WHERE ts < $1 AND known_from <= $1 GROUP BY account_id
"""


RESTRICTION_ROWS: Mapping[str, str] = {
    "accounts": "SELECT account_id, kind, owner_id, country, market_maker, known_from FROM accounts",
    "legal_orders": """
        SELECT legal_order_id, account_id, scope, authority, ts, expires_at, lifted_at, known_from FROM legal_orders""",
    "watchlist": "SELECT list, kind, value, source, effective_from, effective_to, known_from FROM watchlist",
    "credential_changes": """
        SELECT account_id, event_id, ts, known_from FROM security_events WHERE event IN (SELECT unnest($1))""",
    "withdrawal_addresses": """
        SELECT account_id, address, ts, known_from FROM security_events
        WHERE event = 'withdrawal_address_added' AND address IS NOT NULL""",
    "identifiers": """
        SELECT account_id, kind, value, min(known_from) AS known_from FROM (
            SELECT account_id, 'account' AS kind, account_id AS value, known_from FROM accounts
            UNION ALL SELECT account_id, 'owner', unnest(list_append(coalesce(_tied_owners, []), owner_id)), known_from
                      FROM accounts
            UNION ALL SELECT account_id, 'document', document_hash, known_from FROM verifications
            UNION ALL SELECT account_id, 'face', face_hash, known_from FROM verifications
            UNION ALL SELECT account_id, 'name', name_hash, known_from FROM verifications
            UNION ALL SELECT account_id, 'device', device_id, known_from FROM sessions)
        WHERE value IS NOT NULL GROUP BY ALL""",
    "measures": "SELECT event_id, account_id, measure, state, ts, ends_at, known_from FROM enforcements",
    "countries": """
        SELECT account_id, ip_country, ts, known_from FROM sessions
        QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY ts DESC, session_id DESC) = 1""",
}
"""By subject of the account record, SQL over the activity; moments are microseconds, identifiers in comparable form."""


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Frames by account, moments as UTC timestamps; `lists` holds the address and country entries for everybody."""

    credential_changes: pd.DataFrame
    addresses: pd.DataFrame
    legal_orders: pd.DataFrame
    listed: pd.DataFrame
    lists: pd.DataFrame
    countries: pd.DataFrame
    enforcements: pd.DataFrame


def restrictions_as_of(features: Features, as_of: datetime) -> Restrictions:
    """Everything that binds at once, as it was known at a moment."""
    moment, engine = microseconds(as_of), features.at(as_of).engine

    def read(sql: str, *more: object) -> pd.DataFrame:
        frame = engine.frame(sql, [moment, *more])
        for column in frame.columns.intersection(
            ["ts", "changed_at", "added_at", "expires_at", "lifted_at", "effective_from", "effective_to", "ends_at"]
        ):
            frame[column] = pd.to_datetime(frame[column], unit="us", utc=True)
        return frame

    watchlist = read(WATCHLIST)
    return Restrictions(
        credential_changes=read(CHANGES, list(CREDENTIAL_EVENTS)),
        addresses=read(ADDRESSES),
        legal_orders=read(LEGAL_ORDERS),
        listed=read(LISTED),
        lists=watchlist[watchlist["kind"].isin(["address", "country"])],
        countries=read(COUNTRIES),
        enforcements=read(ENFORCEMENTS),
    )


def restriction_rows(activity: Activity) -> Iterator[tuple[str, pa.Table]]:
    """By subject every row that may bind, as it stands with all corrections, each with `row_key`, a hash of the row.

    Nothing is derived for it: the rows are read from the tables of the activity.
    """
    engine = DuckDBEngine(activity)
    for subject, sql in RESTRICTION_ROWS.items():
        parameters = [list(CREDENTIAL_EVENTS)] if "$1" in sql else []
        yield subject, engine.run(f"SELECT *, md5(to_json(bound)) AS row_key FROM ({sql}) AS bound", parameters)
