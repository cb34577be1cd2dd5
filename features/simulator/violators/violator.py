"""What a violator is: a kind of violation, in how many units of what size, and what its units do."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from features.simulator.violators.unit import Unit
from features.simulator.world import World

Act = Callable[[World, np.random.Generator, Unit], None]


@dataclass(frozen=True, slots=True)
class Violator:
    """A kind of violation.

    To add one: write a module of this folder with a function `act` (emits rows, calls `confess` with a typology word
    of the activity contract and records episodes), and name a `Violator` at its end; the cast finds it.
    Act through `pretend` for camouflage. A violation that must happen at a fixed moment, like the case study, ignores
    the unit's onset.

    Attributes:
        size: the smallest and the largest size of a unit.
        units: how many units there are in an exchange of each of `profiles.SIZES`.
        recruit: may change the traits of the unit's accounts before anything is emitted.
        scales: smaller exchanges have smaller units, see `Profile.farm_share`.
        scripted: whether the first deposits of its members follow a script.
        rank: its place in the cast, which decides which accounts it gets; a new violator takes a later one.
    """

    name: str
    size: tuple[int, int]
    units: tuple[int, int, int, int]
    act: Act
    recruit: Act | None = None
    scales: bool = False
    scripted: bool = False
    rank: int = field(kw_only=True)
