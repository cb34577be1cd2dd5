"""What every agent is handed: the profile, the market, the people, and the collectors of rows and of truth."""

import zlib
from dataclasses import dataclass

import numpy as np

from features.simulator.ledger import Ledger
from features.simulator.market.flow import Flow
from features.simulator.market.market import Market, make_market
from features.simulator.naming import Names
from features.simulator.people.intensity import Clock, make_clock
from features.simulator.people.interest import Interest, changing_interest
from features.simulator.people.network import TIMEZONES
from features.simulator.people.population import COUNTRY_CODES, Population, make_population
from features.simulator.profiles import Profile
from features.simulator.truth import Truth
from features.simulator.vectors import DAY


@dataclass(frozen=True, slots=True)
class World:
    """One run in the making."""

    profile: Profile
    seed: int
    market: Market
    people: Population
    clock: Clock
    interest: Interest
    names: Names
    ledger: Ledger
    flow: Flow
    truth: Truth

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, so that a new agent does not change what the others draw."""
        return stream(self.seed, purpose)

    def onset_range(self) -> tuple[int, int]:
        """Between which moments violations may begin."""
        return (
            self.market.start + int(self.profile.warm_up_days * DAY),
            self.market.end - int(max(self.profile.scaled_days(10), 2.0) * DAY),
        )


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The generator of one purpose in one run."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def make_world(profile: Profile, seed: int) -> World:
    """An exchange on which nobody has acted yet."""
    market = make_market(profile, stream(seed, "market"))
    people = make_population(profile, market, stream(seed, "population"))
    names = Names(people.names, market.symbols, COUNTRY_CODES, {"timezone": TIMEZONES})
    ledger = Ledger(names)
    clock = make_clock(market, people.offset)
    return World(
        profile,
        seed,
        market,
        people,
        clock,
        changing_interest(clock, len(people), stream(seed, "interest")) if profile.restless else Interest(clock),
        names,
        ledger,
        Flow(ledger, market),
        Truth(),
    )
