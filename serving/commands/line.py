"""The commands that run the line: score at a moment, the whole demo, what this home holds."""

from typing import Annotated, Any

import typer

from features.definitions import CATALOGUE
from features.home import Home
from features.kernel.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    SeedOption,
    application,
    emit,
    err,
    out,
    progress,
    show_ceilings,
    table,
)
from features.kernel.errors import Invalid
from features.kernel.moments import utc_now
from features.pipeline import Features
from features.simulator.profiles import PROFILES
from features.spine import moment
from models.cli import TrackingOption, registry_of, within
from models.drift.signs import ACT, ADVERSARIAL_ALARM, MARTINGALE_ALARM, Drift
from models.runs import SEED
from serving.app import serve as serve_app
from serving.commands.start import database_of, load_policy, settings_of
from serving.demo import DemoReport, earlier_demo, run_demo
from serving.record.store import AccountStates
from serving.reviews.store import ReviewLog
from serving.scoring.drift import watch_drift
from serving.scoring.service import ScoringReport, score_accounts
from serving.settings import Settings

app = application("The whole line.")


@app.command()
def score(
    as_of: Annotated[str, typer.Option(help="The moment to look at.")],
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score all accounts at a moment: vectors, models, rules; open the reviews called for."""
    at = moment(as_of).to_pydatetime()
    lake, registry, policy = Home(home).lake, registry_of(home, tracking_uri), load_policy()
    lake.snapshot()
    database = database_of(settings_of(home))
    with progress("scoring") as report:
        done = score_accounts(at, lake, registry, policy, database, report)
    emit(_scored(done), as_json, lambda: _show_scored(done))


def _scored(done: ScoringReport) -> dict[str, Any]:
    return {
        "as_of": done.as_of.isoformat(),
        "lake_version": done.lake_version,
        "accounts": done.accounts,
        "reviews_opened": list(done.opened),
        "reviews_known": list(done.known),
        "models": dict(done.models),
        "notes": list(done.notes),
        "ceilings": [dict(ceiling) for ceiling in done.ceilings],
    }


def _show_scored(done: ScoringReport) -> None:
    out.print(
        f"{done.accounts:,} accounts scored as of {done.as_of.isoformat()}: "
        f"{len(done.opened)} reviews opened, {len(done.known)} known already"
    )
    for note in done.notes:
        out.print(f"  {note}", markup=False)
    show_ceilings(done.ceilings)


@app.command()
def drift(
    as_of: Annotated[str | None, typer.Option(help="The moment; by default the end of the activity.")] = None,
    show: Annotated[int, typer.Option(min=1, help="How many columns to show.")] = 15,
    seed: SeedOption = SEED,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Whether accounts at a moment still look like those of the weeks before it; kept for the page and the metrics."""
    registry, lake = registry_of(home, tracking_uri), Home(home).lake
    wanted = moment(as_of) if as_of else None
    lake.snapshot()
    database = database_of(settings_of(home))
    with progress("drift") as report:
        features = Features(lake, report)
        at = within(features, wanted) if wanted is not None else features.span()[1]
        found = watch_drift(at, features, registry, database, utc_now(), seed)
    emit({"as_of": at.isoformat(), **found.as_json()}, as_json, lambda: _show_drift(found, show))


def _show_drift(found: Drift, show: int) -> None:
    rows = [(c.name, c.psi, c.noise, c.missing, c.state) for c in found.columns[:show]]
    table(("column", "PSI", "noise", "more unknown", "state"), rows, "the most changed of all features and scores")
    out.print(
        f"A model tells then from now with AUC {found.adversarial_auc:.3f}; the bet on p-values reached "
        f"{found.martingale:.3g}."
    )
    limits = f"an AUC above {ADVERSARIAL_ALARM:g}, a bet of {MARTINGALE_ALARM:g}, a PSI of {ACT:g} above its noise"
    out.print(f"What alarms: {limits}.")
    if found.left_out:
        out.print(
            f"{found.left_out} features are left out: the activity is shorter than their window, so they still grow."
        )
    for alarm in found.alarms or ("No alarm.",):
        out.print(alarm, markup=False)


@app.command()
def status(home: HomeOption = DEFAULT_HOME, tracking_uri: TrackingOption = None, as_json: JsonOption = False) -> None:
    """Show what this home holds: lake, models, scored accounts, reviews."""
    lake = Home(home).lake
    registry = registry_of(home, tracking_uri)
    versions = {name: registry.aliased(name) for name in ("anomaly", "violations", "m-score")}
    with database_of(settings_of(home)).reading() as transaction:
        scored, reviews = AccountStates(transaction).count(), ReviewLog(transaction).count_by_status()
    document = {
        "lake_version": lake.version,
        "rows": lake.counts(),
        "catalogue": CATALOGUE.fingerprint,
        "policy": load_policy().version,
        "champions": {name: found.version if found else None for name, found in versions.items()},
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


@app.command()
def demo(
    profile: Annotated[str, typer.Option(help="How large: " + ", ".join(PROFILES) + ".")] = "demo",
    serves: Annotated[bool, typer.Option("--serve/--no-serve", help="Start the server at the end.")] = True,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole line on a simulated exchange, then the server; what an earlier demo made is kept and served."""
    if profile not in PROFILES:
        raise Invalid(f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.")
    settings = settings_of(home)
    database, policy = database_of(settings), load_policy()
    earlier = earlier_demo(database)
    if earlier is not None:
        kept = (
            f"The {earlier['profile']} exchange in {home} is kept, with the logins and keys it was made with. "
            "\nAnother login: mscore users add NAME --role reviewer. Another key: mscore keys create --role "
            f"risk_system.\nA new exchange: mscore demo --home OTHER_FOLDER.\naddress   {settings.url}/reviews"
        )
        emit({"kept": dict(earlier)}, as_json, lambda: out.print(kept, markup=False))
    else:
        lake = Home(home).lake
        if lake.version is not None:
            raise Invalid(f"{home} holds activity of its own; give the demo another folder with --home.")
        with progress("demo") as report:
            done = run_demo(profile, Home(home), registry_of(home, tracking_uri), policy, database, utc_now(), report)
        emit(_demonstrated(done, settings), as_json, lambda: _show_demo(done, settings))
    if serves:
        said_on = err if as_json else out
        said_on.print(f"mscore serves {settings.url} (stop with Ctrl-C)")
        serve_app(settings, database, policy)


def _demonstrated(done: DemoReport, settings: Settings) -> dict[str, Any]:
    return {
        "profile": done.profile,
        "rows": {name: report.accepted for name, report in done.imported.tables.items()},
        "models": [
            {
                "model": trained.name,
                "version": version.version if version else None,
                "metrics": {split: dict(values) for split, values in trained.metrics.items()},
                "notes": list(trained.notes),
            }
            for trained, version in done.trained
        ],
        "scored": [_scored(one) for one in done.scored],
        "address": settings.url,
        "logins": dict(done.logins),
        "keys": dict(done.keys),
    }


def _show_demo(done: DemoReport, settings: Settings) -> None:
    counts = [(name, report.read, report.accepted, report.quarantined) for name, report in done.imported.tables.items()]
    table(("table", "read", "accepted", "quarantined"), counts, "activity")
    for trained, version in done.trained:
        label = f"version {version.version}, champion" if version else "not kept"
        rows = [
            (split, *(values.get(name) for name in ("auc", "average_precision", "calibration_error")))
            for split, values in trained.metrics.items()
            if "auc" in values
        ]
        if rows:
            table(("split", "AUC", "average precision", "calibration error"), rows, f"\n{trained.name}: {label}")
        else:
            out.print(f"\n{trained.name}: {label}")
        for note in trained.notes:
            out.print(f"  {note}", markup=False)
    for when, one in zip(("by the rules alone, before training", "with the models"), done.scored, strict=True):
        out.print(f"\n{when}:")
        _show_scored(one)
    out.print(f"\naddress   {settings.url}/reviews", markup=False)
    for name, password in done.logins.items():
        out.print(f"login     {name}  {password}", markup=False)
    for name, key in done.keys.items():
        out.print(f"API key   {name}  {key}", markup=False)
    out.print(f"export KEY={done.keys['risk-system']}", markup=False)
    out.print("Passwords and keys are shown this once.")
