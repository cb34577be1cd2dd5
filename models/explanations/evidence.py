"""Adds to explanations the ids of the activity rows behind their strongest contributions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from features.definitions import CATALOGUE
from features.evidence import Evidence, evidence_of_many
from features.pipeline import Features
from models.explanations.explainer import Contribution, Explanation

EXPLAINED_WITH_EVIDENCE = 5


def with_evidence(explanations: Sequence[Explanation], features: Features) -> list[Explanation]:
    """The explanations, each of its strongest contributions with the ids of at most 20 rows behind the value.

    All explanations are of one moment; the rows of a feature are looked up once for all accounts.
    """
    if not explanations:
        return []
    accounts: dict[str, list[str]] = defaultdict(list)
    for explanation in explanations:
        for part in _strongest(explanation):
            accounts[part.feature].append(explanation.account_id)
    at = explanations[0].as_of
    evidence_by_feature = {name: evidence_of_many(features, CATALOGUE[name], who, at) for name, who in accounts.items()}
    return [_shown(explanation, evidence_by_feature) for explanation in explanations]


def _strongest(explanation: Explanation) -> list[Contribution]:
    return [part for part in explanation.contributions[:EXPLAINED_WITH_EVIDENCE] if part.contribution]


def _shown(explanation: Explanation, evidence_by_feature: dict[str, dict[str, Evidence]]) -> Explanation:
    strongest = {part.feature for part in _strongest(explanation)}
    contributions = tuple(
        replace(
            part, evidence=tuple(evidence_by_feature[part.feature][explanation.account_id].rows["row_id"].astype(str))
        )
        if part.feature in strongest
        else part
        for part in explanation.contributions
    )
    return replace(explanation, contributions=contributions)
