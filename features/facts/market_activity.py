"""Market periods: what an account traded in one market in one hour or day, and the market with it, as known at its end.

A row that arrives after the end of its hour or day stays out: what a spell says never changes.
"""

import ibis
import ibis.expr.types as ir
from ibis import _

from features.facts.fact import NEVER_ENDS, Fact, in_64_bits, rounded
from features.facts.legs import LEGS
from features.kernel.moments import DAY_US, HOUR_US
from features.kernel.units import MICRO


def _market_activity(width_us: int) -> ir.Table:
    legs = LEGS.table.mutate(spell=_.ts // width_us).filter(_.known_from <= (_.spell + 1) * width_us)
    signed = ibis.ifelse(legs.side == "buy", legs.micro, -legs.micro)
    periods = legs.group_by(["account_id", "symbol", "product", "spell"]).agg(
        volume=in_64_bits(legs.micro.sum()), net=in_64_bits(signed.sum().abs())
    )
    trades = legs.filter(legs.maker)
    market = trades.group_by(["symbol", "product", "spell"]).agg(market_volume=in_64_bits(trades.micro.sum()))
    joined = periods.inner_join(market, ["symbol", "product", "spell"])
    return joined.select(
        account_id=_.account_id,
        ts=(_.spell + 1) * width_us - 1,
        known_from=(_.spell + 1) * width_us,
        known_until=NEVER_ENDS,
        row_id=_["product"] + ":" + _.symbol + ":" + _.spell.cast("string"),
        symbol=_.symbol,
        volume=_.volume,
        net=_.net,
        # Whoever is on both sides counts once: the share of a market never exceeds the market.
        market_share_micro=ibis.least(
            (_.volume.cast("float64") / ibis.greatest(_.market_volume, 1)).pipe(rounded, MICRO, 1.0), MICRO
        ),
    )


MARKET_HOURS = Fact("market_hours", "an hour of an account in a market", _market_activity(HOUR_US), "trades")
MARKET_DAYS = Fact("market_days", "a day of an account in a market", _market_activity(DAY_US), "trades")
