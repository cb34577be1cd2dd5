"""Stored documents: dataclasses with pydantic's reading and writing, a schema version, and upgrades of older ones."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, PlainSerializer

from features.kernel.documents import adapter_of, validated
from features.kernel.errors import Invalid
from features.kernel.moments import text_of

Json = Mapping[str, Any]
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]

SCHEMA_VERSION = "schema_version"


def number_or_null(value: float | None) -> float | None:
    """The number as strict JSON can hold it.

    >>> number_or_null(math.nan), number_or_null(0.5)
    (None, 0.5)
    """
    return value if value is not None and math.isfinite(value) else None


def numbers_or_null(values: Mapping[str, float]) -> dict[str, float | None]:
    """Numbers by name as strict JSON can hold them."""
    isfinite = math.isfinite
    return {name: value if isfinite(value) else None for name, value in values.items()}


def nan_for_null(values: Any) -> Any:
    """Numbers by name from JSON, where null stands for a missing one; anything else as it is."""
    if not isinstance(values, Mapping) or None not in values.values():
        return values
    return {name: math.nan if value is None else value for name, value in values.items()}


def is_none(value: Any) -> bool:
    """Whether the value is not set."""
    return value is None


Moment = Annotated[AwareDatetime, PlainSerializer(text_of, return_type=str)]
"""A moment with its zone, written in UTC with microseconds and `Z`."""
Number = Annotated[float, PlainSerializer(number_or_null)]
"""A number that is null in JSON where it is not finite."""
Numbers = Annotated[
    Mapping[str, float],
    BeforeValidator(nan_for_null),
    PlainSerializer(numbers_or_null, return_type=dict[str, float | None]),
]
"""Numbers by name; a missing one is NaN here and null in JSON."""
LEFT_OUT = Field(exclude_if=is_none)
"""The field is left out of the JSON where it is not set."""
BESIDE = Field(exclude=True)
"""The field is kept beside the JSON, not in it."""


class Part:
    """What stored documents are made of: a frozen dataclass whose fields are its JSON keys; unknown keys are refused.

    `plain` names fields that hold JSON already: they are taken over without looking into each value, of which an
    explanation has thousands.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    plain: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """The value as the contract writes it."""
        return self._written(is_stored=False)

    @classmethod
    def from_json(cls, record: Json) -> Self:
        """The value that `to_json` wrote.

        Raises:
            Invalid: it is no such value; the sentence names the field.
        """
        return cls._read(record)

    @classmethod
    def _read(cls, record: Json) -> Self:
        try:
            return validated(record, cls)
        except Invalid as error:
            raise Invalid(f"This is no stored {cls.__name__}: {error}") from None

    def _written(self, is_stored: bool) -> dict[str, Any]:
        adapter, plain = adapter_of(type(self)), set(self.plain)
        record: dict[str, Any] = adapter.dump_python(
            self, mode="json", exclude=plain or None, exclude_computed_fields=is_stored
        )
        for name in self.plain:
            record[name] = getattr(self, name)
        return record


class Document(Part):
    """A document stored as JSON with its `schema_version`, which is no part of its public JSON.

    `upgrades` turns what version n wrote into what version n + 1 writes; what has no version is version 0. The present
    version is the one behind the last upgrade.
    """

    __slots__ = ()
    upgrades: ClassVar[Mapping[int, Upgrade]] = {0: dict}

    def to_stored(self) -> dict[str, Any]:
        """The document as it is stored: without what can be computed, with its version."""
        return {SCHEMA_VERSION: len(self.upgrades), **self._written(is_stored=True)}

    @classmethod
    def from_stored(cls, record: Json, **beside: Any) -> Self:
        """The document of any version up to the present one.

        Args:
            record: the JSON as it was stored.
            beside: the values of fields that are kept beside the JSON.

        Raises:
            Invalid: a newer version wrote it, or it is no such document.
        """
        return cls.from_json(upgraded(cls.__name__, record, cls.upgrades) | beside)


def upgraded(name: str, record: Json, upgrades: Mapping[int, Upgrade]) -> dict[str, Any]:
    """The record as the present version writes it, without the version.

    Raises:
        Invalid: a newer version wrote it.

    >>> upgraded("Case", {"kind": "x"}, {0: lambda case: {"typology": case["kind"]}})
    {'typology': 'x'}
    """
    document = dict(record)
    version = document.pop(SCHEMA_VERSION, 0)
    if type(version) is not int or not 0 <= version <= len(upgrades):
        raise Invalid(
            f"A stored {name} has schema version {version!r}, this mscore knows versions up to {len(upgrades)}; "
            "read it with the mscore that wrote it, or a newer one."
        )
    for step in range(version, len(upgrades)):
        document = upgrades[step](document)
    return document
