"""The violation models: one calibrated LightGBM a typology, trained on findings, kept together as one bundle."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from features.kernel.errors import Invalid, NotFound
from models import artifacts
from models.additive import Additive
from models.boosting.ensemble import CalibratedBooster
from models.calibration import Platt
from models.parameters import SHIPPED, EvaluationParameters, ViolationParameters
from models.targets import groups_of, known_findings, row_target
from models.vectors import VectorLayout
from models.violations.typology import TypologyTraining, train_typology

KIND = "violations"
COLUMN = "violation_probability_"
WORKERS = 2


class ViolationModels(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """One binary model a typology that has labels; a row may be likely under several.

    Attributes:
        layout: the vectors it reads.
        models: the calibrated booster of each learned typology.
        skipped: for every other typology with labels, the sentence that says why it has no model.
        studies: what was measured while fitting (empty after `load`).
    """

    def __init__(
        self,
        layout: VectorLayout,
        *,
        settings: ViolationParameters = SHIPPED.violations,
        evaluation: EvaluationParameters = SHIPPED.evaluation,
        seed: int = 7,
    ) -> None:
        self.layout = layout
        self.settings = settings
        self.evaluation = evaluation
        self.seed = seed
        self.models: dict[str, CalibratedBooster] = {}
        self.skipped: dict[str, str] = {}
        self.studies: dict[str, TypologyTraining] = {}

    def fit(
        self,
        frame: pd.DataFrame,
        labels: pd.DataFrame,
        labels_as_of: pd.Timestamp | None = None,
        search: bool = False,
    ) -> Self:
        """Learn every typology that has enough confirmed rows among the vectors.

        Args:
            frame: account_id, as_of, event_id?, and the layout's features.
            labels: the label table; only what was known at `labels_as_of` counts (None: all of it).
            search: look for better booster parameters than the stored ones first.
        """
        matrix = self.layout.matrix(frame)
        findings = known_findings(labels, labels_as_of)
        groups = groups_of(frame, findings)
        self.models, self.skipped, self.studies = {}, {}, {}

        def study_of(typology: str) -> TypologyTraining | str:
            target = row_target(frame, findings, typology)
            return train_typology(frame, matrix, groups, target, self.settings, self.evaluation, self.seed, search)

        typologies = sorted(findings["typology"].unique())
        with ThreadPoolExecutor(WORKERS) as workers:
            studies = list(workers.map(study_of, typologies))
        for typology, study in zip(typologies, studies, strict=True):
            if isinstance(study, str):
                self.skipped[typology] = study
            else:
                self.models[typology], self.studies[typology] = study.model, study
        return self

    @property
    def typologies(self) -> tuple[str, ...]:
        """The typologies that have a model, in the order of the output columns."""
        return tuple(sorted(self.models))

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The probability of each learned typology (`violation_probability_<typology>`), rows as in the frame."""
        matrix = self.layout.matrix(frame)
        columns = {
            COLUMN + typology: self.models[typology].probability(matrix) if len(matrix) else np.empty(0)
            for typology in self.typologies
        }
        return pd.DataFrame(columns, index=frame.index)

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Like `predict`, under the name scikit-learn gives it."""
        return self.predict(frame)

    def additive(self, frame: pd.DataFrame, typology: str) -> Additive:
        """The calibrated log-odds of one typology as base and contributions.

        Raises:
            NotFound: the typology has no model.
        """
        if typology not in self.models:
            trained = ", ".join(self.typologies) or "none"
            raise NotFound(f"There is no violation model for {typology!r}; the trained ones are: {trained}.")
        matrix, model = self.layout.matrix(frame), self.models[typology]
        base, contributions = model.contributions(matrix)
        bases = np.full(len(matrix), base)
        return Additive(self.layout.names, bases, contributions, model.log_odds(matrix), model.probability(matrix))

    @property
    def reads(self) -> tuple[str, ...]:
        """The features that at least one tree of a typology splits on."""
        split_on = {column for model in self.models.values() for column in model.columns_read()}
        return tuple(name for column, name in enumerate(self.layout.names) if column in split_on)

    def save(self, folder: Path) -> None:
        """Write the bundle: one LightGBM text a typology, everything else as JSON."""
        state = {
            **self.layout.to_state(),
            "platt": {name: [model.platt.slope, model.platt.intercept] for name, model in self.models.items()},
            "skipped": self.skipped,
        }
        files = {f"booster_{number}.txt": self.models[name].as_text() for number, name in enumerate(self.typologies)}
        artifacts.write(folder, KIND, state, files)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The bundle written by `save`.

        Raises:
            Invalid: a file is missing, altered or unreadable.
        """
        state, files = artifacts.read(folder, KIND)
        try:
            bundle = cls(VectorLayout.from_state(state))
            for number, name in enumerate(sorted(state["platt"])):
                platt = Platt(*state["platt"][name])
                bundle.models[name] = CalibratedBooster.from_text(files[f"booster_{number}.txt"], platt)
            bundle.skipped = dict(state["skipped"])
        except (KeyError, TypeError) as error:
            raise Invalid(f"The violation models in {folder} are not complete: {error}.") from error
        return bundle
