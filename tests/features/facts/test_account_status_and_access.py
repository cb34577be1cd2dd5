"""Hard facts: what was done unverified, from listed countries, with listed wallets, with a banned person's things."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.engines.duckdb import DuckDBEngine
from features.queries import queries

T = pd.Timestamp("2025-06-01T00:00:00Z")
HOUR = pd.Timedelta(hours=1)
Rows = list[dict[str, Any]]


def value(name: str, tables: dict[str, Rows], as_of: pd.Timestamp = T) -> float:
    """One feature of account A, whose activity the tables are."""
    account = {
        "account_id": "A",
        "created_at": T - 1_000 * HOUR,
        "kind": "retail",
        "country": "DE",
        "market_maker": False,
    }
    frames = {name_: pd.DataFrame(rows) for name_, rows in {"accounts": [account], **tables}.items() if rows}
    for frame in frames.values():
        for column in frame.columns.intersection(["ingested_at", "effective_to"]):
            frame[column] = pd.to_datetime(frame[column], utc=True).astype("datetime64[us, UTC]")
    engine = DuckDBEngine(Activity.from_frames(frames))
    feature = CATALOGUE[name]
    engine.create_fact(feature.of.writes, feature.of.rows)
    spine = {"spine_id": [0], "account_id": ["A"], "account_no": [1], "as_of": [as_of.value // 1_000]}
    engine.register("spine", pa.table({**spine, "event_id": pa.array([None], pa.string())}))
    (query,) = queries((feature,))
    values = engine.run(query.sql).column(name).to_pylist()
    return float(values[0]) if values else feature.value.fill


def listed(list_: str, kind: str, what: str, **more: Any) -> dict[str, Any]:
    """An entry of the watchlist, in force since long ago."""
    return {"list": list_, "kind": kind, "value": what, "effective_from": T - 900 * HOUR, "source": "test", **more}


def session(name: str, ago_h: float, **more: Any) -> dict[str, Any]:
    """A login so many hours before T."""
    return {
        "session_id": name,
        "account_id": "A",
        "ts": T - ago_h * HOUR,
        "event": "login",
        "ip": "203.0.113.9",
        "asn_type": "residential",
        "ip_country": "DE",
        "vpn": False,
        "device_id": "phone",
        "headless": False,
        **more,
    }


def order(name: str, ago_h: float, **more: Any) -> dict[str, Any]:
    """An order opening a futures position of 100 USD."""
    return {
        "order_id": name,
        "account_id": "A",
        "ts": T - ago_h * HOUR,
        "event": "new",
        "symbol": "BTCUSDT",
        "product": "perp",
        "side": "buy",
        "price": 10.0,
        "quantity": 10.0,
        "effect": "open",
        "source": "app",
        "session_id": None,
        **more,
    }


def step(status: str, level: int, ago_h: float, **more: Any) -> dict[str, Any]:
    """A step of verification."""
    return {"account_id": "A", "ts": T - ago_h * HOUR, "level": level, "status": status, **more}


def move(name: str, usd: float, direction: str, **more: Any) -> dict[str, Any]:
    """A transfer an hour before T."""
    return {
        "transfer_id": name,
        "account_id": "A",
        "ts": T - HOUR,
        "direction": direction,
        "asset": "USDT",
        "amount": usd,
        "amount_usd": usd,
        "counterparty_type": "self_hosted",
        "address": None,
        "source_address": None,
        **more,
    }


@pytest.mark.parametrize(("approved_ago", "opens", "gap"), [(4.0, 0, 0), (2.0, 1, 1), (None, 1, 1)])
@pytest.mark.fires("D01")
def test_positions_opened_before_the_approval_stay_unverified(approved_ago: float | None, opens: int, gap: int) -> None:
    steps = [step("approved", 1, 50)] + ([step("approved", 2, approved_ago)] if approved_ago else [])
    tables = {"verifications": steps, "order_events": [order("o", 3.0), order("closing", 3.0, effect="close")]}
    assert value("unverified_opens_7d", tables) == opens
    assert value("unverified_opens_usd_7d", tables) == 100.0 * opens
    assert value("kyc_gap_7d", tables) == gap


@pytest.mark.parametrize(("before_h", "opens", "gap"), [(5.5, 1, 2), (5, 0, 0), (0, 0, 0)])
@pytest.mark.spares("D01")
def test_an_approval_that_arrives_late_clears_the_orders_after_it_from_then_on(
    before_h: float, opens: int, gap: int
) -> None:
    steps = [step("approved", 2, 50, ingested_at=T - 5 * HOUR)]
    tables = {"verifications": steps, "order_events": [order("early", 6.0)]}
    assert value("unverified_opens_7d", tables, T - before_h * HOUR) == opens
    assert value("kyc_gap_7d", tables, T - before_h * HOUR) == gap


def test_an_approval_after_the_order_clears_nothing() -> None:
    tables = {"verifications": [step("approved", 2, 5)], "order_events": [order("early", 6.0), order("later", 4.0)]}
    assert value("unverified_opens_7d", tables) == 1


@pytest.mark.fires("D08")
def test_orders_count_for_the_country_of_their_session_while_it_is_listed() -> None:
    watchlist = [
        listed("edd_country", "country", "MM"),
        listed("prohibited_country", "country", "KP", effective_to=T - 20 * HOUR),
    ]
    sessions = [
        session("away", 10, ip_country="MM"),
        session("home", 5),
        session("before", 30, ip_country="KP"),
        session("after", 15, ip_country="KP"),
    ]
    orders = [
        order("o1", 9, session_id="away"),
        order("o2", 4, session_id="home"),
        order("o3", 29, session_id="before"),
        order("o4", 14, session_id="after"),
        order("o5", 3),
    ]
    tables = {"watchlist": watchlist, "sessions": sessions, "order_events": orders}
    assert (value("edd_orders_7d", tables), value("prohibited_orders_7d", tables)) == (1, 1)
    assert value("edd_sessions_7d", tables) == 1


@pytest.mark.spares("D08")
def test_a_traveller_who_only_looks_in_places_no_order_abroad() -> None:
    tables = {
        "watchlist": [listed("edd_country", "country", "MM")],
        "sessions": [session(f"s{n}", 10 + n, ip_country="MM") for n in range(4)],
        "order_events": [order("o", 40)],
    }
    assert (value("edd_sessions_7d", tables), value("edd_orders_7d", tables)) == (4, 0)
    assert value("abroad_share_30d", tables) == 1.0


TOKYO = {"latitude": 35.7, "longitude": 139.7}
BERLIN = {"latitude": 52.5, "longitude": 13.4}
POTSDAM = {"latitude": 52.4, "longitude": 13.1}


@pytest.mark.parametrize(
    ("first", "then", "hours", "count"),
    [
        pytest.param(BERLIN, TOKYO, 2.0, 1, id="8,900 km in two hours"),
        pytest.param(BERLIN, TOKYO, 13.0, 0, id="a flight"),
        pytest.param(BERLIN, POTSDAM, 0.001, 0, id="the carrier's network next door"),
        pytest.param(BERLIN, TOKYO | {"vpn": True}, 2.0, 0, id="through a VPN"),
        pytest.param(BERLIN, TOKYO | {"asn_type": "hosting"}, 2.0, 0, id="a server"),
        pytest.param(BERLIN, TOKYO | {"event": "api"}, 2.0, 0, id="a program"),
        pytest.param(BERLIN, {"latitude": None, "longitude": None}, 2.0, 0, id="nobody knows where"),
    ],
)
def test_nobody_travels_faster_than_aircraft(
    first: dict[str, Any], then: dict[str, Any], hours: float, count: int
) -> None:
    sessions = [session("s1", 20, **first), session("s2", 20 - hours, **then)]
    assert value("impossible_travel_7d", {"sessions": sessions}) == count


def test_a_session_that_arrives_late_is_compared_with_what_was_known_before() -> None:
    late = session("late", 21, **TOKYO) | {"ingested_at": T - HOUR}
    tables = {"sessions": [session("s1", 20, **BERLIN), late]}
    assert value("impossible_travel_7d", tables, T - 2 * HOUR) == 0
    assert value("impossible_travel_7d", tables) == 1


@pytest.mark.parametrize(
    ("row", "usd"),
    [
        pytest.param(move("x", 50.0, "withdrawal", address="0xbad"), 50.0, id="sent"),
        pytest.param(move("x", 50.0, "deposit", source_address="0xbad"), 50.0, id="received"),
        pytest.param(move("x", 0.02, "withdrawal", address="0xbad"), 0.02, id="any amount sent"),
        pytest.param(move("x", 9.99, "deposit", source_address="0xbad"), 0.0, id="dust"),
        pytest.param(move("x", 10.0, "deposit", source_address="0xbad"), 10.0, id="no dust"),
        pytest.param(
            move("x", 50.0, "deposit", source_address="0xbad", counterparty_type="exchange"), 0.0, id="hot wallet"
        ),
        pytest.param(move("x", 50.0, "withdrawal", address="0xgood"), 0.0, id="another wallet"),
        pytest.param(move("x", 50.0, "withdrawal", address="0xpast"), 0.0, id="listed no longer"),
        pytest.param(move("x", 50.0, "withdrawal", address="0xmix"), 0.0, id="another list"),
    ],
)
@pytest.mark.fires("D11")
@pytest.mark.spares("D11")
def test_money_moved_with_a_listed_wallet_counts_but_for_dust_and_hot_wallets(row: dict[str, Any], usd: float) -> None:
    watchlist = [
        listed("sanctions", "address", "0xbad"),
        listed("criminal", "address", "0xbad"),
        listed("sanctions", "address", "0xpast", effective_to=T - 2 * HOUR),
        listed("mixer", "address", "0xmix"),
    ]
    assert value("listed_address_usd_30d", {"watchlist": watchlist, "transfers": [row]}) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("device", "wallet", "kinds"),
    [
        pytest.param("theirs", "0xtheirs", 2, id="device and wallet"),
        pytest.param("theirs", "0xmine", 1, id="a second-hand phone"),
        pytest.param("mine", "0xtheirs", 1, id="their wallet"),
        pytest.param("old", "0xmine", 0, id="a ban that is over"),
    ],
)
@pytest.mark.fires("D10")
def test_device_and_wallet_of_a_banned_person_are_two_kinds(device: str, wallet: str, kinds: int) -> None:
    watchlist = [
        listed("banned_identity", "device", "theirs"),
        listed("banned_identity", "address", "0xtheirs"),
        listed("banned_identity", "device", "old", effective_to=T - 100 * HOUR),
    ]
    tables = {
        "watchlist": watchlist,
        "sessions": [session("s", 3, device_id=device)],
        "transfers": [move("x", 5.0, "withdrawal", address=wallet)],
    }
    assert value("banned_identifier_kinds_n", tables) == kinds


@pytest.mark.spares("D10")
def test_a_withdrawal_to_an_exchange_shares_no_wallet_with_a_banned_person() -> None:
    tables = {
        "watchlist": [listed("banned_identity", "address", "0xhot")],
        "transfers": [move("x", 5.0, "withdrawal", address="0xhot", counterparty_type="exchange")],
    }
    assert value("banned_identifier_kinds_n", tables) == 0


@pytest.mark.parametrize(("age_h", "share"), [(167.9, 1.0), (168.0, 0.0)])
def test_a_wallet_first_seen_within_a_week_is_young(age_h: float, share: float) -> None:
    row = move("x", 5.0, "withdrawal", address="0xw", address_first_seen_at=T - HOUR - age_h * HOUR)
    assert value("young_address_share_30d", {"transfers": [row]}) == share
