"""The stored parameters of training, read from `parameters.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from features.kernel.errors import Invalid

BoosterParameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """How many candidates `--search` tries, on which part of the groups (one of `parts`), and from which ranges.

    A range is low and high, both included; whole numbers where both are.
    """

    candidates: int
    parts: int
    space: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class ViolationParameters:
    """How the typology models are trained; each value is explained in `parameters.yaml`."""

    minimum_positive_rows: int
    minimum_positive_accounts: int
    cleared_accounts: int
    cleared_share: float
    unlabelled_weight: float
    appeal_weight: float
    positive_weight_limit: float
    unlabelled_rows: int
    unlabelled_per_positive: int
    rounds: int
    patience: int
    booster: BoosterParameters
    search: SearchParameters


@dataclass(frozen=True, slots=True)
class EvaluationParameters:
    """How rows are divided into training and test; each value is explained in `parameters.yaml`."""

    folds: int
    folds_unlabelled: int
    folds_calibration: int
    moments: int
    shared_share: float
    rolls: int
    group_folds: int
    gap_moments: int


@dataclass(frozen=True, slots=True)
class AnomalyParameters:
    """How the anomaly model is trained; each value is explained in `parameters.yaml`."""

    trees: int
    samples: tuple[int, ...]
    segments: tuple[str, ...]
    shrinkage_rows: int
    segment_rows: int
    clip: float
    calibration_share: float
    purge_days: int
    resolution: float
    direction_rows: int

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The parameters of a mapping as YAML and JSON give it.

        Raises:
            KeyError: a part is missing.
            TypeError: a part is unknown.
        """
        lists = {name: tuple(document[name]) for name in ("samples", "segments")}
        return cls(**{**document, **lists})


@dataclass(frozen=True, slots=True)
class MScoreParameters:
    """How the M Score is trained, and the expert's weights of its pillars."""

    minimum_positives: int
    rounds: int
    booster: BoosterParameters
    scorecard: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Parameters:
    """All stored parameters."""

    violations: ViolationParameters
    evaluation: EvaluationParameters
    anomaly: AnomalyParameters
    m_score: MScoreParameters
    top_value_share: float
    finding_days: float


def read_parameters(file: Path) -> Parameters:
    """The parameters in the file.

    Raises:
        Invalid: a part is missing or unknown.
    """
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    try:
        violations = dict(document["violations"])
        search = SearchParameters(**violations.pop("search"))
        return Parameters(
            violations=ViolationParameters(**violations, search=search),
            evaluation=EvaluationParameters(**document["evaluation"]),
            anomaly=AnomalyParameters.from_document(document["anomaly"]),
            m_score=MScoreParameters(**document["m_score"]),
            top_value_share=float(document["value"]["top_share"]),
            finding_days=float(document["findings"]["days"]),
        )
    except (KeyError, TypeError) as error:
        raise Invalid(f"The parameters in {file.name} are not complete: {error}.") from error


SHIPPED = read_parameters(Path(__file__).with_name("parameters.yaml"))
