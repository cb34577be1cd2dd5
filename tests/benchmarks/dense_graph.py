"""Groups in a dense graph of transfers over years, at three sizes in one run: seconds a step, and how they grow.

Accounts send each other money, four in five transfers are answered within days: nearly everybody ends in one component.
Run as `python -m tests.benchmarks.dense_graph`; the history is as long at every size, so days times graph would show.
"""

import argparse
import math
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.activity.snapshot import Activity
from features.derivation.steps import patterns
from features.kernel.console import err, out, table
from features.pipeline import Features

ACCOUNTS = 3_000
TRANSFERS = 20_000
SIZES = (1, 2, 4)
ANSWERED = 0.8
CROWDED = 0.8  # accounts take part by a power law: rank ** -CROWDED
START = pd.Timestamp("2020-01-01T00:00:00Z")
DAY_S = 86_400
WATCHED = ("account cluster", "controlled group", "pass through")


@dataclass(frozen=True, slots=True)
class Round:
    """One size: what was looked at, and the CPU seconds of each step of the derivation."""

    accounts: int
    transfers: int
    edges: int
    seconds: dict[str, float]

    @property
    def whole(self) -> float:
        """All steps together."""
        return sum(self.seconds.values())


def activity(accounts: int, transfers: int, days: int, seed: int) -> Activity:
    """Transfers inside the platform; each has a row for its sender and one for its recipient."""
    random = np.random.default_rng(seed)
    weight = 1 / np.arange(1, accounts + 1) ** CROWDED
    one, other = (random.choice(accounts, transfers, p=weight / weight.sum()) for _ in range(2))
    one, other = one[one != other], other[one != other]
    sent = np.sort(random.uniform(0, (days - 10) * DAY_S, len(one)))
    back = random.random(len(one)) < ANSWERED
    sender, recipient = np.concatenate([one, other[back]]), np.concatenate([other, one[back]])
    at = np.concatenate([sent, sent[back] + random.exponential(DAY_S, int(back.sum()))])
    ids = np.array([f"P{number}" for number in range(accounts)])
    people = pd.DataFrame({"account_id": ids, "created_at": START - pd.Timedelta(days=1), "kind": "retail"})
    legs = [
        _legs(ids[own], ids[opposite], at, direction)
        for own, opposite, direction in ((sender, recipient, "internal_out"), (recipient, sender, "internal_in"))
    ]
    people = people.assign(country="DE", market_maker=False)
    return Activity.from_frames({"accounts": people, "transfers": pd.concat(legs)}, version="dense")


def _legs(own: NDArray[Any], opposite: NDArray[Any], at: NDArray[np.float64], direction: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "transfer_id": [f"x{number}" for number in range(len(own))],
            "account_id": own,
            "ts": START + pd.to_timedelta(at, unit="s").round("us"),
            "direction": direction,
            "asset": "USDT",
            "amount": 10.0,
            "amount_usd": 10.0,
            "counterparty_account_id": opposite,
            "counterparty_type": "internal",
        }
    )


def measured(accounts: int, transfers: int, days: int, seed: int) -> Round:
    """The derivation over one size, step by step."""
    begun: list[tuple[str, float]] = []
    given = activity(accounts, transfers, days, seed)
    features = Features(given, lambda what, _share: begun.append((what, time.process_time())))
    begun.append(("done", time.process_time()))
    seconds: dict[str, float] = {}
    for (what, start), (_next, end) in pairwise(begun):
        seconds[what] = seconds.get(what, 0.0) + end - start
    edges = (
        features.engine.run("SELECT count(*) FROM fact_associations WHERE account_id < other_id").column(0)[0].as_py()
    )
    for ceiling in features.ceilings():
        err.print(f"bench: {ceiling['what']}", markup=False)
    return Round(accounts, features.engine.run("FROM transfers").num_rows // 2, int(edges), seconds)


def report(rounds: list[Round], days: int) -> None:
    """Prints seconds by size, and the exponent of a power law between the smallest and the largest."""
    steps = [f"looking for {name}" for name in WATCHED]
    lines: list[tuple[object, ...]] = [
        (days, r.accounts, r.transfers, r.edges, *(r.seconds[step] for step in steps), r.whole) for r in rounds
    ]
    headings = ("days", "accounts", "transfers", "edges", *(f"{name} s" for name in WATCHED), "whole derivation s")
    table(headings, lines, "CPU seconds in a dense graph")
    small, large = rounds[0], rounds[-1]
    grown = math.log(large.transfers / small.transfers)
    for step in steps:
        out.print(f"{step}: exponent {math.log(large.seconds[step] / small.seconds[step]) / grown:.2f}")
    out.print(f"whole derivation: exponent {math.log(large.whole / small.whole) / grown:.2f}")
    out.print(f"of {len(patterns())} patterns the ones shown look at transfers between accounts; target: at most 1.2")


def main() -> None:
    """Runs every size and prints the table; nothing is asserted, times differ by machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="accounts of the smallest size")
    parser.add_argument("--transfers", type=int, default=TRANSFERS, help="first transfers of the smallest size")
    parser.add_argument("--days", type=int, default=5 * 365)
    parser.add_argument("--seed", type=int, default=4)
    given = parser.parse_args()
    rounds = []
    for size in SIZES:
        err.print(f"bench: {size} x {given.transfers:,} transfers of {size * given.accounts:,} accounts")
        rounds.append(measured(size * given.accounts, size * given.transfers, given.days, given.seed))
    report(rounds, given.days)


if __name__ == "__main__":
    main()
