"""The command that migrates the database."""

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from serving.commands.start import database_of, settings_of

app = application("The database.")


@app.command()
def migrate(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Migrate the database to the current version."""
    settings = settings_of(home)
    database_of(settings)
    emit({"migrated": True}, as_json, lambda: out.print("The database is at the current version."))
