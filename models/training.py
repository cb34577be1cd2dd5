"""Training as one call a model: fit, measure, draw, write the card; what comes out is ready to be registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from features.catalogue import Catalogue
from models.anomaly import model as anomaly
from models.anomaly.alerts import accounts_a_day, resolution_note
from models.anomaly.direction import direction_of, refusal
from models.anomaly.model import AnomalyModel
from models.evaluation import card
from models.evaluation.metrics import Metrics
from models.evaluation.plots import evaluation_plot
from models.evaluation.segments import segments_of
from models.m_score import model as m_score
from models.m_score.model import MScoreModel
from models.targets import confirmed_rows, first_known_mate, known_findings, row_target
from models.vectors import VectorLayout, series_microseconds
from models.violations import model as violations
from models.violations.model import ViolationModels

Parameter = str | float | int


class Model(Protocol):
    """What every model offers to the registry and to callers."""

    layout: VectorLayout

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model with all that is logged beside it.

    Attributes:
        name: `anomaly`, `violations` or `m-score`.
        metrics: by split.
        plots: SVG pictures by file name.
        card: the model card, Markdown.
        notes: what a person should read after training: how it was tested, what was skipped, warnings.
        data: what it was trained on, in sentences.
        tested: by typology the rows that figures rest on: account_id, as_of, positive, cleared, score, weight,
            onset_us, known_group and the groups of `segments_of`. Of the violations the rows held out, of the anomaly
            model all (it learns from no label), of the M Score none.
        refused: why it may not be promoted unless somebody acknowledges it, or None.
    """

    name: str
    model: Model
    parameters: Mapping[str, Parameter]
    metrics: Mapping[str, Metrics]
    plots: Mapping[str, bytes]
    card: str
    notes: tuple[str, ...]
    data: tuple[str, ...]
    tested: Mapping[str, pd.DataFrame]
    refused: str | None = None


def train_anomaly(
    vectors: pd.DataFrame,
    labels: pd.DataFrame,
    catalogue: Catalogue,
    *,
    seed: int,
    labels_as_of: pd.Timestamp | None = None,
) -> Trained:
    """The anomaly model; labels serve only to keep confirmed violators out and to check its direction.

    Raises:
        Invalid: the vectors are not of this catalogue, or of too few accounts.
    """
    findings = known_findings(labels, labels_as_of)
    model = AnomalyModel.of(catalogue, seed=seed)
    confirmed_before = confirmed_rows(vectors, findings)
    model.fit(vectors, confirmed_before)
    settings = model.settings
    scores = model.predict(vectors)["anomaly_score"].to_numpy()
    size = len(model.whole.calibration)
    without_past = len(model.peers_alone.calibration)
    metrics: dict[str, Metrics] = {"calibration": {"accounts": size, "smallest_p_value": 1 / (size + 1)}}
    plots: dict[str, bytes] = {}
    notes = [
        f"p-values rest on {size:,} accounts"
        + (f" (of accounts without a past of their own, on {without_past:,})" if model.own_history else "")
        + f"; {model.protocol}.",
        resolution_note(accounts_a_day(vectors["as_of"]), size, settings.resolution),
    ]
    confirmed, tested = np.zeros(len(vectors), dtype=bool), {}
    for typology in sorted(findings["typology"].unique()):
        target = row_target(vectors, findings, typology)
        confirmed |= target.positive
        direction = direction_of(scores, target)
        metrics |= {f"{typology}/against_{whom}": measured for whom, measured in direction.against.items()}
        if direction.against:
            notes.append(direction.sentence)
            judged = {"positive": target.positive, "cleared": target.negative, "score": scores / 100, "weight": 1.0}
            rows = pd.DataFrame({"row": np.arange(len(vectors)), **judged})[~target.settled]
            tested[typology] = _judged(vectors, rows, findings, typology)
            plots[f"{typology}.svg"] = evaluation_plot(
                f"Anomaly score against confirmed {typology}",
                target.positive[~target.settled],
                scores[~target.settled],
                np.ones(int((~target.settled).sum())),
                False,
            )
    refused = refusal(scores, confirmed, ~confirmed_before, settings.direction_rows)
    if refused:
        notes.append(f"Warning: {refused} It is promoted only with a reason (--acknowledge).")
    elif confirmed.sum() < settings.direction_rows:
        notes.append(
            f"Its direction could not be checked: {int(confirmed.sum())} rows of vectors are confirmed, "
            f"{settings.direction_rows} are needed."
        )
    parameters: dict[str, Parameter] = {
        "seed": seed,
        "trees": settings.trees,
        "samples": ", ".join(map(str, settings.samples)),
        "segments": ", ".join(cut.name for cut in model.peers.cuts) or "everybody",
        "shrinkage_rows": settings.shrinkage_rows,
        "clip": settings.clip,
    }
    data = card.data_lines(vectors, model.layout, labels_as_of)
    written = card.model_card(card.ANOMALY, data, metrics, notes)
    return Trained(anomaly.KIND, model, parameters, metrics, plots, written, tuple(notes), data, tested, refused)


def _judged(vectors: pd.DataFrame, judged: pd.DataFrame, findings: pd.DataFrame, typology: str) -> pd.DataFrame:
    """The judged rows with their account, moment, groups, the onset of the account's confirmed finding, and whether
    another member of its ring was known by then."""
    rows = judged["row"].to_numpy()
    keys = vectors[["account_id", "as_of"]].iloc[rows].reset_index(drop=True)
    groups = segments_of(vectors.iloc[rows]).reset_index(drop=True)
    confirmed = findings[(findings["typology"] == typology) & (findings["finding"] == "confirmed")]
    account = keys["account_id"].astype(str)
    onset = account.map(confirmed.groupby("account_id")["onset_us"].min())
    mate = account.map(first_known_mate(confirmed)).fillna(np.inf)
    known_group = mate.to_numpy() <= series_microseconds(keys["as_of"])
    return pd.concat([keys, judged.reset_index(drop=True), groups], axis=1).assign(
        onset_us=onset, known_group=known_group
    )


def train_violations(
    vectors: pd.DataFrame,
    labels: pd.DataFrame,
    catalogue: Catalogue,
    *,
    seed: int,
    labels_as_of: pd.Timestamp | None = None,
    search: bool = False,
) -> Trained:
    """The bundle of violation models; typologies without enough labels are skipped with a sentence in the notes.

    Raises:
        Invalid: the vectors are not of this catalogue.
    """
    model = ViolationModels(VectorLayout.of(catalogue), seed=seed).fit(vectors, labels, labels_as_of, search)
    metrics: dict[str, Metrics] = {}
    parameters: dict[str, Parameter] = {"seed": seed, "searched": str(search).lower()}
    plots: dict[str, bytes] = {}
    notes: list[str] = []
    tested: dict[str, pd.DataFrame] = {}
    findings = known_findings(labels, labels_as_of)
    for typology, study in model.studies.items():
        metrics |= {f"{typology}/{split}": dict(values) for split, values in study.metrics.items()}
        parameters |= {f"{typology}.{name}": value for name, value in study.parameters.items()}
        rows = "labelled rows only" if study.labelled_only else "unlabelled rows as weak negatives"
        notes.append(f"{typology}: {study.protocol}; {rows}.")
        tested[typology] = held_out = _judged(vectors, study.tested, findings, typology)
        positive = held_out["positive"].to_numpy()
        if positive.any() and not positive.all():
            plots[f"{typology}.svg"] = evaluation_plot(
                typology, positive, held_out["score"].to_numpy(), held_out["weight"].to_numpy()
            )
        auc = study.metrics.get("held_out", {}).get("auc", 0.5)
        if auc < 0.5:
            notes.append(f"Warning: {typology} ranks held-out rows worse than chance would (AUC {auc:.2f}).")
        if study.model.platt.slope == 0:
            notes.append(f"Warning: {typology} showed no signal on held-out rows; all accounts get the base rate.")
    notes.extend(model.skipped.values())
    data = card.data_lines(vectors, model.layout, labels_as_of)
    written = card.model_card(card.VIOLATIONS, data, metrics, notes)
    return Trained(violations.KIND, model, parameters, metrics, plots, written, tuple(notes), data, tested)


def train_m_score(
    vectors: pd.DataFrame,
    target: pd.Series,
    is_known: pd.Series,
    catalogue: Catalogue,
    *,
    seed: int,
    labels_as_of: pd.Timestamp | None = None,
    champion: MScoreModel | None = None,
) -> Trained:
    """The M Score: learned where the target has enough positives, else the expert scorecard.

    Args:
        vectors: account_id, as_of and the catalogue's features.
        target: 0/1, aligned with the vectors' index (`models.m_score.value.forward_target`).
        known: whether the row's target is known yet, aligned likewise.
        champion: the learned version that scores now, to whose scale this one is linked on the newest row of each
            account.

    Raises:
        Invalid: the vectors are not of this catalogue, or no feature feeds a pillar.
    """
    model = MScoreModel.of(catalogue, seed=seed).fit(vectors, target, is_known)
    notes = [f"{model.protocol}."]
    parameters: dict[str, Parameter] = {"seed": seed, "kind": "scorecard" if model.scorecard else "learned"}
    plots: dict[str, bytes] = {}
    if model.scorecard:
        positives = int(target[is_known.to_numpy(dtype=bool)].sum())
        notes.append(f"{positives} positives are known, {model.settings.min_positives} are needed to learn the target.")
    else:
        booster_settings = model.settings_for(int(is_known.sum()))
        constraints = ("monotone_constraints", "interaction_constraints")
        parameters |= {name: value for name, value in booster_settings.parameters.items() if name not in constraints}
        parameters["rounds"] = booster_settings.rounds
        plots["m_score.svg"] = evaluation_plot("M Score", model.target, model.probability, np.ones(len(model.target)))
    metrics = dict(model.metrics)
    if champion is not None:
        metrics["against_champion"] = moved = model.link_to(champion, newest_rows(vectors))
        notes.append(
            f"Linked to the champion (log-odds times {model.link.slope:.3f} plus {model.link.intercept:+.3f}): of the "
            f"{moved['accounts']:,.0f} accounts it was linked on the median moves by {moved['median_change']:+.0f} "
            f"points, {moved['within_40_points']:.1%} by 40 at most."
        )
    data = card.data_lines(vectors, model.layout, labels_as_of)
    written = card.model_card(card.M_SCORE, data, metrics, notes)
    return Trained(m_score.KIND, model, parameters, metrics, plots, written, tuple(notes), data, {})


def newest_rows(vectors: pd.DataFrame) -> pd.DataFrame:
    """The last vector of each account."""
    return vectors.sort_values("as_of", kind="stable").drop_duplicates("account_id", keep="last")
