"""Which plain features are benchmarked, and for whom: every account at one moment, or a training spine."""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.benchmarks.events import END, END_US

AS_OF_US = END_US
AS_OF = pd.Timestamp(END).as_unit("us")
NAMES = (
    "trades_n_7d",
    "volume_usd_1d",
    "volume_usd_30d",
    "symbols_n_30d",
    "maker_share_30d",
    "volume_to_fees_30d",
    "counterparties_n_7d",
    "orders_n_1d",
    "orders_n_7d",
    "cancel_ratio_7d",
    "fill_ratio_7d",
    "order_life_median_s_7d",
    "order_size_p95_usd_7d",
    "order_depth_share_max_7d",
    "buy_order_share_7d",
    "in_usd_7d",
    "out_usd_7d",
    "pass_through_7d",
    "self_hosted_share_30d",
    "sessions_n_7d",
    "ips_n_30d",
    "hosting_share_30d",
    "country_entropy_30d",
)
PAIRS = 20_000


def training_spine(folder: Path, seed: int = 11) -> pd.DataFrame:
    """20,000 random pairs of an account and a moment of the last 30 days."""
    accounts = pd.read_parquet(folder / "accounts.parquet", columns=["account_id"])["account_id"].sort_values()
    random = np.random.default_rng(seed)
    moments = AS_OF_US - random.integers(0, 30 * 86_400_000_000, PAIRS)
    return pd.DataFrame(
        {
            "account_id": accounts.to_numpy()[random.integers(0, len(accounts), PAIRS)],
            "as_of": pd.to_datetime(moments, unit="us", utc=True).as_unit("us"),
        }
    )
