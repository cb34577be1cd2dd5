"""The honest cast: every kind of honest account, found in the modules of this folder."""

from functools import cache
from operator import attrgetter

from features.kernel.discovery import objects_in
from features.simulator.honest.agent import Agent


@cache
def agents() -> tuple[Agent, ...]:
    """Every honest agent by its rank; the first is also what accounts become that no rounding has placed."""
    return tuple(sorted(objects_in("features.simulator.honest", Agent), key=attrgetter("rank", "name")))
