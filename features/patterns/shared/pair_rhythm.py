"""How two accounts trade one symbol side by side: matched actions, their chance, and the correlation of directions.

Matched actions are counted within a second. Their chance is that of the market's own rhythm: given the minutes in
which both traded on a side, each action of the second account is redrawn from the moments at which others traded in
that minute, with one further draw anywhere in it; so a burst that everybody joins makes nobody suspicious. The number
matched is then a sum of independent trials, whose tail is exact and needs no drawing (docs/methods.md#d21-collusion
asks for permutations within the minute; where only the pair trades, permuting its own moments would say nothing).
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from features.kernel.moments import SECOND_US
from features.kernel.thresholds import Settings

MIN_FOR_CORRELATION = 3


@dataclass(frozen=True, slots=True)
class Action:
    """One action of one account: a trade it took."""

    account: str
    trade_id: str
    ts: int
    buy: bool
    cents: int

    @property
    def did(self) -> str:
        """The action in a word."""
        return "bought" if self.buy else "sold"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Two accounts in one symbol, as of one run.

    Attributes:
        support: actions of the first with one of the second on the same side within a second.
        jaccard: matched actions over all actions of both in the symbol.
        bins: minutes in which both traded, no matter on which side.
        correlation: of their directions in those minutes, each less the market's.
        p_value: the chance of as many matched actions, or of so close a correlation, by the market's rhythm.
    """

    a: str
    b: str
    symbol: str
    support: int
    jaccard: float
    bins: int
    correlation: float
    p_value: float
    days: frozenset[int]
    matched: tuple[Action, ...]
    newest_grid: int


@dataclass(frozen=True, slots=True)
class Actions:
    """Actions in one symbol by time, as columns; `sign` is 1 for a buy and -1 for a sale."""

    account: NDArray[np.object_]
    trade_id: NDArray[np.object_]
    ts: NDArray[np.int64]
    sign: NDArray[np.int64]
    bin: NDArray[np.int64]
    day: NDArray[np.int64]
    first_grid: NDArray[np.int64]
    cents: NDArray[np.int64]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Actions":
        """The columns of rows that are ordered by time."""
        return cls(
            account=rows["account"].to_numpy(dtype=object),
            trade_id=rows["trade_id"].to_numpy(dtype=object),
            ts=rows["ts"].to_numpy(),
            sign=np.where(rows["buy"], 1, -1),
            bin=rows["bin"].to_numpy(),
            day=rows["day"].to_numpy(),
            first_grid=rows["first_grid"].to_numpy(),
            cents=rows["cents"].to_numpy(),
        )

    def __len__(self) -> int:
        return len(self.ts)

    def where(self, mask: NDArray[np.bool_] | slice) -> "Actions":
        """The actions that are kept."""
        return Actions(*(getattr(self, name)[mask] for name in self.__slots__))

    def listed(self) -> tuple[Action, ...]:
        """Each action for itself."""
        columns = (self.account, self.trade_id, self.ts, self.sign > 0, self.cents)
        return tuple(Action(*values) for values in zip(*(c.tolist() for c in columns), strict=True))


class Minutes:
    """Every action in the minutes that matter, by symbol and account, and the settings to compare them with."""

    def __init__(self, actions: pd.DataFrame, market: pd.DataFrame, settings: Settings) -> None:
        """`actions` by time, with account, symbol, buy, bin, ts, day, first_grid, cents, trade_id.

        `market` is everybody's volume: symbol, day, first_grid, cents.
        """
        self.slot = int(settings["slot_s"] * SECOND_US)
        self.bin = int(settings["bin_s"] * SECOND_US)
        self.window_days = int(settings["window_days"])
        self._volumes = {
            str(symbol): tuple(rows[name].to_numpy() for name in ("day", "first_grid", "cents"))
            for symbol, rows in market.sort_values("day").groupby("symbol")
        }
        self._by_symbol = {str(name): Actions.of(rows) for name, rows in actions.groupby("symbol")}
        self._by_account = {
            (str(symbol), str(account)): Actions.of(rows)
            for (symbol, account), rows in actions.groupby(["symbol", "account"])
        }

    def of(self, account: str, symbol: str, run: int) -> Actions:
        """An account's actions in the trailing window of a run, as known by then."""
        return self._seen(self._by_account[symbol, account], run)

    def all_accounts(self, symbol: str, bins: NDArray[np.int64], run: int) -> Actions:
        """Everybody's actions in some minutes, as known by a run."""
        rows = self._seen(self._by_symbol[symbol], run)
        return rows.where(np.isin(rows.bin, bins))

    def volume(self, rhythms: list[Rhythm], run: int) -> tuple[int, int]:
        """The volume of matched actions, and of everybody in their symbols, in the trailing window of a run; cents."""
        matched = {(action.trade_id, action.cents) for pair in rhythms for action in pair.matched}
        total = 0
        for symbol in {pair.symbol for pair in rhythms}:
            day, first_grid, cents = self._volumes[symbol]
            window = self._window(day, run)
            total += int(cents[window][first_grid[window] <= run].sum())
        return sum(cents for _, cents in matched), total

    def _seen(self, rows: Actions, run: int) -> Actions:
        window = self._window(rows.day, run)
        return rows.where(window).where(rows.first_grid[window] <= run)

    def _window(self, day: NDArray[np.int64], run: int) -> slice:
        """Where the days of a run's window stand: they are in order, so no other day is looked at."""
        return slice(*np.searchsorted(day, [run - self.window_days, run]).tolist())


def rhythm(minutes: Minutes, a: str, b: str, symbol: str, run: int, partners: Collection[str]) -> Rhythm:
    """How two accounts traded a symbol side by side in the trailing window of a run.

    `partners` are accounts that may be in step with either: they are not the market that the two are held against.
    """
    first, second = minutes.of(a, symbol, run), minutes.of(b, symbol, run)
    common = np.intersect1d(first.bin, second.bin)
    market = minutes.all_accounts(symbol, common, run)
    others = market.where(~np.isin(market.account, [a, b, *partners]))
    matched_a, matched_b = (_matched(x, y, minutes.slot) for x, y in ((first, second), (second, first)))
    support = int(min(matched_a.sum(), matched_b.sum()))
    correlation, by_direction = _correlation(first, second, others, common)
    by_moment = _chance(first, second, others, minutes, support)
    if not support:
        matched_a, matched_b = np.isin(first.bin, common), np.isin(second.bin, common)
    matched = (*first.where(matched_a).listed(), *second.where(matched_b).listed())
    return Rhythm(
        a,
        b,
        symbol,
        support,
        support / max(len(first) + len(second) - support, 1),
        len(common),
        correlation,
        min(2 * min(by_moment, by_direction), 1.0),
        frozenset(first.day[matched_a].tolist()) | frozenset(second.day[matched_b].tolist()),
        tuple(sorted(matched, key=lambda action: (action.ts, action.account, action.trade_id))),
        int(max(first.first_grid.max(), second.first_grid.max())),
    )


def _matched(own_actions: Actions, other: Actions, slot: int) -> NDArray[np.bool_]:
    """Which actions of one have an action of the other on the same side within a slot."""
    mask = np.zeros(len(own_actions), dtype=bool)
    for sign in (1, -1):
        own, theirs = own_actions.sign == sign, other.ts[other.sign == sign]
        times = own_actions.ts[own]
        mask[own] = np.searchsorted(theirs, times - slot) < np.searchsorted(theirs, times + slot, side="right")
    return mask


def _chance(first: Actions, second: Actions, others: Actions, minutes: Minutes, support: int) -> float:
    """The probability of at least so many matched actions by the market's rhythm."""
    chances = []
    for number, sign in zip(second.bin.tolist(), second.sign.tolist(), strict=True):
        moments = first.ts[(first.bin == number) & (first.sign == sign)]
        if not len(moments):
            continue
        moments_of_others = others.ts[(others.bin == number) & (others.sign == sign)]
        near = np.abs(moments_of_others[:, None] - moments).min(axis=1) <= minutes.slot
        anywhere = min(1.0, len(moments) * 2 * minutes.slot / minutes.bin)
        chances.append((float(near.sum()) + anywhere) / (len(moments_of_others) + 1))
    return _tail(np.array(chances), support)


def _tail(chances: NDArray[np.float64], least: int) -> float:
    """P(N >= least) where N counts independent trials with these chances of success."""
    if least <= 0:
        return 1.0
    distribution = np.zeros(len(chances) + 1)
    distribution[0] = 1.0
    for chance in chances:
        distribution[1:] = distribution[1:] * (1 - chance) + distribution[:-1] * chance
        distribution[0] *= 1 - chance
    return float(distribution[least:].sum())


def _correlation(first: Actions, second: Actions, others: Actions, common: NDArray[np.int64]) -> tuple[float, float]:
    """The correlation of directions in common minutes less the market's, and its chance if they were independent.

    The chance is that of Fisher's z; it is 1 where either never changes its direction, which correlates with nothing.
    """
    first_side, second_side, market = (_directions(rows, common) for rows in (first, second, others))
    x, y = np.sign(first_side) - market, np.sign(second_side) - market
    if len(common) <= MIN_FOR_CORRELATION or not x.std() or not y.std():
        return 0.0, 1.0
    correlation = float(np.clip(np.corrcoef(x, y)[0, 1], -1.0, 1.0))
    z = np.arctanh(np.clip(correlation, -1 + 1e-12, 1 - 1e-12)) * np.sqrt(len(common) - MIN_FOR_CORRELATION)
    return round(correlation, 9), float(norm.sf(z))


def _directions(rows: Actions, common: NDArray[np.int64]) -> NDArray[np.float64]:
    """Per common minute the net share of buying in the actions, from -1 to 1; 0 where there is none."""
    inside = rows.where(np.isin(rows.bin, common))
    place = np.searchsorted(common, inside.bin)
    size = np.bincount(place, minlength=len(common))
    return np.bincount(place, weights=inside.sign, minlength=len(common)) / np.maximum(size, 1)
