"""Tests of stored documents: versions, upgrades and refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pytest

from features.kernel.errors import Invalid
from features.kernel.stored import BESIDE, LEFT_OUT, Document, Moment, Upgrade


def named_reader(note: dict[str, Any]) -> dict[str, Any]:
    """Version 0 called the reader otherwise."""
    return {"reader" if name == "by" else name: value for name, value in note.items()}


def without_colour(note: dict[str, Any]) -> dict[str, Any]:
    """Version 1 stored a colour."""
    return {name: value for name, value in note.items() if name != "colour"}


@dataclass(frozen=True, slots=True)
class Note(Document):
    """A document that changed twice."""

    upgrades: ClassVar[Mapping[int, Upgrade]] = {0: named_reader, 1: without_colour}

    key: Annotated[str, BESIDE]
    reader: str
    at: Moment
    text: Annotated[str | None, LEFT_OUT] = None


NOTE = Note("k", "ria", datetime(2025, 5, 31, tzinfo=UTC))
AT = "2025-05-31T00:00:00.000000Z"


@pytest.mark.parametrize(
    "stored",
    [
        {"by": "ria", "at": AT, "colour": "red"},
        {"schema_version": 1, "reader": "ria", "at": AT, "colour": "red"},
        {"schema_version": 2, "reader": "ria", "at": AT},
    ],
)
def test_every_version_is_read_as_the_present_one(stored: dict[str, Any]) -> None:
    assert Note.from_stored(stored, key="k") == NOTE


def test_a_document_is_stored_with_its_version_and_told_without() -> None:
    assert NOTE.to_stored() == {"schema_version": 2, "reader": "ria", "at": AT}
    assert NOTE.to_json() == {"reader": "ria", "at": AT}


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"schema_version": 3}, r"stored Note has schema version 3, this mscore knows versions up to 2; read it with"),
        ({"schema_version": "new"}, "schema version 'new'"),
        ({"schema_version": -1}, "schema version -1"),
        ({"schema_version": 2, "at": AT}, "no stored Note: it lacks `reader`"),
        ({"schema_version": 2, "reader": "ria", "at": AT, "colour": "red"}, "no stored Note: .*unknown key `colour`"),
        ({"schema_version": 2, "reader": 3, "at": AT}, "no stored Note: `reader` is 3; it must be a text"),
        ({"schema_version": 2, "reader": "ria", "at": "2025-05-31T00:00:00"}, "`at` is .* a moment with its zone"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_name_of_the_document(stored: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        Note.from_stored(stored, key="k")
