"""The feature as data, and the catalogue: an ordered set of features with one fingerprint."""

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ibis.common.deferred import Deferred

from features.errors import Invalid
from features.facts.fact import Fact
from features.vocabulary import Aggregate, Window

EXACT_ENOUGH = 1_000  # from here on nobody reads decimals
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
                f"Feature {self.name} compares the end of its window with what is before; it wants a wider one, and no "
                "delay."
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

    def sentence(self, value: float) -> str:
        """The value in words, for an explanation."""
        if value == self.value.fill < 0:
            return f"never: {self.says}"
        if math.isnan(value):
            return f"unknown: {self.says}"
        return f"{worded(value, self.unit)} {self.says}"

    @property
    def declaration(self) -> str:
        """Everything that decides the value, as one canonical line."""
        seen = f"{self.window.text}|{self.where!r}|{self.key!r}|{self.delay_us}"
        return f"{self.name}|{self.of.name}|{self.value.text}|{self.value.fill}|{seen}"


def worded(value: float, unit: str) -> str:
    """A value with its unit as people read it.

    >>> worded(0.625, "share"), worded(12345.6, "usd"), worded(3.0, "count"), worded(1.26, "hours")
    ('62.5 %', '12,346 USD', '3', '1.3 hours')
    """
    if math.isnan(value):
        return "unknown"
    words = {
        "share": f"{value * 100:.3g} %",
        "usd": f"{value:,.0f} USD",
        "hours": f"{value:,.1f} hours",
        "days": f"{value:,.1f} days",
        "seconds": f"{value:,.1f} s",
        "bits": f"{value:.2f} bits",
        "level": f"level {value:.0f}",
        "times": f"{value:,.3g} times" if abs(value) < EXACT_ENOUGH - 0.5 else f"{value:,.0f} times",
        "flag": "yes:" if value else "no:",
    }
    return words.get(unit, f"{value:,.0f}" if value == int(value) or abs(value) >= EXACT_ENOUGH else f"{value:,.3g}")


class Catalogue:
    """An ordered set of features with one fingerprint; the order is the order of vector columns."""

    def __init__(self, features: tuple[Feature, ...], definitions: Callable[[], str] = str) -> None:
        """A catalogue of the features; `definitions` yields whatever else decides values (facts, pattern settings).

        Raises:
            Invalid: two features share a name.
        """
        self.features = features
        self._by_name = {feature.name: feature for feature in features}
        if len(self._by_name) != len(features):
            names = [feature.name for feature in features]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise Invalid(f"Two features are called {', '.join(twice)}; a name stands for one definition.")
        self._definitions = definitions

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of everything that decides a value: vectors, models and decisions carry it."""
        text = "\n".join([*(feature.declaration for feature in self.features), self._definitions()])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

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
