"""Makes some rows reach the platform late, so that its two clocks (when it happened, when it knew) differ."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.activity.schema import TIME
from features.simulator.market.flow import RESERVED
from features.simulator.vectors import HOUR, SECOND

LATE_SHARE = {"trades": 0.005, "transfers": 0.005, "order_events": 0.001, "sessions": 0.001}


def arrive_late(rng: np.random.Generator, name: str, table: pa.Table, end: int) -> pa.Table:
    """The table with `ingested_at` seconds to hours after `ts` in a small share of rows; null = at once.

    The minute of the case study is on time, and nothing arrives after the end of the run.
    """
    if name not in LATE_SHARE:
        return table
    ts = table["ts"].cast(pa.int64()).to_numpy()
    delay = (np.exp(rng.normal(np.log(300), 2.0, len(ts))) * SECOND).astype(np.int64)
    arrived = ts + np.minimum(delay, 30 * HOUR) + SECOND
    late = (rng.random(len(ts)) < LATE_SHARE[name]) & (arrived < end)
    late &= (ts < RESERVED[1]) | (ts >= RESERVED[2])
    position = table.schema.get_field_index("ingested_at")
    return table.set_column(position, table.schema.field(position), pc.cast(pa.array(arrived, mask=~late), TIME))
