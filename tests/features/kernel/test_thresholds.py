"""Tests of the files of thresholds."""

from datetime import date
from pathlib import Path

import pytest

from features.kernel.errors import Invalid
from features.kernel.thresholds import Threshold, read_thresholds

FILE = """
card: D01
clauses: ["5.4"]
effective_from: 2025-01-01
settings:
  hours: {value: 48, unit: hours, source: house default}
  countries: {value: [NO, SE], unit: countries, source: house default}
  bands: {value: [8, 0.5], unit: accounts, source: house default}
"""


def test_each_number_has_its_unit_and_source(tmp_path: Path) -> None:
    path = tmp_path / "rings.yaml"
    path.write_text(FILE, encoding="utf-8")
    found = read_thresholds(path)
    assert (found.clauses, found.effective_from) == (("5.4",), date(2025, 1, 1))
    assert found.numbers[0] == Threshold("hours", 48, "hours", "house default")
    assert found.values == {"hours": 48, "countries": ["NO", "SE"], "bands": [8, 0.5]}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("unit: hours, ", "", "`settings.hours` lacks `unit`"),
        ("hours, source: house default", "hours, source: ''", "`settings.hours.source` is ''; it must be a text"),
        ("value: 48", "value: ~", "`settings.hours.value` is None"),
        ("effective_from: 2025-01-01", "effective_from: soon", "`effective_from` is 'soon'; it must be a date"),
        ('clauses: ["5.4"]\n', "", "lacks `clauses`"),
        ("card: D01", "cart: D01", "unknown key `cart`"),
    ],
)
def test_a_file_that_lacks_something_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    path = tmp_path / "rings.yaml"
    assert before in FILE
    path.write_text(FILE.replace(before, after), encoding="utf-8")
    with pytest.raises(Invalid, match=r"^rings\.yaml: ") as refusal:
        read_thresholds(path)
    assert sentence in str(refusal.value)
