"""Puts a fact's row into a short sentence, for the evidence of a case."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from features.kernel.units import MICRO

MONEY = ("notional", "amount", "reward", "tainted")
NAMES = (
    "symbol",
    "asset",
    "counterparty",
    "other",
    "other_id",
    "kind",
    "ip",
    "device_id",
    "network",
    "country",
    "level",
    "linked_by",
)
TRUE_WORDS = {
    "buy": "buy",
    "maker": "as maker",
    "opens": "opening",
    "inward": "received",
    "own_trade": "with itself",
    "just_below": "just below a reporting threshold",
    "after_change": "after a change of credentials",
    "without_ui": "without a click or key before",
    "credential": "credentials changed",
    "new_address": "withdrawal address added",
    "failed": "failed login",
    "concealed": "through VPN, proxy or Tor",
    "scripted": "headless or emulated",
    "prohibited": "prohibited country",
    "watched": "country under enhanced due diligence",
}
FALSE_WORDS = {"buy": "sell", "inward": "sent"}


def row_sentence(fact: str, row: Mapping[Hashable, Any]) -> str:
    """One row of a fact in words.

    >>> row_sentence("fills", {"symbol": "BTCUSDT", "buy": True, "notional": 25_000_000})
    'buy, 25 USD, symbol BTCUSDT'
    >>> row_sentence("findings", {"pattern": "wash_ring", "symbol": "BTCUSDT"})
    'wash ring, symbol BTCUSDT'
    """
    words = [str(row["pattern"]).replace("_", " ")] if _known(row.get("pattern")) else []
    words += [text for name, text in TRUE_WORDS.items() if row.get(name) is True]
    words += [text for name, text in FALSE_WORDS.items() if row.get(name) is False]
    words += [f"{row[name] / MICRO:,.0f} USD" for name in MONEY if _known(row.get(name)) and row[name]]
    words += [f"{name.replace('_', ' ')} {row[name]}" for name in NAMES if _known(row.get(name))]
    if _known(row.get("cancelled_at")) and _known(row.get("life_us")):
        words.append(f"cancelled after {row['life_us'] / MICRO:,.1f} s")
    return ", ".join(words) or fact.replace("_", " ")


def _known(value: Any) -> bool:
    return value is not None and not pd.isna(value)
