"""Plain fund features of generated transfers: our words on DuckDB beside vectorised pandas, in one run."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from features.activity.snapshot import Activity
from features.console import table
from features.definitions import CATALOGUE
from features.pipeline import Features

AS_OF = pd.Timestamp("2025-06-01T00:00:00Z")
NAMES = (
    "in_usd_7d",
    "out_usd_7d",
    "in_n",
    "out_n",
    "senders_n",
    "in_max_usd",
    "structuring_n_7d",
    "in_out_count_ratio",
)


def transfers(rows: int, accounts: int) -> dict[str, pd.DataFrame]:
    """Generated transfers over 60 days and the accounts they belong to."""
    random = np.random.default_rng(7)
    names = np.array([f"a{n:06d}" for n in range(accounts)])
    sent_at = AS_OF - pd.to_timedelta(random.integers(1, 60 * 86_400_000_000, rows), unit="us")
    amount = np.round(random.lognormal(6, 1.5, rows), 2)
    frame = pd.DataFrame(
        {
            "transfer_id": np.arange(rows).astype(str),
            "account_id": names[random.integers(0, accounts, rows)],
            "ts": sent_at,
            "direction": np.where(random.random(rows) < 0.6, "deposit", "withdrawal"),
            "asset": "USDT",
            "amount": amount,
            "amount_usd": amount,
            "source_address": names[random.integers(0, accounts, rows)],
            "address": names[random.integers(0, accounts, rows)],
            "counterparty_type": "exchange",
        }
    )
    people = pd.DataFrame({"account_id": names, "created_at": AS_OF - pd.Timedelta(days=90), "kind": "retail"})
    return {"transfers": frame, "accounts": people.assign(country="ZZ", market_maker=False)}


def with_pandas(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The same features as a data scientist would write them with pandas."""
    rows = frames["transfers"]
    inward = rows["direction"] == "deposit"
    week = rows["ts"] >= AS_OF - pd.Timedelta(days=7)
    amount = rows["amount_usd"]
    below = (
        ((amount >= 800) & (amount < 1000))
        | ((amount >= 2400) & (amount < 3000))
        | ((amount >= 8000) & (amount < 10_000))
    )
    by = rows["account_id"]
    found = pd.DataFrame(
        {
            "in_usd_7d": amount.where(inward & week, 0.0).groupby(by).sum(),
            "out_usd_7d": amount.where(~inward & week, 0.0).groupby(by).sum(),
            "in_n": inward.groupby(by).sum(),
            "out_n": (~inward).groupby(by).sum(),
            "senders_n": rows.loc[inward].groupby("account_id")["source_address"].nunique(),
            "in_max_usd": amount.where(inward).groupby(by).max(),
            "structuring_n_7d": (below & week).groupby(by).sum(),
            "in_out_count_ratio": inward.groupby(by).mean(),
        }
    )
    return found.reindex(frames["accounts"]["account_id"]).fillna(0.0)


def timed(work: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, float]:
    """The result and the fastest of three runs, in seconds."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return result, min(seconds)


def main() -> None:
    """Prints one row a size: seconds of each and their ratio; the values are compared as well."""
    chosen = [CATALOGUE[name] for name in NAMES]
    lines = []
    for rows, accounts in ((200_000, 10_000), (2_000_000, 100_000)):
        frames = transfers(rows, accounts)
        activity = Activity.from_frames(frames)
        started = time.perf_counter()
        features = Features(activity)
        deriving = time.perf_counter() - started
        spine = frames["accounts"][["account_id"]].assign(as_of=AS_OF)
        ours, seconds = timed(lambda features=features, spine=spine: features.vectors(spine, chosen))  # type: ignore[misc]
        theirs, pandas_seconds = timed(lambda frames=frames: with_pandas(frames))  # type: ignore[misc]
        gap = float(np.abs(ours[list(NAMES)].to_numpy() - theirs[list(NAMES)].to_numpy()).max())
        lines.append((rows, accounts, deriving, seconds, pandas_seconds, seconds / pandas_seconds, gap))
    headings = ("rows", "accounts", "facts s", "vectors s", "pandas s", "vectors / pandas", "largest difference")
    table(headings, lines, f"{len(NAMES)} fund features of all accounts at one moment")


if __name__ == "__main__":
    main()
