"""Tests of YAML documents: how scalars are read, and the one sentence that says what is wrong."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import Field

from features.kernel.documents import OneOf, Scalar, Text, Written, read_document, read_yaml
from features.kernel.errors import Invalid


class Station(Written):
    """A part of the example."""

    name: Text
    height: Annotated[float, Field(ge=0)] = 0.0


class Journey(Written):
    """A document with a field of each kind."""

    since: date
    stations: list[Station]
    days: int = 1
    kind: Annotated[str, OneOf(("rail", "road"))] = "rail"
    limits: dict[Text, Scalar] = Field(default_factory=dict)


def read(folder: Path, text: str) -> Journey:
    """The document of a text."""
    path = folder / "journey.yaml"
    path.write_text(text, encoding="utf-8")
    return read_document(path, Journey)


def test_a_document_is_read_whole(tmp_path: Path) -> None:
    journey = read(
        tmp_path, "{since: 2025-10-01, stations: [{name: ' Oslo ', height: 3}], limits: {a: 1, b: x, c: true}}"
    )
    assert journey.stations == [Station(name="Oslo", height=3.0)]
    assert (journey.since, journey.kind) == (date(2025, 10, 1), "rail")
    assert journey.limits == {"a": 1, "b": "x", "c": True}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("off", "off"),
        ("0123", "0123"),
        ("12:30", "12:30"),
        ("0x1f", "0x1f"),
        ("'7'", "7"),
        ("true", True),
        ("7", 7),
        ("1_000", 1000),
        ("-0.5", -0.5),
        ("1e-3", 0.001),
        ("~", None),
        ("2025-10-01", date(2025, 10, 1)),
    ],
)
def test_a_scalar_is_what_people_mean_by_it(tmp_path: Path, text: str, value: Any) -> None:
    path = tmp_path / "scalar.yaml"
    path.write_text(f"value: {text}\n", encoding="utf-8")
    found = read_yaml(path)["value"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("stations: []", "it lacks `since`."),
        ("{since: soon, stations: []}", "`since` is 'soon'; it must be a date like 2025-10-01."),
        ("{since: 2025-10-01 12:00:00, stations: []}", "it must be a date like 2025-10-01."),
        ("{since: 2025-10-01, stations: Oslo}", "`stations` is 'Oslo'; it must be a list."),
        ("{since: 2025-10-01, stations: [Oslo]}", "`stations[0]` is 'Oslo'; it must be a mapping."),
        ("{since: 2025-10-01, stations: [{}]}", "`stations[0]` lacks `name`."),
        ("{since: 2025-10-01, stations: [{name: 7}]}", "`stations[0].name` is 7; it must be a text."),
        ("{since: 2025-10-01, stations: [{name: ' '}]}", "it must be a text that is not empty."),
        ("{since: 2025-10-01, stations: [{name: a, height: -1}]}", "`stations[0].height` is -1; it must be 0 or more."),
        ("{since: 2025-10-01, stations: [{name: a, height: .nan}]}", "is nan; it must be a finite number."),
        (
            "{since: 2025-10-01, stations: [{name: a, width: 1}]}",
            "`stations[0]` has the unknown key `width`; remove it.",
        ),
        ("{since: 2025-10-01, stations: [], days: '2'}", "`days` is '2'; it must be a whole number."),
        ("{since: 2025-10-01, stations: [], days: 1.5}", "`days` is 1.5; it must be a whole number."),
        ("{since: 2025-10-01, stations: [], kind: sea}", "`kind` is 'sea'; it must be one of rail, road."),
        ("{since: 2025-10-01, stations: [], limits: {a: []}}", "`limits.a` is []; it must be a number, a text or a"),
        ("{since: 2025-10-01, stations: [], days: 1, days: 2}", "the key 'days' is given twice"),
        ("{since: [", "is no YAML"),
        ("- a", "it is ['a']; it must be a mapping."),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=r"^journey\.yaml") as refusal:
        read(tmp_path, text)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
