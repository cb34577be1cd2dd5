"""No value knows the future: vectors, episodes and links at t are those of the activity cut at t on both clocks."""

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
from features.pipeline import Features, build_vectors, microseconds
from features.simulator.exchange import Simulation
from features.vocabulary import days, share

MOMENTS = ("2025-05-30T03:12:00Z", "2025-06-02T13:37:11.5Z", "2025-06-05T00:00:00Z")
ACCOUNTS_A_MOMENT = 60


def cut(tables: dict[str, pa.Table], moment: pd.Timestamp) -> Activity:
    """The activity as it was at a moment: happened before it, and known by it."""
    kept: dict[str, pa.Table] = {}
    for name, rows in tables.items():
        happened = rows.column(TABLES[name].time)
        known = pc.max_element_wise(pc.coalesce(rows.column("ingested_at"), happened), happened)
        at = pa.scalar(moment.to_pydatetime(), pa.timestamp("us", tz="UTC"))
        before = pc.less(happened, at)
        if name in ("instruments", "position_limits", "watchlist", "campaigns", "listings"):
            # Announced with their validity: known from the start, valid later.
            before = pc.scalar(True)
        kept[name] = rows.filter(pc.and_(before, pc.less_equal(known, at)) if before.is_valid else before)
    return Activity.from_frames(kept, version=f"cut at {moment}")


@pytest.fixture(scope="session")
def whole(simulated: Simulation) -> Features:
    """The simulated exchange in full."""
    return Features(Activity.from_frames(simulated.activity, version="whole"))


@pytest.fixture(scope="session", params=MOMENTS)
def moment(request: pytest.FixtureRequest) -> pd.Timestamp:
    """A moment inside the simulation, one of them in the minute after the case of clause 8."""
    return pd.Timestamp(request.param)


@pytest.fixture(scope="session")
def past(simulated: Simulation, moment: pd.Timestamp) -> Features:
    """The simulated exchange as it was at the moment."""
    return Features(cut(simulated.activity, moment))


def test_vectors_are_those_of_the_activity_cut_at_the_moment(
    whole: Features, past: Features, moment: pd.Timestamp
) -> None:
    everybody = past.accounts(moment)
    violators = everybody["account_id"].str.startswith("FLOCK")
    drawn = everybody.sample(ACCOUNTS_A_MOMENT, random_state=7)
    spine = pd.concat([everybody[violators], drawn]).drop_duplicates().reset_index(drop=True)
    pd.testing.assert_frame_equal(whole.vectors(spine), past.vectors(spine), check_exact=True)


def test_episodes_known_by_the_moment_are_those_found_at_the_moment(
    whole: Features, past: Features, moment: pd.Timestamp
) -> None:
    known = [e for e in _episodes(whole) if e["known_at"] <= microseconds(moment)]
    found = [e for e in _episodes(past) if e["known_at"] <= microseconds(moment)]
    assert known == found


def test_links_that_hold_at_the_moment_are_those_found_at_the_moment(
    whole: Features, past: Features, moment: pd.Timestamp
) -> None:
    for account in ("FLOCK-A1", "FLOCK-A4", "FLOCK-B1"):
        assert whole.links(account, moment) == past.links(account, moment)


def test_at_least_one_pattern_and_one_late_row_were_looked_at(whole: Features, simulated: Simulation) -> None:
    assert {e["pattern"] for e in _episodes(whole)} >= {"spoofing", "position_limit_ring"}
    assert pc.sum(pc.is_valid(simulated.activity["trades"].column("ingested_at"))).as_py() > 0


def test_a_feature_that_peeks_is_caught(whole: Features, past: Features, moment: pd.Timestamp) -> None:
    """The comparison above would fail for a feature that forgets `by_then`."""
    peeking = Feature(
        "peeks", ORDERS, share(_.cancelled_at.notnull()), days(1), "share", "were cancelled some day", "5.3"
    )
    busy = past.engine.frame("SELECT account_id, count(*) AS n FROM fact_orders GROUP BY 1 ORDER BY n DESC, 1 LIMIT 80")
    spine = busy[["account_id"]].assign(as_of=moment)
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
    """A feature that is the same for everybody on the simulated exchange is reported by name, with its reason here."""
    not_fed = {
        "unstakes_n_90d",  # may not happen in two weeks
        "prohibited_sessions_7d",
    }
    vectors = whole.vectors(whole.accounts(pd.Timestamp("2025-06-06")))
    still = {name for name in CATALOGUE.names if vectors[name].nunique() < 2}
    assert still <= not_fed, f"these features are the same for everybody: {sorted(still - not_fed)}"


def _episodes(features: Features) -> list[dict[str, object]]:
    return features.engine.run("SELECT * FROM episodes ORDER BY known_at, episode_id").to_pylist()
