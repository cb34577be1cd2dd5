"""The case of clause 8 with its near misses and evaders (docs/methods.md#near-misses), each at its expected level."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from features.activity.snapshot import Activity
from features.kernel.moments import microseconds
from features.patterns.position_limit_ring import POSITION_LIMIT_RING
from features.patterns.shared.episode import as_table
from features.patterns.unlinked_ring import UNLINKED_RING
from serving.commands.rulebook import load_policy
from serving.policy.evaluation import evaluate
from tests.features.legs import engine_with_legs
from tests.flock import AS_OF, BURST, PRICE, RING, flock_tables

Tables = dict[str, pd.DataFrame]
POLICY = load_policy()
SHARED_CARRIER = 2_500


def levels(tables: Tables, pattern: str = "position_limit_ring") -> list[tuple[str | None, int]]:
    """Severity and number of accounts of every such ring that stood at the case's moment."""
    engine = engine_with_legs(Activity.from_frames(tables))
    rings = list(POSITION_LIMIT_RING.detect(engine, POSITION_LIMIT_RING.settings))
    engine.register("episodes", as_table(rings))
    found = []
    for episode in (*rings, *UNLINKED_RING.detect(engine, UNLINKED_RING.settings)):
        ended = episode.superseded_at is not None and episode.superseded_at <= microseconds(AS_OF)
        if episode.pattern == pattern and episode.known_at <= microseconds(AS_OF) and not ended:
            hits = evaluate(POLICY, pattern, episode.measures).hits
            found.append((hits[0].severity.word if hits else None, len(episode.accounts)))
    return found


def of_ring(tables: Tables) -> pd.Series:
    """Which trades are the ring's opens."""
    return tables["trades"]["trade_id"].str.match(r"^r\d")


def of_others(tables: Tables) -> pd.Series:
    """Which trades are the market's."""
    return tables["trades"]["trade_id"].str.startswith("b")


def scale(tables: Tables, chosen: pd.Series, factor: float) -> None:
    tables["trades"].loc[chosen, ["notional_usd", "quantity"]] *= factor


def as_it_was(_tables: Tables) -> None:
    """The case itself."""


def jittered(tables: Tables) -> None:
    """H1: over 4.1 seconds."""
    offsets = (112, 900, 1_700, 2_600, 3_400, 4_212)
    tables["trades"].loc[of_ring(tables), "ts"] = [BURST + timedelta(milliseconds=ms) for ms in offsets]


def in_two_halves(tables: Tables) -> None:
    """Three at once, two seconds later the other three: one group all the same."""
    offsets = (112, 168, 203, 2_291, 2_344, 2_487)
    tables["trades"].loc[of_ring(tables), "ts"] = [BURST + timedelta(milliseconds=ms) for ms in offsets]


def six_addresses_one_device(tables: Tables) -> None:
    """H2."""
    ring = tables["sessions"]["account_id"].isin(RING)
    tables["sessions"].loc[ring, "ip"] = [f"203.0.113.{number}" for number in range(100, 106)]
    tables["sessions"].loc[ring, "device_id"] = "shared"


def price_ladder(tables: Tables) -> None:
    """H3: nine ticks."""
    tables["trades"].loc[of_ring(tables), "price"] = [PRICE + 0.00001 * ticks for ticks in (0, 2, 4, 5, 7, 9)]


def thirty_percent(tables: Tables) -> None:
    """H4: of the market."""
    scale(tables, of_others(tables), 630_000 / 270_000)


def fourteen_accounts(tables: Tables) -> None:
    """P2: on one address."""
    more = [f"P{number}" for number in range(8)]
    accounts, sessions, trades = tables["accounts"], tables["sessions"], tables["trades"]
    first = trades[trades["trade_id"] == "r0"]
    tables["accounts"] = pd.concat([accounts, *(accounts.iloc[:1].assign(account_id=name) for name in more)])
    tables["sessions"] = pd.concat(
        [sessions, *(sessions.iloc[:1].assign(account_id=n, session_id=f"s{n}", device_id=f"d{n}") for n in more)]
    )
    opens = [
        first.assign(trade_id=f"x{n}", taker_account_id=n, taker_order_id=None, ts=BURST + timedelta(milliseconds=ms))
        for ms, n in zip(range(150, 300, 10), more, strict=False)
    ]
    tables["trades"] = pd.concat([trades, *opens])


def behind_a_carrier(tables: Tables) -> None:
    """P4: 2,500 others on the address, separate devices: no link, found only by docs/methods.md#d21-collusion."""
    strangers = [f"C{number}" for number in range(SHARED_CARRIER)]
    accounts, sessions = tables["accounts"], tables["sessions"]
    crowd = pd.concat([sessions.iloc[[0]]] * SHARED_CARRIER, ignore_index=True)
    crowd = crowd.assign(account_id=strangers, session_id=strangers, device_id=strangers, ts=BURST - timedelta(hours=3))
    people = pd.concat([accounts.iloc[[0]]] * SHARED_CARRIER, ignore_index=True).assign(account_id=strangers)
    tables["accounts"] = pd.concat([accounts, people])
    tables["sessions"] = pd.concat([sessions, crowd])
    ring = tables["sessions"]["account_id"].isin(RING)
    tables["sessions"].loc[ring, "device_id"] = [f"own{number}" for number in range(6)]


def behind_a_carrier_on_one_device(tables: Tables) -> None:
    """P3."""
    behind_a_carrier(tables)
    tables["sessions"].loc[tables["sessions"]["account_id"].isin(RING), "device_id"] = "shared"


def an_office(tables: Tables) -> None:
    """N1: one address, own times and prices within the minute."""
    ring = of_ring(tables)
    tables["trades"].loc[ring, "ts"] = [BURST + timedelta(seconds=s) for s in (0, 9, 21, 33, 44, 57)]
    tables["trades"].loc[ring, "price"] = [PRICE * (1 + 0.001 * step) for step in range(6)]
    scale(tables, of_others(tables), 10.0)


def copy_followers(tables: Tables) -> None:
    """N2."""
    tables["order_events"]["source"] = "copy"


def declared_market_maker(tables: Tables) -> None:
    """N3: sub-accounts of one owner within the owner's approved limit."""
    tables["accounts"].loc[tables["accounts"]["account_id"].isin(RING), "owner_id"] = "maker"
    limits = tables["position_limits"]
    tables["position_limits"] = pd.concat([limits, limits.assign(owner_id="maker", max_notional_usd=500_000.0)])


def a_family(tables: Tables) -> None:
    """N4: three people at home, 41 seconds apart, small, at their own prices."""
    trades = tables["trades"]
    tables["trades"] = trades[~of_ring(tables) | trades["trade_id"].isin(["r0", "r1", "r2"])].copy()
    ring = of_ring(tables)
    tables["trades"].loc[ring, "ts"] = [BURST + timedelta(seconds=s) for s in (0, 20, 41)]
    tables["trades"].loc[ring, "price"] = [PRICE, PRICE * 1.002, PRICE * 1.004]
    scale(tables, ring, 700 / 45_000)


def a_listing_burst(tables: Tables) -> None:
    """N5: 400 accounts in .9 seconds at one price, twelve of them behind a carrier's address."""
    behind_a_carrier(tables)
    trades, accounts = tables["trades"], tables["accounts"]
    crowd = [f"L{number}" for number in range(400)]
    first = trades[trades["trade_id"] == "r0"]
    opens = pd.concat([first] * len(crowd), ignore_index=True).assign(
        trade_id=[f"x{name}" for name in crowd],
        taker_account_id=crowd,
        taker_order_id=None,
        ts=[BURST + timedelta(milliseconds=2 * number) for number in range(400)],
    )
    tables["trades"] = pd.concat([trades, opens])
    tables["accounts"] = pd.concat([accounts, *(accounts.iloc[:1].assign(account_id=name) for name in crowd)])


def a_dead_market(tables: Tables) -> None:
    """N6: three linked accounts are the whole of a tiny market."""
    trades = tables["trades"]
    kept = (~of_ring(tables) | trades["trade_id"].isin(["r0", "r1", "r2"])) & ~of_others(tables)
    tables["trades"] = trades[kept].copy()
    scale(tables, of_ring(tables), 250 / 45_000)


def within_the_limit(tables: Tables) -> None:
    """N7: 98 % of it."""
    scale(tables, of_ring(tables) | of_others(tables), 98 / 270)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (as_it_was, [("critical", 6)]),
        (jittered, [("high", 6)]),
        (in_two_halves, [("high", 6)]),
        (six_addresses_one_device, [("critical", 6)]),
        (price_ladder, [("high", 6)]),
        (thirty_percent, [("high", 6)]),
        (fourteen_accounts, [("critical", 14)]),
        (behind_a_carrier_on_one_device, [("critical", 6)]),
        (behind_a_carrier, []),
        (an_office, []),
        (copy_followers, []),
        (declared_market_maker, [("medium", 6)]),
        (a_family, []),
        (a_listing_burst, []),
        (a_dead_market, [("medium", 3)]),
        (within_the_limit, [("medium", 6)]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.fires("D26")
@pytest.mark.spares("D26")
def test_each_variant_of_the_case_has_its_level(
    change: Callable[[Tables], None], expected: list[tuple[str | None, int]]
) -> None:
    tables = {name: frame.copy() for name, frame in flock_tables().items()}
    change(tables)
    assert levels(tables) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (behind_a_carrier, [("medium", 6)]),
        (as_it_was, []),
        (a_listing_burst, []),
        (copy_followers, []),
        (an_office, []),
        (within_the_limit, []),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
@pytest.mark.fires("D21")
@pytest.mark.spares("D21")
def test_a_ring_without_a_link_is_found_by_its_behaviour_and_nobody_else_is(
    change: Callable[[Tables], None], expected: list[tuple[str | None, int]]
) -> None:
    tables = {name: frame.copy() for name, frame in flock_tables().items()}
    change(tables)
    assert levels(tables, "unlinked_ring") == expected


def test_a_ring_of_strangers_ends_when_late_trades_show_that_it_did_not_carry_the_market() -> None:
    tables = {name: frame.copy() for name, frame in flock_tables().items()}
    behind_a_carrier(tables)
    ring, others = tables["trades"][of_ring(tables)], tables["trades"][of_others(tables)]
    late = others.assign(trade_id="late-" + others["trade_id"], ingested_at=others["ts"] + timedelta(seconds=90))
    tables["trades"] = pd.concat([tables["trades"], late], ignore_index=True)
    engine = engine_with_legs(Activity.from_frames(tables))
    engine.register("episodes", as_table([]))
    (withdrawn,) = UNLINKED_RING.detect(engine, UNLINKED_RING.settings)
    first = microseconds(ring["ts"].min())
    assert withdrawn.known_at == first + 60_000_000
    assert withdrawn.superseded_at == first + 60_000_000 + 120_000_000


def test_a_linked_ring_that_was_withdrawn_leaves_the_unlinked_one_standing() -> None:
    tables = {name: frame.copy() for name, frame in flock_tables().items()}
    behind_a_carrier(tables)
    (linked,) = POSITION_LIMIT_RING.detect(
        engine_with_legs(Activity.from_frames(flock_tables())), POSITION_LIMIT_RING.settings
    )
    for withdrawn_at, found in ((linked.known_at, 1), (None, 0)):
        engine = engine_with_legs(Activity.from_frames(tables))
        engine.register("episodes", as_table([replace(linked, superseded_at=withdrawn_at)]))
        assert len(list(UNLINKED_RING.detect(engine, UNLINKED_RING.settings))) == found
