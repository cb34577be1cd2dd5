"""Runs the simulated exchange: casts everybody, lets them act, matches their orders, and keeps the truth apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features.simulator import funds
from features.simulator.honest.cast import agents
from features.simulator.lateness import arrive_late
from features.simulator.market import booking, venue
from features.simulator.market.flow import Fills, OrderRequests, Orders
from features.simulator.market.matching import match
from features.simulator.people.casting import Cast, recruit
from features.simulator.people.population import FLOCK_NAMES
from features.simulator.profiles import Profile
from features.simulator.promotions import hand_out, sign_up
from features.simulator.reviewing import review
from features.simulator.violators.cast import violators
from features.simulator.world import World, make_world

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Activity tables by name, the labels reviewers gave, and the truth tables that no feature may read."""

    activity: dict[str, pa.Table]
    labels: pa.Table
    truth: dict[str, pa.Table]


def simulate(profile: Profile, seed: int, progress: Progress | None = None) -> Simulation:
    """One run: the same profile and seed give identical tables. `progress` hears of each stage and the share done."""
    tell = progress or _silent
    world = make_world(profile, seed)
    cast = recruit(world)
    tell("people", 0.1)
    _publish(world)
    _live(world, cast)
    tell("lives", 0.4)
    funds.fund_openings(world)
    funds.snapshot_balances(world)
    _settle(world, cast)
    tell("orders", 0.6)
    labels = review(world, world.rng("reviews"))
    activity = {
        name: arrive_late(world.rng(f"late {name}"), name, table, world.market.end)
        for name, table in world.ledger.tables().items()
    }
    tell("tables", 0.9)
    numbers = world.ledger.column("trades", "trade_id").astype(np.int64)
    spelt = world.names.texts("trade_id", numbers)
    return Simulation(activity, labels, world.truth.tables(world.people.names, world.people.agent, spelt, numbers))


def _publish(world: World) -> None:
    venue.register_accounts(world)
    venue.publish_instruments(world)
    venue.publish_prices(world, world.rng("prices"))
    venue.publish_campaigns(world)
    venue.publish_lists(world)
    venue.publish_history(world, world.rng("history"))


def _live(world: World, cast: Cast) -> None:
    sign_up(world, world.rng("sign-ups"), cast.scripted)
    hand_out(world, world.rng("airdrop"), world.people.named(*FLOCK_NAMES))
    for agent in agents():
        agent.emit(world, world.rng(agent.name), cast.honest[agent.name])
    for violator in violators():
        rng = world.rng(violator.name)
        for unit in cast.units[violator.name]:
            violator.act(world, rng, unit)


def _settle(world: World, cast: Cast) -> None:
    order_requests = OrderRequests.stacked(world.flow.order_requests)
    makers = cast.honest["market_maker"]
    orders, fills = match(order_requests, makers, world.market, world.ledger, world.rng("matching"))
    everything = Orders.stacked([*world.flow.orders, *orders])
    booking.book(world, everything, Fills.stacked([*world.flow.fills, *fills]), world.flow.refused)


def _silent(stage: str, share: float) -> None:
    """Nobody listens."""
