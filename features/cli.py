"""The commands that bring activity in and make vectors of it."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from features.activity.importing import Import, ImportReport, NoKnownTable
from features.activity.mapping import load_mapping
from features.definitions import CATALOGUE
from features.derivation.steps import patterns
from features.evidence import EpisodeEvidence, Evidence, episode_evidence, episode_summary, feature_evidence
from features.home import Home
from features.kernel.console import (
    DEFAULT_HOME,
    WRONG_CALL,
    HomeOption,
    JsonOption,
    SeedOption,
    application,
    complain,
    emit,
    out,
    progress,
    show_ceilings,
    table,
)
from features.kernel.errors import Invalid
from features.pipeline import Features
from features.simulator.exchange import simulate as simulate_exchange
from features.simulator.profiles import PROFILES
from features.simulator.writing import write_simulation
from features.spine import moment, read_spine

app = application("From activity to vectors.")
quarantine_app = application("Rows that an import set aside.")
labels_app = application("What people found about accounts.")
features_app = application("The catalogue of features, and vectors of them.")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(labels_app, name="labels")
app.add_typer(features_app, name="features")


@app.command()
def simulate(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write activity/ and truth/ to.")],
    profile: Annotated[str, typer.Option(help="How large: " + ", ".join(PROFILES) + ".")] = "tiny",
    seed: SeedOption = 7,
    as_json: JsonOption = False,
) -> None:
    """Simulate an exchange: activity and, apart from it, the truth about its accounts."""
    if profile not in PROFILES:
        raise Invalid(f"There is no profile {profile!r}; choose one of {', '.join(PROFILES)}.")
    with progress(f"simulating {profile}") as report:
        simulation = simulate_exchange(PROFILES[profile], seed, report)
        write_simulation(simulation, out_folder)
    counts = {name: rows.num_rows for name, rows in simulation.activity.items()}
    document = {"profile": profile, "seed": seed, "folder": str(out_folder), "rows": counts}
    emit(document, as_json, lambda: table(("table", "rows"), list(counts.items()), f"simulated into {out_folder}"))


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder with one Parquet or CSV file, or folder of files, a table.")],
    mapping: Annotated[
        str | None, typer.Option(help="YAML file, or name of a shipped one, that maps a foreign export.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Name of where the export comes from, kept with the import.")
    ] = None,
    as_history: Annotated[
        bool, typer.Option("--as-history", help="Rows were known when they say so, or else when they happened.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Check a folder of activity and append its good rows to the lake; bad rows are set aside with their reason."""
    foreign = load_mapping(mapping) if mapping else None
    with progress("importing") as report:
        place = Home(home)
        now = datetime.now(UTC)
        importing = Import(place.lake, place.quarantine, now, report, as_history=as_history, source=source)
        try:
            done = importing.mapped(folder, foreign) if foreign else importing.folder(folder)
        except NoKnownTable as error:
            if not as_json:
                raise
            emit({"lake_version": place.lake.version, "tables": {}, "nothing_accepted": str(error)}, as_json, out.print)
            raise typer.Exit(WRONG_CALL) from error
    _emit_import(done, as_json)


@labels_app.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV file of labels.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Import labels: what was found about accounts, by whom and when it was known."""
    with progress("importing labels") as report:
        done = Import(Home(home).lake, Home(home).quarantine, datetime.now(UTC), report).labels(file)
    _emit_import(done, as_json)


def _emit_import(done: ImportReport, as_json: bool) -> None:
    names = ("read", "accepted", "superseding", "duplicates", "quarantined", "released", "redated")
    tables = {
        name: {**{what: getattr(report, what) for what in names}, "reasons": report.reasons}
        for name, report in done.tables.items()
    }
    nothing = done.nothing_accepted

    def human() -> None:
        rows = [(name, *(getattr(report, what) for what in names)) for name, report in done.tables.items()]
        table(("table", *names), rows, f"lake version {done.lake_version}")
        reasons = [(n, reason, count) for n, r in done.tables.items() for reason, count in r.reasons.items()]
        if reasons:
            table(("table", "reason", "rows"), reasons, "set aside (see `mscore quarantine list`)")
        redated = {name: report.redated for name, report in done.tables.items() if report.redated}
        if redated:
            counts = ", ".join(f"{count:,} of {name}" for name, count in redated.items())
            out.print(
                f"Rows that claim an ingested_at before the newest held one count from this import on: {counts}. "
                "To take them as they say, import them into a new lake with --as-history."
            )
        for notice in done.notices:
            out.print(notice, markup=False)

    document = {"lake_version": done.lake_version, "tables": tables, "notices": list(done.notices)}
    emit(document | {"nothing_accepted": nothing}, as_json, human)
    if nothing:
        complain(nothing)
        raise typer.Exit(WRONG_CALL)


@quarantine_app.command("list")
def list_quarantine(
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 50,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show the rows set aside, with their reasons."""
    quarantine = Home(home).quarantine
    total = quarantine.count()
    shown = [
        {**row, "quarantined_at": row["quarantined_at"].isoformat(), "original": json.loads(row["original"])}
        for row in quarantine.rows(limit).to_pylist()
    ]

    def human() -> None:
        if not total:
            out.print("Nothing is set aside.")
            return
        lines = [(r["table"], r["origin"], r["row_number"], r["reason"]) for r in shown]
        table(("table", "file", "row", "reason"), lines, f"{total:,} rows set aside")

    emit({"total": total, "rows": shown}, as_json, human)


@features_app.command("describe")
def describe(as_json: JsonOption = False) -> None:
    """Print the catalogue: every feature with family, unit, window, clause and sentence."""
    features: list[dict[str, Any]] = [
        {
            "name": f.name,
            "family": f.family,
            "unit": f.unit,
            "window": f.window.text,
            "clause": f.clause,
            "says": f.says,
            "fact": f.of.name,
            "pillar": f.pillar,
            "direction": f.direction,
            "evidence": f.of.evidence_table,
        }
        for f in CATALOGUE
    ]

    def human() -> None:
        rows = [(f["name"], f["family"], f["unit"], f["window"], f["clause"], f["says"]) for f in features]
        title = f"{len(features)} features, catalogue {CATALOGUE.fingerprint}"
        table(("feature", "family", "unit", "window", "clause", "says"), rows, title)

    emit({"fingerprint": CATALOGUE.fingerprint, "features": features}, as_json, human)


@features_app.command("build")
def build(
    out_file: Annotated[Path, typer.Option("--out", help="Parquet file to write.")],
    as_of: Annotated[str | None, typer.Option(help="One moment for all accounts.")] = None,
    spine: Annotated[Path | None, typer.Option(help="File of account_id and as_of.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Build vectors: of all accounts at one moment, or of the accounts and moments of a spine file."""
    if (as_of is None) == (spine is None):
        raise Invalid("Give either --as-of for all accounts or --spine with accounts and moments.")
    moments = read_spine(spine) if spine else None
    at = moment(as_of) if as_of else None
    if out_file.is_dir():
        raise Invalid(f"{out_file} is a folder; name the Parquet file to write.")
    out_file.parent.mkdir(parents=True, exist_ok=True)
    with progress("building vectors") as report:
        features = Features(Home(home).lake, report)
        rows = moments if moments is not None else features.accounts(at)  # type: ignore[arg-type]
        vectors = features.vectors(rows)
    vectors.to_parquet(out_file, index=False)
    document = {
        "rows": len(vectors),
        "features": len(CATALOGUE),
        "fingerprint": CATALOGUE.fingerprint,
        "lake_version": features.activity.version,
        "file": str(out_file),
        "ceilings": features.ceilings(),
    }

    def human() -> None:
        out.print(f"{len(vectors):,} vectors of {len(CATALOGUE)} features in {out_file}")
        show_ceilings(features.ceilings())

    emit(document, as_json, human)


@app.command()
def evidence(
    name: Annotated[str, typer.Argument(help="Name of a feature, or id of an episode.")],
    as_of: Annotated[str, typer.Option(help="The moment.")],
    account: Annotated[str, typer.Argument(help="The account, for a feature.")] = "",
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Show the rows behind a feature's value or an episode, at most 20 in a stated order, with the full count."""
    at = moment(as_of)
    of_episode = name not in CATALOGUE and any(name.startswith(f"{pattern.name}-") for pattern in patterns())
    if not of_episode and not account:
        raise Invalid(f"Name the account whose {name} you want to see, like `mscore evidence {name} ACCOUNT`.")
    chosen = None if of_episode else CATALOGUE[name]
    with progress("looking up evidence") as report:
        features = Features(Home(home).lake, report)
        if chosen is None:
            shown = episode_evidence(features, name, at)
        else:
            spine = pd.DataFrame({"account_id": [account], "as_of": [at]})
            value = float(features.vectors(spine, [chosen])[name].iloc[0])
            found = feature_evidence(features, chosen, account, at)
    if chosen is None:
        _emit_episode(shown, as_json)
    else:
        _emit_evidence(found, value, at, as_json)


def _emit_evidence(found: Evidence, value: float, at: pd.Timestamp, as_json: bool) -> None:
    chosen = found.feature
    rows = json.loads(found.rows.to_json(orient="records", date_format="iso", date_unit="us"))
    document: dict[str, Any] = {
        "feature": chosen.name,
        "account_id": found.account_id,
        "as_of": at.isoformat(),
        "value": None if math.isnan(value) else value,
        "text": chosen.sentence(value),
        "table": chosen.of.evidence_table,
        "total": found.total,
        "counted": found.counted,
        "rows": [{**row, "text": text} for row, text in zip(rows, found.row_sentences(), strict=True)],
    }

    def human() -> None:
        out.print(f"{found.account_id}, {at.isoformat()}: {chosen.sentence(value)}")
        shown = f"{len(rows)} of {found.total:,} rows of {chosen.of.evidence_table}, {found.counted:,} of them count"
        lines = [(row["time"], row["row_id"], row["counted"], row["text"]) for row in document["rows"]]
        table(("time", "row", "counts", "what"), lines, shown)

    emit(document, as_json, human)


def _emit_episode(found: EpisodeEvidence, as_json: bool) -> None:
    rows = [{**row, "time": row["time"].isoformat()} for row in found.rows.to_dict("records")]
    links = found.links.to_dict("records")
    document = {**_plain_episode(found.episode), "total": found.total, "rows": rows, "links": links}

    def human() -> None:
        out.print(f"{found.episode['episode_id']}: {', '.join(found.episode['accounts'])} {found.episode['symbol']}")
        measured = list(found.episode["measures"].items())
        table(("measure", "value"), measured, f"known at {found.episode['known_at'].isoformat()}")
        lines = [(row["time"], row["table"], row["row_id"], row["text"]) for row in rows]
        table(("time", "table", "row", "what"), lines, f"{len(rows)} of {found.total:,} rows")
        if links:
            edges = [tuple(link.values()) for link in links]
            table(("account", "other", "kind", "value", "weight"), edges, f"{len(links)} edges")

    emit(document, as_json, human)


@app.command()
def episodes(
    as_of: Annotated[str, typer.Option(help="The moment.")],
    days: Annotated[int, typer.Option(min=1, help="Known within so many days before.")] = 7,
    pattern: Annotated[str | None, typer.Option(help="Only of this pattern.")] = None,
    account: Annotated[str | None, typer.Option(help="Only with this account.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the episodes that stood at a moment: what patterns found, in whom, and with what measures."""
    names = [one.name for one in patterns()]
    if pattern is not None and pattern not in names:
        raise Invalid(f"There is no pattern {pattern!r}; there are {', '.join(names)}.")
    at = moment(as_of)
    with progress("looking up episodes") as report:
        features = Features(Home(home).lake, report)
        known = features.episodes(at - pd.Timedelta(days=days), at)
    chosen = [
        _plain_episode(episode_summary(one))
        for one in known
        if pattern in (None, one["pattern"]) and (account is None or account in one["accounts"])
    ]

    def human() -> None:
        if not chosen:
            out.print(f"No episode became known in the {days} days before {at.isoformat()}.")
            return
        lines = [
            (e["known_at"], e["episode_id"], e["symbol"], len(e["accounts"]), ", ".join(e["accounts"][:4]))
            for e in chosen
        ]
        table(("known at", "episode", "symbol", "accounts", "who"), lines, f"{len(chosen):,} episodes")

    emit({"episodes": chosen}, as_json, human)


def _plain_episode(episode: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, pd.Timestamp) else value for name, value in episode.items()}
