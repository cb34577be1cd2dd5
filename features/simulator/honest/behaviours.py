"""What honest people do again and again; all agents, also those with a second life, are made of these."""

from dataclasses import dataclass

import numpy as np

from features.simulator import funds
from features.simulator.ledger import Values, code
from features.simulator.market.flow import APP, BUY, GRID, LIQUIDATION, SELL, WEB
from features.simulator.market.market import FIELD, INSTRUMENTS, IS_PERP
from features.simulator.people.network import connect, usual_connection
from features.simulator.people.population import FAVOURITES
from features.simulator.vectors import DAY, HOUR, MINUTE, NONE, SECOND, Floats, Ints, runs
from features.simulator.world import World

PREFERENCE = np.array([0.55, 0.25, 0.12, 0.08])
LEVERAGES = np.array([2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 100.0])
CLICKS = np.array([0.99, 0.97, 0.95, 0.9, 0.8])
"""Share of orders before which the page saw a click or a key; some browsers hide more of them."""
MAX_SHARE_OF_DEPTH = 0.34
KINDS = np.array([funds.EXCHANGE, funds.SELF_HOSTED, funds.P2P, funds.BANK, funds.BRIDGE, funds.MIXER])
KIND_SHARES = np.array([0.38, 0.33, 0.05, 0.2, 0.037, 0.003])
"""Where people's money comes from and goes to; a few care much about their privacy."""


@dataclass(frozen=True, slots=True)
class Logins:
    """Log-ins in time order: who, when, and the session they made."""

    account: Ints
    ts: Ints
    session: Ints


@dataclass(frozen=True, slots=True)
class Style:
    """How somebody trades by hand: orders a visit, pause between them, share of orders that wait in the book."""

    orders_per_visit: float
    pause_seconds: float = 90.0
    passive_share: float = 0.44
    size_share: float = 0.04
    """Typical order as a share of what the account holds."""
    turns: bool = False
    """Whether the next order in a perpetual reverses the last one (a day trader's round trip)."""


def visit(
    world: World,
    rng: np.random.Generator,
    members: Ints,
    per_day: Floats | float,
    since: Ints | None = None,
    until: Ints | None = None,
) -> Logins:
    """Members log in now and then within [since, until)."""
    since = world.people.since(members, world.market) if since is None else since
    until = np.full(len(members), world.market.end) if until is None else until
    rate = np.broadcast_to(np.asarray(per_day, dtype=np.float64), members.shape)
    entry, ts = world.interest.arrivals(rng, members, rate, world.people.offset[members], since, until)
    account = members[entry]
    return Logins(account, ts, log_in(world, rng, account, ts))


def log_in(world: World, rng: np.random.Generator, account: Ints, ts: Ints, event: Values = "login") -> Ints:
    """Sessions from where the accounts usually are; gives back their ids."""
    return connect(world.ledger, world.people, account, ts, usual_connection(world.people, rng, account, ts), event)


def trade_by_hand(world: World, rng: np.random.Generator, logins: Logins, style: Style) -> Ints:
    """Orders during logins: favourites of the account, lognormal sizes, some against the last move; gives order ids."""
    people = world.people
    intensity = style.orders_per_visit * np.minimum(people.activity[logins.account] ** 0.8, 25)
    group, position = runs(rng.poisson(rng.gamma(1.2, intensity / 1.2)))
    account = logins.account[group]
    pause = rng.lognormal(np.log(style.pause_seconds), 1.0, len(group))
    ts = logins.ts[group] + 20 * SECOND + (np.minimum(pause * (position + 1), 4 * 3600) * SECOND).astype(np.int64)
    inside = ts < world.market.end - HOUR
    group, account, ts = group[inside], account[inside], ts[inside]
    size = len(account)
    instrument = people.favourites[account, rng.choice(FAVOURITES, size, p=PREFERENCE)]
    usd = order_sizes(world, rng, account, ts, instrument, style.size_share, world.interest.of(account, ts))
    side = _sides(world, rng, account, ts, instrument)
    if style.turns:
        side, usd = _turned(account, ts, instrument, side, usd)
    perp = IS_PERP[instrument]
    forced = perp & (rng.random(size) < 0.002)
    return world.flow.place(
        account,
        ts,
        instrument,
        side,
        usd,
        passive=(rng.random(size) < style.passive_share) & ~forced,
        source=np.where(forced, LIQUIDATION, np.where(account % 3 == 0, WEB, APP)),
        session=logins.session[group],
        leverage=np.where(perp, LEVERAGES[(account + rng.integers(0, 2, size)) % len(LEVERAGES)], np.nan),
        ui=((rng.random(size) < CLICKS[account % 5]) & ~forced).astype(np.int64),
        liquidation=forced,
    )


def order_sizes(
    world: World,
    rng: np.random.Generator,
    account: Ints,
    ts: Ints,
    instrument: Ints,
    share: float,
    stakes: Floats | float = 1.0,
) -> Floats:
    """Order values in USD: lognormal about a share of wealth with a Pareto tail, more on leverage, bounded by depth.

    `stakes` multiplies them: who is keen plays for more.
    """
    size = len(account)
    geared = np.where(IS_PERP[instrument], LEVERAGES[account % len(LEVERAGES)] ** 0.65, 1.0)
    body = np.log(share * geared * world.people.wealth_usd[account] + 10) + rng.normal(0, 1.0, size)
    tail = np.where(rng.random(size) < 0.05, (1 - rng.random(size)) ** (-1 / 1.5), 1.0)
    depth = world.market.depth(instrument, ts, np.zeros(size, dtype=np.int64))
    excited = np.clip(0.3 + world.market.bustle(instrument, ts), 0.4, 5.0) ** 0.9
    return np.asarray(np.minimum(np.exp(body) * tail * excited * stakes, MAX_SHARE_OF_DEPTH * depth))


def _sides(world: World, rng: np.random.Generator, account: Ints, ts: Ints, instrument: Ints) -> Ints:
    """Buying and selling about equally, with some herding on the last half hour's move."""
    move = np.log(world.market.mid(instrument, ts) / world.market.mid(instrument, ts - 30 * MINUTE))
    herding = 0.5 + np.clip(move * 8, -0.2, 0.2) * (account % 4 > 0)
    return np.where(rng.random(len(account)) < herding, BUY, SELL)


def _turned(account: Ints, ts: Ints, instrument: Ints, side: Ints, usd: Floats) -> tuple[Ints, Floats]:
    """Every second order of an account in an instrument reverses the one before."""
    order = np.lexsort((ts, instrument, account))
    key = (account * len(INSTRUMENTS) + instrument)[order]
    start = np.r_[True, key[1:] != key[:-1]] if len(key) else np.empty(0, dtype=bool)
    place = np.arange(len(key)) - np.flatnonzero(start)[np.cumsum(start) - 1]
    turned = order[place % 2 == 1]
    before = order[np.flatnonzero(place % 2 == 1) - 1]
    side, usd = side.copy(), usd.copy()
    side[turned], usd[turned] = 1 - side[before], usd[before]
    return side, usd


def run_grid(world: World, rng: np.random.Generator, members: Ints, per_day: float) -> Ints:
    """The platform's own grid bot: small even orders around the clock, alternating sides, mostly resting."""
    always = np.full(len(members), 99)
    since = world.people.since(members, world.market)
    entry, ts = world.interest.arrivals(
        rng,
        members,
        per_day * world.people.activity[members] ** 0.3,
        always,
        since,
        np.full(len(members), world.market.end - HOUR),
    )
    account = members[entry]
    instrument = world.people.favourites[account, 0]
    usd = np.minimum(0.02 * world.people.wealth_usd[account] + 12, 4_000)
    return world.flow.place(
        account,
        ts,
        instrument,
        rng.integers(0, 2, len(account)),
        usd,
        passive=rng.random(len(account)) < 0.7,
        source=GRID,
        leverage=np.where(IS_PERP[instrument], 3.0, np.nan),
        ui=0,
    )


def save_and_spend(
    world: World,
    rng: np.random.Generator,
    members: Ints,
    in_per_day: float,
    out_per_day: float,
    until: Ints | None = None,
) -> None:
    """Salary-like deposits and occasional withdrawals to wallets the holder has long used."""
    people = world.people
    since = people.since(members, world.market) + HOUR
    until = np.full(len(members), world.market.end) if until is None else until
    for per_day, inward in ((in_per_day, True), (out_per_day, False)):
        rate = np.full(len(members), per_day) * np.minimum(people.activity[members] ** 0.3, 3)
        entry, ts = world.interest.arrivals(rng, members, rate, people.offset[members], since, until)
        account = members[entry]
        usd = np.exp(np.log(0.15 * people.wealth_usd[account] + 15) + rng.normal(0, 0.9, len(account)))
        rounded = np.where(rng.random(len(account)) < 0.45, np.maximum(np.round(usd / 50), 1) * 50, usd)
        kind = rng.choice(KINDS, len(account), p=KIND_SHARES)
        kind = np.where(account % 3 == 0, funds.BANK, kind)
        if inward:
            funds.deposit(world, account, ts, rounded, kind)
        else:
            _take_out(world, rng, account, ts, rounded, kind)


def _take_out(world: World, rng: np.random.Generator, account: Ints, ts: Ints, usd: Floats, kind: Ints) -> None:
    """Withdraw to a bank, a wallet of one's own, a new one, or another exchange's address that many share."""
    fiat, draw = (kind == funds.BANK) | (kind == funds.P2P), rng.random(len(account))
    fresh = ~fiat & (draw < 0.3)
    shared = ~fiat & ~fresh & (kind == funds.EXCHANGE) & (draw < 0.7)
    own = funds.own_address(account, rng.integers(0, 2, len(account)))
    unlisted = np.full(len(account), funds.MIXER_WALLETS + 1)
    address = np.select([fiat, shared, kind == funds.MIXER], [NONE, funds.SHARED_WALLETS + account % 12, unlisted], own)
    fresh &= kind != funds.MIXER
    address[fresh] = funds.fresh_addresses(world, int(fresh.sum()))
    announced = np.flatnonzero(fresh & (rng.random(len(account)) < 0.8))
    before = ts[announced] - rng.integers(5 * MINUTE, 50 * MINUTE, len(announced))
    secure(world, account[announced], before, "withdrawal_address_added", address=address[announced])
    large = np.where(rng.random(len(account)) < 0.12, rng.uniform(2, 6, len(account)), 1.0)
    funds.withdraw(world, account, ts, np.round(usd * large, 2), kind, address)


def suffer_mishaps(world: World, rng: np.random.Generator, members: Ints, per_day: float) -> None:
    """Forgotten passwords, failed log-ins and, more seldom, changed credentials in anybody's life."""
    since = world.people.since(members, world.market) + HOUR
    until = np.full(len(members), world.market.end - HOUR)
    entry, ts = world.clock.arrivals(rng, np.full(len(members), per_day), world.people.offset[members], since, until)
    group, position = runs(1 + rng.poisson(1.2, len(entry)))
    secure(world, members[entry[group]], ts[group] + position * 20 * SECOND, "failed_login")
    changed = np.flatnonzero(rng.random(len(entry)) < 0.4)
    words = ("password_reset", "password_change", "two_factor_reset", "two_factor_bind", "email_change")
    kind = rng.choice([code("security_events", "event", word) for word in words], len(changed))
    secure(world, members[entry[changed]], ts[changed] + 6 * MINUTE, kind)


def secure(world: World, account: Ints, ts: Ints, event: Values, **more: Values) -> None:
    """Security events: credential changes, new withdrawal addresses, failed log-ins."""
    events = world.ledger.fresh("event", len(account))
    world.ledger.emit("security_events", len(account), event_id=events, account_id=account, ts=ts, event=event, **more)


def live(world: World, rng: np.random.Generator, members: Ints, orders: float = 0.8) -> Logins:
    """The ordinary life beneath: logins, some trades, some money in and out."""
    logins = visit(world, rng, members, rng.gamma(2.0, 0.4, len(members)))
    trade_by_hand(world, rng, logins, Style(orders))
    save_and_spend(world, rng, members, 0.14, 0.08)
    suffer_mishaps(world, rng, members, 0.03)
    return logins


def moments(world: World, rng: np.random.Generator, members: Ints, margin: int = 3 * DAY) -> Ints:
    """One moment for each member, `margin` after its beginning and before the end of the run where there is room."""
    since = world.people.since(members, world.market)
    late = np.maximum(np.full(len(members), world.market.end - margin), since + HOUR)
    early = np.maximum(np.minimum(since + margin, late - DAY), since)
    return np.minimum(world.clock.moments(rng, world.people.offset[members], early, late), world.market.end - HOUR)


def away_from_touch(world: World, rng: np.random.Generator, instrument: Ints, ts: Ints, side: Ints) -> Floats:
    """A limit price one to five ticks behind the touch of its side."""
    bid, ask = world.market.touch(instrument, ts)
    steps = np.round(1 / FIELD["tick"][instrument])
    ticks = rng.integers(1, 6, len(ts))
    return np.asarray(
        np.maximum(np.where(side == BUY, np.round(bid * steps) - ticks, np.round(ask * steps) + ticks), 1) / steps
    )
