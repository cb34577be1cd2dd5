"""Pass-through: money that leaves within hours of coming, and who looks like a mule without being one."""

from typing import Any

import pytest

from features.patterns.pass_through import PASS_THROUGH
from features.patterns.shared.episode import Episode
from tests.features.patterns.moneys import Rows, T, found, holding, micros, transfer


def passages(rows: Rows, trades: Rows | None = None) -> list[Episode]:
    """What holds in the end."""
    return holding(found(PASS_THROUGH, {"transfers": rows, "trades": trades or []}))


def passage(out_usd: float = 950.0, after_h: float = 1.0, **more: Any) -> Rows:
    """1,000 USD in and most of it out again."""
    return [transfer("in", 0, 1_000.0, **more), transfer("out", after_h, out_usd, "withdrawal", **more)]


def trade(usd: float, hours: float = 0.5) -> dict[str, Any]:
    """A trade in which A takes."""
    return {
        "trade_id": f"f{hours}",
        "ts": transfer("x", hours, 1.0)["ts"],
        "symbol": "BTCUSDT",
        "product": "spot",
        "price": 100.0,
        "quantity": usd / 100,
        "notional_usd": usd,
        "maker_account_id": "M",
        "taker_account_id": "A",
        "taker_side": "buy",
        "maker_effect": "none",
        "taker_effect": "none",
        "maker_fee_usd": 0.0,
        "taker_fee_usd": 0.0,
        "liquidation": False,
    }


@pytest.mark.parametrize(("out_usd", "count"), [(900.0, 1), (899.99, 0), (1_111.11, 1), (1_111.12, 0)])
@pytest.mark.fires("D12")
def test_nine_tenths_of_it_leave(out_usd: float, count: int) -> None:
    assert len(passages(passage(out_usd))) == count


@pytest.mark.parametrize(("after_h", "count"), [(1.9999, 1), (2.0, 0)])
def test_the_median_dollar_stays_less_than_two_hours(after_h: float, count: int) -> None:
    assert len(passages(passage(after_h=after_h))) == count


@pytest.mark.parametrize(("usd", "count"), [(99.99, 1), (100.0, 0)])
def test_less_than_a_tenth_of_it_is_traded(usd: float, count: int) -> None:
    assert len(passages(passage(), [trade(usd)])) == count


def test_trading_after_the_money_left_does_not_count() -> None:
    assert len(passages(passage(), [trade(5_000.0, hours=3.0)])) == 1


def test_money_that_left_before_it_came_passed_through_nobody() -> None:
    assert passages([transfer("out", -1, 950.0, "withdrawal"), transfer("in", 0, 1_000.0)]) == []


def test_later_money_that_stays_ends_the_passage() -> None:
    versions = found(PASS_THROUGH, {"transfers": [*passage(), transfer("more", 10, 1_000.0)]})
    assert [version.superseded_at for version in versions] == [micros(T) + 10 * 3_600_000_000]


def test_dwell_is_by_the_money_first_in_first_out() -> None:
    rows = [
        transfer("a", 0, 600.0),
        transfer("b", 3, 400.0),
        transfer("c", 1, 600.0, "withdrawal"),
        transfer("d", 7, 400.0, "withdrawal"),
    ]
    (found_,) = passages(rows)
    assert found_.measures["dwell_hours"] == pytest.approx(1.0)
    assert found_.measures["in_usd"] == found_.measures["out_usd"] == 1_000.0
    assert [row for _, row, _, _ in found_.evidence] == ["a", "c", "b", "d"]


def test_two_days_are_two_passages() -> None:
    again = [
        {**row, "transfer_id": f"{row['transfer_id']}2", "ts": row["ts"] + (T - T.floor("D")) * 3} for row in passage()
    ]
    assert len(passages(passage() + again)) == 2


@pytest.mark.parametrize(("kind", "marked"), [("exchange", True), ("self_hosted", False), ("mixer", False)])
@pytest.mark.spares("D12")
def test_an_arbitrage_desk_moving_money_between_exchanges_is_marked(kind: str, marked: bool) -> None:
    (found_,) = passages(passage(counterparty_type=kind))
    assert found_.measures["between_exchanges"] is marked


def test_money_from_an_exchange_to_a_wallet_is_not_inventory() -> None:
    rows = passage()
    rows[0]["counterparty_type"] = "exchange"
    assert passages(rows)[0].measures["between_exchanges"] is False


@pytest.mark.parametrize(("match", "marked"), [(True, True), (False, False), (None, False)])
@pytest.mark.spares("D12")
def test_a_seller_paid_under_the_own_name_is_marked(match: bool | None, marked: bool) -> None:
    rows = passage()
    rows[0] |= {"counterparty_type": "p2p", "fiat_name_match": match}
    assert passages(rows)[0].measures["own_name"] is marked


def test_a_late_transfer_changes_nothing_before_it_arrives() -> None:
    rows = passage()
    rows[0]["ingested_at"] = rows[1]["ts"] + (T - T.floor("D"))
    (found_,) = found(PASS_THROUGH, {"transfers": rows})
    assert found_.known_at == micros(rows[0]["ingested_at"])
