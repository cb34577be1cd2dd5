"""The command that compares the account record with the lake."""

from dataclasses import asdict
from typing import Annotated

import typer

from features.home import existing_home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, table
from serving.commands.start import database_of, now_in, settings_of
from serving.intake.service import compare_with_lake, repair

DIFFERS = 1

app = application("The account record.")
record_app = application("What is known about accounts now, as decisions read it.")
app.add_typer(record_app, name="record")


@record_app.command("verify")
def verify(
    repairs: Annotated[bool, typer.Option("--repair", help="Write the rows that the record lacks.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Compare the account record with the lake. Ends with 1 where the record lacks something."""
    lake, database = existing_home(home).lake, database_of(settings_of(home))
    if repairs:
        repair(lake, database, now_in(home))
    differences = compare_with_lake(lake, database)
    is_whole = not any(difference.missing for difference in differences.values())

    def human() -> None:
        rows = [(name.replace("_", " "), d.missing, d.beyond, d.waiting) for name, d in differences.items()]
        table(("subject", "missing", "only in the record", "waiting"), rows)
        out.print("The record holds what the lake says." if is_whole else "Write what is missing: --repair.")

    emit({"is_whole": is_whole, "subjects": {n: asdict(d) for n, d in differences.items()}}, as_json, human)
    if not is_whole:
        raise typer.Exit(DIFFERS)
