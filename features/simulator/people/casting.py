"""Who plays whom: hands every account to one violator's unit or one honest agent, and lets them shape their traits."""

from dataclasses import dataclass

import numpy as np

from features.simulator.honest.cast import agents
from features.simulator.people.population import FLOCK_NAMES
from features.simulator.profiles import SIZES
from features.simulator.vectors import DAY, Ints
from features.simulator.violators.cast import violators
from features.simulator.violators.unit import Unit
from features.simulator.violators.violator import Violator
from features.simulator.world import World

DORMANT_BY_SCRIPT = "FLOCK-B1"
FAILED_SHARE = 0.1
CAREFUL_EVERY = 2
"""Every second unit follows the advice on evasion; where there is one unit, in every second run."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Accounts by honest agent, units by violator, and the accounts whose first deposit follows a script."""

    honest: dict[str, Ints]
    units: dict[str, list[Unit]]
    scripted: Ints


def recruit(world: World) -> Cast:
    """Assign everybody and call all `recruit` functions."""
    rng = world.rng("casting")
    free = rng.permutation(len(world.people) - len(FLOCK_NAMES))
    units: dict[str, list[Unit]] = {}
    for place, violator in enumerate(violators()):
        units[violator.name], free = _units(world, rng, violator, world.seed + place, free)
    honest = _honest(world, rng, free)
    world.people.agent[int(world.people.named(DORMANT_BY_SCRIPT)[0])] = agents()[0].name
    for violator in violators():
        for unit in units[violator.name]:
            for account in unit.members:
                world.people.agent[account] = violator.name
            if violator.recruit:
                violator.recruit(world, world.rng(f"recruit {unit.ring}"), unit)
    groups = [unit.members for violator in violators() if violator.scripted for unit in units[violator.name]]
    groups += [honest[agent.name] for agent in agents() if agent.scripted]
    return Cast(honest, units, np.concatenate(groups))


def _units(
    world: World, rng: np.random.Generator, violator: Violator, turn: int, free: Ints
) -> tuple[list[Unit], Ints]:
    first, last = world.onset_range()
    units, count = [], violator.units[SIZES.index(world.profile.size)]
    for number in range(count):
        size = int(rng.integers(violator.size[0], violator.size[1] + 1))
        size = max(round(size * world.profile.farm_share), 3) if violator.scales else size
        members, free = (
            (world.people.named(*FLOCK_NAMES[:6]), free)
            if violator.name == "flock_ring"
            else (free[:size], free[size:])
        )
        onset = int(rng.integers(first, last))
        duration = world.profile.scaled_days(rng.uniform(15, 60)) * DAY
        camouflage = float(np.clip(rng.beta(4, 4), 0.2, 0.9))
        failed = bool(rng.random() < FAILED_SHARE) and (count > 1 or size == 1)
        careful = (number + turn) % CAREFUL_EVERY == 0 and violator.name != "flock_ring"
        _make_old_enough(world, members, onset)
        end = min(onset + int(duration), world.market.end - DAY // 2)
        units.append(Unit(f"{violator.name}-{number + 1}", members, onset, end, camouflage, failed, careful))
    return units, free


def _make_old_enough(world: World, members: Ints, onset: int) -> None:
    """Nobody violates before having an account for half of the warm-up (farms set their own sign-ups)."""
    latest = onset - int(world.profile.warm_up_days * DAY / 2)
    world.people.created_at[members] = np.minimum(world.people.created_at[members], latest)


def _honest(world: World, rng: np.random.Generator, free: Ints) -> dict[str, Ints]:
    total = sum(agent.share for agent in agents())
    counts = {agent.name: max(round(agent.share / total * len(free)), agent.at_least) for agent in agents()}
    counts[agents()[0].name] += len(free) - sum(counts.values())
    cast: dict[str, Ints] = {}
    for agent in agents():
        cast[agent.name], free = free[: counts[agent.name]], free[counts[agent.name] :]
        for account in cast[agent.name]:
            world.people.agent[account] = agent.name
            if agent.resembles:
                world.truth.look_alikes[int(account)] = agent.resembles
        if agent.recruit and len(cast[agent.name]):
            agent.recruit(world, world.rng(f"recruit {agent.name}"), cast[agent.name])
    return cast
