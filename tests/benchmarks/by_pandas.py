"""The pandas contender: the plain features vectorised, at one moment and for a training spine."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from tests.benchmarks.measuring import REPEATS, Report
from tests.benchmarks.plain import AS_OF_US, NAMES, training_spine

DAY_US = 86_400_000_000
WEEK_US, MONTH_US = 7 * DAY_US, 30 * DAY_US
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the features look at, a frame a kind of event; accounts are one categorical type throughout."""

    accounts: pd.CategoricalDtype
    fills: pd.DataFrame
    orders: pd.DataFrame
    flows: pd.DataFrame
    sessions: pd.DataFrame


def prepare(folder: Path) -> Prepared:
    """Reads the needed columns; orders get their first known cancel and fill."""
    known = pq.read_table(folder / "accounts.parquet", columns=["account_id"]).to_pandas()["account_id"]
    accounts = pd.CategoricalDtype(known.drop_duplicates().sort_values())
    trades = _read(
        folder,
        "trades",
        ("symbol", "maker_account_id", "taker_account_id"),
        ("maker_order_id", "taker_order_id", "notional_usd", "maker_fee_usd", "taker_fee_usd"),
    )
    for side in ("maker", "taker"):
        # Not astype: where every account trades, it finds the types equal and leaves each side its own codes.
        trades[f"{side}_account_id"] = trades[f"{side}_account_id"].cat.set_categories(accounts.categories)
    return Prepared(
        accounts,
        pd.concat([_leg(trades, "maker", "taker"), _leg(trades, "taker", "maker")], ignore_index=True),
        _orders(folder, accounts, trades),
        _flows(folder, accounts),
        _sessions(folder, accounts),
    )


def _read(folder: Path, name: str, words: tuple[str, ...], others: tuple[str, ...]) -> pd.DataFrame:
    """Columns of a table, repeated words as categories, with both clocks as integer microseconds."""
    columns = [*words, *others, "ts", "ingested_at"]
    frame: pd.DataFrame = pq.read_table(
        folder / f"{name}.parquet", columns=columns, read_dictionary=list(words)
    ).to_pandas()
    frame["ts"] = frame["ts"].astype("int64")
    frame["known_from"] = np.maximum(frame["ingested_at"].astype("int64"), frame["ts"])
    return frame.drop(columns="ingested_at")


def _leg(trades: pd.DataFrame, own: str, other: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account_id": trades[f"{own}_account_id"],
            "counterparty": trades[f"{other}_account_id"].cat.codes,
            "symbol": trades["symbol"],
            "ts": trades["ts"],
            "known_from": trades["known_from"],
            "notional": trades["notional_usd"],
            "made": trades["notional_usd"] * (own == "maker"),
            "fee": trades[f"{own}_fee_usd"],
        }
    )


def _orders(folder: Path, accounts: pd.CategoricalDtype, trades: pd.DataFrame) -> pd.DataFrame:
    words = ("account_id", "event", "side", "order_type", "source")
    events = _read(folder, "order_events", words, ("order_id", "price", "quantity", "depth_share"))
    placed = events.loc[
        events["event"] == "new", ["order_id", "account_id", "ts", "known_from", "depth_share", "side"]
    ].copy()
    new = events["event"] == "new"
    resting = (events["order_type"] != "market") & ~events["source"].isin(["copy", "grid", "liquidation"])
    placed["account_id"] = placed["account_id"].astype(accounts)
    placed["notional"] = (events["price"] * events["quantity"])[new]
    placed["bought"] = placed["notional"] * (placed["side"] == "buy")
    placed["resting_depth"] = placed["depth_share"].where(resting[new])
    cancels = _first_known(events.loc[events["event"] == "cancel", ["order_id", "ts", "known_from"]], "cancelled")
    sides = [trades[[f"{side}_order_id", "ts", "known_from"]] for side in ("maker", "taker")]
    fills = _first_known(
        pd.concat([side.set_axis(["order_id", "ts", "known_from"], axis=1) for side in sides]), "filled"
    )
    placed = placed.drop(columns=["depth_share", "side"])
    for happened in (cancels, fills):
        placed = placed.join(happened, on="order_id")
    clocks = ["cancelled_at", "cancelled_known_at", "filled_at", "filled_known_at"]
    placed[clocks] = placed[clocks].fillna(NEVER).astype("int64")
    return placed.drop(columns="order_id")


def _first_known(rows: pd.DataFrame, happening: str) -> pd.DataFrame:
    first = rows.sort_values(["known_from", "ts"]).drop_duplicates("order_id").set_index("order_id")
    return first.set_axis([f"{happening}_at", f"{happening}_known_at"], axis=1).astype("Int64")


def _flows(folder: Path, accounts: pd.CategoricalDtype) -> pd.DataFrame:
    words = ("account_id", "direction", "counterparty_type")
    rows = _read(folder, "transfers", words, ("amount_usd",))
    inward = rows["direction"].isin(["deposit", "internal_in"])
    return pd.DataFrame(
        {
            "account_id": rows["account_id"].astype(accounts),
            "ts": rows["ts"],
            "known_from": rows["known_from"],
            "amount": rows["amount_usd"],
            "received": rows["amount_usd"] * inward,
            "sent": rows["amount_usd"] * ~inward,
            "self_hosted": rows["amount_usd"] * (rows["counterparty_type"] == "self_hosted"),
        }
    )


def _sessions(folder: Path, accounts: pd.CategoricalDtype) -> pd.DataFrame:
    rows = _read(folder, "sessions", ("account_id", "ip", "ip_country", "asn_type"), ())
    rows["account_id"] = rows["account_id"].astype(accounts)
    rows["hosting"] = rows["asn_type"] == "hosting"
    return rows.drop(columns="asn_type")


def plain(prepared: Prepared, spine: pd.DataFrame | None = None) -> pd.DataFrame:
    """The features of all accounts at the one moment, or of the rows of a spine (`account_id`, `as_of`, `spine_id`)."""
    return pd.concat(
        [
            _trading(_visible(prepared.fills, spine, MONTH_US)),
            _ordering(_visible(prepared.orders, spine, WEEK_US)),
            _moving(_visible(prepared.flows, spine, MONTH_US)),
            _visiting(_visible(prepared.sessions, spine, MONTH_US)),
        ],
        axis=1,
    )


def _visible(rows: pd.DataFrame, spine: pd.DataFrame | None, width: int) -> pd.DataFrame:
    """The rows that had happened and were known, no older than the width, with `key` and the moment that sees them."""
    if spine is None:
        seen = rows.assign(as_of=AS_OF_US).rename(columns={"account_id": "key"})
    else:
        seen = spine.merge(rows, on="account_id").rename(columns={"spine_id": "key"}).drop(columns="account_id")
    happened = (seen["ts"] < seen["as_of"]) & (seen["known_from"] <= seen["as_of"])
    return seen[happened & (seen["ts"] >= seen["as_of"] - width)]


def _trading(seen: pd.DataFrame) -> pd.DataFrame:
    week = seen[seen["ts"] >= seen["as_of"] - WEEK_US]
    day = week[week["ts"] >= week["as_of"] - DAY_US]
    by = seen.groupby("key", observed=True)
    weekly = week.groupby("key", observed=True)
    sums = by[["notional", "made", "fee"]].sum()
    return pd.DataFrame(
        {
            "trades_n_7d": weekly.size(),
            "volume_usd_1d": day.groupby("key", observed=True)["notional"].sum(),
            "volume_usd_30d": sums["notional"],
            "symbols_n_30d": by["symbol"].nunique(),
            "maker_share_30d": sums["made"] / sums["notional"].clip(lower=1e-6),
            "volume_to_fees_30d": sums["notional"] / sums["fee"].clip(lower=1.0),
            "counterparties_n_7d": weekly["counterparty"].nunique(),
        }
    )


def _ordering(seen: pd.DataFrame) -> pd.DataFrame:
    cancelled = (seen["cancelled_at"] < seen["as_of"]) & (seen["cancelled_known_at"] <= seen["as_of"])
    filled = (seen["filled_at"] < seen["as_of"]) & (seen["filled_known_at"] <= seen["as_of"])
    seen = seen.assign(cancelled=cancelled, filled=filled, life=seen["cancelled_at"] - seen["ts"])
    by = seen.groupby("key", observed=True)
    sums = by[["cancelled", "filled", "notional", "bought"]].sum()
    number = by.size()
    return pd.DataFrame(
        {
            "orders_n_1d": seen[seen["ts"] >= seen["as_of"] - DAY_US].groupby("key", observed=True).size(),
            "orders_n_7d": number,
            "cancel_ratio_7d": sums["cancelled"] / number,
            "fill_ratio_7d": sums["filled"] / number,
            "order_life_median_s_7d": seen[cancelled].groupby("key", observed=True)["life"].median() / 1e6,
            "order_size_p95_usd_7d": by["notional"].quantile(0.95),
            "order_depth_share_max_7d": by["resting_depth"].max(),
            "buy_order_share_7d": sums["bought"] / sums["notional"].clip(lower=1e-6),
        }
    )


def _moving(seen: pd.DataFrame) -> pd.DataFrame:
    week = seen[seen["ts"] >= seen["as_of"] - WEEK_US].groupby("key", observed=True)[["received", "sent"]].sum()
    month = seen.groupby("key", observed=True)[["amount", "self_hosted"]].sum()
    return pd.DataFrame(
        {
            "in_usd_7d": week["received"],
            "out_usd_7d": week["sent"],
            "pass_through_7d": week.min(axis=1) / week.max(axis=1).clip(lower=1e-6),
            "self_hosted_share_30d": month["self_hosted"] / month["amount"].clip(lower=1e-6),
        }
    )


def _visiting(seen: pd.DataFrame) -> pd.DataFrame:
    by = seen.groupby("key", observed=True)
    sizes = seen.groupby(["key", "ip_country"], observed=True).size()
    everything = sizes.groupby(level="key", observed=True).sum()
    weighted: pd.Series = (sizes * np.log2(sizes)).groupby(level="key", observed=True).sum()
    return pd.DataFrame(
        {
            "sessions_n_7d": seen[seen["ts"] >= seen["as_of"] - WEEK_US].groupby("key", observed=True).size(),
            "ips_n_30d": by["ip"].nunique(),
            "hosting_share_30d": by["hosting"].mean(),
            "country_entropy_30d": np.log2(everything) - weighted / everything,
        }
    )


def _numbered(spine: pd.DataFrame, accounts: pd.CategoricalDtype) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account_id": spine["account_id"].astype(accounts),
            "as_of": spine["as_of"].astype("int64"),
            "spine_id": np.arange(len(spine)),
        }
    )


def main(folder: Path, out: Path) -> None:
    """Measures every step and leaves the values."""
    report = Report()
    prepared = report.step("prepare", lambda: prepare(folder))
    everybody = pd.Index(prepared.accounts.categories, name="account_id")
    moment = report.step("moment", lambda: plain(prepared).reindex(everybody).fillna(0.0), REPEATS)
    pairs = _numbered(training_spine(folder), prepared.accounts)
    spine = report.step("spine", lambda: plain(prepared, pairs).reindex(pairs["spine_id"]).fillna(0.0), REPEATS)
    report.write(out, "pandas", moment=moment[list(NAMES)].astype(float), spine=spine[list(NAMES)].astype(float))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
