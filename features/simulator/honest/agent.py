"""What an honest agent is: a kind of honest account, how common it is and what it does."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from features.simulator.vectors import Ints
from features.simulator.world import World

Act = Callable[[World, np.random.Generator, Ints], None]


@dataclass(frozen=True, slots=True)
class Agent:
    """A kind of honest account.

    To add one: write a module of this folder with a function that takes (world, rng, members) and emits rows through
    `world.flow` and `world.ledger` (see `behaviours`), and name an `Agent` at its end; the cast finds it. Every agent
    draws from a generator of its own name.

    Attributes:
        share: how common it is, relative to the other shares.
        recruit: may change the members' traits before accounts and verifications are written.
        resembles: the violation that it resembles on purpose: simulated reviewers will look at it and clear it.
        scripted: whether the first deposits of its members follow a script.
        rank: its place in the cast, which decides which accounts it gets; a new agent takes a later one.
    """

    name: str
    share: float
    emit: Act
    recruit: Act | None = None
    at_least: int = 0
    resembles: str | None = None
    scripted: bool = False
    rank: int = field(kw_only=True)
