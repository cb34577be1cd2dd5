"""A binary classifier in the conventions of scikit-learn: bagged LightGBM with calibrated, additive log-odds."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted, validate_data

from models.boosting.ensemble import BoosterSettings, CalibratedBooster, margins_of
from models.calibration import Platt, fit_platt
from models.vectors import Flags, Floats

AS_IT_IS = Platt(1.0, 0.0)
BETWEEN_SEEDS = 1_000


class RiskClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Several LightGBM models with different seeds, their margins averaged and calibrated (Platt) on held-out folds.

    Takes pandas frames or arrays; unknown values are NaN. `groups` in `fit` are kept together when calibrating, so that
    a customer or ring is never calibrated on what was learned of itself.

    Parameters:
        bags: models averaged. rounds: trees a model.
        learning_rate, num_leaves, min_data_in_leaf, feature_fraction_bynode, bagging_fraction, lambda_l2: of LightGBM.
        calibration_folds: held-out folds behind the calibration; 0 leaves the margins as they are.
        seed: the same rows, parameters and seed give the same model.

    Attributes:
        classes_: the two labels, ascending; the second is what is predicted.
        boosters_: the fitted models, each with the calibration.
    """

    def __init__(
        self,
        *,
        bags: int = 2,
        rounds: int = 300,
        learning_rate: float = 0.04,
        num_leaves: int = 31,
        min_data_in_leaf: int = 50,
        feature_fraction_bynode: float = 0.3,
        bagging_fraction: float = 0.8,
        lambda_l2: float = 10.0,
        calibration_folds: int = 3,
        seed: int = 7,
    ) -> None:
        self.bags = bags
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_data_in_leaf = min_data_in_leaf
        self.feature_fraction_bynode = feature_fraction_bynode
        self.bagging_fraction = bagging_fraction
        self.lambda_l2 = lambda_l2
        self.calibration_folds = calibration_folds
        self.seed = seed

    def __sklearn_tags__(self) -> Tags:
        """Two classes only; unknown values are allowed."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        return tags

    def fit(
        self,
        X: pd.DataFrame | ArrayLike,  # noqa: N803 scikit-learn's name
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learns to tell the second label from the first.

        Args:
            X: rows x features, numbers.
            y: one label a row, of two.
            sample_weight: how much each row counts, in learning and in calibrating.
            groups: what must stay together in the calibration's folds (None: every row for itself).

        Raises:
            ValueError: there are not two labels, X is not numbers, or there are not as many groups as rows.
        """
        matrix, labels = validate_data(self, X, y, dtype=np.float64, ensure_all_finite="allow-nan")
        kind = type_of_target(labels, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_ = np.unique(labels)
        if len(self.classes_) == 1:
            raise ValueError(f"All rows hold one class, {self.classes_[0]!r}; a risk is learned from two.")
        positive: Flags = labels == self.classes_[1]
        weights = _check_sample_weight(sample_weight, matrix, dtype=np.float64, allow_all_zero_weights=False)
        together = None if groups is None else np.asarray(groups)
        check_consistent_length(matrix, together)
        platt = self._calibration(matrix, positive, weights, together)
        self.boosters_ = [
            CalibratedBooster(settings.fit(matrix, positive, weights), platt)
            for settings in self._booster_settings(self.bags)
        ]
        return self

    def decision_function(self, X: pd.DataFrame | ArrayLike) -> Floats:  # noqa: N803
        """Calibrated log-odds of the second label, one a row."""
        matrix = self._matrix(X)
        return np.asarray(np.mean([booster.log_odds(matrix) for booster in self.boosters_], axis=0), dtype=np.float64)

    def predict_proba(self, X: pd.DataFrame | ArrayLike) -> Floats:  # noqa: N803
        """The probability of either label, rows x 2."""
        probability = expit(self.decision_function(X))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: pd.DataFrame | ArrayLike) -> NDArray[Any]:  # noqa: N803
        """The likelier label of each row."""
        likely = self.decision_function(X) > 0
        return np.asarray(self.classes_[likely.astype(int)])

    def contributions(self, X: pd.DataFrame | ArrayLike) -> tuple[float, Floats]:  # noqa: N803
        """Base and contributions (rows x features) that add up to `decision_function`."""
        matrix = self._matrix(X)
        parts = [booster.contributions(matrix) for booster in self.boosters_]
        base = float(np.mean([booster for booster, _ in parts]))
        return base, np.asarray(np.mean([own for _, own in parts], axis=0), dtype=np.float64)

    def _matrix(self, X: pd.DataFrame | ArrayLike) -> Floats:  # noqa: N803
        check_is_fitted(self, "boosters_")
        return np.asarray(validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False))

    def _booster_settings(self, count: int) -> Sequence[BoosterSettings]:
        parameters = {
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction_bynode": self.feature_fraction_bynode,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.lambda_l2,
        }
        return [BoosterSettings(parameters, self.rounds, self.seed + BETWEEN_SEEDS * number) for number in range(count)]

    def _calibration(self, matrix: Floats, positive: Flags, weights: Floats, groups: NDArray[Any] | None) -> Platt:
        own = np.arange(len(matrix)) if groups is None else groups
        count = min(self.calibration_folds, len(np.unique(own[positive])), len(np.unique(own[~positive])))
        if count < 2:
            return AS_IT_IS
        (settings,) = self._booster_settings(1)
        margins = np.empty(len(matrix))
        splitter = StratifiedKFold if groups is None else StratifiedGroupKFold
        folds = splitter(n_splits=count, shuffle=True, random_state=self.seed)
        for train, held_out in folds.split(matrix, positive, groups):
            booster = settings.fit(matrix[train], positive[train], weights[train])
            margins[held_out] = margins_of(booster, matrix[held_out])
        return fit_platt(margins, positive, weights)
