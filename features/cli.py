"""The commands that bring activity and labels in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from features.activity.importing import Import, ImportReport
from features.activity.mapping import load_mapping
from features.home import Home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, progress, table

app = application("Activity and labels.")
labels_app = application("Findings about accounts.")
app.add_typer(labels_app, name="labels")


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(help="Folder with one Parquet or CSV file, or folder of files, a table.")],
    mapping: Annotated[
        str | None, typer.Option(help="YAML file, or name of a shipped one, that maps a foreign export.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Check a folder of activity and append its good rows to the lake; bad rows are set aside with their reason."""
    foreign = load_mapping(mapping) if mapping else None
    with progress("importing") as report:
        importing = Import(Home(home).lake, Home(home).quarantine, datetime.now(UTC), report)
        done = importing.mapped(folder, foreign) if foreign else importing.folder(folder)
    _emit_import(done, as_json)


@labels_app.command("import")
def import_labels(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV file of labels.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Import labels: findings about accounts, with their source and when they were known."""
    with progress("importing labels") as report:
        done = Import(Home(home).lake, Home(home).quarantine, datetime.now(UTC), report).labels(file)
    _emit_import(done, as_json)


def _emit_import(done: ImportReport, as_json: bool) -> None:
    tables = {
        name: {
            "read": r.read,
            "accepted": r.accepted,
            "duplicates": r.duplicates,
            "quarantined": r.quarantined,
            "released": r.released,
            "reasons": r.reasons,
        }
        for name, r in done.tables.items()
    }

    def human() -> None:
        rows = [(n, r.read, r.accepted, r.duplicates, r.quarantined, r.released) for n, r in done.tables.items()]
        headings = ("table", "read", "accepted", "duplicates", "quarantined", "released")
        table(headings, rows, f"lake version {done.lake_version}")
        reasons = [(n, reason, count) for n, r in done.tables.items() for reason, count in r.reasons.items()]
        if reasons:
            table(("table", "reason", "rows"), reasons, "set aside (see `mscore quarantine list`)")

    emit({"lake_version": done.lake_version, "tables": tables}, as_json, human)
