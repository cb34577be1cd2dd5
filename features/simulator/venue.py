"""What the exchange itself puts on record: accounts, instruments, limits, prices, campaigns, lists, court orders."""

import numpy as np

from features.simulator.ledger import ABSENT, code
from features.simulator.market import FIELD, INSTRUMENTS, IS_PERP
from features.simulator.matching import LOT
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, Ints, mixed
from features.simulator.violators.breaches import SANCTIONED
from features.simulator.world import World

LONG_AGO = 400 * DAY
LEVERAGE_TIERS = ((20.0, 1.0), (10.0, 2.0), (5.0, 4.0))
"""Largest leverage, and the position limit at it as a multiple of the instrument's."""
SUBMITTED, APPROVED = code("verifications", "status", "submitted"), code("verifications", "status", "approved")


def register_accounts(world: World) -> None:
    """Emit `accounts` and `verifications` for everybody."""
    people, size = world.people, len(world.people)
    world.ledger.emit(
        "accounts",
        size,
        account_id=np.arange(size),
        created_at=people.created_at,
        kind=people.kind,
        owner_id=people.owner,
        country=people.country,
        referrer_id=people.referrer,
        market_maker=people.market_maker,
        legacy_tier=people.legacy_tier,
    )
    for level in (1, 2, 3):
        reached = np.flatnonzero(people.level >= level)
        _verify(world, reached, level, approved=True)
    pending = [n for n, agent in enumerate(people.agent) if agent == "unverified_futures"]
    _verify(world, np.array(pending, dtype=np.int64), 2, approved=False)


def _verify(world: World, account: Ints, level: int, *, approved: bool) -> None:
    submitted = world.people.created_at[account] + 5 * MINUTE * level + mixed(account, level) % (20 * MINUTE)
    for status, wait in ((SUBMITTED, 0), (APPROVED, 12 * MINUTE * level))[: 2 if approved else 1]:
        inside = submitted + wait < world.market.end
        chosen = account[inside]
        world.ledger.emit(
            "verifications",
            len(chosen),
            account_id=chosen,
            ts=submitted[inside] + wait,
            level=level,
            status=status,
            document_hash=np.where(level > 0, chosen, NONE),
            face_hash=chosen if level > 1 else NONE,
            name_hash=mixed(chosen, 31) % (len(world.people) * 4),
            birth_hash=mixed(chosen, 32) % 20_000,
        )


def publish_instruments(world: World) -> None:
    """Emit `instruments`, `position_limits` and `listings`."""
    symbol, count = world.market.symbol_of, len(INSTRUMENTS)
    opened = world.market.opens_at
    world.ledger.emit(
        "instruments", count, symbol=symbol, product=IS_PERP, tick_size=FIELD["tick"], lot_size=LOT, valid_from=opened
    )
    limited = np.flatnonzero(FIELD["limit_usd"] > 0)
    for leverage, multiple in LEVERAGE_TIERS:
        world.ledger.emit(
            "position_limits",
            len(limited),
            symbol=symbol[limited],
            product="perp",
            max_leverage=leverage,
            max_notional_usd=FIELD["limit_usd"][limited] * multiple,
            valid_from=world.market.start - LONG_AGO,
        )
    listed = np.array([n for n, i in enumerate(INSTRUMENTS) if i.listed_after >= 0], dtype=np.int64)
    world.ledger.emit(
        "listings",
        len(listed),
        symbol=symbol[listed],
        project_id=symbol[listed],
        announced_at=opened[listed] - 2 * DAY,
        deposits_open_at=opened[listed] - DAY,
        trading_open_at=opened[listed],
        circulating_supply=5e7,
    )


def publish_prices(world: World, rng: np.random.Generator) -> None:
    """Emit hourly `quotes` and `marks` of every symbol that trades."""
    market = world.market
    first = np.unique(market.symbol_of, return_index=True)[1]
    hours = np.arange(market.start, market.end, HOUR)
    instrument, ts = np.repeat(first, len(hours)), np.tile(hours, len(first)) + 1
    trading = ts >= market.opens_at[instrument]
    instrument, ts = instrument[trading], ts[trading]
    bid, ask = market.touch(instrument, ts)
    size, buy = len(ts), np.zeros(len(ts), dtype=np.int64)
    world.ledger.emit(
        "quotes",
        size,
        symbol=market.symbol_of[instrument],
        ts=ts,
        bid=bid,
        ask=ask,
        bid_depth_usd=market.depth(instrument, ts, buy),
        ask_depth_usd=market.depth(instrument, ts, buy + 1),
    )
    mid = market.mid(instrument, ts)
    has_perp = np.isin(market.symbol_of[instrument], market.symbol_of[IS_PERP])
    world.ledger.emit(
        "marks",
        size,
        symbol=market.symbol_of[instrument],
        ts=ts,
        mark_price=mid * (1 + rng.normal(0, 2e-5, size)),
        index_price=mid * (1 + rng.normal(0, 5e-5, size)),
        funding_rate=np.where(has_perp & (ts // HOUR % 8 == 0), rng.normal(5e-5, 1e-4, size), np.nan),
        open_interest_usd=np.where(has_perp, FIELD["depth_usd"][instrument] * rng.uniform(8, 12, size), np.nan),
        external_price=mid * (1 + rng.normal(0, 1e-4, size)),
    )


def publish_campaigns(world: World) -> None:
    """Emit the welcome bonus and the trading competition."""
    market = world.market
    for name, days, deposit, trades in (("welcome", 30, 100.0, 1), ("volume-race", 10, np.nan, 50)):
        world.ledger.emit(
            "campaigns",
            1,
            campaign_id=name,
            starts_at=market.start - days * DAY,
            ends_at=market.end,
            min_deposit_usd=deposit,
            min_trades=trades,
        )


def publish_lists(world: World, rng: np.random.Generator) -> None:
    """Emit the `watchlist` and two `legal_orders`."""
    since = world.market.start - LONG_AGO
    rows = [("sanctions", "address", f"address-{number}") for number in SANCTIONED]
    rows += [("prohibited_country", "country", iso) for iso in ("KP", "IR")]
    rows += [("edd_country", "country", "MM"), ("mixer", "address", "address-120")]
    for name, kind, value in rows:
        listed = code("watchlist", "list", name)
        world.ledger.emit("watchlist", 1, list=listed, kind=kind, value=value, effective_from=since, source="simulated")
    retail = np.flatnonzero((np.array(world.people.agent) == "retail") & (world.people.created_at < world.market.start))
    bound = rng.choice(retail, 2, replace=False)
    middle = (world.market.start + world.market.end) // 2
    world.ledger.emit(
        "legal_orders",
        2,
        legal_order_id=np.array(["court-1", "court-2"], dtype=object),
        account_id=bound,
        ts=np.array([middle, middle + DAY]),
        authority="District Court (simulated)",
        scope=np.array([code("legal_orders", "scope", word) for word in ("freeze", "withdrawals")]),
        expires_at=np.array([ABSENT, middle + 60 * DAY]),
    )
