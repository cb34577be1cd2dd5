"""Adds to an explanation the ids of the activity rows behind its strongest contributions."""

from dataclasses import replace

from features.definitions import CATALOGUE
from features.pipeline import Features
from models.explanations import Explanation

EXPLAINED_WITH_EVIDENCE = 5


def with_evidence(explanation: Explanation, features: Features) -> Explanation:
    """The explanation with the ids of the rows behind its strongest contributions."""
    contributions = tuple(
        replace(part, evidence=_row_ids(features, part.feature, explanation))
        if position < EXPLAINED_WITH_EVIDENCE and part.contribution
        else part
        for position, part in enumerate(explanation.contributions)
    )
    return replace(explanation, contributions=contributions)


def _row_ids(features: Features, feature: str, explanation: Explanation) -> tuple[str, ...]:
    found = features.evidence(CATALOGUE[feature], explanation.account_id, explanation.as_of)
    return tuple(found.rows["row_id"].astype(str))
