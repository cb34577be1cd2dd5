"""The violators, found in the modules of this folder."""

from functools import cache
from operator import attrgetter

from features.kernel.discovery import objects_in
from features.simulator.violators.violator import Violator


@cache
def violators() -> tuple[Violator, ...]:
    """Every violator by its rank."""
    return tuple(sorted(objects_in("features.simulator.violators", Violator), key=attrgetter("rank", "name")))
