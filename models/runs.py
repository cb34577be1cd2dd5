"""A training run from the lake to the registry: vectors, labels, models, versions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from features.activity.lake import Lake
from features.definitions import CATALOGUE
from features.kernel.progress import Progress
from features.labels import read_labels
from features.pipeline import Features
from models.anomaly import model as anomaly
from models.m_score import model as m_score
from models.m_score.contribution import horizon_of, net_contribution
from models.m_score.model import MScoreModel
from models.m_score.value import forward_target
from models.parameters import SHIPPED
from models.registry.registry import Registry, Version
from models.training import Trained, train_anomaly, train_m_score, train_violations
from models.violations import model as violations

ORDER = (anomaly.KIND, violations.KIND, m_score.KIND)
SEED = 7


@dataclass(frozen=True, slots=True)
class Request:
    """What to train on: without a spine, weekly moments of all accounts; without a cut-off, every known label."""

    spine: pd.DataFrame | None = None
    labels_as_of: pd.Timestamp | None = None
    search: bool = False
    seed: int = SEED


def train(
    names: Sequence[str], request: Request, lake: Lake, registry: Registry, progress: Progress
) -> Iterator[tuple[Trained, Version | None]]:
    """Trains the named models and registers each; a bundle of violations without any typology is not registered."""
    features = Features(lake, progress)
    spine = features.weekly() if request.spine is None else request.spine
    vectors = features.vectors(spine)
    labels = read_labels(lake)
    for position, name in enumerate(names):
        progress(f"training {name} on {len(vectors):,} vectors", position / len(names))
        trained = _train(name, request, features, vectors, labels, registry)
        empty = name == violations.KIND and not getattr(trained.model, "typologies", ())
        tags = {"lake_version": features.activity.version, "rows": str(len(vectors)), "seed": str(request.seed)}
        yield trained, None if empty else registry.register(trained, tags)


def _train(
    name: str, request: Request, features: Features, vectors: pd.DataFrame, labels: pd.DataFrame, registry: Registry
) -> Trained:
    seed, labels_as_of = request.seed, request.labels_as_of
    if name == anomaly.KIND:
        return train_anomaly(vectors, labels, CATALOGUE, seed=seed, labels_as_of=labels_as_of)
    if name == violations.KIND:
        return train_violations(vectors, labels, CATALOGUE, seed=seed, labels_as_of=labels_as_of, search=request.search)
    horizon = horizon_of(*features.span())
    value = net_contribution(features, vectors[["account_id", "as_of"]], horizon)
    target = forward_target(value, labels, horizon, top_share=SHIPPED.top_value_share, labels_as_of=labels_as_of)
    champion, why_not = _linkable(registry)
    trained = train_m_score(
        vectors,
        target["target"],
        target["known"],
        CATALOGUE,
        seed=seed,
        labels_as_of=labels_as_of,
        champion=champion,
    )
    return replace(trained, notes=(*trained.notes, why_not)) if why_not else trained


def _linkable(registry: Registry) -> tuple[MScoreModel | None, str]:
    """The M Score that scores now, if it was learned; or None and why the new one stands on a scale of its own."""
    if registry.aliased(m_score.KIND) is None:
        return None, ""
    scoring, notice = registry.load_usable(m_score.KIND, CATALOGUE)
    if scoring is None or not isinstance(scoring.model, MScoreModel):
        return None, f"Not linked to the champion, so scores may jump when this version is promoted: {notice}"
    if scoring.model.scorecard is not None:
        return None, "Not linked: the champion is the expert scorecard, whose points were never probabilities."
    return scoring.model, notice
