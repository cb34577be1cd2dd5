"""The commands about the clock by which a home judges."""

from typing import Annotated

import typer

from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out
from features.kernel.folders import require_home
from features.kernel.moments import moment_of, text_of
from serving.clock import ServiceClock, clock_of, set_clock
from serving.commands.start import settings_of

app = application("The clock.")
clock_app = application("The moment by which this home judges what is in force.")
app.add_typer(clock_app, name="clock")


@clock_app.command("show")
def show_clock(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Show the present moment by the clock of this home."""
    _emit(clock_of(settings_of(require_home(home))), as_json)


@clock_app.command("set")
def set_home_clock(
    moment: Annotated[str, typer.Argument(help="Moment, such as 2025-06-01T12:00:00Z; not before the present one.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Set the clock of a home with simulated activity forwards; it runs on from there. Refused in production."""
    _emit(set_clock(settings_of(home), moment_of(moment)), as_json)


def _emit(clock: ServiceClock, as_json: bool) -> None:
    now = text_of(clock())
    kind = "real time" if clock.is_real else "demo time"
    emit({"now": now, "is_real": clock.is_real}, as_json, lambda: out.print(f"{now} ({kind})"))
