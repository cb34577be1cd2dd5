"""The violators: which there are, in how many units of what size, and what they do."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.simulator.profiles import Profile
from features.simulator.violators import breaches, farms, flock, limits, mules, spoofing, takeover, wash
from features.simulator.violators.unit import Unit
from features.simulator.world import World

Act = Callable[[World, np.random.Generator, Unit], None]


def _unchanged(world: World, rng: np.random.Generator, unit: Unit) -> None:
    """Recruits who keep their traits."""


@dataclass(frozen=True, slots=True)
class Violator:
    """A kind of violation.

    To add one: write a module with `recruit` (changes the traits of the unit's accounts before anything is emitted)
    and `act` (emits rows, calls `confess` with a typology word of the activity contract and records episodes), and
    add one line to `VIOLATORS` with the number of units in a profile and the smallest and largest size of a unit.
    Act through `pretend` for camouflage. A violation that must happen at a fixed moment, like the case study, ignores
    the unit's onset.
    """

    name: str
    units: Callable[[Profile], int]
    size: tuple[int, int]
    recruit: Act
    act: Act


VIOLATORS: tuple[Violator, ...] = (
    Violator("wash_ring", lambda p: p.wash_rings, (3, 5), wash.recruit, wash.act),
    Violator("spoofer", lambda p: p.spoofers, (1, 1), spoofing.recruit, spoofing.act),
    Violator("bonus_farm", lambda p: p.farms, (8, 12), farms.recruit, farms.act),
    Violator("mule_chain", lambda p: p.mule_chains, (4, 6), mules.recruit, mules.act),
    Violator("takeover_victim", lambda p: p.takeovers, (1, 1), takeover.recruit, takeover.act),
    Violator("limit_ring", lambda p: p.limit_rings, (4, 6), limits.recruit, limits.act),
    Violator("flock_ring", lambda _: 1, (6, 6), flock.recruit, flock.act),
    Violator(
        "unverified_futures", lambda p: p.rule_breakers, (1, 1), breaches.recruit_unverified, breaches.trade_unverified
    ),
    Violator("listed_country", lambda p: p.rule_breakers, (1, 1), _unchanged, breaches.connect_from_listed_country),
    Violator("ransom_receiver", lambda _: 1, (1, 1), _unchanged, breaches.receive_ransom),
    Violator("sanctioned_payer", lambda _: 1, (1, 1), _unchanged, breaches.pay_sanctioned),
)
"""Every violator; those of the last four lines are decided by rules, and reviewers do not label them."""
BY_RULE_ALONE = ("kyc_gate", "restricted_jurisdiction", "illicit_assets", "sanctions_exposure")
