"""Tests of the stored parameters of training."""

from pathlib import Path

import pytest

import models
from features.kernel.errors import Invalid
from models.parameters import SHIPPED, read_parameters

TEXT = (Path(models.__file__).parent / "parameters.yaml").read_text(encoding="utf-8")


def test_ranges_of_whole_numbers_stay_whole() -> None:
    assert {type(bound) for bound in SHIPPED.violations.search.space["num_leaves"]} == {int}
    assert {type(bound) for bound in SHIPPED.violations.search.space["learning_rate"]} == {float}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("  trees: 300", "  # trees: 300", "`anomaly` lacks `trees`"),
        ("  rolls: 2", "  rolls: 2\n  rools: 2", "`evaluation` has the unknown key `rools`"),
        ("  rolls: 2", "  rolls: many", "`evaluation.rolls` is 'many'; it must be a whole number"),
        ("  clip: 8.0", "  clip: high", "`anomaly.clip` is 'high'; it must be a number"),
        ("num_leaves: [4, 31]", "num_leaves: [4]", "`violations.search.space.num_leaves` lacks `1`"),
        ("samples: [256, 2048]", "samples: 256", "`anomaly.samples` is 256; it must be a list"),
        ("\nfindings:\n  days: 7 ", "\n# 7 ", "it lacks `findings`"),
    ],
)
def test_a_file_that_is_not_complete_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, sentence: str
) -> None:
    assert before in TEXT
    path = tmp_path / "parameters.yaml"
    path.write_text(TEXT.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(Invalid, match=r"^parameters\.yaml: ") as refusal:
        read_parameters(path)
    assert sentence in str(refusal.value)
