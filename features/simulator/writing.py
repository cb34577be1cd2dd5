"""Writes a simulation as Parquet files: `activity/` for the platform, `truth/` for judging it."""

from pathlib import Path

import pyarrow.parquet as pq

from features.simulator.exchange import Simulation


def write_simulation(simulation: Simulation, out: Path) -> None:
    """Write `activity/<table>.parquet`, `activity/labels.parquet` and `truth/<table>.parquet` below `out`."""
    folders = {"activity": simulation.activity | {"labels": simulation.labels}, "truth": simulation.truth}
    for folder, tables in folders.items():
        (out / folder).mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            pq.write_table(table, out / folder / f"{name}.parquet", compression="zstd")
