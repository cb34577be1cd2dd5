"""The command that describes the catalogue of features."""

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, table
from features.summary import catalogue_summary

app = application("The catalogue.")
features_app = application("The catalogue of features, and vectors of them.")
app.add_typer(features_app, name="features")


@features_app.command("describe")
def describe(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Print the catalogue: every feature with family, unit, window, clause and sentence."""
    summary = catalogue_summary(home)

    def human() -> None:
        rows = [(f["name"], f["family"], f["unit"], f["window"], f["clause"], f["says"]) for f in summary.features]
        title = f"{len(summary.features)} features, catalogue {summary.fingerprint}"
        table(("feature", "family", "unit", "window", "clause", "says"), rows, title)

    emit({"fingerprint": summary.fingerprint, "features": summary.features}, as_json, human)
