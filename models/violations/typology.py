"""Training one typology's model: which rows count for how much, the held-out test, calibration, the final booster."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.boosting.ensemble import BoosterSettings, CalibratedBooster, HeldOut, hold_out
from models.boosting.search import choose_parameters
from models.calibration import fit_platt
from models.evaluation.metrics import Metrics, probability_metrics
from models.evaluation.splits import MIN_POSITIVES, Plan, group_parts, grouped_folds, plan_folds
from models.parameters import BoosterParameters, EvaluationParameters, ViolationParameters
from models.targets import RowTarget
from models.vectors import Flags, Floats, Rows


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows one typology is learned from.

    Attributes:
        rows: their numbers in the frame.
        positive: confirmed, one a row.
        learning: weights while fitting (unlabelled rows count less, rare positives more;
        docs/methods.md#typology-classifiers, docs/methods.md#labels-and-feedback). natural: weights while calibrating
        and measuring: what each row stands for in the frame. cleared: found honest, one a row. labelled_only: whether
        cleared rows alone serve as negatives.
    """

    rows: Rows
    positive: Flags
    cleared: Flags
    learning: Floats
    natural: Floats
    labelled_only: bool


@dataclass(frozen=True, slots=True)
class TypologyTraining:
    """A trained typology with what was measured on the way.

    Attributes:
        tested: the rows held out: row (its number in the frame), positive, cleared, score (the probability, calibrated
            on other folds) and weight (how many rows it stands for).
    """

    model: CalibratedBooster
    protocol: str
    parameters: BoosterParameters
    metrics: Mapping[str, Metrics]
    tested: pd.DataFrame
    labelled_only: bool


def too_few(target: RowTarget, accounts: NDArray[Any], settings: ViolationParameters) -> str | None:
    """The sentence that says why the typology cannot be learned, or None where it can."""
    rows, holders = int(target.positive.sum()), len(np.unique(accounts[target.positive]))
    if rows < settings.min_positive_rows or holders < settings.min_positive_accounts:
        return (
            f"{target.typology} was skipped: {rows} confirmed rows of {holders} accounts, at least "
            f"{settings.min_positive_rows} rows of {settings.min_positive_accounts} accounts are needed."
        )
    return None


def draw_sample(target: RowTarget, accounts: NDArray[Any], settings: ViolationParameters, seed: int) -> Sample:
    """Labelled rows alone where outsiders cleared enough accounts; else unlabelled rows stand in, at a lower weight."""
    confirmed = len(np.unique(accounts[target.positive]))
    cleared = len(np.unique(accounts[target.independent]))
    labelled_only = cleared >= max(settings.cleared_accounts, settings.cleared_share * confirmed)
    unlabelled = np.array([], dtype=np.intp) if labelled_only else np.flatnonzero(target.unlabelled)
    sampled, limit = unlabelled, max(settings.unlabelled_rows, settings.unlabelled_per_positive * target.positive.sum())
    if len(unlabelled) > limit:
        chosen = np.random.default_rng(seed).choice(len(unlabelled), limit, replace=False)
        sampled = unlabelled[np.sort(chosen)]
    rows = np.sort(np.concatenate([np.flatnonzero(target.positive | target.negative), sampled]))
    positive, is_unlabelled = target.positive[rows], target.unlabelled[rows]
    natural = np.where(is_unlabelled, len(unlabelled) / max(1, len(sampled)), 1.0)
    learning = np.where(is_unlabelled, settings.unlabelled_weight, 1.0)
    learning[target.overturned[rows]] = settings.appeal_weight
    balance = float(learning[~positive].sum() / max(1, positive.sum()))
    learning[positive] = float(np.clip(balance, 1.0, settings.positive_weight_limit))
    return Sample(rows, positive, target.negative[rows], learning, natural, labelled_only)


def train_typology(
    frame: pd.DataFrame,
    matrix: Floats,
    groups: NDArray[np.str_],
    target: RowTarget,
    settings: ViolationParameters,
    evaluation: EvaluationParameters,
    seed: int,
    search: bool,
) -> TypologyTraining | str:
    """The typology's calibrated model with its held-out metrics, or the sentence that says why there is none.

    Calibration uses held-out margins only: for the model, of all findings on folds of groups, because the last weeks,
    on which a rolling split measures, hold few; for a measured probability, of the other folds that measure.
    """
    accounts = frame["account_id"].to_numpy()
    reason = too_few(target, accounts, settings)
    if reason is not None:
        return reason
    sample = draw_sample(target, accounts, settings, seed)
    positive, rows = sample.positive, matrix[sample.rows]
    chosen_frame, chosen_groups = frame.iloc[sample.rows], groups[sample.rows]
    folds = evaluation.folds if sample.labelled_only else evaluation.folds_unlabelled
    plan = plan_folds(chosen_frame, positive, chosen_groups, evaluation, folds, seed)
    if plan is None:
        return (
            f"{target.typology} was skipped: its {int(positive.sum())} confirmed rows belong to one group, "
            "so that none can be kept apart to test the model."
        )
    booster_settings = BoosterSettings(settings.booster, settings.rounds, seed, settings.patience)
    if search:
        booster_settings, plan = _searched(
            booster_settings, plan, settings, evaluation, sample, chosen_frame, rows, chosen_groups
        )
    held_out = hold_out(booster_settings, plan, rows, positive, sample.learning, chosen_groups)
    calibrating = grouped_folds(positive, chosen_groups, evaluation.folds_calibration, seed) or plan
    calibrated = hold_out(booster_settings, calibrating, rows, positive, sample.learning, chosen_groups)
    final = booster_settings.stopped_early(rows, positive, sample.learning, chosen_groups)
    return _finish(final, plan.protocol, sample, rows, held_out, calibrated)


def _searched(
    stored: BoosterSettings,
    plan: Plan,
    settings: ViolationParameters,
    evaluation: EvaluationParameters,
    sample: Sample,
    frame: pd.DataFrame,
    matrix: Floats,
    groups: NDArray[np.str_],
) -> tuple[BoosterSettings, Plan]:
    """The recipe chosen on one part of the groups, and the plan that measures on the others only."""
    rows = group_parts(sample.positive, groups, settings.search.parts, stored.seed) == 0
    chosen_on = plan_folds(
        frame[rows], sample.positive[rows], groups[rows], evaluation, evaluation.folds_unlabelled, stored.seed
    )
    measured = plan.without(rows)
    tested = sum(int(sample.positive[fold.test].sum()) for fold in measured.folds)
    if chosen_on is None or tested < MIN_POSITIVES:
        return stored, replace(plan, protocol=f"{plan.protocol}; too few findings to search parameters apart from it")
    parameters = choose_parameters(
        stored,
        settings.search,
        chosen_on,
        matrix[rows],
        sample.positive[rows],
        sample.learning[rows],
        sample.natural[rows],
        groups[rows],
    )
    protocol = f"{plan.protocol}; parameters of {settings.search.candidates} candidates, chosen on groups not tested"
    return replace(stored, parameters=parameters), replace(measured, protocol=protocol)


def _finish(
    booster_settings: BoosterSettings,
    protocol: str,
    sample: Sample,
    matrix: Floats,
    held_out: HeldOut,
    calibrated: HeldOut,
) -> TypologyTraining:
    positive, natural, tested = sample.positive, sample.natural, held_out.tested
    calibrated_on = calibrated.tested
    platt = fit_platt(calibrated.margins[calibrated_on], positive[calibrated_on], natural[calibrated_on])
    model = CalibratedBooster(booster_settings.fit(matrix, positive, sample.learning), platt)
    probability = held_out.probabilities(positive, natural)
    return TypologyTraining(
        model=model,
        protocol=protocol,
        parameters={**booster_settings.parameters, "rounds": booster_settings.rounds},
        metrics={
            "held_out": probability_metrics(probability[tested], positive[tested], natural[tested]),
            "training": probability_metrics(model.probability(matrix), positive, natural),
        },
        tested=pd.DataFrame(
            {
                "row": sample.rows[tested],
                "positive": positive[tested],
                "cleared": sample.cleared[tested],
                "score": probability[tested],
                "weight": natural[tested],
            }
        ),
        labelled_only=sample.labelled_only,
    )
