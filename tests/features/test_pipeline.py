"""Vectors of the simulated exchange against pandas, which computes some of them another way; labels out of reach."""

from typing import Any

import duckdb
import pandas as pd
import pytest

from features import pipeline
from features.activity.snapshot import Activity
from features.definitions.own_history import OWN_HISTORY
from features.kernel.errors import Invalid
from features.pipeline import Features
from features.simulator.exchange import Simulation

AS_OF = pd.Timestamp("2025-06-05T07:00:00Z")
DAY = pd.Timedelta(days=1)
LIMITS = (1_000, 3_000, 10_000)


def seen(simulated: Simulation, name: str, width: pd.Timedelta | None = None) -> pd.DataFrame:
    """The rows of a table that had happened, inside the window, and were known."""
    rows: pd.DataFrame = simulated.activity[name].to_pandas()
    known = rows["ingested_at"].fillna(rows["ts"])
    inside = True if width is None else rows["ts"] >= AS_OF - width
    return rows[(rows["ts"] < AS_OF) & (known <= AS_OF) & inside]


def cancel_ratio(simulated: Simulation) -> "pd.Series[Any]":
    """Orders of a week that a cancel has reached, over all of them."""
    events = seen(simulated, "order_events")
    placed = events[(events["event"] == "new") & (events["ts"] >= AS_OF - 7 * DAY)]
    cancelled = placed["order_id"].isin(events.loc[events["event"] == "cancel", "order_id"])
    return cancelled.groupby(placed["account_id"]).mean()


def volume(simulated: Simulation) -> "pd.Series[Any]":
    """Both sides of the trades of a week."""
    trades = seen(simulated, "trades", 7 * DAY)
    sides = [trades.groupby(side)["notional_usd"].sum() for side in ("maker_account_id", "taker_account_id")]
    return sides[0].add(sides[1], fill_value=0.0)


def received(simulated: Simulation) -> "pd.Series[Any]":
    """Money in, in a week."""
    transfers = seen(simulated, "transfers", 7 * DAY)
    inward = transfers[transfers["direction"].isin(["deposit", "internal_in"])]
    return inward.groupby("account_id")["amount_usd"].sum()


def just_below(simulated: Simulation) -> "pd.Series[Any]":
    """Transfers of a week in the fifth below a threshold."""
    transfers = seen(simulated, "transfers", 7 * DAY)
    near = [transfers["amount_usd"].between(0.8 * limit, limit, inclusive="left") for limit in LIMITS]
    return pd.concat(near, axis=1).any(axis=1).groupby(transfers["account_id"]).sum()


def level(simulated: Simulation) -> "pd.Series[Any]":
    """The highest level approved."""
    steps = seen(simulated, "verifications")
    return steps[steps["status"] == "approved"].groupby("account_id")["level"].max()


def addresses(simulated: Simulation) -> "pd.Series[Any]":
    """Addresses of thirty days."""
    return seen(simulated, "sessions", 30 * DAY).groupby("account_id")["ip"].nunique()


def busiest_second(simulated: Simulation) -> "pd.Series[Any]":
    """Orders in one second of a day."""
    events = seen(simulated, "order_events", DAY)
    placed = events[events["event"] == "new"]
    return placed.groupby(["account_id", placed["ts"].dt.floor("s")]).size().groupby("account_id").max()


ORACLES = {
    "cancel_ratio_7d": cancel_ratio,
    "volume_usd_7d": volume,
    "in_usd_7d": received,
    "structuring_n_7d": just_below,
    "kyc_level": level,
    "ips_n_30d": addresses,
    "orders_per_second_max_1d": busiest_second,
}


@pytest.fixture(scope="module")
def drawn(exchange: Features) -> pd.DataFrame:
    """Fifty accounts at random and the ring of clause 8."""
    everybody = exchange.accounts(AS_OF)
    ring = everybody[everybody["account_id"].str.startswith("FLOCK")]
    spine = pd.concat([everybody.sample(50, random_state=7), ring]).drop_duplicates().reset_index(drop=True)
    return exchange.vectors(spine).set_index("account_id")


@pytest.mark.parametrize("name", ORACLES)
def test_vectors_are_those_that_pandas_computes(simulated: Simulation, drawn: pd.DataFrame, name: str) -> None:
    expected = ORACLES[name](simulated).reindex(drawn.index).fillna(0.0).astype(float)
    assert expected.ne(0).any()
    pd.testing.assert_series_equal(drawn[name], expected, check_names=False, rtol=1e-6, atol=1e-4)


def test_vectors_come_in_the_order_of_the_spine_with_its_own_columns(exchange: Features) -> None:
    spine = (
        exchange.accounts(AS_OF).sample(20, random_state=1).assign(event_id=[f"e{n}" for n in range(20)], mood="good")
    )
    vectors = exchange.vectors(spine)
    assert vectors["account_id"].tolist() == spine["account_id"].tolist()
    assert list(vectors.columns[:3]) == ["account_id", "as_of", "event_id"]
    unknown = vectors.columns[vectors.isna().any()]
    assert set(unknown) <= {feature.name for feature in OWN_HISTORY}
    assert {str(kind) for kind in vectors.dtypes[3:]} == {"float64"}


def test_a_long_spine_is_looked_at_in_parts(exchange: Features, monkeypatch: pytest.MonkeyPatch) -> None:
    spine = exchange.weekly().sample(25, random_state=3)
    done: list[float] = []
    whole = exchange.vectors(spine)
    monkeypatch.setattr(pipeline, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(exchange, "progress", lambda _what, share: done.append(share))
    pd.testing.assert_frame_equal(exchange.vectors(spine), whole)
    assert done == sorted(done)


def test_the_same_account_may_be_asked_for_at_several_moments(exchange: Features) -> None:
    moments = [AS_OF, AS_OF - 7 * DAY, AS_OF]
    vectors = exchange.vectors(pd.DataFrame({"account_id": "FLOCK-A1", "as_of": moments}))
    assert vectors["account_age_days"].tolist()[0] == pytest.approx(vectors["account_age_days"][1] + 7)
    assert vectors.iloc[0].equals(vectors.iloc[2])


def test_no_label_can_be_reached_from_the_features(exchange: Features, simulated: Simulation) -> None:
    assert "labels" not in exchange.activity.tables
    with pytest.raises(duckdb.CatalogException):
        exchange.engine.run("SELECT * FROM labels")
    with pytest.raises(Invalid, match="no activity table 'labels'"):
        Activity.from_frames({"labels": simulated.labels})
