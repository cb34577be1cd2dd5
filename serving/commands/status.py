"""The command that shows what a home holds."""

from features.home import existing_home
from features.kernel.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    TrackingOption,
    application,
    emit,
    table,
)
from features.summary import catalogue_summary
from models.registry.champions import champion_versions
from serving.commands.policy_version import policy_version
from serving.commands.start import database_of, settings_of
from serving.record.store import AccountStates
from serving.reviews.store import ReviewLog

MODELS = ("anomaly", "violations", "m-score")

app = application("State.")


@app.command()
def status(home: HomeOption = DEFAULT_HOME, tracking_uri: TrackingOption = None, as_json: JsonOption = False) -> None:
    """Show what this home holds: lake, models, scored accounts, reviews."""
    place = existing_home(home)
    summary = catalogue_summary(home)
    with database_of(settings_of(home)).reading() as transaction:
        scored, reviews = AccountStates(transaction).count(), ReviewLog(transaction).count_by_status()
    document = {
        "lake_version": place.lake.version,
        "rows": place.lake.counts(),
        "catalogue": summary.fingerprint,
        "policy": policy_version(home),
        "champions": champion_versions(tracking_uri or place.tracking_uri, place.artifacts, MODELS),
        "scored_accounts": scored,
        "reviews": reviews,
    }

    def human() -> None:
        rows = [
            (key, value if not isinstance(value, dict) else ", ".join(f"{k} {v}" for k, v in value.items()) or "none")
            for key, value in document.items()
        ]
        table(("what", "now"), rows)

    emit(document, as_json, human)
