"""The small seeded search for booster parameters behind `mscore train --search`."""

from sklearn.metrics import average_precision_score
from sklearn.model_selection import ParameterSampler

from models.boosters import Recipe, hold_out
from models.parameters import BoosterParameters, ViolationParameters
from models.splits import Plan
from models.vectors import Flags, Floats


def choose_parameters(
    settings: ViolationParameters,
    plan: Plan,
    matrix: Floats,
    positive: Flags,
    learning: Floats,
    natural: Floats,
    seed: int,
) -> BoosterParameters:
    """Of the stored parameters and a few drawn ones, those with the best average precision on the plan's folds."""
    drawn = ParameterSampler(dict(settings.search.space), settings.search.candidates, random_state=seed)
    candidates = [dict(settings.booster), *({**settings.booster, **candidate} for candidate in drawn)]

    def precision(candidate: BoosterParameters) -> float:
        held_out = hold_out(Recipe(candidate, settings.rounds, seed), plan, matrix, positive, learning)
        tested = held_out.tested
        return float(average_precision_score(positive[tested], held_out.margins[tested], sample_weight=natural[tested]))

    return max(candidates, key=precision)
