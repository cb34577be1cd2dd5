"""Fan-in and fan-out: many small payments gathered and sent on in one, or one spread over many recipients.

A payment counts for its sender or recipient where the schema names one (an account or a wallet); a bank transfer
without one counts for the money only. Judged whenever a transfer out is known, by what is known then.

See docs/methods.md#d12-money-laundering.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby
from pathlib import Path
from statistics import median

from features.engines.duckdb import DuckDBEngine
from features.engines.sql import filled
from features.kernel.moments import HOUR_US
from features.kernel.thresholds import Settings
from features.kernel.units import MICRO
from features.patterns.shared.episode import Episode, Pattern

# Only accounts with enough named transfers one way inside some window can have fanned anything.
MOVES = """
WITH moves AS (
    SELECT account_id, transfer_id, ts, known_from, asset, micro_usd(amount_usd) AS usd,
           direction IN ('deposit', 'internal_in') AS inward,
           coalesce(counterparty_account_id,
                    CASE WHEN direction = 'deposit' THEN source_address ELSE address END) AS other
    FROM transfers WHERE amount_usd > 0),
crowded AS (
    SELECT account_id FROM moves WHERE other IS NOT NULL
    QUALIFY count(*) OVER (PARTITION BY account_id, inward ORDER BY ts
                           RANGE BETWEEN $window PRECEDING AND CURRENT ROW) >= $others)
SELECT * FROM moves SEMI JOIN crowded USING (account_id)
ORDER BY account_id, known_from, ts, transfer_id, inward
"""
USES = ("transfers",)


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer; `usd` in micro-dollars, `other` null where the schema names nobody."""

    transfer_id: str
    ts: int
    known_from: int
    asset: str
    usd: int
    inward: bool
    other: str | None


@dataclass(slots=True)
class _Book:
    """The transfers one way that are known so far, by time, with running sums."""

    moves: list[Move] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    sums: list[int] = field(default_factory=lambda: [0])

    def add(self, move: Move) -> None:
        """Takes a transfer in; one that arrives late goes where it belongs."""
        place = bisect_left(self.times, move.ts + 1)
        self.moves.insert(place, move)
        self.times.insert(place, move.ts)
        self.sums[place:] = accumulate((other.usd for other in self.moves[place:]), initial=self.sums[place])

    def within(self, since: int, until: int) -> slice:
        """Where the transfers with since <= ts < until stand."""
        return slice(bisect_left(self.times, since), bisect_left(self.times, until))

    def total(self, where: slice) -> int:
        """What they add up to, in micro-dollars."""
        return int(self.sums[where.stop] - self.sums[where.start])


@dataclass(frozen=True, slots=True)
class _Fan:
    """Small transfers and the one large transfer before or after them."""

    large: Move
    small: tuple[Move, ...]
    known_at: int
    superseded_at: int | None = None


Seek = Callable[[_Book, _Book, Move, Settings], Iterator[_Fan]]


def gathered(ins: _Book, outs: _Book, out: Move, settings: Settings) -> Iterator[_Fan]:
    """The small receipts that a transfer out sends on in one."""
    where = ins.within(out.ts - _window(settings) + 1, out.ts + 1)
    if where.stop - where.start < settings["min_others"] or out.usd < settings["one_share"] * ins.total(where):
        return
    small = ins.moves[where]
    if out.ts - small[-1].ts <= settings["within_h"] * HOUR_US and _many_and_small(small, settings):
        yield _Fan(out, tuple(small), out.known_from)


def fan_out(ins: _Book, outs: _Book, out: Move, settings: Settings) -> Iterator[_Fan]:
    """The one receipt that this and other payments spread over many, the earliest there is."""
    for deposit in ins.moves[ins.within(out.ts - _window(settings) + 1, out.ts + 1)]:
        where = outs.within(deposit.ts, deposit.ts + _window(settings))
        less, more = sorted((deposit.usd, outs.total(where)))
        if where.stop - where.start < settings["min_others"] or less < settings["one_share"] * more:
            continue
        small = outs.moves[where]
        if small[0].ts - deposit.ts <= settings["within_h"] * HOUR_US and _many_and_small(small, settings):
            yield _Fan(deposit, tuple(small), max(deposit.known_from, *(move.known_from for move in small)))
            return


def _window(settings: Settings) -> int:
    return int(settings["window_days"] * 24 * HOUR_US)


def _many_and_small(small: Sequence[Move], settings: Settings) -> bool:
    others = len({move.other for move in small if move.other is not None})
    typical = median(move.usd for move in small)
    return bool(others >= settings["min_others"] and typical < settings["median_usd"] * MICRO)


def _fans(moves: Iterable[Move], seek: Seek, settings: Settings) -> Iterator[_Fan]:
    """Every fan of one account; a later version with the same large transfer supersedes the earlier one."""
    ins, outs = _Book(), _Book()
    versions: dict[str, list[_Fan]] = {}
    for known_at, batch in groupby(moves, key=lambda move: move.known_from):
        arrived = list(batch)
        for move in arrived:
            (ins if move.inward else outs).add(move)
        newest: dict[str, _Fan] = {}
        for move in arrived:
            for fan in seek(ins, outs, move, settings) if not move.inward else ():
                newest[fan.large.transfer_id] = fan
        for key, fan in newest.items():
            earlier = versions.setdefault(key, [])
            if earlier:
                earlier[-1] = replace(earlier[-1], superseded_at=known_at)
            earlier.append(fan)
    for fans in versions.values():
        yield from fans


def _detector(pattern: str, seek: Seek) -> Callable[[DuckDBEngine, Settings], Iterator[Episode]]:
    def detect(engine: DuckDBEngine, settings: Settings) -> Iterator[Episode]:
        sql = filled(MOVES, window=_window(settings), others=int(settings["min_others"]))
        rows = engine.run(sql).to_pylist()
        for account, group in groupby(rows, key=lambda row: str(row["account_id"])):
            moves = [Move(**{name: row[name] for name in Move.__slots__}) for row in group]
            for fan in _fans(moves, seek, settings):
                yield _episode(pattern, account, fan)

    return detect


def _episode(pattern: str, account: str, fan: _Fan) -> Episode:
    moves = sorted((fan.large, *fan.small), key=lambda move: (move.ts, move.transfer_id))
    total = sum(move.usd for move in fan.small)
    shown = [fan.large, *sorted(fan.small, key=lambda move: (-move.usd, move.transfer_id))]
    return Episode(
        pattern=pattern,
        accounts=(account,),
        symbol="+".join(sorted({move.asset for move in moves})),
        started_at=moves[0].ts,
        ended_at=moves[-1].ts,
        known_at=fan.known_at,
        superseded_at=fan.superseded_at,
        measures={
            "others": len({move.other for move in fan.small if move.other is not None}),
            "transfers": len(fan.small),
            "small_usd": total / MICRO,
            "median_usd": median(move.usd for move in fan.small) / MICRO,
            "one_usd": fan.large.usd / MICRO,
            "one_share": fan.large.usd / total,
            "hours": (moves[-1].ts - moves[0].ts) / HOUR_US,
        },
        evidence=tuple(
            ("transfers", move.transfer_id, move.ts, f"{move.usd / MICRO:,.2f} USD {'in' if move.inward else 'out'}")
            for move in shown
        ),
    )


SETTINGS = Path(__file__).with_suffix(".yaml")
MEASURES: dict[str, type] = dict.fromkeys(
    ("others", "transfers", "small_usd", "median_usd", "one_usd", "one_share", "hours"), float
)
FAN_IN = Pattern(
    "fan_in",
    "D12",
    "4.4",
    "small payments from many senders sent on in one transfer",
    SETTINGS,
    MEASURES,
    USES,
    _detector("fan_in", gathered),
)
FAN_OUT = Pattern(
    "fan_out",
    "D12",
    "4.4",
    "one receipt spread over many recipients in small payments",
    SETTINGS,
    MEASURES,
    USES,
    _detector("fan_out", fan_out),
)
