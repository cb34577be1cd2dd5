"""Own history: what an account does this week beside its own eight weeks before (methods 6.2).

Unusual for peers and unusual for oneself are different alarms: a busy market maker is the one, a quiet account that is
emptied after years the other.
"""

from ibis import _

from features.catalogue import Feature
from features.combining import surge
from features.definitions.funds import AMOUNT_IN, AMOUNT_OUT
from features.facts.access import SESSIONS
from features.facts.fact import Fact
from features.facts.fills import FILLS
from features.facts.flows import FLOWS
from features.facts.market_spells import MARKET_DAYS
from features.facts.orders import ORDERS
from features.vocabulary import Aggregate, by_then, count, days, largest, scaled, share, total, usd

WEEK, WINDOW = days(7), days(63)
FEW, LITTLE_USD, SMALL_SHARE = 1.0, 50.0, 0.05  # house defaults: next to so much, nothing surges
RESTING = ~_.market & ~_.by_engine
AT_ONCE = by_then("cancelled") & (_.life_us < 1_000_000).fill_null(False)


def _added_up(name: str, of: Fact, inner: Aggregate, least: float, what: str, clause: str) -> Feature:
    says = f"times the {what} of a usual week, by the account's own 8 weeks before"
    return Feature(name, of, surge(inner, WEEK, least), WINDOW, "ratio", says, clause)


def _taken(name: str, of: Fact, inner: Aggregate, what: str, clause: str) -> Feature:
    says = f"times the {what} of the account's own 8 weeks before"
    return Feature(name, of, surge(inner, WEEK, SMALL_SHARE, adds_up=False), WINDOW, "ratio", says, clause)


OWN_HISTORY = (
    _added_up("trades_surge_7d", FILLS, count(), FEW, "fills", "5.3"),
    _added_up("volume_surge_7d", FILLS, usd(total(_.notional)), LITTLE_USD, "traded value", "5.3"),
    _added_up("orders_surge_7d", ORDERS, count(), FEW, "orders", "5.5"),
    _added_up("sessions_surge_7d", SESSIONS, count(), FEW, "sessions", "5.2"),
    _added_up("in_surge_7d", FLOWS, usd(total(AMOUNT_IN)), LITTLE_USD, "received value", "4.4"),
    _added_up("out_surge_7d", FLOWS, usd(total(AMOUNT_OUT)), LITTLE_USD, "sent value", "4.4"),
    _taken("cancel_ratio_surge_7d", ORDERS, share(by_then("cancelled")), "share of cancelled orders", "5.5"),
    _taken("sub_second_surge_7d", ORDERS, share(AT_ONCE), "share of orders cancelled within a second", "5.5"),
    _taken(
        "depth_share_surge_7d",
        ORDERS,
        scaled(largest(_.depth_milli, where=RESTING), 1_000),
        "largest share of the book's depth in one order",
        "5.3",
    ),
    _taken(
        "market_share_surge_7d",
        MARKET_DAYS,
        scaled(largest(_.market_share_micro), 1_000_000),
        "largest share of a market's day",
        "5.3",
    ),
)
