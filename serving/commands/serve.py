"""The command that serves endpoints and pages."""

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from serving.app import serve as serve_app
from serving.commands.rulebook import load_policy
from serving.commands.start import database_of, settings_of

app = application("The service.")


@app.command()
def serve(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Serve endpoints and pages on MSCORE_HOST and MSCORE_PORT (default 127.0.0.1:8000)."""
    settings = settings_of(home)
    database = database_of(settings)
    address = f"http://{settings.host}:{settings.port}"
    emit({"address": address}, as_json, lambda: out.print(f"mscore serves {address}"))
    serve_app(settings, database, load_policy(home))
