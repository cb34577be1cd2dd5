"""Whether each violation shows its defining behaviour, and honest trading the known facts of markets."""

import dataclasses

import pandas as pd
import pytest

from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES

TRAINED = {
    "wash_trading",
    "spoofing",
    "multi_account",
    "money_laundering",
    "account_takeover",
    "position_limit_evasion",
    "layering",
    "excessive_orders",
    "unauthorised_automation",
    "collusion",
    "banned_reentry",
}
BY_RULES = {"kyc_gate", "restricted_jurisdiction", "illicit_assets", "sanctions_exposure", "legal_order"}
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
    assert set(guilty.typology) == TRAINED | BY_RULES
    assert guilty.onset.min() >= tiny_run.activity["trades"].to_pandas().ts.min() + pd.Timedelta(days=2)


def _episodes(run: Simulation, typology: str, *, careful: bool | None = None) -> pd.DataFrame:
    """Episodes of a typology, of the careful units only, of the others only, or of all."""
    truth, episodes = run.truth["truth_accounts"].to_pandas(), run.truth["truth_episodes"].to_pandas()
    chosen: pd.DataFrame = episodes[episodes.typology == typology]
    if careful is None:
        return chosen
    members = set(truth[(truth.typology == typology) & (truth.careful == careful)].account_id)
    return chosen[[bool(members.intersection(accounts)) for accounts in chosen.account_ids]]


@pytest.fixture(scope="module")
def several() -> list[Simulation]:
    """Exchanges with careful and careless units of every kind."""
    return [simulate(dataclasses.replace(PROFILES["tiny"], idle_quotes=2_000), seed) for seed in (101, 102, 103)]


def test_every_kind_has_careful_and_careless_units(several: list[Simulation]) -> None:
    for careful in (False, True):
        kinds = [any(len(_episodes(run, typology, careful=careful)) for run in several) for typology in TRAINED]
        assert sum(kinds) >= len(TRAINED) - 3


def test_wash_fills_are_between_members_and_seldom_of_one_with_himself(several: list[Simulation]) -> None:
    for run in several:
        trades = run.activity["trades"].to_pandas().merge(run.truth["truth_fills"].to_pandas(), on="trade_id")
        truth = run.truth["truth_accounts"].to_pandas()
        wash = trades[trades.is_wash]
        assert len(wash) >= 4
        assert set(wash.maker_account_id) | set(wash.taker_account_id) <= _members(truth, "wash_trading")
        assert (trades[~trades.is_wash].maker_account_id != trades[~trades.is_wash].taker_account_id).all()


def test_spoofers_cancel_the_large_order_after_their_own_fill(several: list[Simulation]) -> None:
    looked_at = 0
    for run in several:
        orders, trades = run.activity["order_events"].to_pandas(), run.activity["trades"].to_pandas()
        new = orders[orders.event == "new"].set_index("order_id")
        ended = orders[orders.event == "cancel"].set_index("order_id").ts
        for large, small in _episodes(run, "spoofing", careful=False).event_ids:
            filled = trades[trades.taker_order_id == small].ts.min() - LATENCY
            own = new[(new.account_id == new.account_id[large]) & (new.symbol == new.symbol[large])].quantity.median()
            assert new.side[large] != new.side[small]
            assert new.ts[large] < filled <= ended[large] <= filled + pd.Timedelta(seconds=5)
            assert new.depth_share[large] >= 0.2
            looked_at += new.quantity[large] >= 5 * own
    assert looked_at >= 5


def test_layerers_pull_several_prices_of_one_side_together(several: list[Simulation]) -> None:
    looked_at = 0
    for run in several:
        orders = run.activity["order_events"].to_pandas()
        new = orders[orders.event == "new"].set_index("order_id")
        ended = orders[orders.event == "cancel"].set_index("order_id").ts
        for events in _episodes(run, "layering", careful=False).event_ids:
            ladder = new.loc[[event for event in events if event in ended.index]]
            if len(ladder) < 3:
                continue
            assert ladder.side.nunique() == 1
            assert ladder.price.nunique() >= 3
            gone = ended.loc[ladder.index]
            assert gone.max() - gone.min() < pd.Timedelta(seconds=3)
            looked_at += 1
    assert looked_at >= 2


def test_farm_members_take_the_bonus_for_little_more_than_the_minimum(several: list[Simulation]) -> None:
    for run in several:
        truth, steps = run.truth["truth_accounts"].to_pandas(), run.activity["participations"].to_pandas()
        farm = _members(truth, "multi_account")
        bonus = steps[(steps.campaign_id == "welcome") & (steps.action == "rewarded")]
        assert len(farm) >= 6
        assert set(bonus.account_id) >= farm
        paid = run.activity["transfers"].to_pandas().set_index("transfer_id").amount_usd
        first = _episodes(run, "multi_account", careful=False).event_ids.str[0]
        assert paid.loc[first].between(90, 125).all()


def test_document_farms_share_documents_and_were_refused_before(several: list[Simulation]) -> None:
    shared = refused = 0
    for run in several:
        truth, steps = run.truth["truth_accounts"].to_pandas(), run.activity["verifications"].to_pandas()
        farm = steps[steps.account_id.isin(truth[truth.role == "document_farm"].account_id)]
        shared += farm.groupby("document_hash").account_id.nunique().max() > 1
        refused += farm.status.eq("rejected").sum()
    assert shared
    assert refused


def test_mules_pass_on_deposits_just_below_a_threshold(several: list[Simulation]) -> None:
    for run in several:
        transfers = run.activity["transfers"].to_pandas().set_index("transfer_id")
        truth = run.truth["truth_accounts"].to_pandas()
        mules = set(truth[(truth.role == "mule_chain") & ~truth.careful.fillna(True).astype(bool)].account_id)
        episodes = _episodes(run, "money_laundering", careful=False)
        for events, accounts in zip(episodes.event_ids, episodes.account_ids, strict=True):
            if not mules.issuperset(accounts):
                continue
            rows = transfers.loc[events]
            paid_in, paid_out = rows[rows.direction == "deposit"], rows[rows.direction == "withdrawal"]
            threshold = min(t for t in (1_000, 3_000, 10_000) if t > paid_in.amount_usd.max())
            assert paid_in.amount_usd.between(0.8 * threshold, threshold).all()
            assert paid_out.amount_usd.sum() >= 0.85 * paid_in.amount_usd.sum()
            assert paid_out.ts.max() > paid_in.ts.min()


def test_stolen_accounts_lose_most_of_the_balance_to_a_new_address(several: list[Simulation]) -> None:
    thefts = unseen = emptied = 0
    for run in several:
        transfers = run.activity["transfers"].to_pandas().set_index("transfer_id")
        balances, sessions = run.activity["balances"].to_pandas(), run.activity["sessions"].to_pandas()
        episodes = _episodes(run, "account_takeover", careful=False)
        for events, began in zip(episodes.event_ids, episodes.started_at, strict=True):
            if not len(events):
                continue
            request = transfers.loc[events[0]]
            own = sessions[sessions.account_id == request.account_id]
            stranger = own[own.ts == began].device_id.item()
            before = balances[(balances.account_id == request.account_id) & (balances.ts < began)]
            held = before[before.ts > before.ts.max() - pd.Timedelta(hours=1)].amount_usd.sum()
            assert request.ts - began < pd.Timedelta(hours=31)
            assert request.ts - request.address_first_seen_at < pd.Timedelta(days=3)
            unseen += stranger not in set(own[own.ts < began].device_id)
            emptied += request.amount_usd >= 0.4 * held
            thefts += 1
    assert thefts >= 3
    assert unseen >= thefts / 2
    assert emptied >= thefts / 2


def test_script_farms_send_orders_through_the_page_without_a_click(several: list[Simulation]) -> None:
    for run in several:
        orders = run.activity["order_events"].to_pandas()
        ids = _episodes(run, "unauthorised_automation", careful=False).event_ids.explode()
        sent = orders[orders.order_id.isin(ids) & (orders.event == "new")]
        assert sent.source.isin(["web", "app"]).all()
        assert not len(sent) or sent.had_ui_event.mean() < 0.2


def test_stuffers_cancel_nearly_all_that_they_send(several: list[Simulation]) -> None:
    for run in several:
        orders = run.activity["order_events"].to_pandas()
        ids = _episodes(run, "excessive_orders").event_ids.explode()
        sent = orders[orders.order_id.isin(ids)]
        assert sent.event.eq("cancel").sum() > 0.9 * sent.event.eq("new").sum()


def test_colluders_share_nothing_and_act_within_half_a_minute(several: list[Simulation]) -> None:
    for run in several:
        truth, orders = run.truth["truth_accounts"].to_pandas(), run.activity["order_events"].to_pandas()
        members = _members(truth, "collusion")
        sessions = run.activity["sessions"].to_pandas()
        devices = sessions[sessions.account_id.isin(members)].groupby("device_id").account_id.nunique()
        assert devices.max() == 1
        new = orders[orders.event == "new"].set_index("order_id")
        for events in _episodes(run, "collusion").event_ids:
            assert new.ts[list(events)].diff().abs().min() < pd.Timedelta(seconds=31)
            assert new.symbol[list(events)].nunique() == 1


def test_banned_people_come_back_under_a_new_account(several: list[Simulation]) -> None:
    listed = 0
    for run in several:
        truth = run.truth["truth_accounts"].to_pandas()
        back = _members(truth, "banned_reentry")
        bans = run.activity["watchlist"].to_pandas()
        bans = set(bans[bans.list == "banned_identity"].value)
        created = run.activity["accounts"].to_pandas().set_index("account_id").created_at
        onset = truth[truth.typology == "banned_reentry"].set_index("account_id").onset
        assert back
        assert (created.loc[onset.index] == onset).all()
        documents = run.activity["verifications"].to_pandas()
        devices = run.activity["sessions"].to_pandas()
        listed += bool(set(documents[documents.account_id.isin(back)].document_hash) & bans)
        listed += bool(set(devices[devices.account_id.isin(back)].device_id) & bans)
        measures = run.activity["enforcements"].to_pandas()
        assert (measures.measure == "exclusion").sum() >= len(back)


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
    sessions = tiny_run.activity["sessions"].to_pandas()
    listed = sessions[sessions.ip_country.isin(["MM", "IR"])].account_id.value_counts()
    assert _members(guilty, "kyc_gate") <= set(perps.taker_account_id) - approved
    assert set(perps.taker_account_id) - approved == _members(guilty, "kyc_gate")
    assert listed[sorted(_members(guilty, "restricted_jurisdiction"))].min() >= 9
    assert listed.drop(sorted(_members(guilty, "restricted_jurisdiction"))).max() < 9
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
    assert set(labels.typology) <= TRAINED
    assert labels.typology.nunique() >= len(TRAINED) - 2
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
