"""The commands that bring activity and labels in."""

from pathlib import Path
from typing import Annotated

import typer

from features.activity.importing import Import, ImportReport, NoKnownTable
from features.activity.mapping import load_mapping
from features.home import Home
from features.kernel.console import (
    DEFAULT_HOME,
    WRONG_CALL,
    HomeOption,
    JsonOption,
    application,
    complain,
    emit,
    out,
    progress,
    table,
)
from serving.commands.start import database_of, now_in, settings_of
from serving.intake.service import IMPORT, Recorded, Recording

NOTHING = Recorded()

app = application("Activity and labels.")
labels_app = application("Findings about accounts.")
app.add_typer(labels_app, name="labels")


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
    settings, place, now = settings_of(home), Home(home), now_in(home)
    is_trusted = source in settings.trusted_sources
    recording = Recording(place.lake, database_of(settings), now, is_trusted=is_trusted, by=source or IMPORT)
    with progress("importing") as report:
        importing = Import(
            place.lake,
            place.quarantine,
            now,
            report,
            as_history=as_history,
            source=source,
            before_pinning=recording,
        )
        try:
            done = importing.mapped(folder, foreign) if foreign else importing.folder(folder)
        except NoKnownTable as error:
            if not as_json:
                raise
            emit({"lake_version": place.lake.version, "tables": {}, "nothing_accepted": str(error)}, as_json, out.print)
            raise typer.Exit(WRONG_CALL) from error
    _emit_import(done, as_json, recording.done)


@labels_app.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV file of labels.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Import labels: what was found about accounts, by whom and when it was known."""
    place, now = Home(home), now_in(home)
    recording = Recording(place.lake, database_of(settings_of(home)), now)
    with progress("importing labels") as report:
        done = Import(place.lake, place.quarantine, now, report, before_pinning=recording).labels(file)
    _emit_import(done, as_json)


def _emit_import(done: ImportReport, as_json: bool, recorded: Recorded = NOTHING) -> None:
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
        if recorded.added:
            counts = ", ".join(f"{count:,} of {name.replace('_', ' ')}" for name, count in recorded.added.items())
            out.print(f"In force from the next decision on: {counts}.")
        for name, count in recorded.waiting.items():
            out.print(
                f"{count:,} of {name.replace('_', ' ')} would end or weaken a restriction and wait: their source is "
                "not one of MSCORE_TRUSTED_SOURCES. `mscore changes list` shows them."
            )
        for notice in done.notices:
            out.print(notice, markup=False)

    document = {"lake_version": done.lake_version, "tables": tables, "notices": list(done.notices)}
    record = {"in_force": dict(recorded.added), "waiting": dict(recorded.waiting)}
    emit(document | {"nothing_accepted": nothing, "record": record}, as_json, human)
    if nothing:
        complain(nothing)
        raise typer.Exit(WRONG_CALL)
