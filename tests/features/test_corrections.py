"""Corrected and busted rows: from when they are known the past reads otherwise, and until then it stays as it was."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.activity.importing import Import
from features.activity.schema import TABLES
from features.activity.snapshot import Activity
from features.definitions import CATALOGUE
from features.home import Home
from features.kernel.progress import silent
from features.pipeline import Features
from tests.features.golden.record import ACTIVITY
from tests.features.patterns.trading_floor import DAY, accounts, frame, sale
from tests.features.test_point_in_time import as_known, cut

CORRECTED_AT = pd.Timestamp("2025-06-03T10:00:00Z")
BUSTED_AT = pd.Timestamp("2025-06-05T00:00:00Z")
MOMENTS = {
    "before": CORRECTED_AT - pd.Timedelta("1us"),
    "the moment it is known": CORRECTED_AT,
    "between": CORRECTED_AT + pd.Timedelta(days=1, hours=3),
    "after the bust": BUSTED_AT + pd.Timedelta(days=1),
}
CHANGES: dict[str, dict[str, Any]] = {
    "trades": {"notional_usd": 9.5, "maker_fee_usd": 0.25},
    "transfers": {"amount_usd": 12_345.0},
    "order_events": {"source": "api"},
    "sessions": {"ip": "192.0.2.77", "device_id": "another-device"},
    "participations": {"reward_usd": 77.0},
    "verifications": {"document_hash": "another-document"},
}


def corrected_exchange() -> dict[str, pa.Table]:
    """The stored exchange, in which every fortieth row of some tables is corrected or, later, busted."""
    tables = {path.stem: pq.read_table(path) for path in ACTIVITY.glob("*.parquet")}
    for name, changes in CHANGES.items():
        rows = tables[name].to_pandas()
        early = rows[rows["ts"] < CORRECTED_AT - pd.Timedelta(days=1)]
        corrected = early.iloc[3::80].assign(**changes, ingested_at=CORRECTED_AT)
        busted = early.iloc[43::80].assign(cancelled=True, ingested_at=BUSTED_AT)
        assert len(corrected)
        assert len(busted)
        everything = pd.concat([rows.assign(cancelled=None), corrected.assign(cancelled=None), busted])
        tables[name] = as_arrow(name, everything)
    return tables


def as_arrow(name: str, rows: pd.DataFrame) -> pa.Table:
    """The rows with all columns that the table declares."""
    declared = TABLES[name].arrow_schema
    whole = rows.reindex(columns=declared.names)
    plain = whole.assign(**{c: whole[c].dt.tz_convert(None) for c in whole.select_dtypes("datetimetz").columns})
    return pa.Table.from_pandas(plain, preserve_index=False).cast(declared)


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """The exchange with its corrections."""
    return corrected_exchange()


@pytest.fixture(scope="module")
def whole(tables: dict[str, pa.Table]) -> Features:
    """Everything that is known in the end."""
    return Features(Activity.from_frames(tables))


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_vectors_are_those_of_the_activity_cut_at_the_moment(
    whole: Features, tables: dict[str, pa.Table], moment: pd.Timestamp
) -> None:
    past = Features(cut(tables, moment))
    everybody = past.accounts(moment)
    pd.testing.assert_frame_equal(whole.vectors(everybody), past.vectors(everybody), check_exact=True)
    assert as_known(whole.at(moment), moment) == as_known(past, moment)


def test_one_spine_over_corrections_gives_each_moment_its_own_past(whole: Features) -> None:
    spine = pd.concat([whole.accounts(moment) for moment in MOMENTS.values()], ignore_index=True)
    shuffled = spine.sample(frac=1.0, random_state=3)
    together = whole.vectors(shuffled).set_axis(shuffled.index).sort_index()
    apart = pd.concat([whole.vectors(whole.accounts(moment)) for moment in MOMENTS.values()], ignore_index=True)
    pd.testing.assert_frame_equal(together, apart, check_exact=True)


def test_a_corrected_and_a_busted_trade_count_as_they_are_known_through_import(tmp_path: Any) -> None:
    home, at = Home(tmp_path / "home"), DAY + timedelta(hours=1)

    def take(name: str, **frames: pd.DataFrame) -> Any:
        folder = tmp_path / name
        folder.mkdir()
        for table, rows in frames.items():
            rows.to_parquet(folder / f"{table}.parquet")
        importing = Import(home.lake, home.quarantine, (DAY + timedelta(days=9)).to_pydatetime(), silent)
        return importing.folder(folder).tables

    trades = frame([sale("A", "B", at, 3.0), sale("A", "B", at, 5.0)])
    take("first", accounts=accounts({"A", "B"}), trades=trades)
    corrected = trades.iloc[:1].assign(quantity=4.0, notional_usd=400.0, ingested_at=DAY + timedelta(days=1))
    busted = trades.iloc[1:].assign(cancelled=True, ingested_at=DAY + timedelta(days=2))
    again = trades.iloc[:1].assign(ingested_at=trades["ts"])
    report = take("second", trades=pd.concat([corrected, busted, again]))["trades"]
    assert (report.read, report.superseding, report.duplicates, report.quarantined) == (3, 2, 1, 0)

    features = Features(home.lake)
    volume = [CATALOGUE["volume_usd_7d"]]
    told = [
        features.vectors(features.accounts(DAY + timedelta(hours=after)), volume)["volume_usd_7d"].tolist()
        for after in (2, 24, 47, 48)
    ]
    assert told == [[800.0, 800.0], [900.0, 900.0], [900.0, 900.0], [400.0, 400.0]]
