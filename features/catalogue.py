"""The feature as data, and the catalogue: an ordered set of features with one fingerprint."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ibis.common.deferred import Deferred

from features.facts.fact import Fact
from features.kernel.errors import Invalid
from features.kernel.units import format_value
from features.vocabulary.aggregates import Aggregate, Window

QUOTED = re.compile(r"'(\w+)'")
UNITS = ("count", "usd", "share", "ratio", "hours", "days", "seconds", "bits", "level", "flag", "amount", "times")


@dataclass(frozen=True, eq=False, slots=True)
class Feature:
    """A feature as data: which fact, which rows, which aggregate, which window, and what it means.

    Attributes:
        name: column name, with its window (`cancel_ratio_7d`).
        of: the fact table it reads.
        value: how the rows become one number.
        window: how far back it looks.
        unit: a word of `UNITS`.
        says: the sentence after the value, in an explanation ("of the orders placed in 7 days were cancelled").
        clause: the section of the risk-control guidelines it serves, or "M" for the M Score programme.
        where: which rows of the fact it looks at.
        key: looks along this column instead of the account: at the rows that share its value with the event that is
            judged (where the spine names none: with the account's newest row); whose they are is `_.row_account_id`.
        delay: shifts the window back: `as_of - delay - width <= ts < as_of - delay`, by what is known at `as_of`.
        family: the part of the catalogue it stands in.
        pillar: the M Score pillar it feeds, if any.
        direction: the sign of its effect on the M Score (+1, -1), 0 where unconstrained.
        version: moves when the same rows give another value.
    """

    name: str
    of: Fact
    value: Aggregate
    window: Window
    unit: str
    says: str
    clause: str
    where: Deferred | None = None
    key: Deferred | None = None
    delay: Window | None = None
    family: str = ""
    pillar: str | None = None
    direction: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise Invalid(f"Feature {self.name} has the unit {self.unit!r}; use one of {', '.join(UNITS)}.")
        if self.delay is not None and self.delay.width_us is None:
            raise Invalid(f"Feature {self.name} is delayed by {self.delay.text}; a delay has a length, like days(7).")
        if self.value.wider_than_us and (
            self.delay is not None
            or self.window.only_event
            or (self.window.width_us or math.inf) <= self.value.wider_than_us
        ):
            raise Invalid(
                f"Feature {self.name} compares the end of its window with what is before; it requires a wider one, and "
                "no delay."
            )
        if self.window.only_event and (self.key is not None or self.delay is not None):
            raise Invalid(f"Feature {self.name} reads the event alone; it can have neither key nor delay.")

    @property
    def delay_us(self) -> int:
        """How far the window is shifted back, in microseconds."""
        return 0 if self.delay is None or self.delay.width_us is None else self.delay.width_us

    @property
    def reach_us(self) -> int | None:
        """How far back rows weigh, in microseconds; None: from the beginning."""
        return self.value.reach_us or self.window.width_us

    @property
    def reads(self) -> frozenset[str]:
        """What it is computed from: its fact and, where that holds episodes of all patterns, the words it names."""
        named = QUOTED.findall(f"{self.value.text} {self.where!r}") if "*" in self.of.patterns else ()
        return frozenset({self.of.writes, *named})

    def sentence(self, value: float) -> str:
        """The value in words, for an explanation."""
        if value == self.value.fill < 0:
            return f"never: {self.says}"
        if math.isnan(value):
            return f"unknown: {self.says}"
        return f"{format_value(value, self.unit)} {self.says}"


Lineage = Callable[[Iterable[str]], Mapping[str, int]]


def no_steps(_names: Iterable[str]) -> Mapping[str, int]:
    """The lineage of facts about whose steps nothing is known."""
    return {}


class Catalogue:
    """An ordered set of features with one fingerprint; the order is the order of vector columns."""

    def __init__(self, features: tuple[Feature, ...], lineage: Lineage = no_steps) -> None:
        """A catalogue of the features; `lineage` gives the versions of the steps that write their facts.

        Raises:
            Invalid: two features share a name.
        """
        self.features = features
        self._by_name = {feature.name: feature for feature in features}
        if len(self._by_name) != len(features):
            names = [feature.name for feature in features]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise Invalid(f"Two features are called {', '.join(twice)}; a name has one definition.")
        self._lineage = lineage

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of the names and versions of everything that decides a value; vectors and decisions carry it."""
        text = json.dumps(self.versions(self.names))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def versions(self, names: Iterable[str]) -> dict[str, int]:
        """The versions of features, by name, and of the facts and patterns behind them: what a model depends on."""
        chosen = [self[name] for name in names]
        steps = self._lineage(sorted({name for feature in chosen for name in feature.reads}))
        return {feature.name: feature.version for feature in chosen} | dict(steps)

    @property
    def names(self) -> tuple[str, ...]:
        """The vector's columns, in order."""
        return tuple(self._by_name)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Feature:
        if name not in self._by_name:
            raise Invalid(f"There is no feature {name!r} in the catalogue; `mscore features describe` lists them.")
        return self._by_name[name]
