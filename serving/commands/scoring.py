"""The commands that judge all accounts at a moment: score them, watch them for drift."""

from typing import Annotated, Any

import typer

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
    show_ceilings,
    table,
)
from features.kernel.errors import Invalid
from features.kernel.moments import text_of
from features.pipeline import Features
from features.spine import moment
from models.cli import registry_of, within
from models.drift.signs import ACT, ADVERSARIAL_ALARM, MARTINGALE_ALARM, Drift
from models.runs import SEED
from serving.commands.rulebook import load_policy
from serving.commands.start import database_of, now_in, settings_of
from serving.intake.service import record_what_binds
from serving.scoring.drift import watch_drift
from serving.scoring.service import ScoringReport, score_accounts

app = application("Scores and drift.")


@app.command()
def score(
    as_of: Annotated[str, typer.Option(help="Moment to score at, such as 2025-06-01 or 2025-06-01T12:00:00Z.")],
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score all accounts at a moment with models and rules, and open reviews."""
    at, now = moment(as_of).to_pydatetime(), now_in(home)
    if at > now:
        raise Invalid(f"--as-of {text_of(at)} lies ahead: the clock of this home shows {text_of(now)}.")
    lake, registry, policy = existing_home(home).lake, registry_of(home, tracking_uri), load_policy(home)
    lake.snapshot()
    database = database_of(settings_of(home))
    record_what_binds(lake, database, now)
    with progress("scoring") as report:
        done = score_accounts(at, lake, registry, policy, database, report, now)
    emit(scored(done), as_json, lambda: show_scored(done))


def scored(done: ScoringReport) -> dict[str, Any]:
    """The report of a scoring run as a JSON document."""
    return {
        "as_of": done.as_of.isoformat(),
        "lake_version": done.lake_version,
        "accounts": done.accounts,
        "reviews_opened": list(done.opened),
        "reviews_known": list(done.already_known),
        "measures_started": done.measures_started,
        "models": dict(done.models),
        "notes": list(done.notes),
        "ceilings": [dict(ceiling) for ceiling in done.ceilings],
    }


def show_scored(done: ScoringReport) -> None:
    out.print(
        f"{done.accounts:,} accounts scored as of {done.as_of.isoformat()}: "
        f"{len(done.opened)} reviews opened, {len(done.already_known)} already known"
    )
    if done.measures_started:
        out.print(f"  {done.measures_started} measures started by rules; each ends within a day.")
    for note in done.notes:
        out.print(f"  {note}", markup=False)
    show_ceilings(done.ceilings)


@app.command()
def drift(
    as_of: Annotated[str | None, typer.Option(help="Moment; the end of the activity by default.")] = None,
    show: Annotated[int, typer.Option(min=1, help="Number of columns to show.")] = 15,
    seed: SeedOption = SEED,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare accounts at a moment with those of the weeks before, and store the result for pages and metrics."""
    registry, lake = registry_of(home, tracking_uri), existing_home(home).lake
    wanted = moment(as_of) if as_of else None
    lake.snapshot()
    database = database_of(settings_of(home))
    with progress("drift") as report:
        features = Features(lake, report)
        at = within(features, wanted) if wanted is not None else features.span()[1]
        drift = watch_drift(at, features, registry, database, now_in(home), seed)
    emit({"as_of": at.isoformat(), **drift.as_json()}, as_json, lambda: _show_drift(drift, show))


def _show_drift(drift: Drift, show: int) -> None:
    rows = [(c.name, c.psi, c.noise, c.missing, c.state) for c in drift.columns[:show]]
    table(("column", "PSI", "noise", "more unknown", "state"), rows, "features and scores that changed most")
    out.print(
        f"A classifier separates earlier from current accounts with AUC {drift.adversarial_auc:.3f}; "
        f"the martingale reached {drift.martingale:.3g}."
    )
    limits = (
        f"an AUC above {ADVERSARIAL_ALARM:g}, a martingale of {MARTINGALE_ALARM:g}, "
        f"a PSI of {ACT:g} that is above its noise"
    )
    out.print(f"Alarm limits: {limits}.")
    if drift.left_out:
        out.print(f"{drift.left_out} features are left out: the activity is shorter than their window.")
    for alarm in drift.alarms or ("No alarm.",):
        out.print(alarm, markup=False)
