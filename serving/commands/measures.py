"""The command that lists the measures in force."""

from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, show_rows
from serving.commands.start import existing_database_of, now_in, settings_of
from serving.decisions.accounts import measures_document

app = application("Measures.")
measures_app = application("What is in force on accounts, from when to when.")
app.add_typer(measures_app, name="measures")


@measures_app.command("list")
def list_measures(
    account: Annotated[str | None, typer.Option(help="Only those of this account, imported ones too.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the measures in force, and how many that rules started ended without a person looking."""
    document = measures_document(existing_database_of(settings_of(home)), account, now_in(home))
    columns = ("account_id", "measure", "scope", "starts_at", "ends_at", "decided_by")

    def human() -> None:
        rows = [{"ends_at": None, **measure} for measure in document["measures"]]
        show_rows(columns, rows, "No measure is in force.")
        automatic = document["automatic"]
        if automatic["ended"]:
            alarm = " That is too many." if automatic["alarm"] else ""
            out.print(f"{automatic['ended_unreviewed']} of {automatic['ended']} ended unreviewed.{alarm}")

    emit(document, as_json, human)
