"""Honest people who act at the same moments without knowing each other: followers of signals, users of one program."""

import numpy as np

from features.simulator.honest.agent import Agent
from features.simulator.honest.behaviours import LEVERAGES, live, log_in, order_sizes
from features.simulator.honest.machines import approve_keys
from features.simulator.market.flow import API, APP, WEB
from features.simulator.market.market import IS_PERP
from features.simulator.vectors import DAY, HOUR, MINUTE, SECOND, Floats, Ints, runs
from features.simulator.world import World

CHANNEL, VENDOR = 12, 10
"""People who read one public channel; users of one vendor's program with its usual settings."""


def recruit_readers(world: World, rng: np.random.Generator, members: Ints) -> None:
    """Verified people of some means."""
    world.people.level[members] = 2
    world.people.wealth_usd[members] = np.exp(rng.normal(8.0, 0.9, len(members)))


def follow_signals(world: World, rng: np.random.Generator, members: Ints) -> None:
    """A public channel names a symbol and a side; half of its readers buy within seconds to minutes."""
    live(world, rng, members, 0.9)
    symbols = world.market.instruments("small", "mid")
    for first in range(0, len(members), CHANNEL):
        readers = members[first : first + CHANNEL]
        for begin in _moments(world, rng, world.profile.days * 0.8):
            here = readers[(world.people.created_at[readers] < begin - DAY) & (rng.random(len(readers)) < 0.55)]
            lag = rng.lognormal(np.log(14), 1.1, len(here))
            instrument = int(rng.choice(symbols[first % 5 :: 5]))
            _act_together(world, rng, here, begin, lag, instrument, by_program=False)


def run_vendor_programs(world: World, rng: np.random.Generator, members: Ints) -> None:
    """One vendor's program gives all its users the same idea in the same second, each through a key of his own."""
    live(world, rng, members, 0.5)
    approve_keys(world, members)
    symbols = world.market.instruments("small", "mid")
    for first in range(0, len(members), VENDOR):
        users = members[first : first + VENDOR]
        for begin in _moments(world, rng, world.profile.days * 1.5):
            exact = begin // (15 * MINUTE) * (15 * MINUTE) + 15 * MINUTE
            here = users[(world.people.created_at[users] < exact - DAY) & (rng.random(len(users)) < 0.6)]
            lag = rng.exponential(0.9, len(here))
            _act_together(world, rng, here, exact, lag, int(rng.choice(symbols[first % 7 :: 7])), by_program=True)


def _moments(world: World, rng: np.random.Generator, count: float) -> list[int]:
    moments = rng.integers(world.market.start + DAY, world.market.end - 3 * HOUR, rng.poisson(count))
    listed: list[int] = np.sort(moments).tolist()
    return listed


def _act_together(
    world: World, rng: np.random.Generator, here: Ints, begin: int, lag: Floats, instrument: int, *, by_program: bool
) -> None:
    size, side = len(here), int(rng.integers(0, 2))
    where = np.full(size, instrument)
    usd = order_sizes(world, rng, here, np.full(size, begin), where, 0.05)
    leverage = np.where(IS_PERP[where], LEVERAGES[here % len(LEVERAGES)], np.nan)
    session = log_in(world, rng, here, begin - rng.integers(MINUTE, 3 * HOUR, size), "api" if by_program else "login")
    ways, _ = runs(np.array([1 + int(rng.random() < 0.5)]))
    for number in range(len(ways)):
        moment = begin + number * int(rng.integers(5, 40)) * MINUTE
        world.flow.place(
            here,
            moment + (lag * SECOND).astype(np.int64),
            where,
            np.full(size, side if number == 0 else 1 - side),
            usd,
            source=API if by_program else np.where(here % 2, WEB, APP),
            session=session,
            api_key=here * 4 if by_program else -1,
            leverage=leverage,
            ui=0 if by_program else 1,
        )


SIGNAL_FOLLOWER = Agent(
    "signal_follower", 0.018, follow_signals, recruit_readers, at_least=12, resembles="collusion", rank=29
)
VENDOR_PROGRAM = Agent(
    "vendor_program", 0.010, run_vendor_programs, recruit_readers, at_least=10, resembles="collusion", rank=30
)
