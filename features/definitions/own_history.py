"""Own history: what an account does this week beside its own eight weeks before (docs/methods.md#own-history).

Unusual for peers and unusual for oneself are different alarms: a busy market maker is the one, a quiet account that is
emptied after years the other.
"""

from dataclasses import replace

from ibis import _

from features.catalogue import Feature
from features.definitions.funds import AMOUNT_IN, AMOUNT_OUT, IN, OUT
from features.definitions.ordering import RESTING, WITHIN_A_SECOND
from features.facts.access import SESSIONS
from features.facts.fact import Fact
from features.facts.fills import FILLS
from features.facts.flows import FLOWS
from features.facts.market_activity import MARKET_DAYS
from features.facts.orders import ORDERS
from features.vocabulary.aggregates import (
    LIFETIME,
    Aggregate,
    Window,
    by_then,
    count,
    days,
    largest,
    scaled,
    share,
    total,
    usd,
)
from features.vocabulary.combining import surge

WEEK, PAST = days(7), days(56)
BOTH = days(63)  # of a share, and of orders, which are too many to look at all: their past ends there
FEW, LITTLE_USD, SMALL_SHARE = 1.0, 50.0, 0.05  # house defaults, added to this week and to the usual one
RECEIVED, SENT = replace(usd(total(AMOUNT_IN)), counted=IN), replace(usd(total(AMOUNT_OUT)), counted=OUT)


def _count(name: str, of: Fact, what: str, clause: str, window: Window = LIFETIME) -> Feature:
    since = "8 weeks before at most" if window is LIFETIME else "since the first in the 8 weeks before"
    says = f"its own usual week of {what} ({since}; 1 is added to both)"
    return Feature(name, of, surge(count(), WEEK, PAST, FEW), window, "times", says, clause)


def _value(name: str, of: Fact, inner: Aggregate, what: str, clause: str) -> Feature:
    says = f"its own usual week of {what} (8 weeks before at most; 50 USD are added to both)"
    return Feature(name, of, surge(inner, WEEK, PAST, LITTLE_USD), LIFETIME, "times", says, clause)


def _share(name: str, of: Fact, inner: Aggregate, what: str, clause: str) -> Feature:
    says = f"its own usual share of {what} (8 weeks before at most; 5 points are added to both)"
    return Feature(name, of, surge(inner, WEEK, PAST, SMALL_SHARE, adds_up=False), BOTH, "times", says, clause)


OWN_HISTORY = (
    _count("trades_surge_7d", FILLS, "fills", "5.3"),
    _value("volume_surge_7d", FILLS, usd(total(_.notional)), "traded value", "5.3"),
    _count("orders_surge_7d", ORDERS, "orders", "5.5", BOTH),
    _count("sessions_surge_7d", SESSIONS, "sessions", "5.2"),
    _value("in_surge_7d", FLOWS, RECEIVED, "received value", "4.4"),
    _value("out_surge_7d", FLOWS, SENT, "sent value", "4.4"),
    _share("cancel_ratio_surge_7d", ORDERS, share(by_then("cancelled")), "orders that were cancelled", "5.5"),
    _share("sub_second_surge_7d", ORDERS, share(WITHIN_A_SECOND), "orders cancelled within a second", "5.5"),
    replace(
        _share(
            "depth_share_surge_7d",
            ORDERS,
            scaled(largest(_.depth_milli), 1_000),
            "the book's depth in the largest resting order",
            "5.3",
        ),
        where=RESTING,
    ),
    _share(
        "market_share_surge_7d",
        MARKET_DAYS,
        scaled(largest(_.market_share_micro), 1_000_000),
        "a market's volume on the busiest day",
        "5.3",
    ),
)
