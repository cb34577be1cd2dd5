"""The command that runs the whole line on a simulated exchange."""

from typing import Annotated, Any

import typer

from features.home import Home
from features.kernel.console import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    TrackingOption,
    application,
    emit,
    err,
    out,
    progress,
    table,
)
from features.kernel.errors import Invalid
from features.simulator.profiles import PROFILES
from models.cli import registry_of
from serving.app import serve as serve_app
from serving.commands.rulebook import load_policy
from serving.commands.scoring import scored, show_scored
from serving.commands.start import database_of, settings_of
from serving.demo import DemoReport, earlier_demo, run_demo
from serving.settings import Settings

app = application("The whole line.")


@app.command()
def demo(
    profile: Annotated[str, typer.Option(help="Size of the exchange: " + ", ".join(PROFILES) + ".")] = "demo",
    serves: Annotated[bool, typer.Option("--serve/--no-serve", help="Start the server when the data is ready.")] = True,
    home: HomeOption = DEFAULT_HOME,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the whole line on a simulated exchange, then start the server; an earlier demo in this home is kept."""
    if profile not in PROFILES:
        raise Invalid(f"Unknown profile {profile!r}; choose one of {', '.join(PROFILES)}.")
    settings = settings_of(home)
    database, policy = database_of(settings), load_policy(home)
    earlier = earlier_demo(database)
    if earlier is not None:
        message = (
            f"The {earlier['profile']} exchange in {home} is kept, with the logins and keys it was made with. "
            "\nAnother login: mscore users add NAME --role reviewer. Another key: mscore keys create --role "
            f"risk_system.\nA new exchange: mscore demo --home OTHER_FOLDER.\naddress   {settings.url}/reviews"
        )
        emit({"kept": dict(earlier)}, as_json, lambda: out.print(message, markup=False))
    else:
        lake = Home(home).lake
        if lake.version is not None:
            raise Invalid(f"{home} already holds activity; choose another folder with --home.")
        with progress("demo") as report:
            done = run_demo(profile, settings, registry_of(home, tracking_uri), policy, database, report)
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
        "scored": [scored(report) for report in done.scored],
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
    for when, report in zip(("by the rules alone, before training", "with the models"), done.scored, strict=True):
        out.print(f"\n{when}:")
        show_scored(report)
    out.print(f"\naddress   {settings.url}/reviews", markup=False)
    for name, password in done.logins.items():
        out.print(f"login     {name}  {password}", markup=False)
    for name, key in done.keys.items():
        out.print(f"API key   {name}  {key}", markup=False)
    out.print(f"export KEY={done.keys['risk-system']}", markup=False)
    out.print("Passwords and keys are not shown again.")
