"""The M Score: a monotone model of forward clean value, additive by pillar, or the expert scorecard."""

from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from features.catalogue import Catalogue
from features.kernel.errors import Invalid
from models import artifacts
from models.additive import Additive
from models.boosting.ensemble import BoosterSettings, CalibratedBooster, HeldOut, hold_out
from models.calibration import Platt, fit_platt
from models.evaluation.metrics import Metrics, probability_metrics
from models.evaluation.splits import Plan, plan_folds
from models.m_score.linking import Link, moves
from models.m_score.scale import ANCHOR_LOG_ODDS, POINTS_PER_LOG_ODDS, clipped, points_of
from models.m_score.scorecard import Scorecard
from models.parameters import SHIPPED, EvaluationParameters, MScoreParameters
from models.vectors import Flags, Floats, VectorLayout

KIND = "m-score"
BOOSTER = "booster.txt"


class MScoreModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Monotone in every feature with a direction; no two pillars interact, so the pillars' points add up to the score.

    Attributes:
        layout: the vectors it reads; only features with a pillar are inputs.
        inputs: these features; `pillars` and `directions` go with them.
        booster: the calibrated model, or None where the scorecard stands in.
        scorecard: the expert's card, or None where the model was learned.
        link: brings its log-odds to the scale of the versions before.
        protocol: how it was tested, in words; `metrics` what came out; `held_out` and `target` the tested rows.
    """

    def __init__(
        self,
        layout: VectorLayout,
        inputs: tuple[str, ...],
        pillars: tuple[str, ...],
        directions: tuple[int, ...],
        *,
        settings: MScoreParameters = SHIPPED.m_score,
        evaluation: EvaluationParameters = SHIPPED.evaluation,
        seed: int = 7,
    ) -> None:
        if not inputs:
            raise Invalid("No feature of the catalogue feeds a pillar of the M Score, so there is nothing to score.")
        self.layout = layout
        self.inputs = inputs
        self.pillars = pillars
        self.directions = directions
        self.settings = settings
        self.evaluation = evaluation
        self.seed = seed
        self.booster: CalibratedBooster | None = None
        self.scorecard: Scorecard | None = None
        self.link = Link()
        self.protocol = ""
        self.metrics: dict[str, Metrics] = {}
        self.probability: Floats = np.empty(0)
        self.target: Flags = np.empty(0, dtype=bool)

    @classmethod
    def of(cls, catalogue: Catalogue, *, seed: int = 7) -> Self:
        """An untrained model over the catalogue's features that feed a pillar."""
        feeding = [(f.name, f.pillar, f.direction) for f in catalogue if f.pillar]
        names, pillars, directions = zip(*feeding, strict=True) if feeding else ((), (), ())
        return cls(VectorLayout.of(catalogue), tuple(names), tuple(pillars), tuple(directions), seed=seed)

    def fit(self, frame: pd.DataFrame, target: pd.Series, is_known: pd.Series) -> Self:
        """Learn the target where it is known; with too few positives, set up the expert scorecard instead.

        Args:
            frame: account_id, as_of and the layout's features.
            target: 0/1, whether the account became one of the most valuable clean ones; aligned with the frame's index.
            known: whether the row's target is known yet.
        """
        mask = is_known.loc[frame.index].to_numpy(dtype=bool)
        rows = frame[mask]
        positive = target.loc[rows.index].to_numpy(dtype=np.float64, na_value=0.0) > 0
        matrix = self._matrix(frame)
        plan = self._plan(rows, positive)
        if plan is None:
            self.scorecard = Scorecard.fit(matrix, self.pillars, self.directions, self.settings.scorecard)
            self.protocol = "expert scorecard: not learned, so not measured"
            return self
        self._learn(plan, matrix[mask], positive, rows["account_id"].to_numpy().astype(str))
        return self

    def _plan(self, rows: pd.DataFrame, positive: Flags) -> Plan | None:
        if positive.sum() < self.settings.min_positives or (~positive).sum() < self.settings.min_positives:
            return None
        accounts = rows["account_id"].to_numpy().astype(str)
        return plan_folds(rows, positive, accounts, self.evaluation, self.evaluation.folds_unlabelled, self.seed)

    def _learn(self, plan: Plan, matrix: Floats, positive: Flags, accounts: NDArray[np.str_]) -> None:
        booster_settings, even = self.settings_for(len(matrix)), np.ones(len(matrix))
        held_out: HeldOut = hold_out(booster_settings, plan, matrix, positive, even, accounts)
        tested = held_out.tested
        platt = fit_platt(held_out.margins[tested], positive[tested], even[tested])
        self.booster = CalibratedBooster(booster_settings.fit(matrix, positive, even), platt)
        self.protocol = plan.protocol
        self.probability = held_out.probabilities(positive, even)[tested]
        self.target = positive[tested]
        self.metrics = {
            "held_out": probability_metrics(self.probability, self.target),
            "training": probability_metrics(self.booster.probability(matrix), positive),
        }

    def settings_for(self, rows: int) -> BoosterSettings:
        """The booster's parameters: signs from the features' directions, no interaction across pillars."""
        together = [
            [column for column, other in enumerate(self.pillars) if other == pillar]
            for pillar in sorted(set(self.pillars))
        ]
        leaf = min(int(self.settings.booster["min_data_in_leaf"]), max(20, rows // 50))
        constraints = {"monotone_constraints": list(self.directions), "interaction_constraints": together}
        return BoosterSettings(
            {**self.settings.booster, **constraints, "min_data_in_leaf": leaf}, self.settings.rounds, self.seed
        )

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`m_score`, 0 to 1000, higher = better; rows as in the frame."""
        return pd.DataFrame({"m_score": clipped(points_of(self.link(self.log_odds(frame))))}, index=frame.index)

    def link_to(self, earlier: Self, frame: pd.DataFrame) -> Metrics:
        """Bring the scores to the scale of an earlier version; gives back how the accounts still move.

        Args:
            earlier: the version that scores now, made with the same catalogue.
            frame: the newest vectors of all accounts.
        """
        self.link = Link.between(self.log_odds(frame), earlier.link(earlier.log_odds(frame)))
        return moves(*(model.predict(frame)["m_score"].to_numpy() for model in (earlier, self)))

    def log_odds(self, frame: pd.DataFrame) -> Floats:
        """Calibrated log-odds of the target (of the scorecard: the log-odds that give its points)."""
        matrix = self._matrix(frame)
        if not len(matrix):
            return np.empty(0)
        if self.booster is not None:
            return self.booster.log_odds(matrix)
        base, contributions = self._contributions(matrix)
        return np.asarray(base + contributions.sum(axis=1), dtype=np.float64)

    def additive(self, frame: pd.DataFrame) -> Additive:
        """The log-odds as base and contributions of the inputs."""
        base, contributions = self._contributions(self._matrix(frame))
        score = self.log_odds(frame)
        return Additive(
            self.inputs, np.full(len(frame), base), contributions, score, clipped(points_of(self.link(score)))
        )

    def pillar_points(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Points of each pillar beside `base`; a row's sum is its score before clipping and rounding, to 1e-9."""
        base, contributions = self._contributions(self._matrix(frame))
        start = float(points_of(self.link(np.array([base])))[0])
        points = POINTS_PER_LOG_ODDS * self.link.slope * contributions
        columns = {
            pillar: points[:, [other == pillar for other in self.pillars]].sum(axis=1)
            for pillar in sorted(set(self.pillars))
        }
        return pd.DataFrame({"base": start, **columns}, index=frame.index)

    def _matrix(self, frame: pd.DataFrame) -> Floats:
        return VectorLayout(self.inputs, self.layout.fingerprint).matrix(frame)

    def _contributions(self, matrix: Floats) -> tuple[float, Floats]:
        if self.booster is not None:
            return self.booster.contributions(matrix)
        if self.scorecard is not None:
            return self.scorecard.contributions(matrix)
        raise Invalid("The M Score model is not fitted yet.")

    @property
    def reads(self) -> tuple[str, ...]:
        """The features with a pillar."""
        return self.inputs

    def save(self, folder: Path) -> None:
        """Write the model: LightGBM text where it was learned, everything else as JSON."""
        platt = self.booster.platt if self.booster else None
        state = {
            **self.layout.to_state(),
            "inputs": [list(self.inputs), list(self.pillars), list(self.directions)],
            "anchor_log_odds": ANCHOR_LOG_ODDS,
            "points_per_log_odds": POINTS_PER_LOG_ODDS,
            "link": [self.link.slope, self.link.intercept],
            "platt": [platt.slope, platt.intercept] if platt else None,
            "scorecard": self.scorecard.as_json() if self.scorecard else None,
        }
        artifacts.write(folder, KIND, state, {BOOSTER: self.booster.as_text()} if self.booster else {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model written by `save`.

        Raises:
            Invalid: a file is missing, altered or unreadable.
        """
        state, files = artifacts.read(folder, KIND)
        try:
            inputs, pillars, directions = (tuple(part) for part in state["inputs"])
            model = cls(VectorLayout.from_state(state), inputs, pillars, directions)
            model.link = Link(*state.get("link", (1.0, 0.0)))
            if state["platt"]:
                model.booster = CalibratedBooster.from_text(files[BOOSTER], Platt(*state["platt"]))
            if state["scorecard"]:
                model.scorecard = Scorecard.from_json(state["scorecard"])
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(f"The M Score model in {folder} is not complete: {error}.") from error
        return model
