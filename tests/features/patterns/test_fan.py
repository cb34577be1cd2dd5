"""Fan-in and fan-out: many small payments against one large one."""

from typing import Any

import pytest

from features.patterns.fan import FAN_IN, FAN_OUT
from tests.features.patterns.moneys import Rows, found, holding, micros, transfer


def gathering(
    senders: int = 10, usd: float = 100.0, out: float | None = None, after_h: float = 1.0, **more: Any
) -> Rows:
    """Small receipts, one an hour, and most of them out in one."""
    small = [transfer(f"s{n}", n, usd, **more) for n in range(senders)]
    total = senders * usd
    return [*small, transfer("out", senders - 1 + after_h, out or total, "withdrawal")]


def spreading(recipients: int = 10, usd: float = 100.0, received: float | None = None, after_h: float = 1.0) -> Rows:
    """One receipt and small payments afterwards."""
    small = [transfer(f"s{n}", after_h + n, usd, "withdrawal") for n in range(recipients)]
    return [transfer("in", 0, received or recipients * usd), *small]


@pytest.mark.parametrize(("senders", "count"), [(10, 1), (9, 0)])
@pytest.mark.fires("D12")
def test_ten_senders_are_a_fan_in(senders: int, count: int) -> None:
    assert len(found(FAN_IN, {"transfers": gathering(senders)})) == count


@pytest.mark.parametrize(("usd", "count"), [(499.99, 1), (500.0, 0)])
def test_their_median_payment_is_small(usd: float, count: int) -> None:
    assert len(found(FAN_IN, {"transfers": gathering(usd=usd)})) == count


@pytest.mark.parametrize(("out", "count"), [(800.0, 1), (799.99, 0)])
def test_four_fifths_of_it_leave_in_one_transfer(out: float, count: int) -> None:
    assert len(found(FAN_IN, {"transfers": gathering(out=out)})) == count


@pytest.mark.parametrize(("after_h", "count"), [(24.0, 1), (24.001, 0)])
def test_it_leaves_within_a_day_of_the_last_receipt(after_h: float, count: int) -> None:
    assert len(found(FAN_IN, {"transfers": gathering(after_h=after_h)})) == count


@pytest.mark.spares("D12")
def test_many_payments_from_one_sender_are_no_fan() -> None:
    assert found(FAN_IN, {"transfers": gathering(source_address="0xminer")}) == []


def test_payments_without_a_named_sender_count_for_the_money_only() -> None:
    rows = gathering(11)
    rows[3] |= {"counterparty_type": "bank", "source_address": None}
    (fan,) = found(FAN_IN, {"transfers": rows})
    assert (fan.measures["others"], fan.measures["transfers"], fan.measures["small_usd"]) == (10, 11, 1_100.0)


def test_the_evidence_shows_the_large_transfer_first() -> None:
    (fan,) = found(FAN_IN, {"transfers": gathering()})
    assert [row for _, row, _, _ in fan.evidence] == ["out", *(f"s{n}" for n in range(10))]
    assert fan.known_at == fan.ended_at == micros(gathering()[-1]["ts"])


@pytest.mark.parametrize(("recipients", "count"), [(10, 1), (9, 0)])
def test_ten_recipients_are_a_fan_out(recipients: int, count: int) -> None:
    assert len(found(FAN_OUT, {"transfers": spreading(recipients)})) == count


@pytest.mark.parametrize(("received", "count"), [(1_250.0, 1), (1_250.01, 0), (800.0, 1), (799.99, 0)])
def test_what_is_spread_is_about_what_was_received(received: float, count: int) -> None:
    assert len(found(FAN_OUT, {"transfers": spreading(received=received)})) == count


@pytest.mark.parametrize(("after_h", "count"), [(24.0, 1), (24.001, 0)])
def test_it_begins_to_be_spread_within_a_day(after_h: float, count: int) -> None:
    assert len(found(FAN_OUT, {"transfers": spreading(after_h=after_h)})) == count


def test_a_fan_out_grows_with_every_recipient_and_stays_one() -> None:
    versions = found(FAN_OUT, {"transfers": spreading(12)})
    assert [version.measures["others"] for version in versions] == [10, 11, 12]
    assert len(holding(versions)) == 1


@pytest.mark.parametrize("pattern", [FAN_IN, FAN_OUT], ids=lambda pattern: pattern.name)
def test_the_other_way_round_is_none(pattern: Any) -> None:
    rows = spreading() if pattern is FAN_IN else gathering()
    assert found(pattern, {"transfers": rows}) == []


def test_a_late_payment_changes_nothing_before_it_arrives() -> None:
    rows = spreading()
    rows[4]["ingested_at"] = rows[-1]["ts"] + (rows[-1]["ts"] - rows[1]["ts"])
    (fan,) = found(FAN_OUT, {"transfers": rows})
    assert fan.known_at == micros(rows[4]["ingested_at"])
