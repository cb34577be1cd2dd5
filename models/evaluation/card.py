"""The model card: what a model is for, what it was trained on, how good it is, and what it must not be used for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from features.spine import utc_moments
from models.evaluation.metrics import Metrics
from models.vectors import VectorLayout


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a kind of model is for and what it is not for, in sentences."""

    title: str
    does: str
    not_for: tuple[str, ...]
    limits: tuple[str, ...]


ANOMALY = Purpose(
    "Anomaly model",
    "Says how unusual an account's behaviour is among its peers and compared with its own past, both weighted "
    "equally: 0 to 100, higher = more unusual. It is a net for behaviour that no rule or label describes yet.",
    (
        "It says unusual, not bad: an unusual account may be an honest one with unusual business.",
        "No measure may rest on it; it may only put an account before a reviewer.",
    ),
    (
        "Violators who behave like all others are invisible to it; small, short-lived fraudsters can look most normal.",
        "p-values hold for accounts exchangeable with the calibration accounts: one row an account and day, and not "
        "after the market has changed.",
        "An unknown value is taken as the peers' usual one, of the own past as no surge; an account that knows none of "
        "its past is seen among its peers alone.",
    ),
)
VIOLATIONS = Purpose(
    "Violation models",
    "Give, for each typology with enough confirmed findings, the probability that an account is violating it.",
    (
        "A probability may open a review; it never imposes a measure.",
        "It is no finding: a person decides, and the account holder may appeal.",
    ),
    (
        "They know what was found before; new forms of a violation look like nothing.",
        "Who was reviewed was chosen, partly by earlier scores: figures on labelled rows do not hold for all accounts.",
        "Unlabelled rows stand in for negatives unless outsiders cleared many accounts: some are undetected positives, "
        "so probabilities are rather too low.",
        "Where only labelled rows were learned, probabilities hold for accounts like the reviewed ones, not for all.",
    ),
)
M_SCORE = Purpose(
    "M Score",
    "Scores how valuable an account's clean activity is likely to be: 0 to 1000, higher = better, 500 = one in ten.",
    (
        "It is no measure of risk: compliance acts as a gate outside the model.",
        "It must not use nationality, language, age, gender, device price, payment rail or place.",
    ),
    (
        "It learned one horizon of one market; percentiles in the cohort soften this and do not remove it.",
        "As expert scorecard (before there is history) its points are an opinion: 10 points stand for one of the "
        "card's 100, and the probability its log-odds suggest was never measured.",
    ),
)


PURPOSES = {"anomaly": ANOMALY, "violations": VIOLATIONS, "m-score": M_SCORE}


def data_lines(frame: pd.DataFrame, layout: VectorLayout, labels_as_of: pd.Timestamp | None) -> tuple[str, ...]:
    """What the training rows were, in sentences."""
    if frame.empty:
        return ("There were no rows.",)
    moments = utc_moments(frame["as_of"])
    cutoff = "all known labels" if labels_as_of is None else f"labels known by {labels_as_of:%Y-%m-%d %H:%M} UTC"
    return (
        f"{len(frame):,} vectors of {frame['account_id'].nunique():,} accounts, "
        f"{moments.min():%Y-%m-%d %H:%M} to {moments.max():%Y-%m-%d %H:%M} UTC, {cutoff}.",
        f"{len(layout.names)} features, catalogue {layout.fingerprint}.",
    )


def model_card(purpose: Purpose, data: Sequence[str], metrics: Mapping[str, Metrics], notes: Sequence[str]) -> str:
    """The card as Markdown.

    Args:
        purpose: what the model is for and not for.
        data: sentences on the training data.
        metrics: by split.
        notes: how it was tested, what was left out, what to be warned of.
    """
    parts = [
        f"# {purpose.title}",
        purpose.does,
        "## Must not be used for",
        *_bullets(purpose.not_for),
        "## Data",
        *_bullets(data),
        "## How it was tested",
        *_bullets(notes),
        "## Metrics",
        _table(metrics),
        "## Limits",
        *_bullets(purpose.limits),
    ]
    return "\n\n".join(parts) + "\n"


def _bullets(sentences: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {sentence}" for sentence in sentences)] if sentences else ["- Nothing to report."]


def _table(metrics: Mapping[str, Metrics]) -> str:
    if not metrics:
        return "Nothing was measured."
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    header = f"| split | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}"
    rows = (
        f"| {split} | {' | '.join(f'{values[name]:.4g}' if name in values else '–' for name in names)} |"
        for split, values in metrics.items()
    )
    return "\n".join([header, *rows])
