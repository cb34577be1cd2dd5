"""No value knows the future: vectors, episodes and links at t are those of the activity cut at t on both clocks."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ibis import _

from features.activity.schema import TABLES
from features.activity.snapshot import Activity
from features.catalogue import Feature
from features.definitions import CATALOGUE
from features.facts.orders import ORDERS
from features.kernel.moments import microseconds
from features.pipeline import Features, build_vectors
from features.simulator.exchange import Simulation
from features.vocabulary.aggregates import days, share

CASE = pd.Timestamp("2025-05-30T03:12:00Z")
KINDS = (
    "after the case",
    "late trade",
    "late transfer",
    "late session",
    "late order event",
    "open order",
    "at a trade",
)


def chosen_moment(simulated: Simulation, kind: str) -> pd.Timestamp:
    """A moment at which peeking pays: a row has happened but is not known, an order is still open, or t is its time."""
    if kind == "after the case":
        return CASE
    tables = {
        name: simulated.activity[name].to_pandas() for name in ("trades", "transfers", "sessions", "order_events")
    }
    if kind.startswith("late "):
        rows = tables[f"{kind.removeprefix('late ').replace(' ', '_')}s"]
        late = rows[(rows["ingested_at"] - rows["ts"]) > pd.Timedelta("1s")].sort_values("ts")
        row = late[late["ts"] > CASE].iloc[0]
        return pd.Timestamp(row["ts"] + (row["ingested_at"] - row["ts"]) / 2)
    if kind == "at a trade":
        return pd.Timestamp(tables["trades"].sort_values("ts").loc[lambda rows: rows["ts"] > CASE, "ts"].iloc[100])
    orders = tables["order_events"]
    placed = orders[orders["event"] == "new"].set_index("order_id")["ts"]
    cancelled = orders[orders["event"] == "cancel"].set_index("order_id")["ts"]
    life = (cancelled - placed).dropna().sort_values()
    return pd.Timestamp(placed[life.index[-1]] + life.iloc[-1] / 2)


def cut(tables: dict[str, pa.Table], moment: pd.Timestamp) -> Activity:
    """The activity as it was at a moment: happened before it, and known by it."""
    kept: dict[str, pa.Table] = {}
    for name, rows in tables.items():
        happened = rows.column(TABLES[name].time)
        known = pc.coalesce(rows.column("ingested_at"), happened)
        at = pa.scalar(moment.to_pydatetime(), pa.timestamp("us", tz="UTC"))
        kept[name] = rows.filter(pc.and_(pc.less(happened, at), pc.less_equal(known, at)))
    return Activity.from_frames(kept, version=f"cut at {moment}")


@pytest.fixture(scope="session")
def whole(simulated: Simulation) -> Features:
    """The simulated exchange in full."""
    return Features(Activity.from_frames(simulated.activity, version="whole"))


@pytest.fixture(scope="session", params=KINDS)
def moment(request: pytest.FixtureRequest, simulated: Simulation) -> pd.Timestamp:
    """A moment inside the simulation at which looking ahead would show."""
    return chosen_moment(simulated, request.param)


@pytest.fixture(scope="session")
def past(simulated: Simulation, moment: pd.Timestamp) -> Features:
    """The simulated exchange as it was at the moment."""
    return Features(cut(simulated.activity, moment))


def test_vectors_are_those_of_the_activity_cut_at_the_moment(
    whole: Features, past: Features, moment: pd.Timestamp
) -> None:
    everybody = past.accounts(moment)
    pd.testing.assert_frame_equal(whole.vectors(everybody), past.vectors(everybody), check_exact=True)


def test_episodes_known_by_the_moment_are_those_found_at_the_moment(
    whole: Features, past: Features, moment: pd.Timestamp
) -> None:
    assert as_known(whole, moment) == as_known(past, moment)


def test_links_that_hold_at_the_moment_are_those_found_at_the_moment(
    whole: Features, past: Features, moment: pd.Timestamp
) -> None:
    for account in ("FLOCK-A1", "FLOCK-A4", "FLOCK-B1"):
        assert whole.links(account, moment) == past.links(account, moment)


def test_at_least_one_pattern_and_one_late_row_were_looked_at(whole: Features, simulated: Simulation) -> None:
    assert {e["pattern"] for e in _episodes(whole)} >= {"spoofing", "position_limit_ring"}
    assert pc.sum(pc.is_valid(simulated.activity["trades"].column("ingested_at"))).as_py() > 0


def test_a_feature_that_peeks_is_caught(simulated: Simulation, whole: Features) -> None:
    """The comparison above would fail for a feature that forgets `by_then`."""
    moment = chosen_moment(simulated, "open order")
    past = Features(cut(simulated.activity, moment))
    peeking = Feature(
        "peeks", ORDERS, share(_.cancelled_at.notnull()), days(1), "share", "were cancelled some day", "5.3"
    )
    spine = past.accounts(moment)
    peeked = whole.vectors(spine, [peeking])["peeks"].to_numpy()
    honest = past.vectors(spine, [peeking])["peeks"].to_numpy()
    assert not np.array_equal(peeked, honest)


def test_a_row_that_arrives_late_changes_nothing_before_its_arrival(simulated: Simulation) -> None:
    moment = pd.Timestamp("2025-06-03T12:00:00Z")
    trades = simulated.activity["trades"]
    early = pc.less(trades.column("ts"), pa.scalar(moment.to_pydatetime(), pa.timestamp("us", tz="UTC")))
    row = trades.filter(early).slice(1_000, 1)
    late = row.set_column(
        row.schema.get_field_index("trade_id"), "trade_id", pa.array(["late"], pa.string())
    ).set_column(
        row.schema.get_field_index("ingested_at"),
        "ingested_at",
        pa.array([(moment + pd.Timedelta("1h")).to_pydatetime()], pa.timestamp("us", tz="UTC")),
    )
    account = row.column("taker_account_id")[0].as_py()
    later = {**simulated.activity, "trades": pa.concat_tables([trades, late])}
    spine = pd.DataFrame({"account_id": [account, account], "as_of": [moment, moment + pd.Timedelta("2h")]})
    without = build_vectors(Activity.from_frames(simulated.activity, "without"), spine)
    with_late = build_vectors(Activity.from_frames(later, "with"), spine)
    pd.testing.assert_frame_equal(without.iloc[:1], with_late.iloc[:1], check_exact=True)
    assert with_late["trades_n_30d"].iloc[1] == without["trades_n_30d"].iloc[1] + 1


def test_every_feature_of_the_catalogue_moves_for_somebody(whole: Features) -> None:
    """A feature that is the same for everybody on the simulated exchange stands here with its reason."""
    not_fed_by_tiny = {
        "identity_shared_with_n",  # no simulated agent reuses a document yet
        "kyc_expired",  # no verification expires within two weeks
        "kyc_rejections_n",  # the simulated desk rejects nobody yet
        "mixer_share_30d",  # no simulated agent uses mixers or bridges yet
        "scripted_share_30d",  # bot farms with headless browsers are a later agent
        "prohibited_sessions_7d",  # tiny has no traveller to a prohibited country
        "wash_pairs_n",  # tiny's ring meets too seldom for ten trades a pair; tests/features/patterns covers it
        "pair_lift_max",
        "wash_volume_usd_7d",
        "wash_volume_share_7d",
        "ring_volume_share_7d",  # for the same reason; tests/features/test_wash_features.py covers them
        "wash_rings_n",
        "round_trips_max_7d",
        "stuffing_hours_n_7d",  # no tiny agent is as fast; tests/features/patterns covers these three
        "excessive_cancel_days_10d",
        "machine_speed_episodes_7d",
        "unapproved_key_orders_n_7d",  # every simulated key is approved before its first order
        "pass_through_days_30d",  # tiny's few mules let their money lie for hours; tests/features/patterns covers it
        "pass_through_usd_max_30d",
        "fan_ins_7d",  # no tiny mule gathers from ten senders, none spreads over ten recipients
        "fan_outs_7d",
        "new_account_burst",  # nobody in tiny brings a fortune on the first day and takes it away
        "unlinked_rings_n_7d",  # no tiny ring hides every link; tests/serving/workflows shows P4
        "dormancy_bursts_30d",  # two weeks of record show no ninety days of silence
        "prohibited_orders_7d",  # nobody in tiny trades from a prohibited country
        "self_trades_1d",  # the matching prevents self-trades, and no tiny ring shares a control link
        "linked_counterparty_share_7d",
        "linked_counterparty_usd_7d",
    }
    moments = pd.date_range("2025-05-28", "2025-06-07", tz="UTC")
    spine = pd.concat([whole.accounts(at) for at in moments], ignore_index=True)
    vectors = whole.vectors(spine)
    still = {name for name in CATALOGUE.names if vectors[name].nunique() < 2}
    assert still <= not_fed_by_tiny, f"these features are the same for everybody: {sorted(still - not_fed_by_tiny)}"


def as_known(features: Features, moment: pd.Timestamp) -> list[dict[str, Any]]:
    """The episodes known by a moment; that a later run supersedes one is not known yet."""
    at = microseconds(moment)
    known = [e for e in _episodes(features) if e["known_at"] <= at]
    return [{**e, "superseded_at": e["superseded_at"] if (e["superseded_at"] or 0) <= at else None} for e in known]


def _episodes(features: Features) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = features.engine.run("SELECT * FROM episodes ORDER BY known_at, episode_id").to_pylist()
    return rows
