"""The violators: which there are, in units of what size, and what they do."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.simulator.violators import (
    breaches,
    collusion,
    farms,
    flock,
    identities,
    laundering,
    layering,
    limits,
    mules,
    reentry,
    scripts,
    self_dealing,
    spoofing,
    stuffing,
    takeover,
    wash,
)
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
    add one line to `VIOLATORS` with the smallest and largest size of a unit, and one to `profiles.UNITS`.
    Act through `pretend` for camouflage. A violation that must happen at a fixed moment, like the case study, ignores
    the unit's onset. `scales`: smaller exchanges have smaller units, see `Profile.farm_share`.
    """

    name: str
    size: tuple[int, int]
    recruit: Act
    act: Act
    scales: bool = False


VIOLATORS: tuple[Violator, ...] = (
    Violator("wash_ring", (3, 5), wash.recruit, wash.act),
    Violator("self_dealer", (2, 2), self_dealing.recruit, self_dealing.deal),
    Violator("round_tripper", (1, 1), self_dealing.recruit, self_dealing.turn_around),
    Violator("spoofer", (1, 2), spoofing.recruit, spoofing.act),
    Violator("layerer", (1, 1), layering.recruit, layering.act),
    Violator("stuffer", (1, 1), stuffing.recruit, stuffing.act),
    Violator("script_farm", (8, 16), scripts.recruit, scripts.act, scales=True),
    Violator("bonus_farm", (8, 14), farms.recruit, farms.act, scales=True),
    Violator("document_farm", (6, 10), identities.recruit, identities.act, scales=True),
    Violator("mule_chain", (4, 5), mules.recruit, mules.act),
    Violator("launderer", (1, 1), laundering.recruit, laundering.act),
    Violator("takeover_victim", (1, 1), takeover.recruit, takeover.act),
    Violator("limit_ring", (4, 5), limits.recruit, limits.act),
    Violator("colluders", (5, 6), collusion.recruit, collusion.act),
    Violator("ban_evader", (2, 2), reentry.recruit, reentry.act),
    Violator("flock_ring", (6, 6), flock.recruit, flock.act),
    Violator("unverified_futures", (1, 1), breaches.recruit_unverified, breaches.trade_unverified),
    Violator("listed_country", (1, 1), _unchanged, breaches.connect_from_listed_country),
    Violator("ransom_receiver", (1, 1), _unchanged, breaches.receive_ransom),
    Violator("sanctioned_payer", (1, 1), _unchanged, breaches.pay_sanctioned),
    Violator("under_order", (1, 1), _unchanged, breaches.obey_an_order),
)
"""Every violator; those of the last five lines are decided by rules, and reviewers do not label them."""
BY_RULE_ALONE = ("kyc_gate", "restricted_jurisdiction", "illicit_assets", "sanctions_exposure", "legal_order")
