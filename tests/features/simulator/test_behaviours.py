"""Whether each violation shows its defining behaviour, and honest trading the known facts of markets."""

import pandas as pd
import pytest

from features.simulator.exchange import Simulation

TRAINED = {
    "wash_trading",
    "spoofing",
    "multi_account",
    "money_laundering",
    "account_takeover",
    "position_limit_evasion",
}
LATENCY = pd.Timedelta(milliseconds=50)


@pytest.fixture(scope="module")
def guilty(tiny_run: Simulation) -> pd.DataFrame:
    accounts = tiny_run.truth["truth_accounts"].to_pandas()
    violators: pd.DataFrame = accounts[accounts.typology.notna()]
    return violators


@pytest.fixture(scope="module")
def roles(tiny_run: Simulation) -> "pd.Series[str]":
    accounts = tiny_run.truth["truth_accounts"].to_pandas()
    role: pd.Series[str] = accounts.drop_duplicates("account_id").set_index("account_id").role
    return role


def _members(guilty: pd.DataFrame, typology: str) -> set[str]:
    return set(guilty[guilty.typology == typology].account_id)


def test_every_typology_has_violators_after_the_warm_up(tiny_run: Simulation, guilty: pd.DataFrame) -> None:
    assert set(guilty.typology) >= TRAINED | {"kyc_gate", "restricted_jurisdiction", "illicit_assets"}
    assert guilty.onset.min() >= tiny_run.activity["trades"].to_pandas().ts.min() + pd.Timedelta(days=2)


def test_wash_members_trade_with_each_other_and_leak_a_little(tiny_run: Simulation, guilty: pd.DataFrame) -> None:
    trades = tiny_run.activity["trades"].to_pandas().merge(tiny_run.truth["truth_fills"].to_pandas(), on="trade_id")
    ring = _members(guilty, "wash_trading")
    wash = trades[trades.is_wash]
    assert len(wash) >= 4
    assert set(wash.maker_account_id) | set(wash.taker_account_id) <= ring
    assert (wash.maker_account_id != wash.taker_account_id).all()


def test_spoofers_cancel_the_large_order_after_their_own_fill(tiny_run: Simulation, guilty: pd.DataFrame) -> None:
    orders, trades = tiny_run.activity["order_events"].to_pandas(), tiny_run.activity["trades"].to_pandas()
    new = orders[orders.event == "new"].set_index("order_id")
    ended = orders[orders.event == "cancel"].set_index("order_id").ts
    episodes = tiny_run.truth["truth_episodes"].to_pandas()
    episodes = episodes[episodes.typology == "spoofing"]
    assert len(episodes) >= 5
    for large, small in episodes.event_ids:
        placed, account = new.ts[large], new.account_id[large]
        filled = trades[trades.taker_order_id == small].ts.min() - LATENCY
        own = new[(new.account_id == account) & (new.symbol == new.symbol[large])].quantity.median()
        assert account in _members(guilty, "spoofing")
        assert new.side[large] != new.side[small]
        assert placed < filled <= ended[large] <= filled + pd.Timedelta(seconds=5)
        assert ended[large] - placed <= pd.Timedelta(seconds=30)
        assert new.depth_share[large] >= 0.2
        assert new.quantity[large] >= 5 * own


def test_farm_members_deposit_the_minimum_and_take_the_bonus(tiny_run: Simulation, guilty: pd.DataFrame) -> None:
    farm = _members(guilty, "multi_account")
    transfers, steps = tiny_run.activity["transfers"].to_pandas(), tiny_run.activity["participations"].to_pandas()
    first = transfers[transfers.account_id.isin(farm)].sort_values("ts").groupby("account_id").first()
    assert len(farm) >= 8
    assert first.amount_usd.between(100, 104).mean() > 0.8
    assert set(steps[steps.action == "rewarded"].account_id) >= farm
    accounts = tiny_run.activity["accounts"].to_pandas().set_index("account_id").loc[sorted(farm)]
    assert accounts.referrer_id.isin(farm).sum() >= len(farm) - 1


def test_mules_pass_on_deposits_just_below_a_threshold(tiny_run: Simulation, guilty: pd.DataFrame) -> None:
    transfers = tiny_run.activity["transfers"].to_pandas().set_index("transfer_id")
    episodes = tiny_run.truth["truth_episodes"].to_pandas()
    for events in episodes[episodes.typology == "money_laundering"].event_ids:
        rows = transfers.loc[events]
        paid_in, paid_out = rows[rows.direction == "deposit"], rows[rows.direction == "withdrawal"]
        threshold = min(t for t in (1_000, 3_000, 10_000) if t > paid_in.amount_usd.max())
        assert paid_in.amount_usd.between(0.8 * threshold, threshold).all()
        assert paid_out.amount_usd.sum() >= 0.85 * paid_in.amount_usd.sum()
        assert paid_out.ts.min() > paid_in.ts.min()
        assert set(rows.account_id) <= _members(guilty, "money_laundering")


def test_stolen_accounts_lose_most_of_the_balance_to_a_new_address(tiny_run: Simulation) -> None:
    transfers = tiny_run.activity["transfers"].to_pandas().set_index("transfer_id")
    balances, sessions = tiny_run.activity["balances"].to_pandas(), tiny_run.activity["sessions"].to_pandas()
    episodes = tiny_run.truth["truth_episodes"].to_pandas()
    thefts = episodes[episodes.typology == "account_takeover"]
    assert len(thefts) >= 3
    unseen = emptied = 0
    for theft in thefts.itertuples():
        request = transfers.loc[theft.event_ids[0]]
        own = sessions[sessions.account_id == request.account_id]
        stranger = own[own.ts == theft.started_at].device_id.item()
        unseen += stranger not in set(own[own.ts < theft.started_at].device_id)
        before = balances[(balances.account_id == request.account_id) & (balances.ts < theft.started_at)]
        held = before[before.ts > before.ts.max() - pd.Timedelta(hours=1)].amount_usd.sum()
        emptied += request.amount_usd >= 0.5 * held
        assert request.ts - theft.started_at < pd.Timedelta(hours=31)
        assert request.ts - request.address_first_seen_at < pd.Timedelta(days=3)
    assert unseen >= len(thefts) / 2
    assert emptied >= len(thefts) / 2


def test_limit_rings_open_together_and_exceed_the_limit_only_together(
    tiny_run: Simulation, guilty: pd.DataFrame
) -> None:
    trades = tiny_run.activity["trades"].to_pandas().set_index("trade_id")
    limits = tiny_run.activity["position_limits"].to_pandas()
    limit = limits[limits.max_leverage == 20].set_index("symbol").max_notional_usd
    episodes = tiny_run.truth["truth_episodes"].to_pandas()
    bursts = [trades.loc[events] for events in episodes[episodes.typology == "position_limit_evasion"].event_ids]
    assert len(bursts) >= 2
    for burst in bursts:
        assert burst.ts.max() - burst.ts.min() <= pd.Timedelta(seconds=7)
        assert burst.taker_effect.eq("open").all()
        assert burst.notional_usd.max() < limit[burst.symbol.iloc[0]]
    assert max(burst.notional_usd.sum() / limit[burst.symbol.iloc[0]] for burst in bursts) > 1.5


def test_rule_breakers_do_what_the_rules_forbid(tiny_run: Simulation, guilty: pd.DataFrame) -> None:
    trades, levels = tiny_run.activity["trades"].to_pandas(), tiny_run.activity["verifications"].to_pandas()
    approved = set(levels[(levels.level >= 2) & (levels.status == "approved")].account_id)
    perps = trades[trades["product"] == "perp"]
    assert _members(guilty, "kyc_gate") <= set(perps.taker_account_id) - approved
    assert set(perps.taker_account_id) - approved == _members(guilty, "kyc_gate")
    sessions = tiny_run.activity["sessions"].to_pandas()
    assert set(sessions[sessions.ip_country == "MM"].account_id) == _members(guilty, "restricted_jurisdiction")
    transfers = tiny_run.activity["transfers"].to_pandas()
    tainted = transfers[transfers.risk_category == "ransomware"]
    assert set(tainted.account_id) == _members(guilty, "illicit_assets")


def test_labels_come_late_with_onset_and_ring_and_are_sometimes_cleared(
    tiny_run: Simulation, guilty: pd.DataFrame
) -> None:
    labels = tiny_run.labels.to_pandas()
    confirmed = labels[labels.finding == "confirmed"]
    assert (confirmed.known_at >= confirmed.onset).all()
    assert set(labels.source) == {"simulator"}
    true = confirmed.merge(guilty, on=["account_id", "typology"])
    assert len(true) / len(confirmed) > 0.75
    assert true.group_id.eq(true.ring_id).all()
    assert set(labels.typology) == TRAINED
    assert labels.finding.eq("cleared").sum() > len(confirmed)


def test_market_makers_cancel_nearly_all_and_serve_most_of_the_volume(
    tiny_run: Simulation, roles: "pd.Series[str]"
) -> None:
    orders, trades = tiny_run.activity["order_events"].to_pandas(), tiny_run.activity["trades"].to_pandas()
    makers = orders[orders.account_id.map(roles) == "market_maker"]
    assert makers.event.eq("cancel").sum() / makers.event.eq("new").sum() >= 0.95
    served = trades[trades.maker_account_id.map(roles) == "market_maker"].notional_usd.sum()
    assert 0.45 < served / trades.notional_usd.sum() < 0.9


def test_activity_has_a_heavy_tail(tiny_run: Simulation) -> None:
    trades = tiny_run.activity["trades"].to_pandas()
    sides = [trades.groupby(f"{side}_account_id").notional_usd.sum() for side in ("maker", "taker")]
    volume = pd.concat(sides).groupby(level=0).sum().sort_values(ascending=False)
    assert volume.head(8).sum() / volume.sum() > 0.4
    assert volume.median() < volume.mean() / 5


def test_filled_orders_are_not_cancelled_and_fills_fit_their_orders(tiny_run: Simulation) -> None:
    orders, trades = tiny_run.activity["order_events"].to_pandas(), tiny_run.activity["trades"].to_pandas()
    size = orders[orders.event == "new"].set_index("order_id").quantity
    for side in ("maker", "taker"):
        filled = trades.groupby(f"{side}_order_id").quantity.sum()
        assert (filled <= size.loc[filled.index] * (1 + 1e-6)).all()
        full = filled.index[filled >= size.loc[filled.index] * (1 - 1e-9)]
        assert not set(full) & set(orders[orders.event != "new"].order_id)
