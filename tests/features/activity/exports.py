"""Small exports of an exchange, good in every row, for tests to spoil one thing at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from features.activity.importing import Import, ImportReport
from features.activity.mapping import load_mapping
from features.home import Home
from features.kernel.progress import silent

IMPORTED_AT = datetime(2025, 6, 7, 12, tzinfo=UTC)  # after the end of the simulated exchange
Frames = Mapping[str, pd.DataFrame]


def accounts(*names: str, **columns: Any) -> pd.DataFrame:
    """One row an account."""
    rows = {"account_id": list(names), "created_at": pd.Timestamp("2024-01-01", tz="UTC"), "kind": "retail"}
    return pd.DataFrame(rows | {"country": "ZZ", "market_maker": False} | columns)


def orders(count: int = 3, **columns: Any) -> pd.DataFrame:
    """New limit orders of account `a`, a minute apart."""
    rows = {
        "order_id": [f"o{n}" for n in range(count)],
        "account_id": "a",
        "ts": pd.date_range("2025-05-01", periods=count, freq="min", tz="UTC"),
        "event": "new",
        "symbol": "BTCUSDT",
        "product": "spot",
        "side": "buy",
        "price": 60_000.0,
        "quantity": 0.5,
        "effect": "none",
        "source": "web",
    }
    return pd.DataFrame(rows | columns)


def transfers(count: int = 3, **columns: Any) -> pd.DataFrame:
    """Deposits of account `a`, an hour apart."""
    rows = {
        "transfer_id": [f"t{n}" for n in range(count)],
        "account_id": "a",
        "ts": pd.date_range("2025-05-01", periods=count, freq="h", tz="UTC"),
        "direction": "deposit",
        "asset": "USDT",
        "amount": [100.0 + n for n in range(count)],
        "amount_usd": [100.0 + n for n in range(count)],
        "counterparty_type": "bank",
    }
    return pd.DataFrame(rows | columns)


@dataclass
class Desk:
    """A home and a place for exports; each import gets a folder of its own."""

    place: Path
    imports: int = 0
    home: Home = field(init=False)

    def __post_init__(self) -> None:
        self.home = Home(self.place / "home")

    def folder(self, frames: Frames, ending: str = "parquet") -> Path:
        """A folder with the frames as files."""
        self.imports += 1
        folder = self.place / f"export{self.imports}"
        folder.mkdir(parents=True)
        for name, frame in frames.items():
            write = frame.to_csv if ending == "csv" else frame.to_parquet
            write(folder / f"{name}.{ending}", index=False)
        return folder

    def importing(self, imported_at: datetime = IMPORTED_AT, **how: Any) -> Import:
        """An import about to begin."""
        return Import(self.home.lake, self.home.quarantine, imported_at, silent, **how)

    def take(self, **frames: pd.DataFrame) -> ImportReport:
        """Imports the frames."""
        return self.importing().folder(self.folder(frames))

    def take_at(self, imported_at: datetime, *, as_history: bool = False, **frames: pd.DataFrame) -> ImportReport:
        """Imports the frames at a moment."""
        return self.importing(imported_at, as_history=as_history).folder(self.folder(frames))

    def take_mapped(self, mapping: Path | str, **frames: pd.DataFrame) -> ImportReport:
        """Imports foreign frames through a mapping."""
        return self.importing().mapped(self.folder(frames), load_mapping(str(mapping)))

    def set_aside(self) -> list[tuple[str, str]]:
        """Table and reason of every row in quarantine."""
        return [(row["table"], row["reason"]) for row in self.home.quarantine.rows().to_pylist()]

    def stored(self, table: str, columns: str) -> list[list[Any]]:
        """Columns of a table of the lake, in the order of the first one."""
        with duckdb.connect() as engine:
            engine.execute("SET TimeZone = 'UTC'")
            files = list(self.home.lake.snapshot().files.get(table, ()))
            found = engine.sql(f"SELECT {columns} FROM read_parquet($files) ORDER BY 1", params={"files": files})
            return [list(row.values()) for row in found.to_arrow_table().to_pylist()]
