"""What agents want to trade: requests for the matching to fill, orders that only rest, and fills agreed beforehand."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.simulator.ledger import Ledger, code
from features.simulator.market.market import FLOCK, FLOCK_MOMENT, Market, number_of
from features.simulator.vectors import MINUTE, NONE, SECOND, Bools, Floats, Ints

BUY, SELL = 0, 1
WEB, APP, API, COPY, GRID, LIQUIDATION = (
    code("order_events", "source", word) for word in ("web", "app", "api", "copy", "grid", "liquidation")
)
RESERVED = (number_of(FLOCK, "perp"), FLOCK_MOMENT - 20 * SECOND, FLOCK_MOMENT + 2 * MINUTE)
"""The minute of the case study belongs to its fixture alone."""
FALLBACK = number_of("BTCUSDT", "spot")
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Arrays of equal length, one a field."""

    @classmethod
    def stacked(cls, parts: list[Self]) -> Self:
        """All parts one after another."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def at(self, rows: Ints | Bools) -> Self:
        """Only those rows, in that order."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))


@dataclass(frozen=True, slots=True)
class OrderRequests(Rows):
    """Orders yet to be matched; `passive` ones wait for a counterparty, the others take at once."""

    order_id: Ints
    account: Ints
    ts: Ints
    instrument: Ints
    side: Ints
    notional_usd: Floats
    passive: Bools
    source: Ints
    session: Ints
    api_key: Ints
    leverage: Floats
    ui: Ints
    liquidation: Bools


@dataclass(frozen=True, slots=True)
class Orders(Rows):
    """Orders with their price and end; `closed_at` is -1 for an order that was filled or is still open."""

    order_id: Ints
    account: Ints
    ts: Ints
    instrument: Ints
    side: Ints
    market: Bools
    price: Floats
    quantity: Floats
    closed_at: Ints
    source: Ints
    session: Ints
    api_key: Ints
    leverage: Floats
    ui: Ints


@dataclass(frozen=True, slots=True)
class Fills(Rows):
    """Trades between a maker's and a taker's order."""

    trade_id: Ints
    ts: Ints
    instrument: Ints
    price: Floats
    quantity: Floats
    notional_usd: Floats
    maker: Ints
    taker: Ints
    maker_order: Ints
    taker_order: Ints
    taker_side: Ints
    liquidation: Bools


class Flow:
    """Collects order requests, resting orders and agreed fills of all agents."""

    def __init__(self, ledger: Ledger, market: Market) -> None:
        self._ledger = ledger
        self._market = market
        self.order_requests: list[OrderRequests] = []
        self.orders: list[Orders] = []
        self.refused: list[Orders] = []
        self.fills: list[Fills] = []

    def place(
        self,
        account: Ints,
        ts: Ints,
        instrument: Ints,
        side: Ints,
        notional_usd: Floats,
        *,
        passive: Bools | bool = False,
        source: Ints | int = WEB,
        session: Ints | int = NONE,
        api_key: Ints | int = NONE,
        leverage: Floats | float = np.nan,
        ui: Ints | int = 1,
        liquidation: Bools | bool = False,
    ) -> Ints:
        """Wish for trades, one order a row; gives back the order ids. A symbol that is not open yet becomes bitcoin."""
        order = self._ledger.fresh("order", len(account))
        instrument = np.where(ts < self._market.opens_at[instrument], FALLBACK, instrument)
        reserved = (instrument == RESERVED[0]) & (ts >= RESERVED[1]) & (ts < RESERVED[2])
        ts = np.where(reserved, ts - 10 * MINUTE, ts)
        self.order_requests.append(
            OrderRequests(
                order,
                account,
                ts,
                instrument,
                side,
                np.maximum(notional_usd, 5.0),
                _filled(passive, account, bool),
                _filled(source, account, np.int64),
                _filled(session, account, np.int64),
                _filled(api_key, account, np.int64),
                _filled(leverage, account, np.float64),
                _filled(ui, account, np.int64),
                _filled(liquidation, account, bool),
            )
        )
        return order

    def rest(
        self,
        account: Ints,
        ts: Ints,
        instrument: Ints,
        side: Ints,
        price: Floats,
        quantity: Floats,
        closed_at: Ints,
        *,
        market: Bools | bool = False,
        source: Ints | int = WEB,
        session: Ints | int = NONE,
        api_key: Ints | int = NONE,
        leverage: Floats | float = np.nan,
        ui: Ints | int = 1,
        refused: bool = False,
    ) -> Ints:
        """Orders whose price, size and end are known, or that are refused at once; gives back the order ids."""
        order = self._ledger.fresh("order", len(account))
        book = self.refused if refused else self.orders
        book.append(
            Orders(
                order,
                account,
                ts,
                instrument,
                side,
                _filled(market, account, bool),
                price,
                quantity,
                closed_at,
                _filled(source, account, np.int64),
                _filled(session, account, np.int64),
                _filled(api_key, account, np.int64),
                _filled(leverage, account, np.float64),
                _filled(ui, account, np.int64),
            )
        )
        return order

    def cross(
        self,
        maker: Ints,
        taker: Ints,
        ts: Ints,
        instrument: Ints,
        taker_side: Ints,
        price: Floats,
        notional_usd: Floats,
        *,
        waited: Ints | int = 2 * SECOND,
        source: Ints | int = WEB,
        maker_source: Ints | int | None = None,
        session: Ints | int = NONE,
        leverage: Floats | float = np.nan,
        ui: Ints | int = 1,
    ) -> Ints:
        """Fills between two known accounts: the maker's order rests `waited` before the taker's; gives trade ids."""
        size = len(maker)
        quantity = notional_usd / price
        made = self.rest(
            maker,
            ts - waited,
            instrument,
            1 - taker_side,
            price,
            quantity,
            np.full(size, NONE),
            source=source if maker_source is None else maker_source,
            leverage=leverage,
            ui=ui,
        )
        took = self.rest(
            taker,
            ts,
            instrument,
            taker_side,
            price,
            quantity,
            np.full(size, NONE),
            market=True,
            source=source,
            session=session,
            leverage=leverage,
            ui=ui,
        )
        trades = self._ledger.fresh("trade", size)
        self.fills.append(
            Fills(
                trades,
                ts,
                instrument,
                price,
                quantity,
                notional_usd,
                maker,
                taker,
                made,
                took,
                taker_side,
                np.zeros(size, dtype=bool),
            )
        )
        return trades


def _filled(value: AnyArray | float | bool, like: AnyArray, dtype: type[np.generic] | type[bool]) -> AnyArray:
    return np.array(np.broadcast_to(np.asarray(value, dtype=dtype), like.shape))
