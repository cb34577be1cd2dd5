"""Evidence: the very rows behind a value, enough to compute it again, for features of ours and of anybody's own."""

from collections.abc import Callable

import pandas as pd
import pytest
from ibis import _

from features.catalogue import Feature
from features.definitions import CATALOGUE
from features.evidence import MAX_ROWS, evidence_of_many, feature_evidence
from features.facts.orders import ORDERS
from features.kernel.errors import Invalid
from features.kernel.units import MICRO
from features.pipeline import Features, build_vectors
from features.vocabulary.aggregates import days, share
from tests.features.facts.network import Network, at

AS_OF = pd.Timestamp("2025-06-05T00:00:00Z")
Again = Callable[[pd.DataFrame], float]
AGAIN: dict[str, Again] = {
    "in_usd_7d": lambda rows: rows["amount"].sum() / MICRO,
    "in_max_usd": lambda rows: rows["amount"].max() / MICRO,
    "senders_n_7d": lambda rows: rows["other"].nunique(),
    "volume_usd_7d": lambda rows: rows["notional"].sum() / MICRO,
    "trades_n_7d": len,
    "maker_share_30d": lambda rows: rows.loc[rows["maker"], "notional"].sum() / rows["notional"].sum(),
    "cancel_ratio_7d": lambda rows: rows["counted"].mean(),
    "sessions_n_7d": len,
    "ips_n_30d": lambda rows: rows["ip"].nunique(),
    "kyc_level": lambda rows: rows["level"].max(),
    "promo_usd_90d": lambda rows: rows["reward"].sum() / MICRO,
}


@pytest.fixture(scope="module")
def everybody(exchange: Features) -> pd.DataFrame:
    """All vectors at one moment, by account."""
    return exchange.vectors(exchange.accounts(AS_OF)).set_index("account_id")


@pytest.mark.parametrize("name", AGAIN)
def test_the_rows_shown_give_the_value_again(exchange: Features, everybody: pd.DataFrame, name: str) -> None:
    active = everybody.index[everybody[name] > 0][:40]
    found = evidence_of_many(exchange, CATALOGUE[name], active, AS_OF)
    whole = [one for one in found.values() if one.total <= MAX_ROWS]
    assert whole
    for one in whole:
        assert len(one.rows) == one.total
        assert AGAIN[name](one.rows) == pytest.approx(everybody[name][one.account_id], rel=1e-9)


def test_the_rows_of_a_surge_that_count_are_those_of_its_week(exchange: Features, everybody: pd.DataFrame) -> None:
    senders = everybody.index[(everybody["out_usd_7d"] > 0) & (everybody["in_usd_7d"] > 0)][:20]
    found = evidence_of_many(exchange, CATALOGUE["out_surge_7d"], senders, AS_OF)
    sent = evidence_of_many(exchange, CATALOGUE["out_usd_7d"], senders, AS_OF)
    assert len(senders)
    for account, one in found.items():
        assert one.counted == sent[account].total
        assert set(one.rows.loc[one.rows["counted"], "row_id"]) <= set(sent[account].rows["row_id"])


def test_at_most_twenty_rows_are_shown_and_all_are_counted(exchange: Features, everybody: pd.DataFrame) -> None:
    busy = str(everybody["orders_n_7d"].idxmax())
    found = feature_evidence(exchange, "cancel_ratio_7d", busy, AS_OF)
    assert found.total == everybody["orders_n_7d"].max()
    assert found.total > MAX_ROWS == len(found.rows)
    assert found.counted / found.total == pytest.approx(everybody["cancel_ratio_7d"][busy])
    assert found.rows["counted"].is_monotonic_decreasing


def test_an_account_to_which_nothing_happened_has_no_rows(exchange: Features, everybody: pd.DataFrame) -> None:
    idle = str(everybody.index[everybody["trades_n_7d"] == 0][0])
    found = feature_evidence(exchange, "trades_n_7d", idle, AS_OF)
    assert (found.total, found.counted, len(found.rows), found.row_sentences()) == (0, 0, 0, [])


def test_an_unknown_feature_or_account_is_refused(exchange: Features) -> None:
    with pytest.raises(Invalid, match="no feature 'trades'"):
        feature_evidence(exchange, "trades", "FLOCK-A1", AS_OF)
    with pytest.raises(Invalid, match="no account 'nobody'"):
        feature_evidence(exchange, "trades_n_7d", "nobody", AS_OF)


def test_a_feature_of_ones_own_has_values_a_sentence_and_evidence(exchange: Features, everybody: pd.DataFrame) -> None:
    own = Feature(
        "dear_share_30d", ORDERS, share(_.notional > 1_000_000_000), days(30), "share", "of the orders were dear", "5.3"
    )
    spine = exchange.accounts(AS_OF).head(300)
    vectors = build_vectors(exchange.activity, spine, features=[own, CATALOGUE["orders_n_7d"]])
    assert list(vectors.columns) == ["account_id", "as_of", "dear_share_30d", "orders_n_7d"]
    assert vectors["orders_n_7d"].tolist() == everybody["orders_n_7d"][spine["account_id"]].tolist()
    dearest = vectors["dear_share_30d"].to_numpy().argmax()
    found = feature_evidence(exchange, own, vectors["account_id"].tolist()[dearest], AS_OF)
    assert found.counted > 0
    assert found.counted / found.total == pytest.approx(vectors["dear_share_30d"].max())
    assert own.sentence(0.25) == "25 % of the orders were dear"


COUNTING_PAIRS = ["linked_accounts_n", "strongly_linked_accounts_n", "link_probability_max"]


@pytest.mark.parametrize("name", COUNTING_PAIRS)
def test_a_counted_pair_is_shown_with_every_link_it_has_the_strongest_first(name: str) -> None:
    network = Network()
    for account in ("a", "b"):
        network.session(account, 0.5, ip="203.0.113.7", device="Phone")
        network.withdrew(account, 1.0, "0xABC")
    network.session("a", 0.6, ip="203.0.113.8")
    network.session("c", 0.7, ip="203.0.113.8")
    found = feature_evidence(Features(network.activity()), name, "a", at(2.0))
    rows = found.rows.set_index("other_id")
    assert rows["row_id"]["b"] == "0xabc"
    assert rows["linked_by"]["b"] == "withdrawal address 0xABC, device Phone, ip 203.0.113.7"
    assert "linked by withdrawal address 0xABC, device Phone, ip 203.0.113.7" in " ".join(found.row_sentences())
    assert ("c" in rows.index) == (name != "strongly_linked_accounts_n")
    assert found.total == len(found.rows)


def test_a_link_that_has_lapsed_is_not_shown_with_a_pair() -> None:
    network = Network()
    for account in ("a", "b"):
        network.session(account, 0.5, ip="203.0.113.7")
        network.withdrew(account, 1.0, "0xabc")
    found = feature_evidence(Features(network.activity()), "strongly_linked_accounts_n", "a", at(40.0))
    assert found.rows["linked_by"].tolist() == ["withdrawal address 0xabc"]
