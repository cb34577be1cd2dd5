"""The one door to configuration: every MSCORE_* variable the service reads, checked once at start."""

import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from features.kernel.errors import Invalid

SECRET_BYTES = 32
SESSION_SECRET_FILE = "session.secret"  # noqa: S105 - the name of a file, not a secret


class Settings(BaseSettings):
    """What may differ between two installations; each field is read from the variable MSCORE_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="MSCORE_", frozen=True, extra="ignore")

    home: Path = Path("var")
    database_url: str | None = Field(default=None, description="SQLAlchemy URL; by default SQLite in the home folder")
    session_secret: SecretStr | None = Field(default=None, description="by default random, kept in the home folder")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    clock: AwareDatetime | None = Field(default=None, description="moment from which the clock runs, for tests")
    trusted_sources: tuple[str, ...] = Field(default=(), description="sources of imports that may end restrictions")
    environment: Literal["development", "production"] = "development"

    @property
    def is_production(self) -> bool:
        """Whether defaults that are only fit for one developer's machine are refused."""
        return self.environment == "production"

    @property
    def url(self) -> str:
        """Where the service is reached."""
        return f"http://{self.host}:{self.port}"

    def resolved_database_url(self) -> str:
        """The database to use: the one given, else `mscore.db` in the home folder."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'mscore.db'}"

    def resolved_session_secret(self) -> str:
        """The key that signs session cookies and page tokens, at least 32 characters.

        Raises:
            Invalid: production without MSCORE_SESSION_SECRET, or a secret that is too short to be one.
        """
        if self.session_secret is None:
            if self.is_production:
                raise Invalid(
                    "MSCORE_SESSION_SECRET is not set and MSCORE_ENVIRONMENT is production: "
                    "set it to at least 32 random characters."
                )
            return secret_of_home(self.home)
        given = self.session_secret.get_secret_value()
        if len(given) < SECRET_BYTES or len(set(given)) < SECRET_BYTES // 4:
            raise Invalid(
                f"MSCORE_SESSION_SECRET has {len(given)} characters, {len(set(given))} of them different: "
                "give it at least 32 random ones."
            )
        return given


def secret_of_home(home: Path) -> str:
    """The random secret of a home folder, made at first use and readable by its owner only."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / SESSION_SECRET_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text(encoding="ascii")
