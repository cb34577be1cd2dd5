"""The stored parameters of training, read from `parameters.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.kernel.documents import read_document
from features.kernel.stored import Part

BoosterParameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SearchParameters(Part):
    """How many candidates `--search` tries, on which part of the groups (one of `parts`), and from which ranges.

    A range is low and high, both included; whole numbers where both are.
    """

    candidates: int
    parts: int
    space: Mapping[str, tuple[int | float, int | float]]


@dataclass(frozen=True, slots=True)
class ViolationParameters(Part):
    """How the typology models are trained; each value is explained in `parameters.yaml`."""

    min_positive_rows: int
    min_positive_accounts: int
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
class EvaluationParameters(Part):
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
class AnomalyParameters(Part):
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


@dataclass(frozen=True, slots=True)
class MScoreParameters(Part):
    """How the M Score is trained, and the expert's weights of its pillars."""

    min_positives: int
    rounds: int
    booster: BoosterParameters
    scorecard: Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class ValueParameters(Part):
    """Whose value a model is to foresee."""

    top_share: float


@dataclass(frozen=True, slots=True)
class FindingParameters(Part):
    """How long a dated finding speaks of an account's vectors."""

    days: float


@dataclass(frozen=True, slots=True)
class Parameters(Part):
    """All stored parameters."""

    violations: ViolationParameters
    evaluation: EvaluationParameters
    anomaly: AnomalyParameters
    m_score: MScoreParameters
    value: ValueParameters
    findings: FindingParameters

    @property
    def top_value_share(self) -> float:
        """The share of each cohort that counts as the best."""
        return self.value.top_share

    @property
    def finding_days(self) -> float:
        """For how many days after it was known a dated finding speaks of an account's vectors."""
        return self.findings.days


def read_parameters(file: Path) -> Parameters:
    """The parameters in the file.

    Raises:
        Invalid: a part is missing, unknown, or of another kind; the sentence names it.
    """
    return read_document(file, Parameters)


SHIPPED = read_parameters(Path(__file__).with_name("parameters.yaml"))
