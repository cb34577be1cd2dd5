"""The exogenous market: instruments and the price, spread and depth of every symbol at every moment."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from features.simulator.profiles import Profile
from features.simulator.vectors import DAY, HOUR, MINUTE, Floats, Ints, micros, mixed

COMMON_FACTOR = 0.6
INTRADAY = np.array(
    [
        (1.0, 1.05, 1.0, 0.9, 0.8, 0.75, 0.75, 0.85, 0.95, 1.0, 1.0, 1.05),
        (1.2, 1.45, 1.55, 1.45, 1.3, 1.2, 1.1, 1.05, 1.0, 0.95, 0.95, 1.0),
    ]
).ravel()
"""Relative activity by hour (UTC): Asian, European and American phases, peak 13-16 about twice the trough."""
FLOCK = "FLOCKUSDT"
FLOCK_MOMENT = 1_748_574_378_112_000
"""2025-05-30 03:06:18.112 UTC, the first opening of the case study in clause 8."""
FLOCK_PRICE = 0.215


@dataclass(frozen=True, slots=True)
class Instrument:
    """One symbol on one product: `weight` of honest activity, daily volatility, depth of one side within 10 levels."""

    symbol: str
    product: str
    tier: str
    price: float
    tick: float
    weight: float
    daily_volatility: float
    half_spread: float
    depth_usd: float
    limit_usd: float = 0.0
    listed_after: float = -1.0
    """Share of the run after which trading opens; below 0 it was open before."""


INSTRUMENTS = (
    Instrument("BTCUSDT", "spot", "major", 104_000.0, 0.1, 15.0, 0.022, 0.00005, 900_000.0),
    Instrument("BTCUSDT", "perp", "major", 104_000.0, 0.1, 20.0, 0.022, 0.00005, 1_500_000.0, 10_000_000.0),
    Instrument("ETHUSDT", "spot", "major", 2_600.0, 0.01, 11.0, 0.03, 0.00006, 600_000.0),
    Instrument("ETHUSDT", "perp", "major", 2_600.0, 0.01, 14.0, 0.03, 0.00006, 900_000.0, 6_000_000.0),
    Instrument("SOLUSDT", "spot", "mid", 170.0, 0.01, 5.0, 0.042, 0.0002, 120_000.0),
    Instrument("XRPUSDT", "perp", "mid", 2.3, 0.0001, 5.0, 0.04, 0.0002, 140_000.0, 2_000_000.0),
    Instrument("ADAUSDT", "spot", "mid", 0.75, 0.0001, 4.0, 0.045, 0.0003, 80_000.0),
    Instrument("DOGEUSDT", "perp", "mid", 0.22, 0.00001, 5.0, 0.05, 0.0002, 110_000.0, 1_500_000.0),
    Instrument("KITEUSDT", "spot", "small", 1.84, 0.001, 1.6, 0.07, 0.0010, 14_000.0),
    Instrument("MOSSUSDT", "spot", "small", 0.412, 0.0001, 1.4, 0.08, 0.0012, 10_000.0),
    Instrument("OPALUSDT", "spot", "small", 0.0873, 0.00001, 1.2, 0.08, 0.0012, 9_000.0),
    Instrument("QUAYUSDT", "spot", "small", 5.21, 0.001, 1.0, 0.07, 0.0014, 8_000.0),
    Instrument("TARNUSDT", "spot", "small", 0.0319, 0.00001, 1.0, 0.09, 0.0015, 7_000.0),
    Instrument("VELAUSDT", "perp", "small", 0.664, 0.0001, 1.4, 0.08, 0.0010, 16_000.0, 25_000.0),
    Instrument("WICKUSDT", "perp", "small", 0.0127, 0.00001, 1.2, 0.09, 0.0012, 12_000.0, 20_000.0),
    Instrument("ZESTUSDT", "spot", "small", 11.4, 0.01, 0.8, 0.06, 0.0014, 8_000.0),
    Instrument(FLOCK, "perp", "small", FLOCK_PRICE, 0.00001, 1.6, 0.08, 0.0008, 40_000.0, 100_000.0),
    Instrument("NOVAUSDT", "spot", "listing", 0.35, 0.0001, 2.5, 0.12, 0.0012, 20_000.0, listed_after=0.35),
    Instrument("HALOUSDT", "spot", "listing", 2.05, 0.001, 2.0, 0.12, 0.0012, 20_000.0, listed_after=0.65),
)


@dataclass(frozen=True, slots=True)
class Market:
    """Prices by minute and symbol, and how busy each minute is; `mid`, `touch` and `depth` answer for any moment."""

    start: int
    end: int
    symbols: tuple[str, ...]
    log_price: Floats
    """Shape (symbols, minutes + 1)."""
    busyness: Floats
    """Relative intensity of orders by minute, mean 1."""
    symbol_of: Ints
    """Symbol of each instrument."""
    opens_at: Ints
    """When trading in each instrument opened."""

    def instruments(self, *tiers: str, product: str | None = None) -> Ints:
        """The numbers of the instruments of those tiers (and that product) that trade from the start."""
        chosen = [
            number
            for number, instrument in enumerate(INSTRUMENTS)
            if instrument.tier in tiers and product in (None, instrument.product)
        ]
        return np.array(chosen, dtype=np.int64)

    def mid(self, instrument: Ints, ts: Ints) -> Floats:
        """The mid price of instruments at moments, between the minutes by straight line in the logarithm."""
        minute, rest = np.divmod(np.clip(ts - self.start, 0, self.end - self.start - 1), MINUTE)
        symbol = self.symbol_of[instrument]
        before, after = self.log_price[symbol, minute], self.log_price[symbol, minute + 1]
        return np.asarray(np.exp(before + (after - before) * (rest / MINUTE)))

    def touch(self, instrument: Ints, ts: Ints) -> tuple[Floats, Floats]:
        """Best bid and best ask, on the instrument's ticks, at least one tick apart."""
        tick, half_spread = FIELD["tick"][instrument], FIELD["half_spread"][instrument]
        mid = self.mid(instrument, ts)
        bid = np.maximum(np.floor(mid * (1 - half_spread) / tick + 1e-6), 1)
        ask = np.maximum(np.ceil(mid * (1 + half_spread) / tick - 1e-6), bid + 1)
        return on_tick(bid, tick), on_tick(ask, tick)

    def bustle(self, instrument: Ints, ts: Ints) -> Floats:
        """How much the price moves in the minute of each moment, in units of the instrument's usual move."""
        minute = np.clip(ts - self.start, 0, self.end - self.start - 1) // MINUTE
        symbol = self.symbol_of[instrument]
        move = np.abs(self.log_price[symbol, minute + 1] - self.log_price[symbol, minute])
        return np.asarray(move / (FIELD["daily_volatility"][instrument] / np.sqrt(1440)))

    def depth(self, instrument: Ints, ts: Ints, side: Ints) -> Floats:
        """Depth in USD of one side (0 bid, 1 ask) within 10 levels; it changes by the minute."""
        noise = mixed(instrument, ts // MINUTE, side) % 1_000_003 / 1_000_003
        return np.asarray(FIELD["depth_usd"][instrument] * np.exp(0.8 * (noise - 0.5)))


FIELD: dict[str, Floats] = {
    name: np.array([getattr(instrument, name) for instrument in INSTRUMENTS])
    for name in ("tick", "half_spread", "depth_usd", "weight", "limit_usd", "daily_volatility")
}
IS_PERP = np.array([instrument.product == "perp" for instrument in INSTRUMENTS])


def number_of(symbol: str, product: str) -> int:
    """The number of an instrument.

    >>> INSTRUMENTS[number_of("FLOCKUSDT", "perp")].symbol
    'FLOCKUSDT'
    """
    return next(n for n, i in enumerate(INSTRUMENTS) if (i.symbol, i.product) == (symbol, product))


def on_tick(steps: Floats, tick: Floats | float) -> Floats:
    """A number of ticks as a price without the noise of binary fractions.

    >>> float(on_tick(np.array([21500.0]), 0.00001)[0])
    0.215
    """
    return np.asarray(steps / np.round(1 / np.asarray(tick)))


def make_market(profile: Profile, rng: np.random.Generator) -> Market:
    """Draw the market of one run.

    Log prices follow a stochastic volatility with several time scales and a leverage effect (after EGARCH) times the
    intraday factor, with Student-t(3) shocks and a common factor; FLOCKUSDT passes 0.215 at the moment of clause 8.
    """
    start, minutes = micros(profile.start), profile.days * 1440
    symbols = tuple(dict.fromkeys(instrument.symbol for instrument in INSTRUMENTS))
    first = [next(i for i in INSTRUMENTS if i.symbol == symbol) for symbol in symbols]
    intraday = INTRADAY[np.arange(minutes) // 60 % 24]
    common_shock = _shocks(rng, minutes)
    common_volatility = _log_volatility(rng, common_shock)
    paths = np.zeros((len(symbols), minutes + 1))
    for row, instrument in enumerate(first):
        own = _shocks(rng, minutes)
        log_volatility = COMMON_FACTOR * common_volatility + 0.8 * _log_volatility(rng, own)
        shock = COMMON_FACTOR * common_shock + np.sqrt(1 - COMMON_FACTOR**2) * own
        scale = instrument.daily_volatility / np.sqrt(1440) * np.exp(log_volatility - log_volatility.var())
        paths[row, 1:] = np.cumsum(np.clip(scale * np.sqrt(intraday) * shock, -0.08, 0.08))
        anchor = (FLOCK_MOMENT - start) // MINUTE if instrument.symbol == FLOCK else 0
        paths[row] += np.log(instrument.price) - paths[row, anchor]
    bursts = np.exp(0.7 * common_volatility + 0.4 * _slow_noise(rng, minutes, 20)) * _excitement(
        paths, symbols, intraday
    )
    busyness = intraday * bursts * (1 + 0.6 * (np.arange(minutes) % 60 == 0) + 0.25 * (np.arange(minutes) % 15 == 0))
    opens = [
        start - 400 * DAY if i.listed_after < 0 else start + int(i.listed_after * profile.days) * DAY + 10 * HOUR
        for i in INSTRUMENTS
    ]
    return Market(
        start,
        start + minutes * MINUTE,
        symbols,
        paths,
        busyness / busyness.mean(),
        np.array([symbols.index(i.symbol) for i in INSTRUMENTS]),
        np.array(opens, dtype=np.int64),
    )


def _excitement(paths: Floats, symbols: tuple[str, ...], intraday: Floats) -> Floats:
    """How much prices move in each minute beside their usual move, the symbols weighted as people trade them."""
    weight = np.array([sum(i.weight for i in INSTRUMENTS if i.symbol == symbol) for symbol in symbols])
    moves = np.abs(np.diff(paths, axis=1)) / np.sqrt(intraday)
    usual = moves / np.median(moves, axis=1, keepdims=True)
    return np.asarray((0.2 + np.minimum(weight @ usual / weight.sum(), 8.0)) ** 1.9)


def _shocks(rng: np.random.Generator, minutes: int) -> Floats:
    return np.asarray(rng.standard_t(3, minutes) / np.sqrt(3))


def _slow_noise(rng: np.random.Generator, minutes: int, memory: float) -> Floats:
    """An autoregression of unit variance that forgets within `memory` minutes."""
    keep = np.exp(-1 / memory)
    noise = rng.standard_normal(minutes) * np.sqrt(1 - keep**2)
    noise[0] = rng.standard_normal()
    return np.asarray(lfilter([1.0], [1.0, -keep], noise))


def _log_volatility(rng: np.random.Generator, shock: Floats) -> Floats:
    slow = sum(_slow_noise(rng, len(shock), memory) * 0.3 for memory in (60.0, 1_440.0, 10_080.0))
    keep = np.exp(-1 / 60)
    drive = 0.02 * (np.abs(shock) - np.abs(shock).mean()) - 0.01 * shock
    return np.asarray(slow + lfilter([0.0, 1.0], [1.0, -keep], drive))
