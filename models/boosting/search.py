"""The seeded search for booster parameters behind `mscore train --search`: Optuna, on validation folds only."""

from dataclasses import replace

import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from models.boosting.ensemble import BoosterSettings, hold_out
from models.evaluation.splits import Plan
from models.parameters import BoosterParameters, SearchParameters
from models.vectors import Flags, Floats


def choose_parameters(
    stored: BoosterSettings,
    search: SearchParameters,
    plan: Plan,
    matrix: Floats,
    positive: Flags,
    learning: Floats,
    natural: Floats,
    groups: NDArray[np.str_],
) -> BoosterParameters:
    """The parameters with the best average precision on the plan's folds, the stored ones among the candidates.

    Args:
        stored: what training uses without a search.
        search: how many candidates, and the ranges they come from.
        plan: folds over rows on which nothing is measured afterwards.
        learning: weights while fitting. natural: weights while measuring.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def precision(trial: optuna.Trial) -> float:
        suggested = {
            name: trial.suggest_int(name, int(low), int(high), log=True)
            if isinstance(low, int)
            else trial.suggest_float(name, low, high, log=True)
            for name, (low, high) in search.space.items()
        }
        booster_settings = replace(stored, parameters={**stored.parameters, **suggested})
        held_out = hold_out(booster_settings, plan, matrix, positive, learning, groups)
        tested = held_out.tested
        return float(average_precision_score(positive[tested], held_out.margins[tested], sample_weight=natural[tested]))

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=stored.seed))
    study.enqueue_trial({name: stored.parameters[name] for name in search.space})
    study.optimize(precision, n_trials=search.candidates)
    return {**stored.parameters, **study.best_params}
