"""Why a score is what it is: base and contributions that add up, in the words of the features (the door to SHAP)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shap
from sklearn.ensemble import IsolationForest

from features.catalogue import Catalogue
from features.kernel.errors import Invalid
from features.spine import utc_moments
from models.additive import Additive
from models.anomaly.calibrated_forests import CalibratedForests
from models.anomaly.forest import flat_trees
from models.anomaly.model import AnomalyModel
from models.m_score.model import MScoreModel
from models.vectors import Floats
from models.violations.model import ViolationModels


@dataclass(frozen=True, slots=True)
class Contribution:
    """One feature's part in a score; `evidence` are ids of the activity rows behind the value."""

    feature: str
    value: float | None
    contribution: float
    text: str
    peer_percentile: float | None = None
    evidence: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The contribution in the shape of docs/activity-schema.md#explanation."""
        percentile = {} if self.peer_percentile is None else {"peer_percentile": self.peer_percentile}
        return {
            "feature": self.feature,
            "value": self.value,
            "contribution": self.contribution,
            "text": self.text,
            **percentile,
            "evidence": list(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an account had a score at a moment: `base` + all contributions = `score`; `output` is what people see."""

    account_id: str
    as_of: pd.Timestamp
    model_name: str
    model_version: str
    base: float
    score: float
    output: float
    contributions: tuple[Contribution, ...]

    def as_json(self) -> dict[str, Any]:
        """The Explanation of docs/activity-schema.md#explanation; the contributions come with the largest first."""
        return {
            "account_id": self.account_id,
            "as_of": self.as_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "model": {"name": self.model_name, "version": self.model_version},
            "base": self.base,
            "score": self.score,
            "output": self.output,
            "contributions": [contribution.as_json() for contribution in self.contributions],
        }


class Explainer:
    """Explains rows of one model; keep it, because building it prepares the forests for SHAP."""

    def __init__(
        self, model: AnomalyModel | ViolationModels | MScoreModel, name: str, version: str, catalogue: Catalogue
    ) -> None:
        """An explainer of the model, which was registered under that name and version.

        Raises:
            Invalid: the catalogue is not the one the model was trained with.
        """
        model.layout.check(catalogue, model.reads)
        self.model = model
        self.name = name
        self.version = version
        self.catalogue = catalogue
        self._forests = _tree_explainers(model) if isinstance(model, AnomalyModel) else {}

    def explain(self, frame: pd.DataFrame, typology: str | None = None) -> tuple[Explanation, ...]:
        """One explanation a row of the frame, in its order.

        Args:
            frame: account_id, as_of and the model's features.
            typology: which of the violation models; None for the others.

        Raises:
            Invalid: the typology is missing where the model needs one, or given where it has none.
            NotFound: no model was trained for the typology.
        """
        if frame.empty:
            return ()
        additive = self.additive(frame, typology)
        name = self.name if typology is None else f"{self.name}:{typology}"
        return tuple(self._explanations(frame, additive, name))

    def additive(self, frame: pd.DataFrame, typology: str | None = None) -> Additive:
        """The scores of the rows taken apart; arguments and errors are those of `explain`."""
        if isinstance(self.model, ViolationModels):
            if typology is None:
                trained = ", ".join(self.model.typologies) or "none was trained"
                raise Invalid(f"Say which typology is to be explained, as in violations:TYPOLOGY ({trained}).")
            return self.model.additive(frame, typology)
        if typology is not None:
            raise Invalid(f"The model {self.name} knows no typologies, so {typology!r} cannot be explained.")
        if isinstance(self.model, MScoreModel):
            return self.model.additive(frame)
        return self._anomaly(self.model, frame)

    def _anomaly(self, model: AnomalyModel, frame: pd.DataFrame) -> Additive:
        names, size = model.layout.names, len(frame)
        base, contributions = np.empty(size), np.empty((size, len(names)))
        score, output = np.empty(size), np.empty(size)
        for forests, rows, distances in model.judged_by(frame):
            explainer = self._forests.get(forests)
            if explainer is None:
                raise Invalid(f"The model {self.name} was fitted again since; make a new explainer for it.")
            contributions[rows] = explainer.shap_values(distances)
            base[rows] = np.ravel(explainer.expected_value)[0]
            score[rows] = forests.unusualness(distances)
            output[rows] = forests.shown(score[rows])
        return Additive(names, base, contributions, score, output, model.peers.percentiles(model.layout.matrix(frame)))

    def _explanations(self, frame: pd.DataFrame, additive: Additive, name: str) -> Iterator[Explanation]:
        values = frame[list(additive.features)].to_numpy(dtype=np.float64, na_value=np.nan)
        moments = utc_moments(frame["as_of"])
        for row, account in enumerate(frame["account_id"].astype(str)):
            yield Explanation(
                account_id=account,
                as_of=moments.iloc[row],
                model_name=name,
                model_version=self.version,
                base=float(additive.base[row]),
                score=float(additive.score[row]),
                output=float(additive.output[row]),
                contributions=self._contributions(additive, row, values[row]),
            )

    def _contributions(self, additive: Additive, row: int, values: Floats) -> tuple[Contribution, ...]:
        parts = additive.contributions[row]
        percentiles = None if additive.percentiles is None else additive.percentiles[row]
        return tuple(
            Contribution(
                feature=additive.features[column],
                value=_known(values[column]),
                contribution=float(parts[column]),
                text=self.catalogue[additive.features[column]].sentence(float(values[column])),
                peer_percentile=None if percentiles is None else _known(percentiles[column]),
            )
            for column in np.argsort(-np.abs(parts), kind="stable")
        )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _tree_explainers(model: AnomalyModel) -> dict[CalibratedForests, shap.TreeExplainer]:
    """By the forests that judge rows."""
    return {judges: _tree_explainer(judges.forests) for judges in (model.whole, model.peers_alone)}


def _tree_explainer(forests: Sequence[IsolationForest]) -> shap.TreeExplainer:
    """SHAP over the forests' flat trees: adds up to our score, and takes .1 s instead of 6 s to make."""
    trees = [
        {
            "children_left": tree.left,
            "children_right": tree.right,
            "children_default": tree.left,
            "features": tree.features,
            "thresholds": tree.thresholds,
            "values": tree.values[:, np.newaxis],
            "node_sample_weight": tree.weights,
        }
        for tree in flat_trees(forests)
    ]
    return shap.TreeExplainer({"trees": trees})
