"""Which way the anomaly score points: whether it ranks what was confirmed as unusual, and what follows if it does not.

A score that ranks confirmed findings as usual still says *unusual*, but whoever reads it as *bad* is misled. Such a
version is promoted only by somebody who says why, and the card keeps what was said.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from models.evaluation.metrics import Metrics, ranking_metrics
from models.targets import RowTarget
from models.vectors import Flags, Floats


@dataclass(frozen=True, slots=True)
class Direction:
    """How the score ranks the confirmed rows of one typology.

    Attributes:
        against: the ranking metrics by whom they are compared with (`everybody`, `cleared`), where there are both.
    """

    typology: str
    against: Mapping[str, Metrics]

    @property
    def points_away(self) -> bool:
        """Whether confirmed rows look more usual than those they are compared with."""
        return any(measured["auc"] < 0.5 for measured in self.against.values())

    @property
    def sentence(self) -> str:
        """What the card says."""
        figures = ", ".join(f"{measured['auc']:.3f} against {whom}" for whom, measured in self.against.items())
        if self.points_away:
            return (
                f"Warning: AUC for confirmed {self.typology} is {figures}: below .5 they look more usual than others, "
                "so a low score clears no account."
            )
        return f"Direction: AUC for confirmed {self.typology} is {figures}; it says unusual, not bad."


def direction_of(scores: Floats, target: RowTarget) -> Direction:
    """How the score ranks confirmed rows against all others and against cleared ones, where there are both.

    Settled rows are neither confirmed nor others.
    """
    rows = {"everybody": ~target.settled, "cleared": target.positive | target.negative}
    measured = {whom: ranking_metrics(scores[of], target.positive[of]) for whom, of in rows.items()}
    return Direction(target.typology, {whom: metrics for whom, metrics in measured.items() if "auc" in metrics})


def refusal(scores: Floats, confirmed: Flags, others: Flags, enough: int) -> str | None:
    """The sentence that refuses promotion: all confirmed rows together rank as more usual than the others.

    None where they do not, or where fewer than `enough` rows are confirmed: then nobody can tell.
    """
    if confirmed.sum() < enough or not (others & ~confirmed).any():
        return None
    compared = confirmed | others
    measured = ranking_metrics(scores[compared], confirmed[compared])
    if measured["auc"] >= 0.5:
        return None
    return (
        f"It ranks the {int(confirmed.sum()):,} confirmed rows as more usual than all others "
        f"(AUC {measured['auc']:.3f}, below .5)."
    )
