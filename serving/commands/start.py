"""What every serving command starts from: the settings with the home of this call, and the database."""

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from features.kernel.errors import Invalid
from features.kernel.folders import require_home
from serving.clock import clock_of
from serving.settings import Settings
from serving.storage import Database


def settings_of(home: Path) -> Settings:
    """The settings of the environment, with the home folder of this call.

    Raises:
        Invalid: a variable has a value that it cannot have.
    """
    try:
        return Settings().model_copy(update={"home": home})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = "_".join(["MSCORE", *(str(part).upper() for part in wrong["loc"])])
        raise Invalid(f"{name} is {wrong['input']!r}: {wrong['msg']}.") from error


def now_in(home: Path) -> datetime:
    """The present moment by the clock of a home."""
    return clock_of(settings_of(home))()


def database_of(settings: Settings) -> Database:
    """The database, made and migrated at first use."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return _migrated(settings)


def existing_database_of(settings: Settings) -> Database:
    """The database of a home that is there, or the one that the settings name, migrated at first use.

    Raises:
        NotFound: the home would have to be made.
    """
    if settings.database_url is None:
        require_home(settings.home)
    return _migrated(settings)


def _migrated(settings: Settings) -> Database:
    database = Database(settings.resolved_database_url())
    database.migrate()
    return database
