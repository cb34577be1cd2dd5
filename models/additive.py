"""A score as a sum: base plus one contribution a feature, on the scale the model adds on."""

from dataclasses import dataclass

from models.vectors import Floats


@dataclass(frozen=True, slots=True)
class Additive:
    """The scores of some rows taken apart: `base + contributions.sum(axis=1) == score`, to 1e-9.

    Attributes:
        features: names of the columns of `contributions`.
        base: what the model says before it looks at each row.
        contributions: rows x features.
        score: log-odds, or negative normalised forest depth; higher = more of what the model measures.
        output: what people see: a probability, 0-100 or 0-1000.
        percentiles: where each value stands among the account's peers, 0-100 (rows x features), if the model has peers.
    """

    features: tuple[str, ...]
    base: Floats
    contributions: Floats
    score: Floats
    output: Floats
    percentiles: Floats | None = None
