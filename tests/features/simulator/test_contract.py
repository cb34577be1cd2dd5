"""Whether the simulated tables keep the activity contract and are the same for the same seed."""

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.activity.schema import LABELS, TABLES, Table
from features.simulator.exchange import Simulation, simulate
from features.simulator.profiles import PROFILES
from features.simulator.writing import write_simulation

MUST_FEED = (
    *("accounts", "verifications", "sessions", "order_events", "trades", "instruments", "position_limits"),
    *("quotes", "marks", "balances", "transfers", "security_events", "api_keys", "staking", "campaigns"),
    *("participations", "listings", "watchlist", "legal_orders"),
)
SMALL = dataclasses.replace(PROFILES["tiny"], accounts=400, idle_quotes=3_000)


def _tables(run: Simulation) -> dict[str, tuple[Table, pa.Table]]:
    return {name: (TABLES[name], table) for name, table in run.activity.items()} | {"labels": (LABELS, run.labels)}


def test_the_same_profile_and_seed_give_identical_tables() -> None:
    first, second = simulate(SMALL, seed=3), simulate(SMALL, seed=3)
    assert all(first.activity[name].equals(second.activity[name]) for name in first.activity)
    assert all(first.truth[name].equals(second.truth[name]) for name in first.truth)
    assert first.labels.equals(second.labels)


def test_another_seed_gives_another_exchange() -> None:
    assert not simulate(SMALL, seed=3).activity["trades"].equals(simulate(SMALL, seed=4).activity["trades"])


def test_progress_is_told_in_rising_shares() -> None:
    heard: list[float] = []
    simulate(SMALL, 5, lambda _, share: heard.append(share))
    assert heard == sorted(heard)
    assert 0 < heard[0] < heard[-1] <= 1


@pytest.mark.parametrize("name", MUST_FEED)
def test_every_table_is_fed(tiny_run: Simulation, name: str) -> None:
    assert tiny_run.activity[name].num_rows > 0


def test_columns_and_types_are_those_of_the_contract(tiny_run: Simulation) -> None:
    for name, (declared, table) in _tables(tiny_run).items():
        assert table.schema.equals(declared.arrow_schema), name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_value_breaks_the_contract(seed: int) -> None:
    for name, (declared, table) in _tables(simulate(SMALL, seed)).items():
        for column in declared.columns:
            values = table[column.name]
            where = f"{name}.{column.name}"
            assert not column.required or values.null_count == 0, where
            present = pc.drop_null(values)
            if column.kind == "enum":
                assert set(pc.unique(present).to_pylist()) <= set(column.values), where
            if not len(present):
                continue
            if column.kind == "positive":
                assert pc.min(present).as_py() > 0, where
            if column.kind in ("non_negative", "share"):
                assert pc.min(present).as_py() >= 0, where
            if column.kind == "share":
                assert pc.max(present).as_py() <= 1, where


def test_keys_are_unique(tiny_run: Simulation) -> None:
    for name, (declared, table) in _tables(tiny_run).items():
        groups = table.select(list(declared.key)).group_by(list(declared.key)).aggregate([])
        assert groups.num_rows == table.num_rows, name


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_refer_to_accounts_that_exist_by_then(seed: int) -> None:
    run = simulate(SMALL, seed)
    accounts = run.activity["accounts"].select(["account_id", "created_at"])
    for name, (declared, table) in _tables(run).items():
        for column in [c.name for c in declared.columns if c.kind == "account"]:
            rows = table.filter(pc.is_valid(table[column])).select([column, declared.time or column])
            joined = rows.join(accounts, keys=column, right_keys="account_id")
            assert joined["created_at"].null_count == 0, f"{name}.{column}"
            assert pc.all(pc.greater_equal(joined[declared.time], joined["created_at"])).as_py() in (True, None), name


def test_trades_refer_to_orders_and_orders_to_sessions(tiny_run: Simulation) -> None:
    orders, trades = tiny_run.activity["order_events"], tiny_run.activity["trades"]
    placed = orders.filter(pc.equal(orders["event"], "new"))["order_id"]
    for column in ("maker_order_id", "taker_order_id"):
        assert pc.all(pc.is_in(trades[column], value_set=placed.combine_chunks())).as_py()
    sessions = tiny_run.activity["sessions"]["session_id"].combine_chunks()
    assert pc.all(pc.is_in(pc.drop_null(orders["session_id"]), value_set=sessions)).as_py()


def test_a_few_rows_are_learned_late_and_none_before_it_happened(tiny_run: Simulation) -> None:
    trades = tiny_run.activity["trades"]
    late = trades.filter(pc.is_valid(trades["ingested_at"]))
    assert 0.001 < late.num_rows / trades.num_rows < 0.01
    assert pc.all(pc.greater(late["ingested_at"], late["ts"])).as_py()


def test_internal_transfers_have_two_legs(tiny_run: Simulation) -> None:
    transfers = tiny_run.activity["transfers"]
    internal = transfers.filter(pc.equal(transfers["counterparty_type"], "internal"))
    legs = internal.group_by("transfer_id").aggregate([("direction", "count_distinct")])
    assert set(legs["direction_count_distinct"].to_pylist()) <= {2}


def test_no_address_is_anybodys_in_reality(tiny_run: Simulation) -> None:
    first = {address.split(".")[0] for address in pc.unique(tiny_run.activity["sessions"]["ip"]).to_pylist()}
    assert first <= {"10", "100", "172", "198", "203"}


def test_activity_and_truth_are_written_apart(tiny_run: Simulation, tmp_path: Path) -> None:
    write_simulation(tiny_run, tmp_path)
    assert pq.read_table(tmp_path / "activity" / "labels.parquet").equals(tiny_run.labels)
    assert {path.stem for path in (tmp_path / "truth").iterdir()} == set(tiny_run.truth)
    assert {path.stem for path in (tmp_path / "activity").iterdir()} == {*tiny_run.activity, "labels"}
