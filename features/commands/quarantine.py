"""The command that lists the rows an import set aside."""

import json
from typing import Annotated

import typer

from features.home import existing_home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, table

app = application("Quarantine.")
quarantine_app = application("Rows that an import set aside.")
app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def list_quarantine(
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of rows.")] = 50,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the quarantined rows, with their reasons."""
    quarantine = existing_home(home).quarantine
    # An empty Arrow table takes a second to make, because Arrow then looks for pandas.
    total = quarantine.count() if any(quarantine.folder.glob("*")) else 0
    shown = [
        {**row, "quarantined_at": row["quarantined_at"].isoformat(), "original": json.loads(row["original"])}
        for row in (quarantine.rows(limit).to_pylist() if total else ())
    ]

    def human() -> None:
        if not total:
            out.print("The quarantine is empty.")
            return
        lines = [(r["table"], r["origin"], r["row_number"], r["reason"]) for r in shown]
        table(("table", "file", "row", "reason"), lines, f"{total:,} rows quarantined")

    emit({"total": total, "rows": shown}, as_json, human)
