"""The commands that train models, promote them, predict with them and explain what they predict."""

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from features.definitions import CATALOGUE
from features.home import existing_home
from features.kernel.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    SeedOption,
    TrackingOption,
    application,
    emit,
    out,
    progress,
    table,
)
from features.kernel.errors import Invalid, NotFound
from features.kernel.folders import parquet_file
from features.pipeline import Features
from features.spine import moment, read_spine
from models.anomaly import model as anomaly
from models.anomaly.alerts import daily_alerts, resolution_note
from models.anomaly.model import AnomalyModel
from models.explanations.evidence import with_evidence
from models.explanations.explainer import Explainer, Explanation
from models.registry.registry import LoadedModel, Registry
from models.runs import ORDER, SEED, Request, train
from models.violations import model as violations
from models.violations.model import ViolationModels

ModelArgument = Annotated[str, typer.Argument(help="Model: " + ", ".join(ORDER) + ".")]
EXPLAINED = (violations.KIND, anomaly.KIND)
"""What explains a score where no model is named, the first that has a champion."""

app = application("From vectors to scores.")


def registry_of(home: Path, tracking_uri: str | None) -> Registry:
    """The registry in the given MLflow store, or the local one under the home folder, which has to be there."""
    place = existing_home(home)
    return Registry(tracking_uri or place.tracking_uri, place.artifacts)


@app.command("train")
def train_command(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models: " + ", ".join(ORDER) + "; all by default.")
    ] = None,
    spine: Annotated[
        Path | None, typer.Option(help="CSV or Parquet file with the account_id and as_of to train on.")
    ] = None,
    labels_as_of: Annotated[str | None, typer.Option(help="Use only labels known by this moment.")] = None,
    search: Annotated[bool, typer.Option("--search", help="Search for better parameters on validation folds.")] = False,
    seed: SeedOption = SEED,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train models on the lake's vectors and labels, log them to MLflow and register them as versions."""
    names = tuple(dict.fromkeys(models)) if models else ORDER
    for name in names:
        known(name)
    request = Request(
        read_spine(spine) if spine else None, moment(labels_as_of) if labels_as_of else None, search, seed
    )
    lake = existing_home(home).lake
    lake.snapshot()
    with progress("training") as report:
        done = list(train(names, request, lake, registry_of(home, tracking_uri), report))
    trained = [
        {
            "model": result.name,
            "version": version.version if version else None,
            "champion": bool(version and "champion" in version.aliases),
            "metrics": {split: dict(values) for split, values in result.metrics.items()},
            "notes": list(result.notes),
        }
        for result, version in done
    ]
    emit({"trained": trained}, as_json, lambda: _show_trained(trained))


def _show_trained(trained: list[dict[str, Any]]) -> None:
    for version in trained:
        role = (
            "champion" if version["champion"] else f"waits for `mscore promote {version['model']} {version['version']}`"
        )
        out.print(
            f"\n{version['model']} version {version['version']}: {role}"
            if version["version"]
            else f"\n{version['model']}: not registered"
        )
        splits = version["metrics"]
        headings = list(dict.fromkeys(name for values in splits.values() for name in values))
        rows = [[split, *(values.get(name) for name in headings)] for split, values in splits.items()]
        if rows:
            table(["split", *headings], rows)
        for note in version["notes"]:
            out.print(f"  {note}", markup=False)


@app.command()
def promote(
    model: ModelArgument,
    version: Annotated[str, typer.Argument(help="Version number.")],
    acknowledge: Annotated[
        str | None,
        typer.Option(help="Reason for promoting a version that training refused; recorded on its model card."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version the champion, which scores."""
    registry = registry_of(home, tracking_uri)
    promoted = registry.promote(known(model), version, acknowledge, CATALOGUE)
    document = {"model": promoted.name, "version": promoted.version, "aliases": list(promoted.aliases)}
    emit(document, as_json, lambda: out.print(f"{model} version {promoted.version} is champion."))


@app.command("report")
def report_command(
    model: ModelArgument,
    out_file: Annotated[Path, typer.Option("--out", help="HTML file to write.")],
    version: Annotated[str | None, typer.Option(help="Version number; the champion by default.")] = None,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the evaluation report of a version: metrics, data and limits of use."""
    registry = registry_of(home, tracking_uri)
    scoring = registry.aliased(known(model))
    wanted = version or (scoring.version if scoring else None)
    if wanted is None:
        raise no_champion(registry, model)
    page = registry.report(model, wanted)
    out_file.parent.mkdir(parents=True, exist_ok=True)
    out_file.write_text(page, encoding="utf-8")
    document = {"model": model, "version": wanted, "file": str(out_file)}
    emit(
        document,
        as_json,
        lambda: out.print(f"Report of {model} version {wanted} written to {out_file}", soft_wrap=True),
    )


def known(name: str) -> str:
    """The name of a model, as given.

    Raises:
        Invalid: there is no such model.
    """
    if name not in ORDER:
        raise Invalid(f"Unknown model {name!r}; choose one of {', '.join(ORDER)}.")
    return name


def within(features: Features, at: pd.Timestamp) -> pd.Timestamp:
    """A moment, as given.

    Raises:
        Invalid: it lies more than a day after the last activity, when silence would look like behaviour.
    """
    last = features.span()[1]
    if at > last + pd.Timedelta(days=1):
        raise Invalid(
            f"{at.isoformat()} is more than a day after the last activity ({last:%Y-%m-%d %H:%M} UTC); "
            "give an earlier moment."
        )
    return at


def champion(registry: Registry, name: str) -> LoadedModel:
    """The champion of a model, checked against the catalogue.

    Raises:
        Invalid: no such model, or its champion was trained with another catalogue.
        NotFound: it was never trained, or no version was promoted.
    """
    loaded = registry.champion(known(name), CATALOGUE)
    if loaded is None:
        raise no_champion(registry, name)
    return loaded


def no_champion(registry: Registry, name: str) -> NotFound:
    """The error that says what to do where no version of a model scores."""
    versions = registry.versions(name)
    if not versions:
        return NotFound(f"There is no champion of {name}; run `mscore train {name}` first.")
    newest = versions[-1].version
    return NotFound(f"No version of {name} is champion; choose one, such as `mscore promote {name} {newest}`.")


@app.command()
def predict(
    model: ModelArgument,
    spine: Annotated[Path, typer.Option(help="CSV or Parquet file with account_id and as_of.")],
    out_file: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict with the champion for every row of a spine."""
    moments, file = read_spine(spine), parquet_file(out_file)
    loaded = champion(registry_of(home, tracking_uri), model)
    with progress("predicting") as report:
        vectors = Features(existing_home(home).lake, report).vectors(moments)
        report(f"scoring {len(vectors):,} vectors", 1.0)
        predicted = pd.concat([moments, loaded.model.predict(vectors)], axis=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    predicted.to_parquet(file, index=False)
    document = {"model": model, "version": loaded.version, "rows": len(predicted), "file": str(file)}
    emit(
        document,
        as_json,
        lambda: out.print(f"{len(predicted):,} predictions of {model} {loaded.version} in {file}"),
    )


@app.command()
def alerts(
    as_of: Annotated[str, typer.Option(help="Moment, such as 2025-06-01 or 2025-06-01T12:00:00Z.")],
    budget: Annotated[int, typer.Option(min=1, help="Number of accounts that can be reviewed.")] = 100,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the most unusual accounts at a moment, with p- and q-values of the anomaly model."""
    at = moment(as_of)
    loaded = champion(registry_of(home, tracking_uri), anomaly.KIND)
    model = loaded.model
    if not isinstance(model, AnomalyModel):
        raise Invalid(f"The champion of {anomaly.KIND} is not an anomaly model; promote another version.")
    with progress("alerts") as report:
        features = Features(existing_home(home).lake, report)
        vectors = features.vectors(features.accounts(within(features, at)))
    scored = pd.concat([vectors[["account_id", "as_of"]], model.predict(vectors)], axis=1)
    note = resolution_note(len(scored), len(model.whole.calibration), model.settings.resolution)
    rows = daily_alerts(scored, budget).drop(columns="as_of").to_dict("records")
    document = {"as_of": at.isoformat(), "version": loaded.version, "accounts": len(scored), "note": note}
    emit(document | {"alerts": rows}, as_json, lambda: _show_alerts(rows, note))


def _show_alerts(rows: list[dict[Hashable, Any]], note: str) -> None:
    columns = {"rank": "", "account_id": "account", "anomaly_score": "score", "anomaly_p_value": "p"}
    columns |= {"anomaly_q_value": "q"}
    table(tuple(columns.values()), [tuple(row[name] for name in columns) for row in rows], "the most unusual accounts")
    out.print(f"{note} Unusual does not mean violating: a person decides.", markup=False)


@app.command()
def explain(
    account: Annotated[str, typer.Argument(help="Account id.")],
    as_of: Annotated[str, typer.Option(help="Moment, such as 2025-06-01 or 2025-06-01T12:00:00Z.")],
    model: Annotated[
        str | None,
        typer.Option(help="anomaly, m-score or violations:TYPOLOGY; the most probable violation by default."),
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a score by a base and contributions that add up to it, with the ids of their evidence."""
    at = moment(as_of)
    registry = registry_of(home, tracking_uri)
    name, _, typology = (model or "").partition(":")
    if not model:
        name = next((kind for kind in EXPLAINED if registry.aliased(kind)), "")
    if not name:
        raise NotFound(
            f"There is no model to explain: {' and '.join(EXPLAINED)} have no champion. Run `mscore train` first, or "
            "`mscore promote` if a version waits."
        )
    loaded = champion(registry, name)
    with progress("explaining") as report:
        features = Features(existing_home(home).lake, report)
        vectors = features.vectors(pd.DataFrame({"account_id": [account], "as_of": [at]}))
        if not model and isinstance(loaded.model, ViolationModels):
            probabilities = loaded.model.predict_proba(vectors).iloc[0]
            typology = loaded.model.typologies[int(probabilities.to_numpy().argmax())]
        explainer = Explainer(loaded.model, name, loaded.version, CATALOGUE)
        explanation = with_evidence(explainer.explain(vectors, typology or None), features)[0]
    emit(explanation.as_json(), as_json, lambda: _show_explanation(explanation))


def _show_explanation(explanation: Explanation) -> None:
    e = explanation
    out.print(f"{e.model_name} {e.model_version} says {e.output:.4g} for {e.account_id} at {e.as_of.isoformat()}")
    scale = "negative normalised depth" if e.model_name == anomaly.KIND else "log-odds"
    out.print(f"In {scale}: base {e.base:+.4f} and {len(e.contributions)} contributions make {e.score:+.4f}")
    rows = [(c.feature, c.contribution, c.text, ", ".join(c.evidence[:2])) for c in e.contributions[:15]]
    table(("feature", "contribution", "what it says", "first rows behind it"), rows)
