"""The command that serves endpoints and pages."""

from features.home import Home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from serving.app import serve as serve_app
from serving.commands.rulebook import load_policy
from serving.commands.start import database_of, now_in, settings_of
from serving.intake.service import record_what_binds

app = application("The service.")


@app.command()
def serve(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Serve endpoints and pages on MSCORE_HOST and MSCORE_PORT (default 127.0.0.1:8000)."""
    settings = settings_of(home)
    database = database_of(settings)
    record_what_binds(Home(home).lake, database, now_in(home))
    address = f"http://{settings.host}:{settings.port}"
    emit({"address": address}, as_json, lambda: out.print(f"mscore serves {address}"))
    serve_app(settings, database, load_policy(home))
