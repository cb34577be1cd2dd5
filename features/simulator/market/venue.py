"""What the exchange itself puts on record: accounts, instruments, limits, prices, campaigns, lists, court orders."""

import numpy as np

from features.simulator.funds import MIXER_WALLETS
from features.simulator.ledger import ABSENT, code
from features.simulator.market.market import FIELD, INSTRUMENTS, IS_PERP
from features.simulator.market.matching import LOT
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, Ints, mixed, runs
from features.simulator.violators.breaches import SANCTIONED
from features.simulator.world import World

LONG_AGO = 400 * DAY
LEVERAGE_TIERS = ((100.0, 0.25), (50.0, 0.5), (20.0, 1.0), (10.0, 2.0), (5.0, 4.0))
"""Largest leverage, and the position limit at it as a multiple of the instrument's."""
SUBMITTED, APPROVED, REJECTED, EXPIRED = (
    code("verifications", "status", word) for word in ("submitted", "approved", "rejected", "expired")
)
EXPIRED_PER_MILLE = 25
PAST_MEASURES = ("observation", "document_request", "withdrawal_hold", "restriction")


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
        _verify(world, np.flatnonzero(people.level >= level), level, (SUBMITTED, APPROVED))
    waiting = np.flatnonzero(np.array(people.agent) == "unverified_futures")
    refused = mixed(waiting, 35) % 3 == 0
    _verify(world, waiting[refused], 2, (SUBMITTED, REJECTED))
    _verify(world, waiting[~refused], 2, (SUBMITTED,))
    _expire(world)


def _verify(world: World, account: Ints, level: int, statuses: tuple[int, ...]) -> None:
    """A submission and what came of it; who was refused before has tried as often with the same document."""
    submitted = world.people.created_at[account] + 5 * MINUTE * level + mixed(account, level) % (20 * MINUTE)
    tries = world.people.refusals[account] if level > 1 else np.zeros(len(account), dtype=np.int64)
    group, number = runs(tries)
    for status, wait in ((SUBMITTED, 0), (REJECTED, MINUTE)):
        _answer(world, account[group], submitted[group] + number * 3 * MINUTE + wait, level, status)
    submitted = submitted + tries * 3 * MINUTE
    slow = world.people.backlog[account] if level > 1 else np.zeros(len(account), dtype=np.int64)
    for status in statuses:
        answered = submitted if status == SUBMITTED else submitted + 8 * MINUTE * level + slow
        _answer(world, account, answered, level, status)


def _answer(world: World, account: Ints, ts: Ints, level: int, status: int) -> None:
    inside = ts < world.market.end
    chosen, document = account[inside], world.people.document[account[inside]]
    world.ledger.emit(
        "verifications",
        len(chosen),
        account_id=chosen,
        ts=ts[inside],
        level=level,
        status=status,
        document_hash=document,
        face_hash=document if level > 1 else NONE,
        name_hash=mixed(document, 31) % (len(world.people) * 4),
        birth_hash=mixed(document, 32) % 20_000,
    )


def _expire(world: World) -> None:
    """Documents of long-standing customers expire; most customers show a new one within days."""
    people, market = world.people, world.market
    old = np.flatnonzero((people.level == 2) & (people.created_at < market.start - 150 * DAY))
    old = old[mixed(old, 36) % 1000 < EXPIRED_PER_MILLE]
    old = old[[people.agent[number] in ("dormant", "retail", "staker") for number in old]]
    ts = market.start + mixed(old, 37) % (market.end - market.start - DAY)
    _answer(world, old, ts, 2, EXPIRED)
    renewed = mixed(old, 38) % 10 < 7
    again = ts[renewed] + DAY + mixed(old[renewed], 39) % (6 * DAY)
    for status, wait in ((SUBMITTED, 0), (APPROVED, 40 * MINUTE)):
        _answer(world, old[renewed], again + wait, 2, status)


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
    """Emit the welcome bonus, the trading competition, the airdrop and the launchpool."""
    market = world.market
    terms = [("welcome", 30, 100.0, 1), ("volume-race", 10, np.nan, 50)]
    terms += [("airdrop", 20, np.nan, 3), ("launchpool", 5, np.nan, 0)]
    for name, days, deposit, trades in terms:
        world.ledger.emit(
            "campaigns",
            1,
            campaign_id=name,
            starts_at=market.start - days * DAY,
            ends_at=market.end,
            min_deposit_usd=deposit,
            min_trades=trades,
        )


def publish_lists(world: World) -> None:
    """Emit the `watchlist` of addresses and countries; banned identities join it when they are banned."""
    since = world.market.start - LONG_AGO
    rows = [("sanctions", "address", f"address-{number}") for number in SANCTIONED]
    rows += [("prohibited_country", "country", iso) for iso in ("KP", "IR")]
    rows += [("edd_country", "country", "MM"), ("mixer", "address", f"address-{MIXER_WALLETS}")]
    for name, kind, value in rows:
        listed = code("watchlist", "list", name)
        world.ledger.emit("watchlist", 1, list=listed, kind=kind, value=value, effective_from=since, source="simulated")


def publish_history(world: World, rng: np.random.Generator) -> None:
    """Emit what is over for honest people: past measures in `enforcements`, and lifted or expired `legal_orders`."""
    people, market = world.people, world.market
    old = np.flatnonzero((np.array(people.agent) == "retail") & (people.created_at < market.start - 20 * DAY))
    chosen = rng.choice(old, max(3, len(old) // 60), replace=False)
    ts = market.start - rng.integers(0, 18 * DAY, len(chosen))
    ends = np.minimum(ts + rng.integers(1, 20, len(chosen)) * DAY, market.end - 1)
    world.ledger.emit(
        "enforcements",
        len(chosen),
        event_id=world.ledger.fresh("event", len(chosen)),
        account_id=chosen,
        ts=ts,
        measure=rng.choice(np.array(PAST_MEASURES, dtype=object), len(chosen)),
        state=rng.choice([code("enforcements", "state", word) for word in ("lifted", "lapsed")], len(chosen)),
        ends_at=ends,
    )
    bound = rng.choice(np.setdiff1d(old, chosen), 3, replace=False)
    ts = market.start + rng.integers(DAY, (market.end - market.start) // 2, 3)
    world.ledger.emit(
        "legal_orders",
        3,
        legal_order_id=np.array([f"past-{number}" for number in range(3)], dtype=object),
        account_id=bound,
        ts=ts,
        authority="District Court (simulated)",
        scope=code("legal_orders", "scope", "withdrawals"),
        expires_at=np.array([ABSENT, ABSENT, int(ts[2]) + 2 * DAY]),
        lifted_at=np.array([int(ts[0]) + DAY, int(ts[1]) + 2 * DAY, ABSENT]),
    )
    for account in bound.tolist():
        world.truth.look_alikes.setdefault(account, "legal_order")
