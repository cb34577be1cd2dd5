"""The FLOCKUSDT case of clause 8 as activity tables: six accounts, one address, one second, one price."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from features.activity.schema import TABLES

RING_IP = "203.0.113.17"
BURST = datetime(2025, 5, 30, 3, 6, 18, tzinfo=UTC)
AS_OF = datetime(2025, 5, 30, 3, 12, tzinfo=UTC)
PRICE = 0.215
CREATED = ("2025-05-12", "2025-05-12", "2025-05-14", "2025-05-20", "2024-11-02", "2025-05-27")
DEVICES = ("d1", "d2", "d3", "d1", "d5", "d6")
OPENED_MS = (112, 168, 203, 291, 344, 487)
RING = tuple(f"A{number}" for number in range(1, 7))


def flock_tables() -> dict[str, pd.DataFrame]:
    """The tables of docs/methods.md#case-study; accounts verified, 60 outsiders trade 270,000 USD in the minute."""
    outsiders = [f"B{number}" for number in range(10, 70)]
    created = dict(zip(RING, CREATED, strict=True)) | {"B1": "2025-01-10"} | dict.fromkeys(outsiders, "2024-01-05")
    accounts = pd.DataFrame(
        {
            "account_id": list(created),
            "created_at": pd.to_datetime(list(created.values()), utc=True),
            "kind": "retail",
            "country": "ZZ",
            "market_maker": False,
        }
    )
    verifications = pd.DataFrame(
        {
            "account_id": accounts["account_id"],
            "ts": accounts["created_at"] + timedelta(hours=1),
            "level": 2,
            "status": "approved",
        }
    )
    return {
        "accounts": accounts,
        "verifications": verifications,
        "sessions": _sessions(outsiders),
        "trades": _trades(outsiders),
        "order_events": _orders(),
        "instruments": pd.DataFrame(
            [{"symbol": "FLOCKUSDT", "product": "perp", "tick_size": 0.00001, "lot_size": 1.0, "valid_from": _at(2024)}]
        ),
        "position_limits": pd.DataFrame(
            [
                {
                    "symbol": "FLOCKUSDT",
                    "product": "perp",
                    "owner_id": None,
                    "max_leverage": 20.0,
                    "max_notional_usd": 100_000.0,
                    "valid_from": _at(2024),
                }
            ]
        ),
    }


def write_flock(folder: Path) -> Path:
    """The tables as a folder of Parquet files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in flock_tables().items():
        assert name in TABLES
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def _at(year: int) -> pd.Timestamp:
    return pd.Timestamp(year=year, month=1, day=1, tz="UTC")


def _sessions(outsiders: list[str]) -> pd.DataFrame:
    rows = [
        (account, BURST - timedelta(minutes=40 + place), RING_IP, device)
        for place, (account, device) in enumerate(zip(RING, DEVICES, strict=True))
    ]
    rows.append(("B1", BURST - timedelta(days=12), RING_IP, "b1"))
    rows += [(who, BURST - timedelta(hours=2), f"198.51.100.{n}", f"o{n}") for n, who in enumerate(outsiders)]
    return pd.DataFrame(
        [
            {
                "session_id": f"s{number}",
                "account_id": account,
                "ts": at,
                "event": "login",
                "ip": ip,
                "asn_type": "residential",
                "ip_country": "ZZ",
                "vpn": False,
                "device_id": device,
                "headless": False,
            }
            for number, (account, at, ip, device) in enumerate(rows)
        ]
    )


def _orders() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "order_id": f"o-{account}",
                "account_id": account,
                "ts": BURST + timedelta(milliseconds=opened_ms),
                "event": "new",
                "symbol": "FLOCKUSDT",
                "product": "perp",
                "order_type": "market",
                "side": "buy",
                "price": PRICE,
                "quantity": 45_000 / PRICE,
                "effect": "open",
                "source": "web",
                "leverage": 20.0,
                "had_ui_event": True,
            }
            for account, opened_ms in zip(RING, OPENED_MS, strict=True)
        ]
    )


def _trades(outsiders: list[str]) -> pd.DataFrame:
    ring = [
        (f"r{n}", BURST + timedelta(milliseconds=ms), 45_000.0, outsiders[n], account, f"o-{account}", PRICE)
        for n, (account, ms) in enumerate(zip(RING, OPENED_MS, strict=True))
    ]
    background = [
        (
            f"b{n}",
            BURST + timedelta(milliseconds=200 + 295 * n),
            1_350.0,
            outsiders[n % 60],
            outsiders[(n * 7 + 13) % 60],
            None,
            PRICE + 0.00001 * (n % 5 - 2),
        )
        for n in range(200)
    ]
    camouflage = [
        (f"c{account}{day}", BURST - timedelta(days=day, hours=5), 150.0, outsiders[day], account, None, 60_000.0)
        for account in RING
        for day in (1, 2)
    ]
    return pd.DataFrame(
        [
            {
                "trade_id": trade_id,
                "ts": at,
                "symbol": "BTCUSDT" if trade_id.startswith("c") else "FLOCKUSDT",
                "product": "spot" if trade_id.startswith("c") else "perp",
                "price": price,
                "quantity": notional / price,
                "notional_usd": notional,
                "maker_account_id": maker,
                "taker_account_id": taker,
                "taker_order_id": order_id,
                "taker_side": "buy",
                "maker_effect": "none" if trade_id.startswith("c") else "open",
                "taker_effect": "none" if trade_id.startswith("c") else "open",
                "maker_fee_usd": notional * 0.0001,
                "taker_fee_usd": notional * 0.0005,
                "liquidation": False,
            }
            for trade_id, at, notional, maker, taker, order_id, price in ring + background + camouflage
        ]
    )
