"""Money in and out: deposits, withdrawals, internal transfers, staking, and the balances that follow from them."""

import numpy as np

from features.simulator.ledger import Values, code
from features.simulator.market.market import number_of
from features.simulator.vectors import DAY, HOUR, NONE, Floats, Ints, mixed, runs
from features.simulator.world import World

EXCHANGE, SELF_HOSTED, P2P, BANK, BRIDGE, MIXER = (
    code("transfers", "counterparty_type", word)
    for word in ("exchange", "self_hosted", "p2p", "bank", "bridge", "mixer")
)
MIXER_WALLETS, BRIDGE_WALLETS = 120, 130
"""Numbers of the addresses of the listed mixer (the next one is not listed) and, from there on, of eight bridges."""
HOT_WALLETS = 14
"""Addresses of other exchanges, from which thousands deposit: sharing one links nobody."""
SHARED_WALLETS = 20
"""Where withdrawals to other exchanges go that tell customers apart by a memo: sharing one links nobody."""
OWN = 1_000
"""Numbers of addresses: below, known wallets; from here four an account; fresh ones after all accounts'."""
ASSETS = np.array(["USDT", "BTC", "ETH"], dtype=object)
NETWORKS = np.array(["TRC20", "BTC", "ERC20"], dtype=object)
BALANCE_SHARES = {"USDT": 0.6, "BTC": 0.4}


def own_address(account: Ints, which: Ints | int = 0) -> Ints:
    """One of the four wallets of an account's holder."""
    return OWN + account * 4 + which


def fresh_addresses(world: World, count: int) -> Ints:
    """Wallets that nobody has used yet."""
    return OWN + len(world.people) * 4 + world.ledger.fresh("address", count)


def deposit(
    world: World, account: Ints, ts: Ints, usd: Floats, origin: Ints | int, source: Ints | None = None, **more: Values
) -> Ints:
    """Deposits from an origin (a counterparty type); gives back the transfer ids."""
    if source is None:
        origin = np.broadcast_to(origin, account.shape)
        hot, own = mixed(account, 21) % HOT_WALLETS, own_address(account, mixed(ts, 26) % 3 // 2)
        services = [hot, own, BRIDGE_WALLETS + mixed(account, 27) % 8, np.full(len(account), MIXER_WALLETS + 1)]
        source = np.select(
            [origin == EXCHANGE, origin == SELF_HOSTED, origin == BRIDGE, origin == MIXER], services, NONE
        )
    return _move(world, account, ts, usd, "deposit", origin, source_address=source, **more)


def withdraw(
    world: World, account: Ints, ts: Ints, usd: Floats, target: Ints | int, address: Ints, **more: Values
) -> Ints:
    """Withdrawals to addresses (-1 = a bank account); gives back the transfer ids."""
    return _move(world, account, ts, usd, "withdrawal", target, address=address, **more)


def hand_over(world: World, sender: Ints, receiver: Ints, ts: Ints, usd: Floats) -> Ints:
    """Internal transfers, two legs each; gives back the transfer ids."""
    size = len(sender)
    transfers = world.ledger.fresh("transfer", size)
    for account, other, direction in ((sender, receiver, "internal_out"), (receiver, sender, "internal_in")):
        world.ledger.emit(
            "transfers",
            size,
            transfer_id=transfers,
            account_id=account,
            ts=ts,
            direction=direction,
            asset="USDT",
            amount=np.round(usd, 2),
            amount_usd=np.round(usd, 2),
            counterparty_account_id=other,
            counterparty_type="internal",
        )
    return transfers


def _move(
    world: World, account: Ints, ts: Ints, usd: Floats, direction: str, other: Ints | int, **more: Values
) -> Ints:
    size = len(account)
    transfers = world.ledger.fresh("transfer", size)
    other = np.broadcast_to(other, (size,))
    fiat = (other == BANK) | (other == P2P)
    kind = np.where(fiat, 0, np.array([0, 0, 0, 1, 2])[mixed(account, 22, transfers // 3) % 5])
    price = np.ones(size)
    for number, symbol in ((1, "BTCUSDT"), (2, "ETHUSDT")):
        rows = np.flatnonzero(kind == number)
        price[rows] = world.market.mid(np.full(len(rows), number_of(symbol, "spot")), ts[rows])
    wallet = more.get("source_address", more.get("address", NONE))
    first_seen = _first_seen(world, account, np.asarray(wallet), ts)
    columns: dict[str, Values] = {
        "transfer_id": transfers,
        "account_id": account,
        "ts": ts,
        "direction": direction,
        "asset": np.where(fiat, "USDT", ASSETS[kind]),
        "amount": np.where(kind == 0, np.round(usd, 2), np.round(usd / price, 8)),
        "amount_usd": np.round(usd, 2),
        "network": np.where(fiat, "fiat", NETWORKS[kind]),
        "address_first_seen_at": first_seen,
        "counterparty_type": other,
        "fiat_name_match": np.where(fiat, 1, NONE),
        "risk_category": "none",
        "taint_direct": 0.0,
        "taint_indirect": np.where(mixed(transfers, 23) % 40 == 0, mixed(transfers, 24) % 100 / 4000, 0.0),
        "hops": np.iinfo(np.int64).min,
    }
    world.ledger.emit("transfers", size, **(columns | more))
    return transfers


def _first_seen(world: World, account: Ints, wallet: Ints, ts: Ints) -> Ints:
    """When the chain first saw a wallet: long ago for known and own ones, within days for fresh ones."""
    hot, fresh = wallet < OWN, wallet >= OWN + len(world.people) * 4
    age = np.select(
        [hot, fresh], [900 * DAY, mixed(wallet, 25) % (60 * HOUR)], mixed(wallet, 25) % (400 * DAY) + 20 * DAY
    )
    until = np.where(fresh | hot, ts, np.minimum(world.people.created_at[account] + 20 * DAY, ts))
    return np.asarray(np.where(wallet < 0, np.iinfo(np.int64).min, until - age))


def net_flow(world: World, until: int) -> Floats:
    """What every account took in less what it took out before a moment, in USD; shape (accounts,)."""
    account, ts, usd, direction = _flows(world)
    before = ts < until
    signed = np.where(np.isin(direction, INWARD), usd, -usd)
    return np.bincount(account[before], signed[before], len(world.people)).astype(np.float64)


INWARD = tuple(code("transfers", "direction", word) for word in ("deposit", "internal_in"))


def _flows(world: World) -> tuple[Ints, Ints, Floats, Ints]:
    names = ("account_id", "ts", "amount_usd", "direction")
    account, ts, usd, direction = (world.ledger.column("transfers", name) for name in names)
    return account.astype(np.int64), ts.astype(np.int64), usd.astype(np.float64), direction.astype(np.int64)


def fund_openings(world: World) -> None:
    """Raise what accounts hold at the start so far that nobody's balance falls below zero."""
    account, ts, usd, direction = _flows(world)
    order = np.lexsort((ts, account))
    signed = np.where(np.isin(direction, INWARD), usd, -usd)[order]
    total = np.cumsum(signed)
    owner = account[order]
    offset = np.zeros(len(world.people))
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    offset[owner[first]] = total[first] - signed[first]
    lowest = np.zeros(len(world.people))
    np.minimum.at(lowest, owner, total - offset[owner])
    np.maximum(world.people.wealth_usd, world.people.wealth_usd * 0.3 - lowest, out=world.people.wealth_usd)


def snapshot_balances(world: World) -> None:
    """Weekly balances of every account that exists: what it opened with and what moved since."""
    for week in range(0, world.profile.days + 1, 7):
        moment = min(world.market.start + week * DAY + HOUR, world.market.end - 1)
        here = np.flatnonzero(world.people.created_at < moment)
        wealth = np.maximum(world.people.wealth_usd + net_flow(world, moment), 0)[here]
        wobble = np.exp(0.05 * (mixed(here, week) % 1000 / 500 - 1))
        for asset, share in BALANCE_SHARES.items():
            usd = np.round(wealth * share * wobble, 2)
            bitcoin = np.full(1, number_of("BTCUSDT", "spot"))
            price = world.market.mid(bitcoin, np.full(1, moment)) if asset == "BTC" else np.ones(1)
            world.ledger.emit(
                "balances",
                len(here),
                account_id=here,
                ts=moment + mixed(here, week) % HOUR if moment + HOUR < world.market.end else moment,
                asset=asset,
                amount=usd / price,
                amount_usd=usd,
            )


def stake(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Members lock part of what they hold, and some release it later."""
    group, _ = runs(rng.poisson(1.5, len(members)))
    account = members[group]
    since = world.people.since(account, world.market)
    ts = world.clock.moments(rng, world.people.offset[account], since, np.full(len(account), world.market.end))
    usd = np.round(world.people.wealth_usd[account] * rng.uniform(0.05, 0.5, len(account)), 2)
    released = np.flatnonzero((rng.random(len(account)) < 0.4) & (ts + 8 * DAY < world.market.end))
    for rows, action, delay in ((np.arange(len(account)), "stake", 0), (released, "unstake", 7 * DAY)):
        world.ledger.emit(
            "staking",
            len(rows),
            event_id=world.ledger.fresh("event", len(rows)),
            account_id=account[rows],
            ts=ts[rows] + delay,
            action=action,
            asset="USDT",
            amount_usd=usd[rows],
        )
